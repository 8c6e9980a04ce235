"""What is judged unreal often enough goes quiet: seen, numbered, and heard again at a click."""

from pathlib import Path

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Marker, MarkerKind, Signal
from retrospec.domain.report import ReportCard, ReportStatus
from retrospec.domain.session import Session, Stage
from retrospec.domain.settings import Settings
from retrospec.issues import judging
from retrospec.issues.quieting import at_least, goes_quiet
from retrospec.storage import judgements
from tests.issues.grouped import NOON, SETTINGS, P, counted, opened, shown, sighting

KEY = "ui_no_effect:next-month"


@pytest.fixture
async def database(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with opened(tmp_path) as database:
        yield database


def test_few_judgements_must_agree_more_than_many() -> None:
    assert not goes_quiet(0, 4)
    assert goes_quiet(0, 5)
    assert not goes_quiet(2, 8)
    assert goes_quiet(1, 9)
    assert goes_quiet(4, 16)
    assert not goes_quiet(300, 700)


def test_the_bound_is_wilsons() -> None:
    assert at_least(0, 0) == 0
    assert round(at_least(5, 5), 3) == 0.566
    assert round(at_least(16, 20), 3) == 0.584


async def judge(database, name: str, standing: Standing, reason: str, status: ReportStatus) -> None:  # type: ignore[no-untyped-def]
    session = Session(
        id=name, project_id=P, site="x", route="/", started_at=NOON, duration_ms=1, events_object_key="", created_at=NOON,
        updated_at=NOON, stage=Stage.DONE,
    )  # fmt: skip
    finding = Finding(
        id="f", signal=Signal.RAGE_CLICK, kind=MarkerKind.UI_NO_EFFECT, t_ms=1, standing=standing, confidence=0.8, marker_ids=["m"],
        reasons=[reason], label="Rage click on Next month",
    )  # fmt: skip
    marker = Marker(
        id="m", project_id=P, session_id=name, kind=MarkerKind.UI_NO_EFFECT, label=finding.label, cluster_key=KEY,
        replay_offset_ms=1, observed_at=NOON,
    )  # fmt: skip
    report = ReportCard(id="r", project_id=P, session_id=name, status=status, generated_at=NOON, created_at=NOON, updated_at=NOON)
    async with database.write() as connection:
        await judging.judge_session(connection, session, report, [finding], [marker], Settings(), utc_now())


async def refute(database, name: str) -> None:  # type: ignore[no-untyped-def]
    await judge(database, name, Standing.REFUTED, "on screen: the page changed", ReportStatus.DISCARDED)


async def numbers(database):  # type: ignore[no-untyped-def]
    async with database.read() as connection:
        (found,) = await judgements.detectors(connection, P, since_day=0)
    return (found.detected, found.discarded, found.refuted, found.confirmed, found.rejected)


async def test_each_suspicion_is_counted_by_what_became_of_it_and_once(database) -> None:  # type: ignore[no-untyped-def]
    await refute(database, "a")
    await refute(database, "a")
    await judge(database, "b", Standing.REFUTED, "the page answered", ReportStatus.DISCARDED)
    await judge(database, "c", Standing.CONFIRMED, "on screen: nothing changed", ReportStatus.READY)
    assert await numbers(database) == (3, 1, 1, 1, 0)
    await judge(database, "a", Standing.CONFIRMED, "on screen: nothing changed", ReportStatus.READY)
    assert await numbers(database) == (3, 1, 0, 2, 0)


async def test_a_failure_that_keeps_being_refuted_goes_quiet_and_is_heard_again_at_a_click(database) -> None:  # type: ignore[no-untyped-def]
    for name in ("s1", "s2"):
        await counted(database, sighting(KEY, name, kind=MarkerKind.UI_NO_EFFECT))
    for number in range(5):
        assert (await shown(database))[0]["promoted_at"] is not None
        await refute(database, f"r{number}")
    change = await counted(database, sighting(KEY, "s3", kind=MarkerKind.UI_NO_EFFECT))
    assert (change.promoted_now, change.after.issue.session_count) == (False, 3)
    assert (await shown(database))[0]["promoted_at"] is None
    async with database.write() as connection:
        (quiet,) = await judgements.quiet_ones(connection, P)
        assert (quiet.cluster_key, quiet.refuted) == (KEY, 5)
        await judging.hear_again(connection, P, KEY, author="Ada", settings=SETTINGS, now=utc_now())
    assert (await shown(database))[0]["promoted_at"] is not None
    await refute(database, "r9")
    assert (await shown(database))[0]["promoted_at"] is not None


async def test_people_reject_once_each_and_may_change_their_mind(database) -> None:  # type: ignore[no-untyped-def]
    for name in ("s1", "s2"):
        await counted(database, sighting(KEY, name, kind=MarkerKind.UI_NO_EFFECT))
    await judge(database, "s1", Standing.CONFIRMED, "reads so", ReportStatus.READY)

    async def say(author: str, real: bool, session: str = "") -> None:
        async with database.write() as connection:
            await judging.give_feedback(connection, P, KEY, session, author=author, is_real=real, settings=SETTINGS, now=utc_now())

    for _ in range(3):
        await say("ada", False, "s1")
    assert await numbers(database) == (1, 0, 0, 1, 1)
    for author in "abcd":
        await say(author, False)
    assert (await shown(database))[0]["promoted_at"] is None
    await say("ada", True, "s1")
    assert (await shown(database))[0]["promoted_at"] is not None
    assert await numbers(database) == (1, 0, 0, 1, 0)
