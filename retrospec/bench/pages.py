"""Every page and every part of one, over a large installation: server time, bytes of a first load, and how the database is asked.

The app's own routes are walked, so a page that is new is measured without being named here.
"""

import asyncio
import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import msgspec

from retrospec.accounts.links import create_user
from retrospec.app import create_app
from retrospec.bench.figures import Figure, Note
from retrospec.bench.seed_rows import PROJECT, seed_rows
from retrospec.bench.yardstick import decode_ms_per_mb
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Conflict
from retrospec.domain.settings import DatabaseSettings, Settings, StorageSettings
from retrospec.serving import keep_for_good
from retrospec.storage.database import Database
from retrospec.storage.nodes import Role
from retrospec.storage.statements import scans_of, watched
from retrospec.web.pages.assets import made_small

P95_MS, FIRST_LOAD_BYTES = 30.0, 60_000
SIZES = (100_000, 10_000, 1_000_000)
"""Sessions, issues and markers."""
ROUNDS = 61
"""The first two are left out: they load templates and fill caches."""
SMALL = frozenset({"projects", "users", "memberships", "api_keys", "alert_channels", "alert_rules", "logins", "health_samples", "one_time_links", "share_links", "project_retention"})
"""Tables with as many rows as there are people, projects or keys."""
EMAIL, PASSWORD = "bench@retrospec.example", "a long night of benches"
ASKED = {
    "issues": ("", "?sort=seen", "?state=all&sort=people", "?q=card", "?q=browser:firefox", "?q=clicked:%22pay%20now%22+tag.plan:pro", "?kind=api_error", "?span=7d"),
    "sessions": (
        "", "?status=ready", "?status=failed", "?q=pay", "?q=route:/checkout+browser:firefox", "?q=clicked:%22button%20250%22", "?q=saw:%22out%20of%20stock%22+-os:linux",
        "?q=duration:%3E600+status:ready", "?q=person:user42", "?q=part+7+undefined+since:3d", "?q=nowhere", "?q=p",
    ),
    "home": ("", "?span=7d"),
}  # fmt: skip
"""Questions asked of the lists, beside the plain page."""
_SKIPPED = ("/artifacts/", "/asset", "capsule", "/reproduce", "/films", "/strip/")
"""Files rather than pages, which need recordings."""
_ASSET = re.compile(r'(?:href|src)="(/static/[^"#]+)"')


class Measured(msgspec.Struct, kw_only=True):
    """One address, asked again and again."""

    name: str
    status: int
    median_ms: float
    p95_ms: float
    cpu_ms: float
    """Least processor time of an answer: what stays when the machine is busy."""
    cpu_median_ms: float = 0.0
    ratio: float = 0.0
    """``cpu_ms`` by the yardstick's, measured in the same run: the same on a slow machine as on a fast one."""
    queries: int
    """Statements, the login's among them."""
    bytes: int
    """Compressed, as sent."""
    first_load_bytes: int = 0
    """With the styles and scripts it names, each compressed; without the player. 0 for parts."""
    scans: list[str] = []


async def measure_pages(settings: Settings, note: Callable[[str, int, int], None], *, rounds: int = ROUNDS) -> list[Measured]:
    """Each page and part of a seeded installation, in a server whose workers are elsewhere: theirs is not a page's time."""
    app = create_app(settings, Role.WEB)
    app.state.address = "http://bench.example"
    async with app.lifespan():
        database: Database = app.state.database
        async with _signed_in(app, database) as client:
            key, session_id = await _examples(database)
            addresses = list(_addresses(app, key, session_id))
            keep_for_good()
            found = []
            for number, (name, path, headers) in enumerate(addresses):
                note(name, number, len(addresses))
                found.append(await _measure(client, database, name, path, headers, rounds))
            yardstick_ms = decode_ms_per_mb()
            return [msgspec.structs.replace(one, ratio=one.cpu_ms / yardstick_ms) for one in found if one is not None]


