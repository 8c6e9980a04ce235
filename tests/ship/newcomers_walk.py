"""The walk of a newcomer in one go: ``python -m tests.ship.newcomers_walk [PATH …]`` (root, Debian's debootstrap and bubblewrap).

A bare Debian with Python alone, this repository's HEAD in a folder of it, and the README's first command word for word; then
``retrospec serve``, an account, the printed snippet in a page of one's own, that page visited by two browsers, and the issue they share.
Each PATH is seen in the bare Debian as it is here: where this machine has its mirrors and their certificates. What the environment says of them goes with it.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.ship.operators_walk import ROOT, run, say
from tests.web.browsing import chromium

RELEASE = "bookworm"
HOME = "/srv/retrospec"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MIRRORS = ("PIP_", "NPM_CONFIG_", "NODE_EXTRA_CA_CERTS")
"""How variables begin that say where packages come from."""
IN_ALL_S = 600.0
"""From the first command to an issue of one's own on the screen."""
EMAIL, PASSWORD = "newcomer@shop.example", "four small brown birds"
PAGE = """<!doctype html><html lang="en"><head><title>Bakery</title>SNIPPET</head><body><h1>Bakery</h1><p id="told">Fresh rolls.</p>
<button id="order">Order rolls</button><script>
document.getElementById("order").addEventListener("click", () => {
  document.getElementById("told").textContent = "Something went wrong, please try again.";
  basket.total.toFixed(2);
});
</script></body></html>"""


class Debian:
    """A folder that stands for a fresh machine."""

    def __init__(self, folder: Path, shared: list[str]) -> None:
        self.folder, self._shared = folder, shared

    def make(self) -> None:
        """Debian's smallest set and Python, nothing else."""
        run("debootstrap", "--variant=minbase", "--include=python3,ca-certificates", RELEASE, self.folder)
        home = self.folder / HOME.strip("/")
        run("git", "clone", "-q", "--no-local", ROOT, home)

    def command(self, line: str) -> list[str]:
        """``line`` in a shell of that machine, in the repository's folder; it is root there, with this machine's network and clock."""
        box = ["bwrap", "--die-with-parent", "--unshare-pid", "--bind", str(self.folder), "/", "--dev", "/dev", "--proc", "/proc"]
        box += [word for path in (*self._shared, "/etc/resolv.conf", "/etc/hosts") for word in ("--ro-bind", path, path)]
        kept = {name: value for name, value in os.environ.items() if name.startswith(MIRRORS)}
        given = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **kept}
        box += ["--cap-add", "ALL", "--clearenv", *(word for name, value in given.items() for word in ("--setenv", name, value))]
        return [*box, "--chdir", HOME, "sh", "-c", line]

    @contextmanager
    def running(self, line: str, until: str, *, within_s: float) -> Iterator[str]:
        """``line`` left running once it has said ``until``; yields what it said."""
        log = self.folder / "said"
        with log.open("wb") as out:
            process = subprocess.Popen(self.command(line), stdout=out, stderr=out)
        try:
            await_(lambda: until in log.read_text(errors="replace") or process.poll() is not None, within_s, line)
            said = log.read_text(errors="replace")
            assert until in said, said
            yield said
        finally:
            process.terminate()
            process.wait(30)


def await_(is_so: Callable[[], bool], within_s: float, what: str) -> None:
    """Look until it is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.5)


def first_command() -> str:
    """Of the README, as it stands there."""
    found = re.search(r"```sh\n(sh install\.sh && [^\n#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    return found[1].strip()


@contextmanager
def bakery(snippet: str) -> Iterator[str]:
    """A page of one's own with the snippet in its head; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The page, whatever is asked."""
            body = PAGE.replace("SNIPPET", snippet).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def set_up(page: Page, link: str) -> None:
    """The account, as the page asks for it."""
    page.goto(link)
    page.fill("[name=email]", EMAIL)
    page.fill("[name=name]", "Newcomer")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Create my account").click()
    page.wait_for_url("**/p/**")


def visit(browser: Browser, address: str) -> None:
    """Someone with a browser of their own presses the button, waits, and goes."""
    theirs = browser.new_context()
    page = theirs.new_page()
    page.goto(address)
    page.wait_for_timeout(3_000)
    page.click("#order")
    page.wait_for_timeout(4_000)
    page.goto("about:blank")
    page.wait_for_timeout(2_000)
    theirs.close()


def own_issue(browser: Browser, said: str) -> str:
    """From what ``retrospec serve`` printed to the text of the first issue of one's own site."""
    link, snippet = (re.search(pattern, said) for pattern in (r"https?://\S+/set-up/\S+", r"<script src=.*</script>"))
    assert link is not None and snippet is not None, said
    mine = browser.new_page()
    set_up(mine, link[0])
    with bakery(snippet[0]) as address:
        for _ in range(2):
            visit(browser, address)
        issues = re.sub(r"(/p/[^/]+)/.*", r"\1/issues", mine.url)
        row = mine.locator("a[href*='/issues/js_exception']")

        def is_there() -> bool:
            mine.goto(issues)
            return row.count() > 0

        await_(is_there, 180, "an issue of the bakery")
        row.first.click()
        mine.wait_for_url("**/issues/js_exception*")
    return mine.locator("h1").inner_text()


def walk(shared: list[str]) -> None:
    """All of it; raises AssertionError at the first stumble."""
    with tempfile.TemporaryDirectory(prefix="retrospec-newcomer-") as folder, chromium() as browser:
        debian = Debian(Path(folder) / "debian", shared)
        debian.make()
        begun = time.monotonic()
        with debian.running(first_command(), "Stop with Ctrl-C", within_s=IN_ALL_S) as said:
            say(f"{first_command()}: {time.monotonic() - begun:.0f} s", said)
            assert "4 issues came out of 12 visits" in said
            page = browser.new_page()
            for address in re.findall(r"http://\S+", said)[-1:]:
                assert page.goto(address), address
            say(f"signed in to the demo: {time.monotonic() - begun:.0f} s", page.locator("h1").first.inner_text())
        with debian.running(".venv/bin/retrospec serve", "Stop with Ctrl-C", within_s=60) as said:
            say(f".venv/bin/retrospec serve: {time.monotonic() - begun:.0f} s", said)
            title = own_issue(browser, said)
        took_s = time.monotonic() - begun
        say(f"an issue of one's own: {took_s:.0f} s after the first command", title)
        assert took_s < IN_ALL_S, f"{took_s:.0f} s"
    say("the walk went through without a stumble")


if __name__ == "__main__":
    walk(sys.argv[1:])
