"""Reads recordings that other tools wrote, so that any rrweb recorder's sessions can be analysed.

Known: a JSON array of events; an object with them under ``events`` or ``snapshots`` (also below ``data``); one event, or one list
of events, a line (NDJSON); each also gzip- or zstd-compressed; events packed by ``@rrweb/packer`` (zlib text marked ``v1``);
PostHog's file export and its blob lines, ``["<window>", event]`` or ``{"window_id", "data": [event]}``, with the parts it
compresses (``cv`` 2024-10: gzip text). Window ids become tabs.
"""

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from retrospec.domain.errors import CorruptRecording
from retrospec.domain.recording import Recording

MAX_INFLATED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20
_LISTS = ("events", "snapshots", "snapshot_data", "rrwebEvents")
_WINDOWS = ("windowId", "window_id", "tabId")
_PACKED_PARTS = ("adds", "removes", "texts", "attributes")


def read_recording(content: bytes, name: str) -> Recording:
    """The recording in a file's ``content``; ``name`` is only for messages. Raises CorruptRecording with what is wrong."""
    plain = _inflated(content, name)
    by_tab: dict[str, list[Any]] = {}
    for tab, event in _events(_parsed(plain, name), ""):
        by_tab.setdefault(tab, []).append(event)
    if not by_tab:
        raise CorruptRecording(f"{name}: no rrweb events in it", hint="expected a JSON array of events, {events: [...]} or one event a line")
    encode = msgspec.json.Encoder().encode
    return Recording([encode(events) for events in by_tab.values()], list(by_tab))


def _inflated(content: bytes, name: str) -> bytes:
    try:
        if content[:2] == b"\x1f\x8b":
            return _bounded(zlib.decompressobj(wbits=31), content, name)
        if content[:4] == b"\x28\xb5\x2f\xfd":
            return _bounded_zstd(content, name)
    except (zlib.error, zstandard.ZstdError) as error:
        raise CorruptRecording(f"{name}: its compression is damaged ({error})") from None
    return content


def _bounded(inflater: Any, content: bytes, name: str) -> bytes:
    plain: bytes = inflater.decompress(content, MAX_INFLATED_BYTES)
    if not inflater.eof:
        raise CorruptRecording(f"{name}: it is cut short, or inflates to more than {MAX_INFLATED_BYTES >> 20} MB")
    return plain


def _bounded_zstd(content: bytes, name: str) -> bytes:
    parts, total = [], 0
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(content, read_across_frames=True) as reader:
        while piece := reader.read(_PIECE_BYTES):
            parts.append(piece)
            total += len(piece)
            if total > MAX_INFLATED_BYTES:
                raise CorruptRecording(f"{name}: it inflates to more than {MAX_INFLATED_BYTES >> 20} MB")
    return b"".join(parts)


def _parsed(plain: bytes, name: str) -> Any:
    """The file as one JSON value, or the list of its lines' values."""
    try:
        return msgspec.json.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        whole = error
    lines = []
    for line in plain.splitlines():
        if line.strip():
            try:
                lines.append(msgspec.json.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    if not lines:
        raise CorruptRecording(f"{name}: neither JSON nor JSON lines ({whole})") from None
    return lines


def _events(value: Any, tab: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """All events within ``value``, each with its tab."""
    if depth > 6:
        return
    if isinstance(value, str):
        unpacked = _unpacked(value)
        if unpacked is not None:
            yield from _events(unpacked, tab, depth + 1)
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
            yield from _events(value[1], value[0], depth + 1)  # PostHog: [window, event]
        else:
            for item in value:
                yield from _events(item, tab, depth + 1)
    elif isinstance(value, dict):
        yield from _events_of_object(value, tab, depth)


def _events_of_object(value: dict[str, Any], tab: str, depth: int) -> Iterator[tuple[str, Any]]:
    window = next((value[key] for key in _WINDOWS if isinstance(value.get(key), str)), tab)
    if isinstance(value.get("type"), int) and ("timestamp" in value or "data" in value):
        yield window, _without_compression(value)
        return
    for key in _LISTS:
        if isinstance(value.get(key), list):
            yield from _events(value[key], window, depth + 1)
            return
    if isinstance(value.get("data"), (dict, list)):
        yield from _events(value["data"], window, depth + 1)


def _unpacked(text: str) -> Any:
    """An event packed by ``@rrweb/packer``, or one that is JSON text; None where it is neither."""
    try:
        return msgspec.json.decode(zlib.decompressobj().decompress(text.encode("latin-1"), MAX_INFLATED_BYTES))
    except (zlib.error, UnicodeError, msgspec.DecodeError, RecursionError):
        pass
    try:
        return msgspec.json.decode(text) if text[:1] in "[{" else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _without_compression(event: dict[str, Any]) -> dict[str, Any]:
    """PostHog's ``cv`` events with their parts inflated; others as they are."""
    if "cv" not in event:
        return event
    content = event.get("data")
    if isinstance(content, str):
        content = _gunzipped(content)
    elif isinstance(content, dict):
        content = {key: _gunzipped(part) if key in _PACKED_PARTS and isinstance(part, str) else part for key, part in content.items()}
    return {**event, "data": content}


def _gunzipped(text: str) -> Any:
    """The JSON in gzip text; the text itself where it is none."""
    try:
        return msgspec.json.decode(gzip.decompress(text.encode("latin-1")))
    except (OSError, EOFError, zlib.error, UnicodeError, msgspec.DecodeError, RecursionError):
        return text
