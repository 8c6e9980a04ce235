"""A check-up from outside: what visitors' browsers, models, stores and strangers meet at this installation."""

import asyncio
import shutil
import ssl
import stat
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from retrospec.checkup import Check, Level
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.ids import new_id
from retrospec.domain.settings import Settings
from retrospec.storage import bucket_rules
from retrospec.storage.blobs import Blobs
from retrospec.storage.folder import is_held
from retrospec.vitals import newest_backup_at

ANSWER_S = 5.0
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


async def look_outside(settings: Settings) -> list[Check]:
    """Every check of this page; those of outside parts run at once, five seconds each at most."""
    gathered = await asyncio.gather(
        check_address(settings), check_models(settings), check_store(settings), check_backups(settings)
    )
    return [
        check_permissions(settings), check_budget(settings), check_proxy(settings), check_metrics(settings),
        *(check for checks in gathered for check in checks),
    ]  # fmt: skip


async def check_address(settings: Settings) -> list[Check]:
    """Whether ``server.public_url`` leads here, and lets the sites' pages send."""
    url = settings.server.public_url.rstrip("/")
    if not url:
        is_local = settings.server.host in LOCAL_HOSTS
        told = f"server.public_url is not set; the snippet names {settings.server.host}:{settings.server.port}."
        remedy = "" if is_local else "Set server.public_url to the address visitors' browsers reach."
        return [Check("public address", OK if is_local else WARNING, told, remedy)]
    mixed = [origin for origin in settings.server.cors_origins if origin.startswith("https://")]
    if url.startswith("http://") and mixed:
        told = f"{mixed[0]} is served over TLS, and {url} is not: browsers refuse to send from one to the other."
        return [Check("public address", PROBLEM, told, "Put a proxy with TLS before the server (docs/install.md).")]
    if not is_held(settings.data_dir):
        return [Check("public address", OK, f"{url} was not asked: no server runs.")]
    return [await _ask(url, settings)]


async def _ask(url: str, settings: Settings) -> Check:
    origin = next((each for each in settings.server.cors_origins if each != "*"), "https://shop.example")
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    try:
        async with httpx.AsyncClient(timeout=ANSWER_S, follow_redirects=False) as http:
            sdk = await http.get(f"{url}/sdk.js")
            preflight = await http.options(f"{url}/v2/chunks", headers=asks)
    except (httpx.HTTPError, ssl.SSLError) as error:
        remedy = "Check the name, the proxy, its certificate, and that this machine may reach its own address."
        return Check("public address", PROBLEM, f"{url} does not answer: {error or type(error).__name__}.", remedy)
    if sdk.status_code != 200 or "javascript" not in sdk.headers.get("content-type", ""):
        told = f"{url}/sdk.js answers {sdk.status_code}: that is not this server."
        return Check("public address", PROBLEM, told, "Point the proxy at this server, without a path before /sdk.js.")
    if preflight.headers.get("access-control-allow-origin") not in ("*", origin):
        told = f"A page of {origin} may not send to {url}: the answer to a browser's question lacks its permission."
        return Check("public address", PROBLEM, told, "Let OPTIONS through the proxy, and look at server.cors_origins.")
    return Check("public address", OK, f"{url} leads here, and pages of {origin} may send.")


async def check_models(settings: Settings) -> list[Check]:
    """Whether each configured model's address answers at all."""
    chosen = [
        ("text model", settings.analysis.provider != "heuristic", settings.analysis.model_url),
        ("visual model", settings.confirmation.checker in ("remote_visual", "openai"), settings.confirmation.model_url),
    ]
    return [await _reach(name, url) for name, is_used, url in chosen if is_used and url]


async def _reach(name: str, url: str) -> Check:
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        remedy = "Start it, correct its address, or let this machine reach it; until then sessions wait or fall back."
        return Check(name, PROBLEM, f"Nothing answers at {parts.hostname}:{parts.port or parts.scheme}: {error or 'no answer'}.", remedy)
    return Check(name, OK, f"{parts.hostname} answers.")


