"""The built-in visual checker: did the failure show on the screen?

Pure rules over footage, no model. Every verdict says in one sentence what was seen, and names the
pictures it rests on; ``draw_frame`` draws them.
"""

from collections.abc import Sequence

from retrospec.confirmation import pixels
from retrospec.confirmation.rules import Judgement, judge, words_at, words_before
from retrospec.confirmation.seen import Seen, see
from retrospec.domain.finding import Finding
from retrospec.domain.footage import Footage, Look
from retrospec.domain.visual import Box, FindingVerdict, Frame, VerdictWord

FRAME_WIDTH_PX = 800
"""Of a stored picture: text is still readable, and three of them weigh less than 100 KB."""


def check(footage: Footage, findings: Sequence[Finding], *, min_confidence: float) -> list[FindingVerdict]:
    """One verdict for each finding, in order. Below ``min_confidence`` an answer becomes ``cant_tell``."""
    looks = {look.finding_id: look for look in footage.looks}
    return [_check_one(footage, finding, looks.get(finding.id), min_confidence) for finding in findings]


def draw_frame(footage: Footage, frame: Frame, *, most_width_px: int = FRAME_WIDTH_PX) -> bytes:
    """The picture of one of a verdict's frames as WebP, its changed regions outlined; its size is noted in ``frame``."""
    shot = next(shot for shot in footage.shots if shot.t_ms == frame.t_ms)
    picture = pixels.outlined(shot.image, frame.changed, shot.scale, most_width_px)
    frame.width, frame.height, frame.scale = picture.width, picture.height, picture.width / shot.width
    return picture.content


def _check_one(footage: Footage, finding: Finding, look: Look | None, min_confidence: float) -> FindingVerdict:
    if footage.status != "ready" or look is None:
        return _unseen(finding, footage.reason or "this moment was not replayed")
    if not look.before or not look.after:
        return _unseen(finding, look.reason or "there is no picture of this moment")
    seen = see(footage, look)
    judged = judge(finding, seen)
    unsure = judged.word != VerdictWord.CANT_TELL and judged.confidence < min_confidence
    return FindingVerdict(
        finding_id=finding.id,
        verdict=VerdictWord.CANT_TELL if unsure else judged.word,
        confidence=round(judged.confidence, 2),
        sentence=judged.sentence,
        frames=_frames(finding, seen, judged),
    )


def _unseen(finding: Finding, reason: str) -> FindingVerdict:
    sentence = f"The screen could not be looked at: {reason}."
    return FindingVerdict(finding_id=finding.id, verdict=VerdictWord.CANT_TELL, confidence=0.0, sentence=sentence)


def _frames(finding: Finding, seen: Seen, judged: Judgement) -> list[Frame]:
    """Before, at (where it is another picture), and the one that shows the answer."""
    key = judged.shot % len(seen.after)
    at = next((index for index, shot in enumerate(seen.after) if shot.t_ms >= seen.look.t_ms), key)
    frames = [Frame(t_ms=seen.before.t_ms, role="before", finding_id=finding.id, words=words_before(seen))]
    if at < key:
        words = words_at(seen, at)
        pressed = [seen.look.point.box] if seen.look.point.box else []
        frames.append(Frame(t_ms=seen.after[at].t_ms, role="at", finding_id=finding.id, changed=_changed(seen, at) or pressed, words=words))
    boxes = judged.boxes or _changed(seen, key)
    last = Frame(t_ms=seen.after[key].t_ms, role="after", finding_id=finding.id, changed=boxes, words=judged.sentence)
    return [*frames, last]


def _changed(seen: Seen, index: int) -> list[Box]:
    t_ms = seen.after[index].t_ms
    return next((change.boxes for change in seen.changes if change.t_ms == t_ms), [])
