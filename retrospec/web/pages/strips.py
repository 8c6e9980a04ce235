"""Filmstrips: before, at and after, so that one sees the failure before the first click."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from retrospec.domain.artifact import Artifact
from retrospec.domain.errors import NotFound
from retrospec.domain.visual import FindingVerdict, Frame, Strip
from retrospec.storage import strips
from retrospec.web.pages import words
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.recording import FILE_HEADERS
from retrospec.web.pages.rendering import AnyRequest
from retrospec.web.pages.rendering import Frame as PageFrame

ROLES = {"before": "Before", "at": "At", "after": "After"}
VERDICTS = {
    "confirmed": "Seen on screen",
    "refuted": "The screen says otherwise",
    "cant_tell": "Not settled on screen",
}
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


def session_strips(
    verdicts: Sequence[FindingVerdict], made: Sequence[Artifact], here: str
) -> list[StripView]:
    """What the screen check saw of a session; pictures no longer kept are left out."""
    urls = {one.artifact_key: f"{here}/artifacts/{one.id}" for one in made if one.status == "ready"}
    views = [
        StripView(
            verdict=one.verdict.value,
            verdict_name=VERDICTS[one.verdict.value],
            sentence=one.sentence,
            pictures=[_picture(frame, urls[frame.image]) for frame in one.frames if frame.image in urls],
        )
        for one in verdicts
    ]
    return [view for view in views if view.pictures]


def issue_strip(strip: Strip | None, project_id: str, key: str) -> StripView | None:
    """An issue's own strip; None where nothing was seen."""
    if strip is None or not strip.frames:
        return None
    stem = f"/p/{project_id}/issues/{key}/strip"
    return StripView(
        verdict=strip.verdict,
        verdict_name=VERDICTS.get(strip.verdict, ""),
        sentence=strip.sentence,
        pictures=[
            _picture(frame, f"{stem}/{index}?of={strip.session_id}")
            for index, frame in enumerate(strip.frames)
        ],
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
