"""One JSON shape for every error; internals stay in the log under the request's id."""

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from retrospec.domain.errors import Refused, RetroSpecError, TooManyRequests, Unavailable
from retrospec.domain.ids import new_id
from retrospec.web.api.wire import WireError

log = structlog.get_logger()

_PLAIN = {
    404: "There is nothing at this address.",
    405: "This address does not answer that method.",
    413: "The request is larger than limits.max_body_mb allows.",
}


AnyRequest = Request[Any, Any, Any]


def _request_id(request: AnyRequest) -> str:
    """The id given before the handler, or one of its own where no handler was reached."""
    state = request.scope.setdefault("state", {})
    return str(state.setdefault("request_id", new_id("req")))


def _answer(
    request: AnyRequest, status: int, error: WireError, headers: dict[str, str] | None = None
) -> Response[WireError]:
    error.request_id = _request_id(request)
    return Response(error, status_code=status, headers=headers or {}, media_type="application/json")


def refused(request: AnyRequest, error: RetroSpecError) -> Response[WireError]:
    """A deliberate error: its own sentence and status."""
    shape = WireError(error.message, hint=error.hint, field=error.field)
    if isinstance(error, TooManyRequests | Unavailable):
        status = error.status if isinstance(error, TooManyRequests) else 503
        return _answer(request, status, shape, {"Retry-After": str(max(1, round(error.retry_after_s)))})
    return _answer(request, error.status if isinstance(error, Refused) else 500, shape)


def http_refused(request: AnyRequest, error: HTTPException) -> Response[WireError]:
    """Litestar's own refusals, in our shape."""
    sentence = _PLAIN.get(error.status_code) or _readable(error)
    return _answer(request, error.status_code, WireError(sentence), dict(error.headers or {}))


def _readable(error: HTTPException) -> str:
    extra = error.extra[0] if isinstance(error.extra, list) and error.extra else None
    if isinstance(extra, dict) and "key" in extra:
        return f"{extra['key']}: {extra.get('message', error.detail)}"
    return error.detail


def crashed(request: AnyRequest, error: Exception) -> Response[WireError]:
    """Anything else: logged whole, answered with its id only."""
    log.error("request_failed", path=request.url.path, request_id=_request_id(request), exc_info=error)
    return _answer(
        request, 500, WireError("Something went wrong here; the log has it under this request's id.")
    )


HANDLERS: ExceptionHandlersMap = {
    RetroSpecError: refused,
    HTTPException: http_refused,
    Exception: crashed,
}
