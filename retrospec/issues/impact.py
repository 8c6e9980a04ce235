"""What an issue costs, as one number that sorts a list. Pure.

The number is the base-2 logarithm of people hit, where a person hit three days later weighs twice as
much (forward decay: Cormode, Shkapenyuk, Srivastava, Xu, "Forward Decay", ICDE 2009). Since all weights age
alike, the order of two issues changes only when one of them is met again: nothing has to be recomputed as time
passes, and the number can stand in an index.
"""

import math
from collections.abc import Iterable
from datetime import datetime

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.finding import Outcome

HALF_LIFE_MS = 3 * 24 * 3_600_000
AGAIN = 0.2
"""What a further session of somebody who was counted before adds."""
_HARM = {Outcome.BLOCKED: 1.0, Outcome.UNKNOWN: 0.5, Outcome.OVERCAME: 0.4, Outcome.UNAFFECTED: 0.1}


def added_impact(impact: float, *, outcome: Outcome, is_new_person: bool, at: datetime) -> float:
    """``impact`` (0: nobody yet) with one more session in it."""
    harm = _HARM[outcome] * (1.0 if is_new_person else AGAIN)
    new = math.log2(harm) + to_epoch_ms(at) / HALF_LIFE_MS
    if not impact:
        return new
    high, low = max(impact, new), min(impact, new)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def summed_impact(impacts: Iterable[float]) -> float:
    """The impact of clusters that are one issue; 0 where nobody was hit in any."""
    hit = sorted((each for each in impacts if each), reverse=True)
    if not hit:
        return 0.0
    return hit[0] + math.log2(sum(2.0 ** (each - hit[0]) for each in hit))


_WORST_FIRST = (Outcome.BLOCKED, Outcome.OVERCAME, Outcome.UNKNOWN, Outcome.UNAFFECTED)


def worst(outcomes: list[Outcome]) -> Outcome:
    """The outcome a session counts with; unknown when there is none."""
    return min(outcomes, key=_WORST_FIRST.index, default=Outcome.UNKNOWN)
