"""Failure capsules: one HTML file with a session's failure in it, that opens without a server or a network."""

from retrospec.capsule.events import MOST_BYTES, Trimmed, trim
from retrospec.capsule.making import make_capsule
from retrospec.capsule.page import Capsule, Tick, capsule_page

__all__ = ["MOST_BYTES", "Capsule", "Tick", "Trimmed", "capsule_page", "make_capsule", "trim"]
