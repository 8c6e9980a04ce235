"""Cards and filmstrips as API v2 tells them."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from retrospec.domain.artifact import Artifact
from retrospec.domain.report import ReportCard
from retrospec.domain.report import Sentence as Claim
from retrospec.domain.visual import FindingVerdict, Frame
from retrospec.domain.visual import Strip as StoredStrip
from retrospec.shapes.evidence import Excerpt, Picture, Report, Sentence, Strip
from retrospec.web.api.v2.answers import listed, shaped
from retrospec.web.pages.strips import WEIGHT


def report_of(card: ReportCard) -> Report:
    """A report card with what its sentences cite."""
    body = card.card
    parts = ("symptom", "cause", "look_at", "story", "visual")
    claims = {part: _claims(getattr(body, part)) for part in parts}
    for part, plain in (("symptom", card.symptom), ("cause", card.technical_root_cause), ("look_at", card.suggested_fix)):
        if not claims[part] and plain:
            claims[part] = [Sentence(text=plain, refs=[], t_ms=-1)]
    return shaped(
        card, Report, **claims, severity=body.severity, code=listed(body.code, Excerpt), reader=body.reader,
        confidence_reasons=body.confidence_reasons, dropped=body.dropped,
    )  # fmt: skip


def _claims(sentences: Sequence[Claim]) -> list[Sentence]:
    return listed(sentences, Sentence)


def issue_strip_of(strip: StoredStrip | None, key: str) -> Strip | None:
    """An issue's own filmstrip; None where nothing was seen."""
    if strip is None:
        return None
    stem = f"/v2/issues/{quote(key, safe='')}/strip"
    pictures = [_picture(frame, f"{stem}/{index}") for index, frame in enumerate(strip.frames)]
    return Strip(session_id=strip.session_id, verdict=strip.verdict, sentence=strip.sentence, pictures=pictures)


def session_strips_of(session_id: str, verdicts: Sequence[FindingVerdict], made: Sequence[Artifact]) -> list[Strip]:
    """What the screen check saw of a session, what decided first; pictures no longer kept are left out."""
    paths = {one.artifact_key: file_path(session_id, one) for one in made if one.status == "ready"}
    told = sorted((one for one in verdicts if one.frames), key=lambda one: (WEIGHT.index(one.verdict), one.frames[0].t_ms))
    strips = [
        Strip(session_id=session_id, verdict=one.verdict, sentence=one.sentence, pictures=_kept(one.frames, paths))
        for one in told
    ]
    return [strip for strip in strips if strip.pictures]


def _kept(frames: Sequence[Frame], paths: Mapping[str, str]) -> list[Picture]:
    return [_picture(frame, paths[frame.image]) for frame in frames if frame.image in paths]


def _picture(frame: Frame, path: str) -> Picture:
    return shaped(frame, Picture, path=path)


def file_path(session_id: str, artifact: Artifact) -> str:
    """Where the API serves a file of a session."""
    return f"/v2/sessions/{quote(session_id, safe='')}/files/{quote(artifact.id, safe='')}"
