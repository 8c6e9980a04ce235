"""Gives exceptions their names in the source: stacks are taken apart, looked up in the release's maps and written back.

Done when a marker arrives, so that its cluster key and the receipt already go by the source; and once more before the
session is read, for maps that came in between. A marker that was judged keeps its names: an issue is never reshuffled.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, CorruptRecording, NotFound, RetroSpecError
from retrospec.domain.ids import new_id
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.domain.session import Session
from retrospec.issues.failure import as_evidence
from retrospec.issues.fingerprint_v1 import cluster_key, fingerprint
from retrospec.issues.own_rules import is_owners
from retrospec.issues.places import own_frames
from retrospec.issues.stacks import Frame, parse_stack
from retrospec.storage import markers as marker_rows
from retrospec.storage import source_maps
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.source_maps import StoredMap
from retrospec.symbols.folder import debug_id_of
from retrospec.symbols.matching import MapIndex, debug_ids_of, normal_debug_id
from retrospec.symbols.naming import MAX_FRAMES, Call, source_name, with_frames
from retrospec.symbols.packing import pack
from retrospec.symbols.reader import MapReader
from retrospec.symbols.talk import Origin, Spot

log = structlog.get_logger()

AT_ARRIVAL_S = 3.0
"""A visitor's page waits for its receipt; later there is more time."""
BEFORE_READING_S = 20.0
REMEMBERED_S = 10.0
"""Which maps a release has is asked again after so long; an upload through this server is known at once."""
MAX_RELEASES = 64
MAX_ORIGINS = 8_192
"""The same crash of many visitors is looked up once."""

Spotted = tuple[str, Spot]
"""``(object key of the map, spot)``."""


class Upload(msgspec.Struct, kw_only=True):
    """A map to be kept."""

    release: str
    name: str
    debug_id: str
    minified: bytes
    source_map: bytes


