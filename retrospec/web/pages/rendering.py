"""Jinja templates with a typed context: ``page`` is the page's own Struct, ``frame`` what surrounds it."""

import functools
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from markupsafe import Markup

from retrospec.domain.account import Role, User
from retrospec.domain.clock import utc_now
from retrospec.domain.shipped import templates_dir
from retrospec.storage.projects import Project
from retrospec.web.pages import assets, words
from retrospec.web.pages.policy import Styles, page_headers

AnyRequest = Request[Any, Any, Any]

THEME_COOKIE = "retrospec_theme"
THEMES = ("system", "light", "dark")


class Frame(msgspec.Struct, kw_only=True):
    """What surrounds every page: who looks, at which project, and how."""

    path: str
    """Of this request, with its query: where a form brings people back to."""
    theme: str
    """``system``, ``light`` or ``dark``."""
    form_token: str
    """For the hidden field of every form."""
    user: User | None = None
    project: Project | None = None
    role: Role | None = None
    """Of the user in that project."""
    projects: list[Project] = []
    notice: str = ""
    """What every page should say of the server's state; empty when all is well."""
    change_number: int = 0
    """Where the project stood before anything of the page was read: a stream that says more has news."""
    section: str = ""
    """Which entry of the navigation is current."""

    def may(self, need: str) -> bool:
        """Whether the user has at least the role ``need`` in the project."""
        return self.role is not None and self.role.covers(Role(need))


@functools.cache
def environment() -> Environment:
    """The one Jinja environment: everything escaped, an unknown name is an error."""
    jinja = Environment(
        loader=FileSystemLoader(templates_dir()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # else each part of each page asks the disk whether its template is another now: a tenth of a page
    )
    jinja.globals.update(
        asset=assets.asset_url, kinds=words.KINDS, state_names=words.STATES, report_names=words.REPORTS
    )
    for shown in (
        words.exact, words.iso, words.clock, words.tenths, words.lasting, words.count, words.percent, words.size,
        words.reached, words.plural, words.coded,
    ):  # fmt: skip
        jinja.filters[shown.__name__] = shown
    jinja.globals.update(icon_sign=icon_sign, ago=words.ago, day_name=words.day_name, person=words.person)
    return jinja


@functools.cache
def icon_sign(name: str) -> Markup:
    """A sign of the sprite: pages have hundreds, so each is written once."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(assets.asset_url("icons.svg"), name)


def theme_of(request: AnyRequest) -> str:
    """The theme the browser's cookie asks for."""
    theme = request.cookies.get(THEME_COOKIE, "system")
    return theme if theme in THEMES else "system"


def render(
    template: str,
    frame: Frame,
    page: msgspec.Struct,
    *,
    styles: Styles = Styles.OWN,
    status: int = 200,
    **more: Any,
) -> Response[str]:
    """A template with its context, and the headers every page has."""
    nonce = secrets.token_urlsafe(16)
    context = {"page": page, "frame": frame, "nonce": nonce, "now": utc_now(), **more}
    text = environment().get_template(template).render(context)
    return Response(
        text, media_type="text/html; charset=utf-8", status_code=status, headers=page_headers(nonce, styles)
    )


def is_partial(request: AnyRequest) -> bool:
    """Whether htmx asks for the live part alone; on a walk back through history it wants the page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def version_of(page: msgspec.Struct) -> str:
    """A digest of what a page shows, to tell a waiting browser that nothing has changed."""
    return hashlib.blake2b(msgspec.json.encode(page), digest_size=9).hexdigest()


def live(
    request: AnyRequest,
    frame: Frame,
    page: msgspec.Struct,
    *,
    whole: str,
    part: str,
    styles: Styles = Styles.OWN,
) -> Response[Any]:
    """The page; or its live part alone; or 204 when the browser has just that already (``seen``).

    Both templates get ``live_url``, where the part asks for its successor, and ``alone``, whether it is the part.
    """
    seen = version_of(page)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "seen"]
    live_url = f"{request.url.path}?{_query([*kept, ('seen', seen)])}"
    if is_partial(request):
        if request.query_params.get("seen") == seen:
            return Response(None, status_code=204, headers={"Cache-Control": "no-store", "Vary": "HX-Request"})
        return render(part, frame, page, styles=styles, live_url=live_url, alone=True)
    return render(whole, frame, page, styles=styles, live_url=live_url, alone=False)


def _query(pairs: list[tuple[str, Any]]) -> str:
    return urlencode(pairs)


def typed(text: str, *, longest: int = 200) -> str:
    """What somebody typed into a search field: printable, trimmed, cut."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:longest]


def urls_asking(request: AnyRequest, **changes: str) -> Callable[[str], str]:
    """``url_with`` for many values of ``q``: what stays of the address is written once."""
    mark = "\x00here\x00"
    before, _, rest = url_with(request, **changes | {"q": mark}).partition(quote_plus(mark))
    without = url_with(request, **changes | {"q": ""})
    return lambda text: f"{before}{quote_plus(text)}{rest}" if text else without


def url_with(request: AnyRequest, **changes: str) -> str:
    """This page's address with some parameters changed; an empty value takes one away. Paging starts anew."""
    query = {name: value for name, value in request.query_params.items() if name not in ("seen", "after", "view")}
    query |= changes
    text = _query([(name, value) for name, value in query.items() if value])
    return request.url.path + (f"?{text}" if text else "")
