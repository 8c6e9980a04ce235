"""Redaction measured: precision and recall by kind on the labelled corpus, and speed on clean and on dirty pages."""

import json
import time
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from retrospec.bench.corpus import HOSTILE, Maker, Sample, harmless_samples, labelled_samples, look_alike
from retrospec.capture.body import read_upload
from retrospec.capture.compress import compress
from retrospec.capture.redaction import DEFAULT_RULES, Kind, redact_events, redact_text
from retrospec.domain.settings import LimitSettings

_CSS = ".card{{padding:{0}px;color:#{0}a{0}b;background:url(/img/p@2x.{0}.png)}}@media (min-width:{0}00px){{.row{{margin:-{0}px}}}}"


class KindScore(msgspec.Struct):
    """One kind on the corpus."""

    kind: str
    samples: int
    recall: float
    leaked: list[str]
    """Up to three texts whose secret stayed."""


class RedactionScore(msgspec.Struct):
    """All that ``run`` measured."""

    kinds: list[KindScore]
    recall: float
    harmless: int
    harmless_changed: float
    """Share of harmless texts changed."""
    changed: list[str]
    stylesheets_identical: bool
    clean_ms_per_mb: float
    """CPU to redact recordings without secrets."""
    whole_ms_per_mb: float
    """CPU to check, redact and compress the same."""
    dirty_ms_per_mb: float
    """CPU to redact recordings with a secret in every page."""
    hostile_s_per_mb: float
    """CPU of the worst of 20 texts made to be slow; past a million such characters a recording costs no more."""


