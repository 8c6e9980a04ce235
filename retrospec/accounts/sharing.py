"""Links that show one session or one issue to somebody without an account."""

from datetime import datetime, timedelta

from retrospec.accounts.secrets import hash_password, is_password
from retrospec.accounts.signing import Signer
from retrospec.domain.audit import Actor
from retrospec.domain.errors import BadRequest, NotFound, Unauthorized
from retrospec.domain.ids import new_id
from retrospec.storage import audit, issues, sessions, shares
from retrospec.storage.database import Database
from retrospec.storage.shares import ShareLink

LINK = "share-link"
VISIT = "share-visit"
VISIT_LIFE = timedelta(hours=12)
KINDS = ("session", "issue")
MAX_DAYS = 90
MIN_PASSWORD = 6
GONE = "This link has expired or was taken back. Ask whoever sent it for a new one."


async def make_share(
    database: Database,
    signer: Signer,
    actor: Actor,
    *,
    project_id: str,
    kind: str,
    subject_id: str,
    days: int,
    password: str,
    now: datetime,
) -> str:
    """The path of a new link, noted in the log. Raises BadRequest, or NotFound for what isn't there."""
    if kind not in KINDS or not 1 <= days <= MAX_DAYS:
        raise BadRequest(f"A session or an issue can be shared for 1 to {MAX_DAYS} days.")
    if password and len(password) < MIN_PASSWORD:
        raise BadRequest(f"Use at least {MIN_PASSWORD} characters, or no password at all.", field="password")
    link = ShareLink(
        id=new_id("share"),
        project_id=project_id,
        kind=kind,
        subject_id=subject_id,
        made_by=actor.id,
        created_at=now,
        expires_at=now + timedelta(days=days),
        password_hash=await hash_password(password) if password else "",
    )
    async with database.write() as connection:
        find = sessions.find if kind == "session" else issues.find
        if await find(connection, project_id, subject_id) is None:
            raise NotFound(f"There is no such {kind} in this project.")
        await shares.add(connection, link)
        await audit.note(
            connection, actor, "share_made", now=now, project_id=project_id, subject=f"{kind} {subject_id}",
            detail={"share": link.id, "days": days, "password": bool(password)},
        )  # fmt: skip
    return f"/shared/{signer.sign(LINK, [link.id], expires_at=link.expires_at)}"


async def shown_by(database: Database, signer: Signer, token: str, *, now: datetime) -> ShareLink:
    """The link behind a path's token. Raises NotFound for one that is forged, past its time or taken back."""
    return await _live(database, signer, LINK, token, now=now)


async def visit_of(database: Database, signer: Signer, token: str, *, now: datetime) -> ShareLink:
    """The link that a visitor opened, by their cookie. Raises NotFound as soon as it is taken back."""
    return await _live(database, signer, VISIT, token, now=now)


async def _live(database: Database, signer: Signer, purpose: str, token: str, *, now: datetime) -> ShareLink:
    try:
        share_id = str(signer.read(purpose, token, now=now)[0])
    except Unauthorized as error:
        raise NotFound(GONE) from error
    async with database.read() as connection:
        link = await shares.find(connection, share_id)
    if link is None or not link.is_live(now):
        raise NotFound(GONE)
    return link


async def open_share(
    database: Database, signer: Signer, link: ShareLink, actor: Actor, *, password: str, now: datetime
) -> str:
    """The cookie of a visit, noted in the log. Raises Unauthorized for a wrong password."""
    if link.password_hash and not await is_password(password, link.password_hash):
        raise Unauthorized("That is not the password of this link.")
    async with database.write() as connection:
        await shares.note_view(connection, link.id, now=now)
        await audit.note(
            connection, actor, "share_opened", now=now, project_id=link.project_id,
            subject=f"{link.kind} {link.subject_id}", detail={"share": link.id},
        )  # fmt: skip
    return signer.sign(VISIT, [link.id], expires_at=min(link.expires_at, now + VISIT_LIFE))