@asynccontextmanager
async def _signed_in(app: Any, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    with suppress(Conflict):
        await create_user(database, email=EMAIL, name="Bench", password=PASSWORD, is_admin=True, now=utc_now())
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.example", timeout=60) as client:
        page = (await client.get("/sign-in")).text
        token = page.split('name="form_token" value="', 1)[1].split('"', 1)[0]
        await client.post("/sign-in", data={"form_token": token, "email": EMAIL, "password": PASSWORD})
        yield client


async def _examples(database: Database) -> tuple[str, str]:
    """The issue with the most sessions, and a session of it."""
    async with database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT key, representative_session_id FROM issues ORDER BY session_count DESC LIMIT 1")
    key, session_id = rows.one()
    return str(key), str(session_id)


def _addresses(app: Any, key: str, session_id: str) -> Any:
    """Name, path and headers of whatever below a project answers to a look."""
    filled = {"project_id": PROJECT, "key": key, "session_id": session_id}
    for route in app.routes:
        template = getattr(route, "path_format", "")
        if not template.startswith("/p/{project_id") or "GET" not in getattr(route, "methods", ()) or any(part in template for part in _SKIPPED):
            continue
        names = re.findall(r"\{([^}:]+)[^}]*\}", template)
        if not set(names) <= set(filled):
            continue
        path = re.sub(r"\{([^}:]+)[^}]*\}", lambda found: filled[found[1]], template)
        place = template.removeprefix("/p/{project_id}").strip("/") or "(bare)"
        for question in ASKED.get(place, ("",)):
            yield f"{place}{question}", path + question, {"Accept": "text/html"}
        yield f"{place} (part)", path, {"HX-Request": "true", "Accept": "text/html"}


async def _measure(client: httpx.AsyncClient, database: Database, name: str, path: str, headers: dict[str, str], rounds: int) -> Measured | None:
    walls: list[float] = []
    cpus: list[float] = []
    answer = await _asked(client, path, headers)
    if answer.status_code != 200 or (name.endswith("(part)") and "<!doctype" in answer.text[:200]):
        return None
    for _ in range(rounds):
        began, cpu = time.perf_counter(), time.process_time()
        answer = await _asked(client, path, headers)
        walls.append((time.perf_counter() - began) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    with watched(database) as seen:
        answer = await _asked(client, path, headers)
    walls, cpus = walls[2:] or walls, cpus[2:] or cpus
    scans = await asyncio.to_thread(scans_of, database, seen, small=SMALL)
    sent = len(gzip.compress(answer.content, 4))
    is_page = "text/html" in answer.headers.get("content-type", "") and "<!doctype" in answer.text[:200]
    return Measured(
        name=name,
        status=answer.status_code,
        median_ms=median(walls),
        p95_ms=sorted(walls)[int(0.95 * (len(walls) - 1))],
        cpu_ms=min(cpus),
        cpu_median_ms=median(cpus),
        queries=len(seen),
        bytes=sent,
        first_load_bytes=sent + await _assets_bytes(client, answer.text) if is_page else 0,
        scans=[f"{step}: {' '.join(text.split())[:160]}" for text, step in scans.items()],
    )


async def _asked(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    """In a task of its own, as a server answers: a request's project is noted in its context."""
    return await asyncio.create_task(client.get(path, headers=headers))


_IMPORT = re.compile(r'(?:from|@?import) ?"\./([^"]+)"')


async def _assets_bytes(client: httpx.AsyncClient, text: str) -> int:
    """Of what a page names and what that imports, as served (gzip), the replay's own files left out."""
    waiting = list(dict.fromkeys(_ASSET.findall(text)))
    seen: dict[str, int] = {}
    while waiting:
        url = waiting.pop()
        if url in seen or any(part in url for part in ("replay", "player")):
            continue
        answer = await client.get(url, headers={"Accept-Encoding": "gzip"})
        seen[url] = answer.num_bytes_downloaded if answer.status_code == 200 else 0
        if url.endswith((".js", ".css")):
            folder = url.rsplit("/", 1)[0]
            waiting += [f"{folder}/{name}" for name in _IMPORT.findall(answer.text)]
    return sum(seen.values())


def figures_of(found: list[Measured], *, p95_ms: float = P95_MS) -> list[Figure]:
    """What was asked beside what was reached."""
    slow = [one for one in found if one.p95_ms >= p95_ms]
    busiest = max(found, key=lambda one: one.cpu_ms)
    slowest = max(found, key=lambda one: one.p95_ms)
    largest = max(found, key=lambda one: one.first_load_bytes)
    scanning = [one.name for one in found if one.scans]
    return [
        Figure(name=f"server time of {len(found)} pages and parts, p95", goal=f"< {p95_ms:g} ms each", reached=f"{len(found) - len(slow)} are; slowest {slowest.p95_ms:.1f} ms ({slowest.name})", is_met=not slow),
        Figure(name="processor time of a page, least", reached=f"{median(one.cpu_ms for one in found):.1f} ms in the middle, {busiest.cpu_ms:.1f} ms at most ({busiest.name})"),
        Figure(name="first load, compressed, without the player", goal=f"<= {FIRST_LOAD_BYTES / 1000:g} KB", reached=f"{largest.first_load_bytes / 1000:.1f} KB ({largest.name})", is_met=largest.first_load_bytes <= FIRST_LOAD_BYTES, beside="" if made_small() else "as written: python hatch_build.py makes them small"),
        Figure(name="pages that read a whole table", goal="0", reached=f"{len(scanning)} {', '.join(scanning[:4])}".strip(), is_met=not scanning),
    ]  # fmt: skip


def run_pages(
    folder: Path, sizes: tuple[int, int, int] | None, note: Callable[[str, int, int], None], *, rounds: int = ROUNDS, database_url: str = ""
) -> list[Measured]:
    """Seed ``folder``, or the database named, where that is to be (sessions, issues, markers); then measure."""
    settings = Settings(storage=StorageSettings(dir=str(folder)), database=DatabaseSettings(url=database_url))
    if sizes is not None:
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(seed_rows(settings.database_url, *sizes, note))
    return asyncio.run(measure_pages(settings, note, rounds=rounds))


P95_LARGE_MS = 50.0
"""Asked of a large installation on PostgreSQL."""


def figures(note: Note) -> list[Figure]:
    """Seeding and measuring take some three minutes and 2 GB of disk."""
    with tempfile.TemporaryDirectory(prefix="retrospec-pages-") as folder:
        return figures_of(run_pages(Path(folder), SIZES, note))


def show(found: list[Measured], out: Any = sys.stdout) -> None:
    """A line each, the slowest first."""
    for one in sorted(found, key=lambda each: -each.p95_ms):
        load = f"{one.first_load_bytes / 1000:5.1f} KB" if one.first_load_bytes else " " * 8
        print(f"{one.name:<62} p95 {one.p95_ms:7.1f} ms  median {one.median_ms:6.1f}  CPU {one.cpu_ms:6.1f} median {one.cpu_median_ms:6.1f} = {one.ratio:5.1f} yardsticks  {one.queries:3} statements  {load}", file=out)
        for scan in one.scans:
            print(f"    {scan}", file=out)


def as_json(found: list[Measured]) -> str:
    """For a program to read."""
    return json.dumps(msgspec.to_builtins(found), indent=2)
