import io

from retrospec.bench.redact import run


def test_the_bench_prints_every_kind_and_holds_its_goals() -> None:
    out = io.StringIO()
    score = run(samples=20, megabytes=1, hostile_chars=2_000, out=out)
    assert score.recall >= 0.99
    assert score.harmless_changed < 0.001
    assert score.stylesheets_identical
    assert "national_id" in out.getvalue()
    assert "harmless texts changed" in out.getvalue()
