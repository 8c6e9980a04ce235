"""Base confidence of an SDK marker, for when the recording shows nothing either way."""

import re

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SIGNAL_KINDS, Evidence, Marker, MarkerKind, Signal

_BASE: dict[Signal, float] = {
    Signal.EXCEPTION: 0.68, Signal.CRASH: 0.7, Signal.UNHANDLED_REJECTION: 0.66, Signal.HYDRATION_ERROR: 0.62, Signal.CONSOLE_ERROR: 0.62,
    Signal.HTTP_ERROR: 0.66, Signal.NETWORK_ERROR: 0.64, Signal.VALIDATION_REFUSED: 0.64, Signal.FORM_ABANDONED: 0.64, Signal.RAGE_CLICK: 0.66,
    Signal.DEAD_CLICK: 0.64, Signal.ERROR_CLICK: 0.66, Signal.UNRESPONSIVE: 0.64, Signal.RELOAD_LOOP: 0.68, Signal.BLANK_PAGE: 0.68,
    Signal.ENDLESS_SPINNER: 0.66, Signal.ERROR_SHOWN: 0.66, Signal.SLOW_REQUEST: 0.5, Signal.RESOURCE_ERROR: 0.5, Signal.CSP_VIOLATION: 0.4,
    Signal.LONG_TASK: 0.35, Signal.QUICK_BACK: 0.5, Signal.CUSTOM: 0.62, Signal.UNKNOWN: 0.62,
}  # fmt: skip
"""By signal. A plainly described failure of the four kinds of wire v1 stands at 0.6 or above, so that it is accepted by default;
signals that are only sometimes failures stay below."""

UNDESCRIBED = 0.5
NOISE = 0.3

_NOISE = re.compile(
    r"ResizeObserver loop|^(?:Uncaught )?Script error\.?$|(?:chrome|moz|safari(?:-web)?)-extension:|\bAbortError\b|Non-Error promise rejection captured"
    r"|Load(?:ing)? (?:chunk )?cancelled|The play\(\) request was interrupted",
    re.I,
)
"""Errors that tell of the browser, an extension or a cancelled wish, not of a fault of the page (source: the ignore lists that
Sentry and TrackJS publish for their users)."""


def is_noise(evidence: Evidence, label: str) -> bool:
    """An error that is nobody's failure."""
    return any(_NOISE.search(text) for text in (evidence.message, evidence.stack[:500], evidence.filename, label) if text)


def base_confidence(signal: Signal, evidence: Evidence, label: str) -> float:
    """0…1: what the marker's own words are worth."""
    if is_noise(evidence, label):
        return NOISE
    if not any(letter.isalnum() for letter in f"{label}{evidence.message}"):
        return UNDESCRIBED
    return _BASE.get(signal, 0.62)


def unseen(marker: Marker, evidence: Evidence, signal: Signal, label: str, ref: str, segment_seen: str) -> Finding:
    """The finding of a marker that stands alone."""
    reason = "it rests on the marker alone: the recording shows nothing of that moment"
    if segment_seen != "blind":
        reason = "it rests on the marker: the recording neither shows nor excludes it"
    return Finding(
        id=marker.id,
        signal=signal,
        kind=marker.kind,
        t_ms=max(0, marker.replay_offset_ms),
        standing=Standing.UNSEEN,
        confidence=base_confidence(signal, evidence, label),
        label=label,
        refs=[ref],
        reasons=[reason],
        marker_ids=[marker.id],
        evidence=evidence,
    )


_TOLD_BY_MARKERS = ("frames", "unmapped", "scripts")
"""Parts of ``Evidence.extra``."""


def learn_from(known: Evidence, told: Evidence) -> None:
    """Into what a recording tells of a failure, what only a marker of the same failure does: the program's frames and scripts."""
    known.stack = known.stack or told.stack
    for name in _TOLD_BY_MARKERS:
        if name in told.extra:
            known.extra.setdefault(name, told.extra[name])


def kind_of(signal: Signal) -> MarkerKind:
    """The wire kind of a signal."""
    return SIGNAL_KINDS.get(signal, MarkerKind.UI_NO_EFFECT)
