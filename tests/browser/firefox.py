"""Drives a Firefox by Marionette, its own remote protocol: length-prefixed JSON over a local socket."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PREFERENCES = {"marionette.port": 0, "browser.shell.checkDefaultBrowser": False, "datareporting.policy.dataSubmissionEnabled": False, "app.update.enabled": False}
START_SECONDS = 60


def firefox_path() -> str:
    """A Firefox to drive, or an empty string."""
    return next((path for path in map(shutil.which, ("firefox", "firefox-esr")) if path), "")


class Firefox:
    """One browser; every call waits for its answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._calls = 0
        self._read()  # its greeting
        self.call("WebDriver:NewSession")

    def call(self, command: str, **parameters: Any) -> Any:
        """The ``value`` of the answer; raises on an error."""
        self._calls += 1
        message = json.dumps([0, self._calls, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, error
        return result.get("value") if isinstance(result, dict) else result

    def goto(self, url: str) -> None:
        """Opens ``url`` and waits until it has loaded."""
        self.call("WebDriver:Navigate", url=url)

    def run(self, script: str) -> Any:
        """What ``script``, the body of a function, returns; a promise is awaited."""
        body = f"const done = arguments[0]; Promise.resolve((() => {{ {script} }})()).then(done)"
        return self.call("WebDriver:ExecuteAsyncScript", script=body, args=[], sandbox=None)

    def script(self, code: str) -> None:
        """Runs ``code`` as the page's own script: what it throws is the page's error, not the driver's."""
        self.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {json.dumps(code)} }}))")

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._socket.recv(1)
        wanted, text = int(length[:-1]), b""
        while len(text) < wanted:
            text += self._socket.recv(wanted - len(text))
        return json.loads(text)


def _port(profile: Path, browser: subprocess.Popen[bytes]) -> int:
    """The port Firefox has written to its profile."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and browser.poll() is None:
        file = profile / "MarionetteActivePort"
        if file.is_file() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.05)  # another program's start has no other sign
    raise AssertionError("Firefox did not open its Marionette port")


@contextmanager
def running_firefox(path: str, profile: Path) -> Iterator[Firefox]:
    """A headless Firefox with a fresh profile."""
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    environment = {**os.environ, "HOME": str(profile), "MOZ_HEADLESS": "1"}
    command = [path, "--marionette", "--no-remote", "--profile", str(profile)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            with closing(Firefox(_port(profile, browser))) as firefox:
                yield firefox
        finally:
            browser.terminate()
