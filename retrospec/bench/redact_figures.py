"""The figures of ``retrospec bench redact``."""

from retrospec.bench.figures import Figure, Note
from retrospec.bench.redact import RedactionScore, run

LEAST_RECALL = 0.99
MOST_CHANGED = 0.001


def figures(note: Note) -> list[Figure]:
    """Half a minute."""
    score = run()
    note("redacted", 1, 1)
    worst = min(score.kinds, key=lambda each: each.recall)
    leaking = [f"{each.kind} {each.recall:.4f}" for each in score.kinds if each.recall < LEAST_RECALL]
    samples = sum(each.samples for each in score.kinds)
    return [
        Figure(name="recall, all kinds", goal=">= 0.99", reached=f"{score.recall:.4f}", is_met=score.recall >= LEAST_RECALL, beside=f"{samples:,} secrets of {len(score.kinds)} kinds"),
        Figure(name="recall, the worst kind", goal=">= 0.99", reached=f"{worst.recall:.4f}", is_met=not leaking, beside=", ".join(leaking) or worst.kind),
        Figure(name="harmless texts changed", goal="< 0.1 %", reached=f"{score.harmless_changed:.3%}", is_met=score.harmless_changed < MOST_CHANGED, beside=f"of {score.harmless:,}"),
        Figure(name="stylesheets byte for byte", goal="yes", reached="yes" if score.stylesheets_identical else "no", is_met=score.stylesheets_identical),
        *_speeds(score),
    ]


def _speeds(score: RedactionScore) -> list[Figure]:
    return [
        Figure(name="clean recording", reached=f"{score.clean_ms_per_mb:.1f} ms CPU a MB", beside=f"checked and compressed, too: {score.whole_ms_per_mb:.1f}"),
        Figure(name="recording with secrets", reached=f"{score.dirty_ms_per_mb:.1f} ms CPU a MB"),
        Figure(name="worst hostile text", reached=f"{score.hostile_s_per_mb:.1f} s CPU a MB"),
    ]
