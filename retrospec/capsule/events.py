"""The events of a capsule: those that show the failures, with what the page looked like inside."""

import base64
import re
from collections.abc import Iterable, Sequence

import msgspec

from retrospec.domain.recording import Fetch, Recording
from retrospec.replay.timeline import Timeline, read_timeline
from retrospec.vault.contents import CSS
from retrospec.vault.store import STAGE_ORIGIN

MOST_BYTES = 24_000_000
"""Events of one capsule, inflated: what a mail takes once it is compressed, and a phone can still parse."""
LEAD_MS, TAIL_MS = 60_000, 15_000
MOST_ASSET_BYTES = 12_000_000
_NAME = re.compile(rb"[0-9a-f]{64}")
_IN_EVENTS = re.compile(re.escape(STAGE_ORIGIN.encode()) + rb"([0-9a-f]{64})")
_SRCDOC, _UNREAD_SRCDOC = b'"srcdoc":', b'"data-srcdoc":'
"""A frame's own text would load and wipe the document that was recorded of it."""


class Trimmed(msgspec.Struct, kw_only=True):
    """Some of a recording."""

    text: bytes
    """A JSON array of events."""
    event_count: int
    left_out: int
    start_ms: int
    """From the session's beginning to the first event here."""
    zero_epoch_ms: float
    cut: str
    """Why something is left out; empty where nothing is."""
    assets: dict[str, str]
    """``data:`` addresses by digest."""
    assets_left_out: int


def trim(recording: Recording, moments_ms: Sequence[int], *, whole: bool) -> Trimmed:
    """From the page load before the first moment (a minute ahead of it) to some seconds after the last. CPU work: run it in a thread."""
    line = read_timeline(recording)
    first, last = _bounds(line, moments_ms, whole)
    raws, size_bytes = [], 0
    for raw in line.raws[first:last]:
        size_bytes += len(bytes(raw))
        if size_bytes > MOST_BYTES:
            break
        raws.append(bytes(raw).replace(_SRCDOC, _UNREAD_SRCDOC))
    text = b"[" + b",".join(raws) + b"]"
    assets, without = _assets_in(text, recording.assets)
    left_out = len(line.raws) - len(raws)
    return Trimmed(
        text=text, event_count=len(raws), left_out=left_out, start_ms=line.times[first] if raws else 0, zero_epoch_ms=line.zero_epoch_ms,
        cut=_why_cut(left_out, size_bytes), assets=assets, assets_left_out=without,
    )  # fmt: skip


def _bounds(line: Timeline, moments_ms: Sequence[int], whole: bool) -> tuple[int, int]:
    """Indexes of the first event and of the one after the last."""
    if not line.snapshots:
        return 0, 0
    if whole or not moments_ms:
        return max(0, line.snapshots[0] - 1), len(line.raws)
    before = [index for index in line.snapshots if line.times[index] <= max(0, min(moments_ms) - LEAD_MS)]
    first = before[-1] if before else line.snapshots[0]
    last = sum(1 for t_ms in line.times if t_ms <= max(moments_ms) + TAIL_MS)
    return max(0, first - 1), max(last, first + 1)


def _why_cut(left_out: int, size_bytes: int) -> str:
    if size_bytes > MOST_BYTES:
        return f"the recording is longer than the {MOST_BYTES // 1_000_000} MB a capsule takes"
    return "only what leads to the failures and follows them is here" if left_out else ""


def _assets_in(text: bytes, fetch: Fetch | None) -> tuple[dict[str, str], int]:
    """Contents the events point at, and how many found no room or are gone."""
    found: dict[str, str] = {}
    without = 0
    for digest in _digests(text):
        address = _data_address(digest, fetch, 0)
        if address is None or sum(map(len, found.values())) + len(address) > MOST_ASSET_BYTES:
            without += 1
        else:
            found[digest] = address
    return found, without


def _digests(text: bytes) -> Iterable[str]:
    return dict.fromkeys(match.group(1).decode() for match in _IN_EVENTS.finditer(text))


def _data_address(digest: str, fetch: Fetch | None, depth: int) -> str | None:
    """A stylesheet takes along what it points at, one level deep."""
    content = fetch(digest) if fetch is not None else None
    if content is None:
        return None
    body, content_type = content
    if content_type == CSS and depth == 0:
        body = _NAME.sub(lambda match: (_data_address(match.group().decode(), fetch, 1) or match.group().decode()).encode(), body)
    return f"data:{content_type};base64,{base64.b64encode(body).decode()}"
