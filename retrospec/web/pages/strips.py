"""Filmstrips: before, at and after, so that one sees the failure before the first click."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from retrospec.domain.artifact import Artifact
from retrospec.domain.errors import NotFound
from retrospec.domain.visual import FindingVerdict, Frame, Strip, VerdictWord
from retrospec.storage import strips
from retrospec.web.pages import words
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.recording import FILE_HEADERS
from retrospec.web.pages.rendering import AnyRequest
from retrospec.web.pages.rendering import Frame as PageFrame

ROLES = {"before": "Before", "at": "At", "after": "After"}
WEIGHT = (VerdictWord.CONFIRMED, VerdictWord.REFUTED, VerdictWord.CANT_TELL)
"""What decided the session comes first."""
VERDICTS = {
    "confirmed": "Seen on screen",
    "refuted": "The screen says otherwise",
    "cant_tell": "Not settled on screen",
}
CLOSE = "close-"
OLD_SIZE = (800, 500)
"""Of pictures that were stored without their size."""


class Picture(msgspec.Struct, kw_only=True):
    """One picture with all a page needs to place it before it has come."""

    url: str
    t_ms: int
    role: str
    words: str
    """What is seen in it."""
    width: int
    height: int


class StripView(msgspec.Struct, kw_only=True):
    """A verdict in pictures; ``verdict`` is a ``VerdictWord``."""

    verdict: str
    verdict_name: str
    sentence: str
    pictures: list[Picture]
    close_ups: list[Picture] = []
    """For lists: where it happened, before and after."""


def session_strips(
    verdicts: Sequence[FindingVerdict], made: Sequence[Artifact], here: str
) -> list[StripView]:
    """What the screen check saw of a session; pictures no longer kept are left out."""
    urls = {one.artifact_key: f"{here}/artifacts/{one.id}" for one in made if one.status == "ready"}
    once = {one.sentence: one for one in reversed(verdicts) if one.frames}.values()
    views = [
        StripView(
            verdict=one.verdict.value,
            verdict_name=VERDICTS[one.verdict.value],
            sentence=one.sentence,
            pictures=[_picture(frame, urls[frame.image]) for frame in one.frames if frame.image in urls],
        )
        for one in sorted(once, key=lambda one: (WEIGHT.index(one.verdict), one.frames[0].t_ms))
    ]
    return [view for view in views if view.pictures]


def issue_strip(strip: Strip | None, project_id: str, key: str) -> StripView | None:
    """An issue's own strip; None where nothing was seen."""
    if strip is None or not strip.frames:
        return None
    stem = f"/p/{project_id}/issues/{key}/strip"
    shown: dict[bool, list[Picture]] = {False: [], True: []}
    for index, frame in enumerate(strip.frames):
        is_close = frame.role.startswith(CLOSE)
        plain = msgspec.structs.replace(frame, role=frame.role.removeprefix(CLOSE))
        shown[is_close].append(_picture(plain, f"{stem}/{index}?of={strip.session_id}.{strip.made_ms}"))
    return StripView(
        verdict=strip.verdict,
        verdict_name=VERDICTS.get(strip.verdict, ""),
        sentence=strip.sentence,
        pictures=shown[False],
        close_ups=shown[True],
    )


def _picture(frame: Frame, url: str) -> Picture:
    role = ROLES.get(frame.role, "Later")
    told = frame.words or "the page as it was replayed"
    return Picture(
        url=url,
        t_ms=frame.t_ms,
        role=role,
        words=f"{role}, {words.clock(frame.t_ms)}: {told}",
        width=frame.width or OLD_SIZE[0],
        height=frame.height or OLD_SIZE[1],
    )


@get("/issues/{key:str}/strip/{index:int}")
async def show_strip_picture(
    request: AnyRequest, frame: NamedDependency[PageFrame], key: FromPath[str], index: FromPath[int]
) -> Response[bytes]:
    """One picture of an issue's strip. Raises NotFound."""
    assert frame.project is not None
    async with database_of(request).read() as connection:
        found = await strips.of_issues(connection, frame.project.id, [key])
    frames = found[key].frames if key in found else []
    if not 0 <= index < len(frames):
        raise NotFound("This issue has no such picture.")
    content = await blobs_of(request).get(frames[index].image)
    return Response(content, media_type="image/webp", headers=FILE_HEADERS)
