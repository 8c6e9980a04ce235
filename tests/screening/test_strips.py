"""Filmstrips: copied for the issue, the right verdict's, and still there when the session has gone."""

from datetime import timedelta
from io import BytesIO

import msgspec
import pytest
from PIL import Image

from retrospec.capture.compress import compress
from retrospec.domain.clock import utc_now
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import MarkerKind, Signal
from retrospec.domain.settings import Settings
from retrospec.domain.visual import Box, FindingVerdict, Frame, Strip, VerdictWord, VisualResult
from retrospec.issues import deciding
from retrospec.screening.strips import StripKeeper, best_verdict
from retrospec.storage import clusters, expiry, reports, strips, tables
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT

OTHER_KEY = "js_exception:51be0c9a77d2"
MARKER = f"m-{PAY_SESSION}"
SENTENCE = "The page showed “We could not take your payment” right after the click on “Pay”."


def picture(red: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (800, 500), (red, 40, 40)).save(out, "WEBP")
    return out.getvalue()


def verdict(finding_id: str, word: VerdictWord, confidence: float) -> FindingVerdict:
    frames = [
        Frame(t_ms=6_300, role="before", finding_id=finding_id, image="artifacts/pay/before.webp", words="The form"),
        Frame(t_ms=7_300, role="after", finding_id=finding_id, image="artifacts/pay/after.webp", words=SENTENCE,
              changed=[Box(100, 300, 200, 40)], width=800, height=500, scale=0.8),
    ]  # fmt: skip
    return FindingVerdict(finding_id=finding_id, verdict=word, confidence=confidence, sentence=SENTENCE, frames=frames)


def finding(name: str, *marker_ids: str) -> Finding:
    return Finding(
        id=name, signal=Signal.HTTP_ERROR, kind=MarkerKind.API_ERROR, t_ms=7_255, standing=Standing.CONFIRMED,
        confidence=0.9, marker_ids=list(marker_ids),
    )  # fmt: skip


async def see_the_pay_session(blobs: Blobs, made: list[FindingVerdict]) -> None:
    """Stage 2's analysis and pictures, as the pipeline leaves them."""
    visual = VisualResult(status="ready", checker="builtin", verdicts=made)
    document = {"version": 1, "findings": [finding("f1", MARKER), finding("f9")], "visual": visual}
    await blobs.put(blob_key("artifacts/pay/analysis.json"), compress(msgspec.json.encode(document)))
    for name, red in (("before", 0), ("after", 200)):
        await blobs.put(f"artifacts/pay/{name}.webp", picture(red))


async def pay_strip(database: Database) -> Strip | None:
    return await strip_of(database, PAY_KEY)


async def strip_of(database: Database, key: str) -> Strip | None:
    async with database.read() as connection:
        return (await strips.of_issues(connection, PROJECT, [key])).get(key)


async def test_an_issue_keeps_small_pictures_when_its_session_has_gone(database: Database, blobs: Blobs) -> None:
    await see_the_pay_session(blobs, [verdict("f1", VerdictWord.CONFIRMED, 0.9)])
    assert await StripKeeper(database, blobs).make_missing() >= 1
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [(PROJECT, PAY_SESSION)], now=utc_now())
    for name in ("before", "after"):
        await blobs.delete(f"artifacts/pay/{name}.webp")
    strip = await pay_strip(database)
    assert strip is not None
    assert (strip.verdict, strip.sentence) == ("confirmed", SENTENCE)
    assert [frame.role for frame in strip.frames] == ["before", "after", "close-before", "close-after"]
    for frame in strip.frames:
        kept = await blobs.get(frame.image)
        assert Image.open(BytesIO(kept)).size == (frame.width, frame.height)
        assert frame.width <= 480 and len(kept) < 30_000


async def test_a_second_round_makes_nothing_and_an_issue_without_pictures_is_not_asked_again(
    database: Database, blobs: Blobs
) -> None:
    keeper = StripKeeper(database, blobs)
    assert await keeper.make_missing() > 0
    assert await keeper.make_missing() == 0
    assert await pay_strip(database) is None, "a row without pictures is no strip"


