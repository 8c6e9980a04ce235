"""What a bench finds, in one form for all: figures beside their goals."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

Note = Callable[[str, int, int], None]
"""Progress: the phase, how many are done, and of how many."""


PICTURES_VARIABLE = "RETROSPEC_BENCH_PICTURES"
"""Folder for what ``retrospec bench all`` shows beside the figures."""


def picture_file(name: str) -> Path | None:
    """Where to put a picture; None where nobody keeps them."""
    folder = os.environ.get(PICTURES_VARIABLE)
    return Path(folder) / name if folder else None


class Lacking(Exception):
    """This machine has not what the bench needs; the sentence says what."""


class Figure(msgspec.Struct, kw_only=True, frozen=True):
    """One number, as text with its unit."""

    name: str
    reached: str
    goal: str = ""
    """What was asked; empty where nothing was."""
    is_met: bool = True
    beside: str = ""
    """What it is compared with, measured in the same run."""


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """Where it was measured."""

    cores: int
    memory_mb: int
    system: str
    python: str
    decode_ms_per_mb: float
    """The yardstick: CPU to decode 1 MB of rrweb events into Python objects."""
    load: float
    """How many programs wanted a core when it began (load average of a minute): above ``cores`` the clock is not ours alone."""


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """What became of one bench."""

    name: str
    measured_on: str
    """The day, as 2026-01-31."""
    version: str
    machine: Machine
    took_s: float
    figures: list[Figure] = []
    trouble: str = ""
    """Why there are no figures, or not all of them."""


def counted(name: str, goal: str, found: int) -> Figure:
    """A count that has to be nought."""
    return Figure(name=name, goal=goal, reached=f"{found:,}", is_met=not found)


def printed(figures: list[Figure]) -> str:
    """What was asked beside what was reached, a line each."""
    width, asked = max(len(each.name) for each in figures), max(len(each.goal) for each in figures)
    lines = []
    for each in figures:
        goal = f"asked {each.goal:<{asked}}" if each.goal else " " * (asked + 6)
        beside = f" ({each.beside})" if each.beside else ""
        lines.append(f"{each.name:<{width}}  {goal}  reached {each.reached}{beside}{'' if each.is_met else '   NOT REACHED'}")
    return "\n".join(lines)
