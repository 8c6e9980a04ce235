"""When a failure goes quiet: judged often enough, and found to be none nearly always. Pure."""

from math import sqrt

MIN_JUDGED = 5
"""Judgements below this are an accident."""
QUIET_SHARE = 0.8
"""Share of judgements that say "not real" from which it goes quiet."""
SURE_SHARE = 0.5
"""What the share is at least, with 95 % certainty: few judgements must agree more than many."""
_Z = 1.96


def goes_quiet(real: int, not_real: int) -> bool:
    """Whether a failure with so many judgements each way goes quiet.

    ``real``: seen on screen, or accepted by a person. ``not_real``: refuted on screen, or rejected by a person. With
    five judgements all five must say so, with ten nine, with twenty sixteen.
    """
    judged = real + not_real
    return judged >= MIN_JUDGED and not_real / judged >= QUIET_SHARE and at_least(not_real, judged) >= SURE_SHARE


def at_least(hits: int, tries: int) -> float:
    """The lower end of Wilson's 95 % interval (1927) for a share of ``hits`` in ``tries``; 0 without tries."""
    if not tries:
        return 0.0
    share, z2 = hits / tries, _Z * _Z
    middle = share + z2 / (2 * tries)
    spread = _Z * sqrt(share * (1 - share) / tries + z2 / (4 * tries * tries))
    return (middle - spread) / (1 + z2 / tries)