async def judged_again(database: Database) -> None:
    async with database.write() as connection:
        report, _ = await reports.with_findings(connection, PROJECT, PAY_SESSION)
        assert report is not None
        report.updated_at = utc_now()
        await reports.save(connection, report)


async def test_a_session_judged_again_is_drawn_again(database: Database, blobs: Blobs) -> None:
    keeper = StripKeeper(database, blobs)
    await see_the_pay_session(blobs, [verdict("f1", VerdictWord.CANT_TELL, 0.5)])
    await keeper.make_missing()
    before = await pay_strip(database)
    await see_the_pay_session(blobs, [verdict("f1", VerdictWord.CONFIRMED, 0.9)])
    await judged_again(database)
    assert await keeper.make_missing() == 1
    after = await pay_strip(database)
    assert before is not None and after is not None
    assert (before.verdict, after.verdict) == ("cant_tell", "confirmed")
    assert before.made_ms < after.made_ms, "a browser that has the old pictures asks for the new ones"


async def test_a_merged_issue_shows_its_best_sessions_pictures_and_each_its_own_once_undone(database: Database, blobs: Blobs) -> None:
    keeper, settings = StripKeeper(database, blobs), Settings()
    await see_the_pay_session(blobs, [verdict("f1", VerdictWord.CONFIRMED, 0.9)])
    await keeper.make_missing()
    async with database.write() as connection:
        older = tables.clusters.c.key == OTHER_KEY
        await connection.execute(tables.clusters.update().where(older).values(created_at=utc_now() - timedelta(days=365)))
        decision = await deciding.merge(
            connection, PROJECT, PAY_KEY, OTHER_KEY, author="Mara", settings=settings.promote, now=utc_now()
        )
        home = await clusters.home_of(connection, PROJECT, PAY_KEY)
    assert home == OTHER_KEY, "the older one's key"
    await keeper.make_missing()
    merged = await strip_of(database, OTHER_KEY)
    assert merged is not None and (merged.session_id, merged.sentence) == (PAY_SESSION, SENTENCE)
    async with database.write() as connection:
        await deciding.undo(connection, PROJECT, decision.id, author="Mara", settings=settings.promote, now=utc_now())
    await keeper.make_missing()
    own = await strip_of(database, PAY_KEY)
    assert own is not None and own.sentence == SENTENCE
    assert await blobs.get(own.frames[0].image)
    assert await strip_of(database, OTHER_KEY) is None, "nothing was seen of its own sessions"


async def test_a_picture_gone_meanwhile_is_left_out(database: Database, blobs: Blobs) -> None:
    await see_the_pay_session(blobs, [verdict("f1", VerdictWord.CONFIRMED, 0.9)])
    await blobs.delete("artifacts/pay/before.webp")
    await StripKeeper(database, blobs).make_missing()
    strip = await pay_strip(database)
    assert strip is not None and {frame.role for frame in strip.frames} == {"after", "close-after"}


async def test_a_strip_of_a_session_that_no_longer_represents_the_issue_is_not_kept(database: Database) -> None:
    async with database.write() as connection:
        assert await strips.save(connection, PROJECT, PAY_KEY, Strip(session_id="another"), now=utc_now()) is None


@pytest.mark.parametrize(
    ("made", "chosen"),
    [
        ([("f1", VerdictWord.REFUTED, 0.95), ("f1", VerdictWord.CONFIRMED, 0.7)], 0.7),
        ([("f1", VerdictWord.CONFIRMED, 0.7), ("f1", VerdictWord.CONFIRMED, 0.8)], 0.8),
        ([("f9", VerdictWord.CONFIRMED, 0.9)], None),
        ([], None),
    ],
)
def test_the_surest_confirmation_of_the_issues_own_marker_is_shown(
    made: list[tuple[str, VerdictWord, float]], chosen: float | None
) -> None:
    visual = VisualResult(status="ready", verdicts=[verdict(*one) for one in made])
    best = best_verdict([finding("f1", MARKER), finding("f9")], visual, {MARKER})
    assert (best.confidence if best else None) == chosen
