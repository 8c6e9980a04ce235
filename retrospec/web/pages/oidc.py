"""To the configured OpenID Connect provider and back."""

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect

from retrospec.accounts.oidc_words import Errand, new_errand
from retrospec.accounts.outside_people import account_of
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Forbidden, NotFound, Refused, Unauthorized
from retrospec.web.audit import note_change
from retrospec.web.pages.guard import (
    cookie_value,
    database_of,
    local_path,
    settings_of,
    short_cookie,
    signer_of,
)
from retrospec.web.pages.install import server_url_of
from retrospec.web.pages.rendering import AnyRequest
from retrospec.web.pages.sign_in import SignInPage, enter, sign_in_form, to_the_code

if TYPE_CHECKING:
    from retrospec.accounts.oidc import OidcClient

ERRAND_COOKIE = "retrospec_oidc"
ERRAND = "oidc-sign-in"
ERRAND_LIFE = timedelta(minutes=10)


def oidc_client(request: AnyRequest) -> "OidcClient":
    """The one client of this process. Raises NotFound where no provider is configured."""
    state, policy = request.app.state, settings_of(request).sign_in
    if not policy.oidc_issuer:
        raise NotFound("No sign-in provider is configured.")
    if "oidc_client" not in state:
        from retrospec.accounts.oidc import (
            OidcClient,  # here: a server without a provider does not carry httpx
        )

        state["oidc_client"] = OidcClient(policy)
    client: OidcClient = state["oidc_client"]
    return client


@get("/oidc/start")
async def start(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
    """Out to the provider."""
    errand = new_errand()
    address = await oidc_client(request).way_out(errand, _callback(request))
    values = [errand.state, errand.nonce, errand.verifier, local_path(next)]
    signed = signer_of(request).sign(ERRAND, values, expires_at=utc_now() + ERRAND_LIFE)
    cookie = short_cookie(request, ERRAND_COOKIE, signed, max_age_s=int(ERRAND_LIFE.total_seconds()))
    return Redirect(address, status_code=303, cookies=[cookie])


@get("/oidc/callback")
async def come_back(
    request: AnyRequest,
    code: FromQuery[str] = "",
    given: Annotated[str, QueryParameter(name="state")] = "",
) -> Response[Any]:
    """Back from the provider: signed in, or the sign-in page with what is wrong."""
    client = oidc_client(request)
    try:
        errand, back = _errand(request, given)
        claims = await client.claims(errand, code, _callback(request))
        user = await account_of(database_of(request), claims, settings_of(request).sign_in, now=utc_now())
    except (Unauthorized, Forbidden) as refused:
        return await _refused(request, refused)
    gone = short_cookie(request, ERRAND_COOKIE, "", max_age_s=0)
    if user.has_second_factor:
        shown = to_the_code(request, user, back)
    else:
        shown = await enter(request, user, back, by=settings_of(request).sign_in.oidc_name)
    shown.cookies.append(gone)
    return shown


def _errand(request: AnyRequest, state: str) -> tuple[Errand, str]:
    """What this browser set out with. Raises Unauthorized when the answer is for another one."""
    values = signer_of(request).read(ERRAND, cookie_value(request, ERRAND_COOKIE), now=utc_now())
    errand = Errand(state=str(values[0]), nonce=str(values[1]), verifier=str(values[2]))
    if not hmac.compare_digest(errand.state.encode(), state.encode()):
        raise Unauthorized("This answer of the provider is not for this browser. Try again.")
    return errand, local_path(str(values[3]))


async def _refused(request: AnyRequest, refused: Refused) -> Response[Any]:
    async with database_of(request).write() as connection:
        await note_change(request, connection, "sign_in_refused", reason=refused.message)
    page = SignInPage(next_path="/", problem=refused.message)
    shown = await sign_in_form(request, page, status=refused.status)
    shown.cookies.append(short_cookie(request, ERRAND_COOKIE, "", max_age_s=0))
    return shown


def _callback(request: AnyRequest) -> str:
    return f"{server_url_of(request)}/oidc/callback"


ROUTES = [start, come_back]
