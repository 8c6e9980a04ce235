"""What the vault takes, keeps, and gives back: blob first, row second; nothing is shared between projects."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import msgspec

from retrospec.capture.checks import client_id
from retrospec.capture.decoding import decode_body, refuse_invalid_utf8
from retrospec.capture.inflating import inflate
from retrospec.capture.published import ClientId
from retrospec.capture.redaction import RedactionRules, redact_text
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound, TooLarge
from retrospec.domain.finding import Finding
from retrospec.domain.recording import Fetch, Recording
from retrospec.domain.session import Session
from retrospec.domain.settings import Settings
from retrospec.domain.web_address import address_parts
from retrospec.domain.window import Window
from retrospec.storage import assets
from retrospec.storage.assets import Asset, Mapped, asset_key
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.vault.contents import CSS, is_wanted, told_type
from retrospec.vault.css import own_stylesheet
from retrospec.vault.dressing import Dresser

T = TypeVar("T")

MOST_ASKED = 200
"""Addresses in one call."""
MOST_PER_SESSION = 500
MAX_URL_CHARS = 2_048
MAX_ASKED_BYTES = 1_000_000
STAGE_ORIGIN = "https://vault.invalid/"
"""Where the renderer finds contents; ``.invalid`` never resolves (RFC 6761)."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class AskedWire(msgspec.Struct, rename="camel"):
    """One address of the recording and what it showed."""

    url: str
    sha256: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[0-9a-f]{64}$"})]
    type: str = ""
    bytes: int | float = 0


class KnownWire(msgspec.Struct, rename="camel"):
    """``POST /v2/assets/known``."""

    session_id: ClientId
    assets: Annotated[list[AskedWire], msgspec.Meta(extra_json_schema={"maxItems": MOST_ASKED})]


class Content(msgspec.Struct):
    """Bytes and what to serve them as."""

    body: bytes
    content_type: str


