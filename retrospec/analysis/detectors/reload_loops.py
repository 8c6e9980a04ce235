"""The same page loaded again and again without the person asking for it.

Thresholds: ``LOADS`` loads of one address within ``WITHIN_MS`` (source: the defaults of wire v1's ``reloadLoopThreshold`` and
``reloadLoopWindowMs``). A load that follows a click or a sent form was asked for.
"""

from retrospec.analysis.facts import Action
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

LOADS = 3
WITHIN_MS = 15_000
_ASKED_MS = 3_000


def find(scene: Scene) -> list[Finding]:
    """One finding per loop."""
    found: list[Finding] = []
    loop: list[Action] = []
    for load in _unasked_loads(scene):
        if loop and (_place(load) != _place(loop[0]) or load.t_ms - loop[-1].t_ms > WITHIN_MS):
            found.extend(_conclude(scene, loop))
            loop = []
        loop.append(load)
    return [*found, *_conclude(scene, loop)]


def _unasked_loads(scene: Scene) -> list[Action]:
    loads = [action for action in scene.story.actions if action.row.action == "navigation" and "load" in action.row.flags]
    return [load for load in loads if load is loads[0] or not _was_asked(scene, load)]


def _was_asked(scene: Scene, load: Action) -> bool:
    return any(load.t_ms - _ASKED_MS <= press.end_ms <= load.t_ms and press.actions[0].tab == load.tab for press in scene.presses)


def _place(load: Action) -> tuple[str, str]:
    return load.tab, load.row.detail.split("#")[0].split("?")[0]


def _conclude(scene: Scene, loop: list[Action]) -> list[Finding]:
    for first, last in zip(loop, loop[LOADS - 1 :], strict=False):
        if last.t_ms - first.t_ms <= WITHIN_MS:
            return [_finding(scene, loop)]
    return []


def _finding(scene: Scene, loop: list[Action]) -> Finding:
    seconds = (loop[-1].t_ms - loop[0].t_ms) / 1000
    stuck = scene.story.trace.duration_ms - loop[-1].t_ms < WITHIN_MS
    return finding(
        Signal.RELOAD_LOOP, loop[0].t_ms, Standing.CONFIRMED, 0.84, outcome=Outcome.BLOCKED if stuck else Outcome.OVERCAME,
        label=f"{loop[0].row.detail} loaded {len(loop)} times", refs=[load.row.ref for load in loop[:10]],
        reasons=[f"{len(loop)} loads within {seconds:.0f} s, none of them asked for by a click"],
    )  # fmt: skip