class SourceNames:
    """Looks stacks up in the maps of their release."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._reader = MapReader()
        self._releases: OrderedDict[tuple[str, str], tuple[float, MapIndex]] = OrderedDict()
        self._origins: OrderedDict[Spotted, Origin | None] = OrderedDict()

    async def close(self) -> None:
        """End the process that opens maps."""
        await asyncio.to_thread(self._reader.close)

    async def keep(self, project_id: str, upload: Upload) -> StoredMap:
        """Store a map once it is known to be readable. Raises BadRequest."""
        debug_id = debug_id_of(upload.minified, upload.source_map)
        packed = await asyncio.to_thread(pack, upload.minified, upload.source_map)
        await asyncio.to_thread(self._reader.check, packed)
        stored = StoredMap(
            project_id=project_id,
            release=upload.release,
            name=upload.name,
            debug_id=normal_debug_id(upload.debug_id) or debug_id,
            object_key=f"source-maps/{project_id}/{new_id('map')}",
            size_bytes=len(packed),
            inflated_bytes=len(upload.minified) + len(upload.source_map),
            has_sources=b'"sourcesContent"' in upload.source_map,
            created_at=utc_now(),
        )
        await self._blobs.put(stored.object_key, packed)
        old_key = await self._database.write_soon(lambda connection: source_maps.save(connection, stored))
        self.forget_release(project_id, upload.release)
        if old_key:
            await self._blobs.delete(old_key)
        return stored

    async def drop(self, project_id: str, release: str, name: str = "") -> int:
        """Delete a release's maps, or one of them; how many there were."""
        keys = await self._database.write_soon(
            lambda connection: source_maps.forget(connection, project_id, release, name)
        )
        self.forget_release(project_id, release)
        for key in keys:
            await self._blobs.delete(key)
        return len(keys)

    def forget_release(self, project_id: str, release: str) -> None:
        """Ask the database again for the maps of this release."""
        self._releases.pop((project_id, release), None)

    async def name_arrived(self, named: Sequence[Marker], *, release: str, site: str, route: str) -> None:
        """Give markers that just arrived their source names, and the cluster keys that follow from them."""
        for marker in named:
            await self._name(marker, release, AT_ARRIVAL_S, site=site, route=route)

    async def name_waiting(self, session: Session, named: Sequence[Marker]) -> None:
        """The same for a session's stored markers that nobody has judged or named yet; their rows are written."""
        release, site, route = session.release, session.site, session.route
        changed = [
            marker
            for marker in named
            if marker.state == "seen"
            and not _is_named(marker)
            and await self._name(marker, release, BEFORE_READING_S, site=site, route=route)
        ]
        if changed:
            await self._database.write_soon(lambda connection: _rename_all(connection, changed))

    async def _name(self, marker: Marker, release: str, within_s: float, *, site: str, route: str) -> bool:
        """Whether anything was found out about this marker."""
        calls = calls_of(marker)
        if not calls:
            return False
        try:
            used, unmapped = await self._look_up(marker, calls, release, within_s)
        except RetroSpecError as error:
            log.warning("source_map_not_read", marker=marker.id, release=release, reason=str(error))
            return False
        if not used and not unmapped:
            return False
        _note_owners(calls)
        marker.evidence = with_frames(marker.evidence, calls, unmapped)
        found = fingerprint(marker.kind, marker.label, marker.evidence, site=site, route=route)
        if used and not is_owners(marker.cluster_key):
            marker.cluster_key = cluster_key(marker.kind, found)
        await self._note_use(used)
        return True

    async def _look_up(
        self, marker: Marker, calls: Sequence[Call], release: str, within_s: float
    ) -> tuple[list[StoredMap], list[str]]:
        """``(maps that helped, files without a map)``; the origins are written into ``calls``."""
        files = list(dict.fromkeys(call.file for call in calls if call.spot))
        evidence = marker.evidence if isinstance(marker.evidence, Mapping) else {}
        maps = await self._maps_for(marker.project_id, release, files, debug_ids_of(evidence, files))
        if maps is None:
            return [], []
        until = time.monotonic() + within_s
        for file, stored in maps.items():
            own = [call for call in calls if call.file == file and call.spot]
            await asyncio.to_thread(self._fill, stored, own, max(0.1, until - time.monotonic()))
        unmapped = [file for file in files if file not in maps and "://" in file]
        return list(maps.values()), unmapped

    async def _maps_for(
        self, project_id: str, release: str, files: Sequence[str], debug_ids: Mapping[str, str]
    ) -> dict[str, StoredMap] | None:
        """Map by file; None where the project has none to try."""
        index = await self._index(project_id, release) if release else MapIndex([])
        by_id: dict[str, StoredMap] = {}
        if debug_ids:
            found = await self._database.read_once(
                lambda connection: source_maps.with_debug_ids(connection, project_id, set(debug_ids.values()))
            )
            by_id = {each.debug_id: each for each in found}
        if not index and not by_id:
            return None
        chosen = {file: by_id.get(debug_ids.get(file, "")) or index.find(file) for file in files}
        return {file: stored for file, stored in chosen.items() if stored is not None}

    async def _index(self, project_id: str, release: str) -> MapIndex:
        known = self._releases.get((project_id, release))
        if known is not None and time.monotonic() - known[0] < REMEMBERED_S:
            return known[1]
        found = await self._database.read_once(
            lambda connection: source_maps.of_release(connection, project_id, release)
        )
        index = MapIndex(found)
        self._releases[project_id, release] = time.monotonic(), index
        while len(self._releases) > MAX_RELEASES:
            self._releases.popitem(last=False)
        return index

    def _fill(self, stored: StoredMap, calls: Sequence[Call], within_s: float) -> None:
        """Write origins into calls that lie in one file."""
        wanted = list(dict.fromkeys((stored.object_key, call.spot) for call in calls if call.spot is not None))
        found = {each: self._origins[each] for each in wanted if each in self._origins}
        unknown = [each for each in wanted if each not in found]
        if unknown:
            found |= dict(zip(unknown, self._asked(stored, [spot for _, spot in unknown], within_s), strict=True))
            self._origins |= found
        for call in calls:
            call.origin = found.get((stored.object_key, call.spot)) if call.spot else None
        while len(self._origins) > MAX_ORIGINS:
            self._origins.popitem(last=False)

    def _asked(self, stored: StoredMap, spots: list[Spot], within_s: float) -> list[Origin | None]:
        try:
            return self._reader.origins(
                stored.object_key, spots, lambda: self._content(stored), within_s=within_s
            )
        except BadRequest as error:
            log.warning("source_map_not_read", map=stored.name, release=stored.release, reason=str(error))
            return [None] * len(spots)  # remembered, so that not every visitor's crash tries again

    def _content(self, stored: StoredMap) -> bytes:
        try:
            return self._blobs.get_here(stored.object_key)
        except NotFound as error:
            raise CorruptRecording(f"The source map {stored.name} of {stored.release} is no longer stored.") from error

    async def _note_use(self, used: Sequence[StoredMap]) -> None:
        """Once a day a map: what matters is which releases are dead."""
        now = utc_now()
        stale = [each for each in used if each.last_used_at is None or (now - each.last_used_at).days >= 1]
        if not stale:
            return
        await self._database.write_soon(lambda connection: source_maps.note_use(connection, stale, now=now))
        for each in stale:
            self.forget_release(each.project_id, each.release)


def calls_of(marker: Marker) -> list[Call]:
    """The frames of an exception's stack, or the one place it names; of a failed request those that sent it; none for other kinds."""
    evidence = as_evidence(marker.evidence)
    frames: tuple[Frame, ...] = ()
    if marker.kind is MarkerKind.JS_EXCEPTION:
        frames = parse_stack(evidence.stack or evidence.message).frames
        if not frames and evidence.filename:
            frames = (Frame("", evidence.filename, evidence.lineno, evidence.colno),)
    elif marker.kind is MarkerKind.API_ERROR:
        frames = parse_stack(evidence.stack).frames
    return [
        Call(function=frame.function, file=frame.file, line=frame.line, column=frame.column)
        for frame in frames[:MAX_FRAMES]
    ]


def _note_owners(calls: Sequence[Call]) -> None:
    """Which calls are the program's own, by where they are in the source."""
    frames = [
        Frame(call.function, source_name(call.origin.file), call.origin.line, call.origin.column)
        if call.origin
        else Frame(call.function, call.file, call.line, call.column)
        for call in calls
    ]
    own = {id(frame) for frame in own_frames(frames)}
    for call, frame in zip(calls, frames, strict=True):
        call.is_own = id(frame) in own


def _is_named(marker: Marker) -> bool:
    evidence: Any = marker.evidence
    extra = evidence.get("extra") if isinstance(evidence, Mapping) else None
    frames = extra.get("frames") if isinstance(extra, Mapping) else None
    return isinstance(frames, list) and any(isinstance(each, Mapping) and each.get("mapped") for each in frames)


async def _rename_all(connection: Connection, named: Sequence[Marker]) -> None:
    for marker in named:
        await marker_rows.rename(connection, marker)
