"""A capsule's HTML: all in one file, allowed to run nothing but its own two scripts and to fetch nothing at all."""

import base64
import functools
import gzip
import hashlib
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from retrospec.capsule.events import Trimmed
from retrospec.domain.errors import Unavailable
from retrospec.domain.report import ReportCard
from retrospec.domain.session import Session
from retrospec.domain.shipped import built_dir, static_dir, templates_dir
from retrospec.reproduction import Reproduction


class Tick(msgspec.Struct, kw_only=True):
    """A failure on the capsule's time line."""

    t_ms: int
    kind: str
    label: str
    state: str


class Capsule(msgspec.Struct, kw_only=True):
    """What a capsule tells."""

    session: Session
    report: ReportCard | None
    ticks: list[Tick]
    way: Reproduction | None
    test: str
    redactions: dict[str, int]
    losses: list[str]
    recording: Trimmed


def capsule_page(capsule: Capsule) -> bytes:
    """The file. Raises Unavailable where the player was not built."""
    replayer, own = _script(built_dir() / "replay.js"), _script(static_dir() / "capsule.js")
    sources = " ".join(_source(text) for text in (replayer, own))
    policy = (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline' data:; img-src data:; font-src data:; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    recording = capsule.recording
    text = _environment().get_template("capsule.html").render(
        capsule=capsule, recording=recording, policy=policy,
        styles=_marked("\n".join((static_dir() / name).read_text("utf-8") for name in ("tokens.css", "capsule.css"))),
        player_styles=_marked((built_dir() / "replay.css").read_text("utf-8")),
        replayer=_marked(replayer), own=_marked(own),
        events=base64.b64encode(gzip.compress(recording.text, 7, mtime=0)).decode(),
        assets=base64.b64encode(gzip.compress(msgspec.json.encode(recording.assets), 7, mtime=0)).decode(),
    )  # fmt: skip
    return text.encode()


class _Marked(str):
    """Our own build's text, which goes in unescaped."""

    def __html__(self) -> str:
        return self


def _marked(text: str) -> _Marked:
    return _Marked(text)


def _script(path: Any) -> str:
    """A script that can stand between script tags."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise Unavailable("The player has not been built here. Run: python hatch_build.py") from error
    return str(text).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def clock(ms: int) -> str:
    """``1:05``."""
    return f"{max(0, ms) // 60_000}:{max(0, ms) // 1000 % 60:02}"


@functools.cache
def _environment() -> Environment:
    jinja = Environment(loader=FileSystemLoader(templates_dir()), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    jinja.filters["clock"] = clock
    return jinja


