"""A check-up of an installation: everything a server needs, looked at without changing anything."""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.lookout import why_not
from retrospec.replay.found import find_browser, why_no_browser
from retrospec.storage import sessions
from retrospec.storage.database import Connection, Database
from retrospec.storage.examine import Examined, Waiting, examine, find_waiting
from retrospec.storage.folder import is_held

LOW_DISK_BYTES = 1_000_000_000
"""About a week of a small site's recordings at the default retention."""
FULL_DISK_BYTES = 200_000_000
"""SQLite's log may grow to 64 MB between checkpoints, and a render needs room for its video."""
STUCK_AFTER = timedelta(minutes=10)
CLOCK_TOLERANCE = timedelta(minutes=1)
REPLAYER = ("replay.js", "replay.css")
BUILT = ("retrospec.js", "retrospec.mjs", "sdk-more.mjs", "sdk-canvas.mjs", "player.js", "htmx.js", *REPLAYER)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but less well than it could."""
    PROBLEM = "problem"


class Check(msgspec.Struct):
    """One thing that was looked at; ``remedy`` says what to do, and is empty where nothing is."""

    name: str
    level: Level
    sentence: str
    remedy: str = ""


def check_assets() -> Check:
    """The bundles that browsers are served and the replayer needs."""
    folder = built_dir()
    missing = [name for name in BUILT if not _has_content(folder / name)]
    if missing:
        remedy = "Install RetroSpec again; in a checkout run: python hatch_build.py"
        return Check("assets", Level.PROBLEM, f"{', '.join(missing)} of {folder} cannot be read or are empty.", remedy)
    return Check("assets", Level.OK, f"SDK, player and replayer are in {folder}.")


def check_folder(settings: Settings) -> Check:
    """Whether files can be written to the data folder."""
    folder = settings.data_dir
    if not _is_there(folder):
        remedy = "Start `retrospec serve`, which makes it, or name the server's folder with --data."
        return Check("data folder", Level.WARNING, f"There is no data folder {folder} yet.", remedy)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
    except OSError as error:
        remedy = "Give the folder to the user who runs the server, or name another with --data."
        return Check("data folder", Level.PROBLEM, f"{folder} cannot be written to: {error.strerror or error}.", remedy)
    return Check("data folder", Level.OK, f"{folder} can be written to.")


def check_disk(settings: Settings) -> Check:
    """Room left where the data folder is, or will be."""
    folder = settings.data_dir
    free_bytes = shutil.disk_usage(next(each for each in (folder, *folder.parents) if _is_there(each))).free
    sentence = f"{free_bytes / 1e9:,.1f} GB are free below {folder}."
    remedy = "Free some space, or lower retention.days and run `retrospec cleanup`."
    if free_bytes < FULL_DISK_BYTES:
        return Check("disk", Level.PROBLEM, sentence, remedy)
    if free_bytes < LOW_DISK_BYTES:
        return Check("disk", Level.WARNING, sentence, remedy)
    return Check("disk", Level.OK, sentence)


async def check_database(settings: Settings) -> list[Check]:
    """Whether it opens, fits this program and is whole; then what waits in it, and the clock."""
    found = await asyncio.to_thread(examine, settings.database_url)
    checks = [_judge_database(found)]
    if found.damages:
        told = f"PRAGMA quick_check finds damage: {'; '.join(found.damages)}."
        checks.append(Check("integrity", Level.PROBLEM, told, "Stop the server and restore the last copy (docs/operate.md)."))
    elif found.exists and not found.broken and settings.database_url.startswith("sqlite"):
        checks.append(Check("integrity", Level.OK, "PRAGMA quick_check finds no damage."))
    if found.is_current and not found.damages:
        checks.extend(await _check_contents(settings))
    return checks


async def check_browser(settings: Settings) -> list[Check]:
    """Which browser is found, whether it draws a frame, and whether its sandbox is on."""
    if settings.confirmation.checker == "none" or settings.replay.render == "off":
        return [Check("browser", Level.OK, f"None is needed: {why_not(settings)}")]
    found = find_browser(settings.replay)
    if found is None:
        is_wanted = bool(settings.replay.browser) or settings.replay.render == "on"
        level = Level.PROBLEM if is_wanted else Level.WARNING
        told = f"No browser: {why_no_browser(settings.replay)}."
        remedy = "Until then failures are confirmed by text only, and the server replays nothing."
        return [Check("browser", level, told, remedy)]
    if not all(_has_content(built_dir() / name) for name in REPLAYER):
        told = f"{found.how} ({found.source}), but it was not tried: the replayer is not there."
        return [Check("browser", Level.WARNING, told, "See assets, then run this again.")]
    from retrospec.replay.trial import try_out

    trial = await try_out(settings.replay)
    which = f"{found.how} ({found.source})"
    if trial.failure:
        remedy = "Install chromium-headless-shell, or name a working Chromium in replay.browser."
        return [Check("browser", Level.PROBLEM, f"{which}, but it does not work: {trial.failure}.", remedy)]
    return [
        Check("browser", Level.OK, f"{which}; version {trial.version} drew a frame.{_thriftier(found.path)}"),
        _judge_sandbox(trial.unguarded),
    ]


def _thriftier(path: str) -> str:
    """What would replay as well in two thirds of the memory (``retrospec bench render`` with either)."""
    return "" if "headless" in path else " chromium-headless-shell would do the same with a third less memory."


def _judge_sandbox(unguarded: str) -> Check:
    if not unguarded:
        return Check("sandbox", Level.OK, "Chromium's own sandbox is on.")
    remedy = "Run the server as an ordinary user, on a kernel that allows unprivileged user namespaces."
    told = f"Chromium's own sandbox is off: {unguarded}. Recordings still reach no network and run no script."
    return Check("sandbox", Level.WARNING, told, remedy)


def _judge_database(found: Examined) -> Check:
    if not found.exists:
        remedy = "Start `retrospec serve`, which makes it, or name the server's folder with --data."
        return Check("database", Level.WARNING, "There is no database yet.", remedy)
    if found.broken:
        remedy = "Check database.url and that its server runs; restore the last copy if the file is damaged."
        return Check("database", Level.PROBLEM, f"The database cannot be read: {found.broken}.", remedy)
    if not found.revision:
        return Check("database", Level.WARNING, "The database is empty.", "Start `retrospec serve`, which fills it.")
    if not found.is_known:
        told = f"The database is at schema {found.revision}, which a newer RetroSpec wrote; this one knows {found.newest}."
        return Check("database", Level.PROBLEM, told, "Start the newer version again, or restore a copy made by this one.")
    if not found.is_current:
        told = f"The database is at schema {found.revision}; this version's is {found.newest}."
        return Check("database", Level.WARNING, told, "Restart `retrospec serve`, which brings it up to date.")
    return Check("database", Level.OK, f"The database opens; its schema {found.revision} is current.")


async def _check_contents(settings: Settings) -> list[Check]:
    now = utc_now()
    database = Database.open(settings.database_url)

    async def look(connection: Connection) -> tuple[dict[str, int], Waiting]:
        return await sessions.queue_depths(connection, now=now), await find_waiting(connection, now=now)

    try:
        depths, waiting = await database.read_once(look)
    except Unavailable as error:
        return [Check("queue", Level.PROBLEM, error.message, "Try again; if it stays so, restart the server.")]
    finally:
        await database.close()
    return [_judge_queue(settings, depths, waiting), _judge_dead(depths), _judge_clock(waiting)]


def _judge_queue(settings: Settings, depths: dict[str, int], waiting: Waiting) -> Check:
    count = depths.get("analysis_stream_depth", 0) + depths.get("replay_stream_depth", 0)
    runs = is_held(settings.data_dir)
    told = f"Sessions that wait to be judged: {count:,}; {'a server runs' if runs else 'no server runs'} over this folder."
    if waiting.oldest_due_at is not None and waiting.oldest_due_at < utc_now() - STUCK_AFTER:
        remedy = "Look at the server's log, or give it more worker.threads." if runs else "Start `retrospec serve`."
        return Check("queue", Level.WARNING, f"{told} The oldest was due {waiting.oldest_due_at:%Y-%m-%d %H:%M} UTC.", remedy)
    return Check("queue", Level.OK, told)


def _judge_dead(depths: dict[str, int]) -> Check:
    dead = depths.get("analysis_failed_depth", 0)
    if not dead:
        return Check("dead letters", Level.OK, "No session was given up.")
    remedy = "The dashboard lists them under the status failed; each report card says why."
    return Check("dead letters", Level.WARNING, f"Sessions given up after their last attempt: {dead:,}.", remedy)


def _judge_clock(waiting: Waiting) -> Check:
    now, newest = utc_now(), waiting.newest_at
    if newest is not None and newest > now + CLOCK_TOLERANCE:
        told = f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC, but a session was stored {newest:%Y-%m-%d %H:%M} UTC."
        return Check("clock", Level.PROBLEM, told, "Set the clock, and keep it set by NTP: leases and retention go by it.")
    return Check("clock", Level.OK, f"The clock says {now:%Y-%m-%d %H:%M} UTC; no stored session is ahead of it.")


def _is_there(folder: Path) -> bool:
    """Whether it exists, as far as this user may know."""
    try:
        return folder.exists()
    except PermissionError:
        return False


def _has_content(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False
