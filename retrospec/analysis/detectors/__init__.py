"""Detectors: each reads the story and returns findings. One file each, with its thresholds and their source.

``DETECTORS`` is their order; ``joining`` then decides which finding of one moment is the cause and which are its symptoms.
"""

from collections.abc import Callable

from retrospec.analysis.detectors import exceptions, failed_requests, rage_clicks, refusals, unresponsive
from retrospec.analysis.scene import Scene
from retrospec.domain.finding import Finding

Detector = Callable[[Scene], list[Finding]]

DETECTORS: dict[str, Detector] = {
    "exceptions": exceptions.find,
    "failed_requests": failed_requests.find,
    "refusals": refusals.find,
    "rage_clicks": rage_clicks.find,
    "unresponsive": unresponsive.find,
}
