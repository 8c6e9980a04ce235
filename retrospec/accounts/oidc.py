"""Signing in at an OpenID Connect provider: discovery, code with PKCE, a verified ID token.

The provider's own host is the operator's choice and may stand in a private network; whatever other hosts its documents
name must be public, and reached over TLS where the provider is.

OpenID Connect Core 1.0 (section 3.1.3.7 for what is checked of a token), Discovery 1.0, RFC 7636 (PKCE).
"""

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from retrospec.accounts.oidc_words import Claims, Errand
from retrospec.domain.errors import Unauthorized, Unavailable
from retrospec.domain.settings import SignInSettings
from retrospec.domain.web_address import address_parts
from retrospec.outbound.addresses import IN_PRIVATE_NETWORK, NotSent
from retrospec.outbound.client import open_client, sent, whole_body, within

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signed with a key of the provider's: neither ``none`` nor a secret both sides know."""
KNOWN_FOR_S = 3_600.0
LEEWAY_S = 60
MAX_ANSWER_BYTES = 1_000_000
WAIT_S = 10.0
"""For each question to the provider, from the first byte to the last."""


class Provider(msgspec.Struct):
    """What discovery says (the fields we use)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class OidcClient:
    """Speaks to the configured provider; what it says of itself is remembered for an hour."""

    def __init__(self, settings: SignInSettings, *, wait_s: float = WAIT_S) -> None:
        self._settings = settings
        self._wait_s = wait_s
        self._own = urlsplit(settings.oidc_issuer)
        self._provider: Provider | None = None
        self._keys: KeySet | None = None
        self._read_at = 0.0

    async def way_out(self, errand: Errand, callback: str) -> str:
        """Where to send the browser."""
        provider = await self._discover()
        challenge = hashlib.sha256(errand.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": callback,
            "scope": "openid email profile",
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        mark = "&" if "?" in provider.authorization_endpoint else "?"
        return f"{provider.authorization_endpoint}{mark}{urlencode(query)}"

    async def claims(self, errand: Errand, code: str, callback: str) -> Claims:
        """Who came back with ``code``. Raises Unauthorized or Unavailable."""
        provider = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": self._settings.oidc_client_id,
            "code_verifier": errand.verifier,
        }
        if self._settings.oidc_client_secret:
            form["client_secret"] = self._settings.oidc_client_secret
        answer = await self._asked(httpx.Request("POST", provider.token_endpoint, data=form))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unauthorized("The provider did not say who you are.")
        return await self._verified(token, errand.nonce, provider)

    async def _verified(self, token: str, nonce: str, provider: Provider) -> Claims:
        try:
            claims = self._decoded(token, await self._key_set(provider))
        except (JoseError, ValueError):
            # perhaps signed with a key that is newer than what we remember
            claims = self._last_try(token, await self._key_set(provider, anew=True))
        self._check(claims, nonce, provider)
        return Claims(
            issuer=provider.issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")).strip().lower(),
            is_email_verified=claims.get("email_verified") is True,
            name=str(claims.get("name", "")),
        )

    def _decoded(self, token: str, keys: KeySet) -> dict[str, Any]:
        return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)

    def _last_try(self, token: str, keys: KeySet) -> dict[str, Any]:
        try:
            return self._decoded(token, keys)
        except (JoseError, ValueError) as error:
            raise Unauthorized("The provider's answer is not signed by it.") from error

    def _check(self, claims: dict[str, Any], nonce: str, provider: Provider) -> None:
        client_id = self._settings.oidc_client_id
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthorized("The provider's answer is not for this sign-in. Try again.") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
            raise Unauthorized("The provider's answer is for another program.")

    async def _discover(self) -> Provider:
        if self._provider is None or time.monotonic() - self._read_at > KNOWN_FOR_S:
            issuer = self._settings.oidc_issuer.rstrip("/")
            address = f"{issuer}/.well-known/openid-configuration"
            found = _provider(await self._asked(httpx.Request("GET", address)))
            self._check_addresses(found)
            if found.issuer.rstrip("/") != issuer:
                raise Unauthorized("The provider calls itself by another name than sign_in.oidc_issuer.")
            self._provider, self._keys, self._read_at = found, None, time.monotonic()
        return self._provider

    async def _key_set(self, provider: Provider, *, anew: bool = False) -> KeySet:
        if self._keys is None or anew:
            answer = await self._asked(httpx.Request("GET", provider.jwks_uri))
            self._keys = _key_set(answer)
        return self._keys

    def _check_addresses(self, found: Provider) -> None:
        """Neither keys nor codes travel unprotected, and no browser is sent to anything but a web address."""
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            parts = address_parts(address)
            if parts.scheme not in ("https", self._own.scheme) or not parts.hostname:
                raise Unavailable("The sign-in provider names an address that is not https://.")

    async def _asked(self, request: httpx.Request) -> Any:
        """The JSON object it answers; nothing is followed elsewhere."""
        try:
            async with within(self._wait_s), open_client(self._is_own_host, through_proxy=True) as http:
                asked = http.build_request(request.method, request.url, headers=_type_of(request), content=request.content)
                async with sent(http, asked) as answer:
                    content = await whole_body(answer, MAX_ANSWER_BYTES)
        except NotSent as error:
            raise Unavailable(f"The sign-in provider cannot be asked. {_without_hint(error)}") from error
        if answer.status_code >= 500:
            raise Unavailable(f"The sign-in provider answers {answer.status_code}.")
        if answer.status_code != 200:
            raise Unauthorized("The sign-in provider refused. Try again.")
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable("The sign-in provider's answer cannot be read.") from error

    def _is_own_host(self, host: str) -> bool:
        return host.lower() == (self._own.hostname or "")


def _provider(document: dict[str, Any]) -> Provider:
    try:
        return msgspec.convert(document, Provider)
    except msgspec.ValidationError as error:
        raise Unavailable("The sign-in provider's description of itself lacks what is needed.") from error


def _key_set(document: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set(document)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unavailable("The sign-in provider's keys cannot be read.") from error


def _type_of(request: httpx.Request) -> dict[str, str]:
    kind = request.headers.get("content-type")
    return {"Content-Type": kind} if kind else {}


def _without_hint(error: NotSent) -> str:
    """The hint names the setting of alerts."""
    return "It names a host in a private network." if error.message == IN_PRIVATE_NETWORK else error.message