def run(*, samples: int = 300, megabytes: int = 4, hostile_chars: int = 100_000, out: TextIO | None = None) -> RedactionScore:
    """Measure redaction on ``samples`` secrets a kind, speed on ``megabytes``, and the worst text of ``hostile_chars``; print to ``out`` if given."""
    labelled, harmless = labelled_samples(samples), harmless_samples(samples * 20)
    kinds = [_score(kind, [sample for sample in labelled if sample.kind is kind]) for kind in Kind if kind is not Kind.CUSTOM]
    changed = [sample.text for sample in harmless if redact_text(sample.text, DEFAULT_RULES)[0] != sample.text]
    clean, dirty = recording(megabytes, secrets=False), recording(megabytes, secrets=True)
    score = RedactionScore(
        kinds=kinds,
        recall=sum(kind.recall * kind.samples for kind in kinds) / sum(kind.samples for kind in kinds),
        harmless=len(harmless),
        harmless_changed=len(changed) / len(harmless),
        changed=changed[:5],
        stylesheets_identical=_stylesheets(redact_events(dirty, DEFAULT_RULES).events_json) == _stylesheets(dirty),
        clean_ms_per_mb=_cpu_ms_per_mb(lambda: redact_events(clean, DEFAULT_RULES), clean),
        whole_ms_per_mb=_cpu_ms_per_mb(lambda: _take_in(clean), clean),
        dirty_ms_per_mb=_cpu_ms_per_mb(lambda: redact_events(dirty, DEFAULT_RULES), dirty),
        hostile_s_per_mb=max(_hostile_s_per_mb(piece * (hostile_chars // len(piece))) for piece in HOSTILE),
    )
    if out is not None:
        out.write(told(score))
    return score


def told(score: RedactionScore) -> str:
    """The figures as a table for a terminal."""
    rows = [f"{'kind':<14}{'samples':>8}{'recall':>9}"]
    for kind in score.kinds:
        rows.append(f"{kind.kind:<14}{kind.samples:>8}{kind.recall:>9.4f}" + "".join(f"\n    stayed: {text!r}" for text in kind.leaked))
    rows.append(f"{'all':<14}{sum(kind.samples for kind in score.kinds):>8}{score.recall:>9.4f}")
    rows.append(f"harmless texts changed: {score.harmless_changed:.4%} of {score.harmless:,}")
    rows += [f"    changed: {text!r}" for text in score.changed]
    rows.append(f"stylesheets byte for byte: {'yes' if score.stylesheets_identical else 'NO'}")
    rows.append(f"clean recording: {score.clean_ms_per_mb:.1f} ms CPU per MB ({1000 / score.clean_ms_per_mb:.0f} MB/s)")
    rows.append(f"  checked, redacted and compressed: {score.whole_ms_per_mb:.1f} ms CPU per MB")
    rows.append(f"recording with secrets: {score.dirty_ms_per_mb:.1f} ms CPU per MB ({1000 / score.dirty_ms_per_mb:.0f} MB/s)")
    rows.append(f"worst hostile text: {score.hostile_s_per_mb:.1f} s CPU per MB")
    return "\n".join(rows) + "\n"


def _score(kind: Kind, samples: list[Sample]) -> KindScore:
    leaked = [sample.text for sample in samples if not _is_gone(sample)]
    recall = 1 - len(leaked) / len(samples)
    return KindScore(kind=kind.value, samples=len(samples), recall=recall, leaked=leaked[:3])


def _is_gone(sample: Sample) -> bool:
    """Whether something was replaced and neither half of the secret is left."""
    redacted, counts = redact_text(sample.text, DEFAULT_RULES)
    middle = len(sample.secret) // 2
    return bool(counts) and not any(half in redacted for half in (sample.secret[:middle], sample.secret[middle:]))


def recording(megabytes: int, *, secrets: bool) -> bytes:
    """A JSON array of rrweb events of about ``megabytes``: snapshots of a shop, clicks, moves, changes."""
    make = Maker(7)
    one = json.dumps(_visit(make, secrets=secrets), ensure_ascii=False, separators=(",", ":")).encode()
    body = one[1:-1]
    return b"[" + b",".join([body] * max(1, megabytes * 1_000_000 // len(body))) + b"]"


def _visit(make: Maker, *, secrets: bool) -> list[dict[str, Any]]:
    start = 1_763_900_000_000
    events: list[dict[str, Any]] = [
        {"type": 4, "data": {"href": "https://shop.example/?v=1763900000000", "width": 1280, "height": 720}, "timestamp": start},
        {"type": 2, "data": {"node": _page(make, secrets=secrets), "initialOffset": {"left": 0, "top": 0}}, "timestamp": start + 9},
    ]
    for step in range(300):
        moves = [{"x": make.rng.randrange(1280), "y": make.rng.randrange(720), "id": step, "timeOffset": -50 * place} for place in range(10)]
        events.append({"type": 3, "data": {"source": 1, "positions": moves}, "timestamp": start + 100 * step})
        change = {"source": 0, "texts": [{"id": step, "value": look_alike(make)}], "attributes": [], "removes": [], "adds": []}
        events.append({"type": 3, "data": change, "timestamp": start + 100 * step + 50})
    return events


def _page(make: Maker, *, secrets: bool) -> dict[str, Any]:
    css = "".join(_CSS.format(number) for number in range(900))
    cards = [_element("div", [_text(look_alike(make)), _element("img", [], src=f"/img/{place}@2x.png?v={place}")], **{"class": "card"}) for place in range(400)]
    if secrets:
        cards += [_element("p", [_text(sample.text)]) for sample in labelled_samples(2)]
    html = _element("html", [_element("head", [_element("style", [], _cssText=css)]), _element("body", cards)])
    return {"type": 0, "childNodes": [html], "id": 1}


def _element(tag: str, children: list[dict[str, Any]], **attributes: str) -> dict[str, Any]:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": children, "id": 5}


def _text(text: str) -> dict[str, Any]:
    return {"type": 3, "textContent": text, "id": 6}


def _stylesheets(events_json: bytes) -> list[str]:
    snapshots = [event for event in msgspec.json.decode(events_json) if event["type"] == 2]
    heads = [snapshot["data"]["node"]["childNodes"][0]["childNodes"][0] for snapshot in snapshots]
    return [head["childNodes"][0]["attributes"]["_cssText"] for head in heads]


def _take_in(events_json: bytes) -> bytes:
    body = b'{"sessionId":"bench","site":"shop.example","events":' + events_json + b"}"
    upload = read_upload(body, LimitSettings(max_body_mb=1_024))
    return compress(redact_events(upload.events, DEFAULT_RULES).events_json)


def _hostile_s_per_mb(text: str) -> float:
    body = json.dumps([{"type": 5, "data": {"tag": "x", "payload": text}, "timestamp": 1}]).encode()
    return _cpu_ms_per_mb(lambda: redact_events(body, DEFAULT_RULES), body) / 1_000


def _cpu_ms_per_mb(work: Callable[[], object], recording_json: bytes) -> float:
    work()
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1_000 / (len(recording_json) / 1_000_000)
