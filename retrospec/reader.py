"""The reader: has a text model word what analysis concluded, where one is configured."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from retrospec.domain.errors import Unavailable
from retrospec.domain.marker import Marker
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.domain.settings import AnalysisSettings
from retrospec.model_line import ModelAnswerRefused, ModelLine

if TYPE_CHECKING:
    from retrospec.analysis import Analysis
    from retrospec.analysis.models import Worded

log = structlog.get_logger()


class Reader:
    """Puts accepted sessions to the configured text model; built only where there is one."""

    def __init__(self, settings: AnalysisSettings, line: ModelLine) -> None:
        self._settings = settings
        self._line = line

    async def word(
        self,
        session: Session,
        markers: Sequence[Marker],
        analysis: "Analysis",
        recording: Callable[[], Recording],
    ) -> "Analysis":
        """``analysis`` in the model's words. A session that the built-in reading discards is not sent.

        A model that fails is done without where ``analysis.fallback`` says so; else ``Unavailable`` or
        ``ModelAnswerRefused``. ``recording`` is called in a thread, and only if events are sent.
        """
        from retrospec.analysis.models import reworded, unworded

        if analysis.status != "ready":
            return analysis
        try:
            answer = await self._ask(session, markers, analysis, recording)
        except (Unavailable, ModelAnswerRefused) as error:
            if not self._settings.fallback:
                raise
            log.warning("text_model_failed", reason=str(error))
            return unworded(analysis, str(error))
        return await asyncio.to_thread(reworded, analysis, answer, self._settings)

    async def _ask(
        self,
        session: Session,
        markers: Sequence[Marker],
        analysis: "Analysis",
        recording: Callable[[], Recording],
    ) -> "Worded":
        from retrospec.analysis import models

        client = self._line.client()
        if self._settings.provider == "openai":
            return await models.ask_openai_text(client, self._settings, session, analysis)
        request = await asyncio.to_thread(
            lambda: models.text_request(session, markers, analysis, recording())
        )
        return await models.ask_remote_text(client, self._settings, request, models.cited_rows(analysis))