class Vault:
    """The vault of one installation. Holds nothing itself: make one wherever it is needed."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._most_bytes = settings.storage.assets_mb * 1_000_000
        self._most_asset_bytes = settings.limits.max_asset_kb * 1_024

    async def map_session(self, project_id: str, body: bytes, rules: RedactionRules | None) -> list[str]:
        """Remember what the addresses of a session meant; which contents the project lacks and would keep.

        ``rules``: those the project's recordings are redacted by now; None where nothing is redacted.
        Raises Refused. What the vault would not keep (another type, too large, no room) is not asked for.
        """
        if self._most_bytes == 0:
            return []
        session_id, asked = await asyncio.to_thread(self._read_known, body, rules)

        async def store(connection: Connection) -> list[str]:
            urls = {each.url: each.sha256 for each in asked}
            await assets.map_urls(
                connection, project_id, session_id, urls, now=utc_now(), most=MOST_PER_SESSION
            )
            known = await assets.known_among(connection, project_id, dict.fromkeys(urls.values()))
            return [digest for digest in dict.fromkeys(urls.values()) if digest not in known]

        missing: list[str] = await self._database.write_soon(store)
        if not missing:
            return []
        room = self._most_bytes - await self._stored_bytes(project_id)
        return [digest for digest in missing if _size_of(digest, asked) <= room]

    async def keep(self, project_id: str, sha256: str, declared: str, body: bytes) -> bool:
        """Keep one content; False when the project has it. Raises Refused."""
        if len(body) > self._most_asset_bytes:
            raise TooLarge(
                f"The content is {len(body):,} bytes; at most {self._most_asset_bytes:,} are kept (limits.max_asset_kb)."
            )
        content_type = await asyncio.to_thread(_checked, sha256, declared, body)
        if await self._find(project_id, sha256) is not None:
            return False
        if len(body) > self._most_bytes - await self._stored_bytes(project_id):
            raise TooLarge("This project's vault is full (storage.assets_mb).")
        await self._blobs.put(asset_key(project_id, sha256), body)
        asset = Asset(
            project_id=project_id,
            sha256=sha256,
            content_type=content_type,
            size_bytes=len(body),
            created_at=utc_now(),
        )
        is_new: bool = await self._database.write_soon(lambda connection: assets.add(connection, asset))
        return is_new

    async def open_asset(self, project_id: str, session_id: str, sha256: str) -> Content:
        """A content that the session's recording refers to. Raises NotFound."""
        mapped = await self._mapped(project_id, session_id)
        if not any(each.sha256 == sha256 for each in mapped):
            raise NotFound("The vault has no such content for this session.")
        found = await asyncio.to_thread(self._fetch_from(project_id, mapped), sha256)
        if found is None:
            raise NotFound("The content is no longer in the vault.")
        return Content(*found)

    async def dresser(self, project_id: str, session_id: str, *, prefix: str) -> Dresser:
        """Dresses the session's chunks so that contents are found below ``prefix``."""
        mapped = await self._mapped(project_id, session_id)
        names = {each.url: each.sha256 for each in mapped}
        return Dresser(names, prefix=prefix)

    async def dress(self, session: Session, recording: Recording) -> Recording:
        """``recording`` for the renderer: its addresses point at ``STAGE_ORIGIN``, its ``assets`` answers for that."""
        mapped = await self._mapped(session.project_id, session.id)
        if not mapped:
            return recording
        names = {each.url: each.sha256 for each in mapped}
        dresser = Dresser(names, prefix=STAGE_ORIGIN)
        chunks = await asyncio.to_thread(lambda: [dresser.dress(chunk) for chunk in recording.chunks])
        return Recording(chunks, recording.tabs, self._fetch_from(session.project_id, mapped))

    def _fetch_from(self, project_id: str, mapped: Sequence[Mapped]) -> Fetch:
        """Gives a content of this session by its digest; stylesheets with their addresses swapped."""
        types = {each.sha256: each.content_type for each in mapped}
        known = {each.url: each.sha256 for each in mapped}

        def fetch(sha256: str) -> tuple[bytes, str] | None:
            if sha256 not in types:
                return None
            try:
                body = self._blobs.get_here(asset_key(project_id, sha256))
            except NotFound:
                return None
            if types[sha256] == CSS:
                bases = [each.url for each in mapped if each.sha256 == sha256]
                body = own_stylesheet(body, bases, known)
            return body, types[sha256]

        return fetch

    async def _mapped(self, project_id: str, session_id: str) -> list[Mapped]:
        return await self._database.read_once(
            lambda connection: assets.of_session(connection, project_id, session_id)
        )

    async def _find(self, project_id: str, sha256: str) -> Asset | None:
        return await self._database.read_once(lambda connection: assets.find(connection, project_id, sha256))

    async def _stored_bytes(self, project_id: str) -> int:
        return await self._database.read_once(lambda connection: assets.stored_bytes(connection, project_id))

    def _read_known(self, body: bytes, rules: RedactionRules | None) -> tuple[str, list[AskedWire]]:
        plain = inflate(body, max_bytes=MAX_ASKED_BYTES)
        refuse_invalid_utf8(plain)
        wire = decode_body(_known_decoder, plain)
        if len(wire.assets) > MOST_ASKED:
            raise BadRequest(
                f"assets holds {len(wire.assets):,} entries; at most {MOST_ASKED} are accepted", field="assets"
            )
        kept = []
        for index, each in enumerate(wire.assets):
            if not _DIGEST.fullmatch(each.sha256):
                raise BadRequest(
                    "sha256 must be 64 small hexadecimal digits", field=f"assets[{index}].sha256"
                )
            each.url = each.url.partition("#")[0]
            if _is_web_address(each.url) and is_wanted(each.type) and 0 <= each.bytes <= self._most_asset_bytes:
                each.url = each.url if rules is None else redact_text(each.url, rules)[0]
                kept.append(each)
        return client_id(wire.session_id, "sessionId"), kept


_known_decoder = msgspec.json.Decoder(KnownWire)


def _size_of(digest: str, asked: Sequence[AskedWire]) -> float:
    return max(each.bytes for each in asked if each.sha256 == digest)


def _is_web_address(url: str) -> bool:
    if len(url) > MAX_URL_CHARS or not url.isprintable() or '"' in url or "\\" in url:
        return False
    parts = address_parts(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _checked(sha256: str, declared: str, body: bytes) -> str:
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BadRequest("The content does not match sha256; send the bytes that were hashed.", field="sha256")
    return told_type(body, declared)


def dressed(
    look: Callable[[Session, Recording, Sequence[Finding], Sequence[Window]], Awaitable[T]], vault: Vault
) -> Callable[[Session, Recording, Sequence[Finding], Sequence[Window]], Awaitable[T]]:
    """``look`` over recordings as their visitors saw them."""

    async def look_dressed(
        session: Session, recording: Recording, findings: Sequence[Finding], windows: Sequence[Window]
    ) -> T:
        return await look(session, await vault.dress(session, recording), findings, windows)

    return look_dressed
