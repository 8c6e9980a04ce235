"""Detectors: each reads the story and returns findings. One file each, with its thresholds and their source.

``DETECTORS`` is their order; ``joining`` then decides which finding of one moment is the cause and which are its symptoms.
"""

from collections.abc import Callable

from retrospec.analysis.detectors import (
    blank_pages,
    endless_spinners,
    error_clicks,
    errors_shown,
    exceptions,
    failed_requests,
    quick_backs,
    rage_clicks,
    refusals,
    reload_loops,
    unresponsive,
)
from retrospec.analysis.scene import Scene
from retrospec.domain.finding import Finding

Detector = Callable[[Scene], list[Finding]]

DETECTORS: dict[str, Detector] = {
    "exceptions": exceptions.find,
    "failed_requests": failed_requests.find,
    "refusals": refusals.find,
    "reload_loops": reload_loops.find,
    "blank_pages": blank_pages.find,
    "endless_spinners": endless_spinners.find,
    "rage_clicks": rage_clicks.find,
    "unresponsive": unresponsive.find,
    "error_clicks": error_clicks.find,
    "errors_shown": errors_shown.find,
    "quick_backs": quick_backs.find,
}
