"""Signing in at a real provider, and what it must not be talked into."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from retrospec.accounts.links import create_user
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.storage.database import Database
from tests.conftest import serving, settings_for
from tests.security.provider import CLIENT_ID, CLIENT_SECRET, Provider, provider


class Place:
    """The server, its provider, and a fresh browser for each try."""

    def __init__(self, url: str, identity: Provider, settings: Settings) -> None:
        self.url, self.identity, self.settings = url, identity, settings

    def come(self, **twist: Any) -> httpx.Response:
        """Through the whole errand in a browser of its own."""
        self.identity.twist = twist
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=20) as browser:
            return browser.get("/oidc/start")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with provider() as identity:
        settings = settings_for(tmp_path_factory.mktemp("oidc"))
        settings.sign_in.oidc_issuer = identity.issuer
        settings.sign_in.oidc_client_id = CLIENT_ID
        settings.sign_in.oidc_client_secret = CLIENT_SECRET
        settings.sign_in.oidc_domains = ["fern.example"]
        settings.sign_in.oidc_projects = ["proj_default"]
        with serving(settings) as server:
            yield Place(server.url, identity, settings)


def entered(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.url.path == "/p/proj_default/home"


def test_a_colleague_comes_in_and_may_look_but_not_work(place: Place) -> None:
    with httpx.Client(base_url=place.url, follow_redirects=True, timeout=20) as browser:
        assert "Sign in with single sign-on" in browser.get("/sign-in").text
        assert entered(browser.get("/oidc/start?next=/"))
        assert "Ines" in browser.get("/account").text
        assert browser.get("/p/proj_default/people").status_code == 403
        assert browser.get("/oidc/start?next=https://elsewhere.example/").url.host == urlsplit(place.url).hostname


@pytest.mark.parametrize(
    "twist",
    [{"nonce": "another"}, {"aud": "another-program"}, {"aud": [CLIENT_ID, "another"], "azp": "another"},
     {"iss": "https://elsewhere.example"}, {"exp": int(time.time()) - 3_600}, {"sub": "u-2", "email_verified": False},
     {"sub": "u-2", "email_verified": "true"}, {"sub": "u-3", "email": "someone@stranger.example"}],
)  # fmt: skip
def test_a_token_that_is_not_for_us_now_lets_nobody_in(place: Place, twist: dict[str, Any]) -> None:
    answer = place.come(**twist)
    assert answer.status_code in (401, 403)
    assert "Sign in" in answer.text


def test_a_token_of_another_key_lets_nobody_in_but_a_rotated_key_does(place: Place) -> None:
    own, other = place.identity.key, RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
    place.identity.key = other
    assert place.come().status_code == 401
    place.identity.published = [own, other]
    assert entered(place.come())
    forged = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    place.identity.key = forged
    assert place.come().status_code == 401
    place.identity.key = own


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_unsigned_token_or_one_under_a_shared_secret_lets_nobody_in(
    place: Place, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    import base64
    import hashlib
    import hmac
    import json

    def forged(claims: dict[str, Any]) -> str:
        parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "one"}, claims)]
        text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        public = place.identity.key.as_pem(private=False)
        mac = hmac.new(public, text.encode(), hashlib.sha256).digest() if algorithm == "HS256" else b""
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    monkeypatch.setattr(place.identity, "signed", forged)
    assert place.come().status_code == 401


def test_an_answer_counts_once_in_the_browser_that_asked(place: Place) -> None:
    with httpx.Client(base_url=place.url, timeout=20) as browser, httpx.Client(base_url=place.url, timeout=20) as victim:
        out = browser.get("/oidc/start").headers["location"]
        back = httpx.get(out).headers["location"]
        assert victim.get(back).status_code == 401
        assert browser.get(back.replace("state=", "state=x")).status_code == 401
        out = browser.get("/oidc/start").headers["location"]
        back = httpx.get(out).headers["location"]
        assert browser.get(back).status_code == 303
        assert browser.get(back).status_code == 401


def test_an_account_that_is_there_is_linked_by_its_verified_address_to_one_person_only(place: Place) -> None:
    async def make() -> None:
        database = Database.open(place.settings.database_url)
        await create_user(
            database, email="old@elsewhere.example", name="Old", password="four green bottles", is_admin=False, now=utc_now()
        )
        await database.close()

    asyncio.run(make())
    assert place.come(sub="u-old", email="old@elsewhere.example").status_code == 200
    assert place.come(sub="u-other", email="old@elsewhere.example").status_code == 403


def test_a_provider_that_is_down_is_said_to_be(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    settings.sign_in.oidc_issuer, settings.sign_in.oidc_client_id = "http://127.0.0.1:9", CLIENT_ID
    with serving(settings) as server:
        assert httpx.get(f"{server.url}/oidc/start").status_code == 503
