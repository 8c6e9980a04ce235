"""Reproduce: the way to a failure as steps for a person, and as a test."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from retrospec.domain.errors import NotFound
from retrospec.domain.finding import Finding
from retrospec.domain.report import ReportCard
from retrospec.domain.trace import Trace
from retrospec.reproducing import lead_reproduction, python_test, stored_reproduction, test_file_name
from retrospec.reproduction import Reproduction
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.recording import FILE_HEADERS
from retrospec.web.pages.rendering import AnyRequest, Frame

SURE, LIKELY = 0.85, 0.6


class WayStep(msgspec.Struct, kw_only=True):
    """One thing to do."""

    sentence: str
    t_ms: int
    confidence: float
    sureness: str
    """``sure``, ``likely`` or ``doubtful``."""
    doubts: list[str]


class Way(msgspec.Struct, kw_only=True):
    """How to meet the failure again."""

    steps: list[WayStep]
    failure: str
    expected: str
    """What a mended page does; empty where only a person can tell."""
    confidence: float
    values: dict[str, str]
    doubts: list[str]
    test: str
    """The program; empty where there is nothing to assert."""
    file_name: str
    url: str


def way_of(trace: Trace, findings: list[Finding], report: ReportCard | None, session_id: str, here: str) -> Way | None:
    """None where nothing failed, or no page was recorded."""
    plan = lead_reproduction(trace, findings)
    if plan is None:
        return None
    return Way(
        steps=[
            WayStep(sentence=step.sentence, t_ms=step.t_ms, confidence=step.confidence, sureness=_sureness(step.confidence), doubts=step.doubts)
            for step in plan.steps
        ],
        failure=plan.failure,
        expected=plan.expectation.sentence if plan.expectation else "",
        confidence=plan.confidence,
        values=plan.values,
        doubts=plan.doubts,
        test=_test(plan, session_id, report.symptom if report else ""),
        file_name=test_file_name(session_id),
        url=f"{here}/reproduce.py",
    )  # fmt: skip


@get("/sessions/{session_id:str}/reproduce.py")
async def download_test(request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str]) -> Response[str]:
    """The test as a file. Raises NotFound."""
    assert frame.project is not None
    plan, symptom = await stored_reproduction(database_of(request), blobs_of(request), frame.project.id, session_id)
    text = _test(plan, session_id, symptom)
    if not text:
        raise NotFound("No test can tell whether this failure is there.")
    named = {"Content-Disposition": f'attachment; filename="{test_file_name(session_id)}"'}
    return Response(text, media_type="text/x-python; charset=utf-8", headers=FILE_HEADERS | named)


def _test(plan: Reproduction, session_id: str, symptom: str) -> str:
    return python_test(plan, session_id=session_id, symptom=symptom)


def _sureness(confidence: float) -> str:
    return "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "doubtful"
