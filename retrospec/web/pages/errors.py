"""Error pages that help, and the way to the sign-in."""

import logging
import math
import secrets
from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from retrospec.domain.errors import NotFound, Refused, RetroSpecError, TooManyRequests, Unavailable
from retrospec.web.pages.guard import open_frame, sign_in_url
from retrospec.web.pages.rendering import AnyRequest, render

log = logging.getLogger(__name__)

TITLES = {
    400: "That didn't make sense",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not done this way",
    410: "No longer kept",
    409: "Someone was faster",
    413: "Too large",
    429: "A little slower, please",
    500: "Our fault",
    503: "Not reachable just now",
}


class ErrorPage(msgspec.Struct, kw_only=True):
    """What went wrong, and what to do next."""

    status: int
    title: str
    message: str
    hint: str = ""
    error_id: str = ""
    """Stands in the server's log beside the cause."""


def error_page(request: AnyRequest, page: ErrorPage) -> Response[str]:
    """``page`` as HTML, in the visitor's theme."""
    frame, _ = open_frame(request)
    return render("error.html", frame, page, status=page.status)


def show_deliberate(request: AnyRequest, error: Exception) -> Response[str]:
    """An error RetroSpec raised on purpose: its own sentence."""
    assert isinstance(error, RetroSpecError)
    status = error.status if isinstance(error, Refused) else 503 if isinstance(error, Unavailable) else 500
    page = ErrorPage(
        status=status,
        title=TITLES.get(status, "Something is wrong"),
        message=error.message,
        hint=error.hint or _hint_for(error),
    )
    shown = error_page(request, page)
    if isinstance(error, TooManyRequests | Unavailable):
        shown.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return shown


def _hint_for(error: RetroSpecError) -> str:
    if isinstance(error, Unavailable):
        return "Nothing is lost. Reload the page in a moment."
    if isinstance(error, NotFound):
        return "Sessions are kept for a limited time; what an issue counted stays."
    return ""


def show_refused_by_router(request: AnyRequest, error: Exception) -> Response[str]:
    """An address or method the router does not know, or a request it cannot read."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    message = "This address leads nowhere." if status == 404 else "The server could not use this request."
    return error_page(
        request, ErrorPage(status=status, title=TITLES.get(status, "Something is wrong"), message=message)
    )


def show_bug(request: AnyRequest, error: Exception) -> Response[str]:
    """Anything else: recorded under an id that the visitor sees too."""
    error_id = f"err-{secrets.token_hex(4)}"
    log.error("page failed: %s %s %s", error_id, request.method, request.url.path, exc_info=error)
    page = ErrorPage(
        status=500,
        title=TITLES[500],
        message="Something broke while making this page. It has been written to the server's log.",
        hint="Reloading sometimes helps. If it doesn't, look for this id in the log.",
        error_id=error_id,
    )
    return error_page(request, page)


def ask_to_sign_in(request: AnyRequest, _: Exception) -> Response[Any]:
    """To the sign-in and back; htmx is told to go there as a whole page."""
    if request.headers.get("HX-Request") == "true":
        return Response(b"", status_code=401, headers={"HX-Redirect": sign_in_url(request)})
    return Redirect(sign_in_url(request), status_code=303)