async def check_store(settings: Settings) -> list[Check]:
    """Whether a blob can be written, read and deleted."""
    if not settings.data_dir.is_dir() and settings.blobs_url.startswith("file://"):
        return []
    key = f"doctor/{new_id('probe')}"
    try:
        store = Blobs.open(settings.blobs_url)
        async with asyncio.timeout(3 * ANSWER_S):
            await store.put(key, b"probe")
            is_same = await store.get(key) == b"probe"
            await store.delete(key)
    except (RetroSpecError, OSError, TimeoutError) as error:
        remedy = "Check blobs.url, the store's credentials, and that the server's user may write there."
        return [Check("blob store", PROBLEM, f"Recordings cannot be kept: {str(error).rstrip('.') or 'no answer'}.", remedy)]
    if not is_same:
        return [Check("blob store", PROBLEM, "What was written came back changed.", "Check the store.")]
    return [Check("blob store", OK, "A blob was written, read and deleted."), *await check_bucket(settings)]


async def check_bucket(settings: Settings) -> list[Check]:
    """Whether a bucket ends uploads that nobody finished, and does not expire what lies in it; where ``blobs.lifecycle`` asks for it."""
    if not settings.blobs.lifecycle or not settings.blobs_url.startswith("s3:"):
        return []
    try:
        found = await asyncio.to_thread(bucket_rules.look, settings.blobs_url)
    except RetroSpecError as error:
        return [Check("bucket rules", WARNING, error.message, error.hint)]
    if found.expires_objects:
        return [Check("bucket rules", PROBLEM, bucket_rules.EXPIRES, "Take that rule from the bucket: retention.days does the same, and spares what is pinned.")]
    if not found.ends_uploads:
        return [Check("bucket rules", WARNING, "Uploads that nobody finishes stay in the bucket.", "Restart `retrospec serve`, which sets the rule.")]
    return [Check("bucket rules", OK, "The bucket ends uploads that nobody finished, and expires nothing.")]


async def check_backups(settings: Settings) -> list[Check]:
    """Whether scheduled backups are made."""
    every = timedelta(hours=settings.backup.every_hours)
    newest = await newest_backup_at(settings)
    when = f"{newest:%Y-%m-%d %H:%M} UTC" if newest else "never"
    if every and (newest is None or utc_now() - newest > 2 * every):
        remedy = "Run `retrospec backup` and see what it says; the log has why the last ones failed."
        return [Check("backups", WARNING, f"One is due every {settings.backup.every_hours:g} h; the last was made {when}.", remedy)]
    told = f"The last was made {when}." if newest else "None is scheduled (backup.every_hours)."
    return [Check("backups", OK, told)]


def check_permissions(settings: Settings) -> Check:
    """Whether other users of this machine can read what is kept."""
    names = ("retrospec.db", "secret.key", "blobs")
    open_to_all = [
        path.name
        for path in (settings.data_dir / name for name in names)
        if path.exists() and _is_open(path) and _is_open(settings.data_dir, stat.S_IXOTH)
    ]
    if open_to_all:
        told = f"Other users of this machine can read {', '.join(open_to_all)} in {settings.data_dir}."
        return Check("permissions", WARNING, told, f"chmod 700 {settings.data_dir}")
    return Check("permissions", OK, "Other users of this machine cannot read what is kept.")


def _is_open(path: Path, bits: int = stat.S_IROTH) -> bool:
    return bool(path.stat().st_mode & bits)


def check_budget(settings: Settings) -> Check:
    """Whether ``storage.max_gb`` fits the disk."""
    folder = next(each for each in (settings.data_dir, *settings.data_dir.parents) if each.exists())
    total = shutil.disk_usage(folder).total
    if settings.storage.max_gb * 1e9 > total:
        told = f"storage.max_gb is {settings.storage.max_gb:g}, and the disk has {total / 1e9:.0f} GB in all."
        return Check("budget", WARNING, told, "Lower it, or set it to 0 for four fifths of the disk.")
    return Check("budget", OK, "The storage budget fits the disk.")


def check_proxy(settings: Settings) -> Check:
    """Whether a proxy is believed where there must be one."""
    server = settings.server
    if server.public_url.startswith("https://") and not server.trusted_proxies:
        told = "TLS ends at a proxy (server.public_url is https), but no proxy is trusted: all visitors share one rate limit."
        return Check("proxy", WARNING, told, "Set server.trusted_proxies to the proxy's address, such as 127.0.0.1.")
    return Check("proxy", OK, "Visitors are told apart by address." if server.trusted_proxies else "No proxy is expected.")


def check_metrics(settings: Settings) -> Check:
    """Whether strangers can read the metrics."""
    server = settings.server
    if server.host not in LOCAL_HOSTS and not server.metrics_token:
        return Check("metrics", WARNING, f"Whoever reaches {server.host}:{server.port} can read /metrics.", "Set server.metrics_token.")
    return Check("metrics", OK, "/metrics is not open to strangers.")
