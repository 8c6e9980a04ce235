"""Near-duplicates, online: which fingerprints are one failure after all, and which may be.

Two rules join on their own, each found on failing programs run in three engines and four builds:

1. *One site of one build.* Same type, same built file and line, columns at most 32 apart and the same function;
   or at most 8 apart where either names none. Engines disagree on columns by 25 at most.
2. *One text, one place.* Minified names change with each build, texts don't. Where a text (per type and hashless file)
   was seen at exactly one place in every build, those places are one. As soon as any build shows it at a second
   place, the text tells nothing and its join is withdrawn.

Everything else is only suggested (``suggest``), by the share of weighted tokens in common. Types never mix.

Order does not matter: what is stored only grows (a set of rows), and groups are a function of that set.
A marker whose rows are known already costs one look-up; a new one reads at most ``MAX_ROWS`` rows of each of its tokens.

Storage contract
    ``TokenStore`` is one table, ``(token, key, detail)`` unique and indexed by token and by key, each project's rows
    apart: ``storage/neighbours.py`` in SQL, ``MemoryStore`` in dicts. Tokens with more rows than the limit tell nothing
    apart and are passed over, so no read grows with the number of issues.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Protocol

from msgspec import Struct, field

from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint
from retrospec.issues.learned import LEARNED_SCORE, MAX_KIN, kin_token, same_template

MAX_ROWS = 64
WINDOW_COLUMNS = 32
NAMELESS_WINDOW_COLUMNS = 8
SUGGEST_AT = 0.6
"""Share of weighted tokens in common from which a merge is suggested."""

_WEIGHTS = {"frame": 3.0, "code": 2.0, "fn": 2.0, "seg": 1.5, "method": 1.0, "word": 1.0, "file": 1.0}
_DEFAULT_WEIGHT = 1.0
_LONGEST_NAME = 120
"""Of a built file or a function, as stored beside a key."""
_FAMILY_OF_ONE_SIGHTING = frozenset({"site", "url"})
"""Tokens that say where exactly one marker was: for rule 1 and the URL learner, not for likeness."""


class Row(Struct, frozen=True, order=True):
    """One stored fact: ``key`` has the token asked for, with ``detail``."""

    key: str
    detail: str = ""


class TokenStore(Protocol):
    """See the module's storage contract."""

    async def add(self, token: str, row: Row) -> bool:
        """Store it; False when it was there already."""

    async def add_all(self, tokens: Sequence[str], row: Row) -> None:
        """Store ``row`` under each of ``tokens``."""

    async def rows(self, token: str, limit: int) -> Sequence[Row]:
        """At most ``limit`` rows of ``token``; as many as ``limit`` means there may be more."""

    async def known(self, tokens: Sequence[str]) -> set[str]:
        """Those of ``tokens`` that have a row."""


class MemoryStore:
    """A ``TokenStore`` in dicts."""

    def __init__(self) -> None:
        self._rows: dict[str, set[Row]] = defaultdict(set)

    async def add(self, token: str, row: Row) -> bool:
        """Store it; False when it was there already."""
        known = self._rows[token]
        if row in known:
            return False
        known.add(row)
        return True

    async def add_all(self, tokens: Sequence[str], row: Row) -> None:
        """Store ``row`` under each of ``tokens``."""
        for token in tokens:
            self._rows[token].add(row)

    async def rows(self, token: str, limit: int) -> list[Row]:
        """At most ``limit`` rows of ``token``."""
        return list(islice(self._rows.get(token, ()), limit))

    async def known(self, tokens: Sequence[str]) -> set[str]:
        """Those of ``tokens`` that have a row."""
        return {token for token in tokens if token in self._rows}

    def everything(self) -> Iterator[tuple[str, Row]]:
        """Every row with its token."""
        return ((token, row) for token, rows in self._rows.items() for row in rows)


class Link(Struct, frozen=True, order=True):
    """Two keys that are one failure, and by which rule."""

    a: str
    b: str
    rule: str
    """``site`` or ``text``."""
    because: str = ""


class Suggestion(Struct, frozen=True):
    """A merge a person should decide."""

    key: str
    score: float
    """0…1, share of weighted tokens in common."""


class Neighbours(Struct):
    """What one sighting changed."""

    links: list[Link] = field(default_factory=list)
    """Hold now. The same link may be reported again."""
    withdrawn: list[Link] = field(default_factory=list)
    """Held before and don't any more: their text turned up at a second place."""


class _Site(Struct, frozen=True):
    build: str
    line: str
    column: int
    function: str

    def is_near(self, other: "_Site") -> bool:
        apart = abs(self.column - other.column)
        if self.function == other.function and self.function:
            return apart <= WINDOW_COLUMNS
        return apart <= NAMELESS_WINDOW_COLUMNS and not (self.function and other.function)


class NeighbourIndex:
    """Observes fingerprints and says which belong together.

    One per project; calls for one project should come one after the other.
    """

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    async def fresh(self, prints: Sequence[tuple[MarkerKind, Fingerprint]]) -> list[tuple[MarkerKind, Fingerprint]]:
        """Those that tell something new, each once: one look-up for all of them."""
        by_name = {_name(one): (kind, one) for kind, one in prints}
        known = await self._store.known(list(by_name))
        return [given for name, given in by_name.items() if name not in known]

    async def observe(self, kind: MarkerKind, one: Fingerprint) -> Neighbours:
        """Record one marker's fingerprint and return what it joins and unjoins.

        A sighting that adds nothing new returns nothing: what it led to was reported when it was new.
        """
        found = Neighbours()
        if not await self._store.add(_name(one), Row(one.key)):
            return found
        family = f"{kind.value}:{_type(one)}"
        sites = [site for token in one.tokens if (site := _read_site(token))]
        texts = [_short(f"{family}:{token}") for token in one.tokens if token.startswith("text:") and sites]
        await self._remember(kind, one)
        joined = [key for site in sites for key in await self._observe_site(family, one.key, site, found)]
        for text in texts:
            await self._observe_text(text, one.key, sites[0].build, found)
        for member in sorted(await self._members(one.key)) if joined else ():
            await self._look_again(member, found)
        return found

    async def _remember(self, kind: MarkerKind, one: Fingerprint) -> None:
        tokens = list(dict.fromkeys(_likeness_tokens(kind, one)))
        if await self._store.add(f"weight:{one.key}", Row(one.key, f"{sum(map(_weight, tokens)):g}")):
            await self._store.add_all(tokens, Row(one.key))
            if kin := kin_token(kind, one):
                await self._store.add(kin[0], Row(one.key, kin[1]))

    async def _observe_site(self, family: str, key: str, site: _Site, found: Neighbours) -> list[str]:
        """Join ``key`` by rule 1; the keys it had not been joined with before."""
        place, bucket = f"{family}:site:{site.build}:{site.line}", site.column // WINDOW_COLUMNS
        if not await self._store.add(f"{place}:{bucket}", Row(key, f"{site.column}:{site.function}")):
            return []
        joined: list[str] = []
        for near in (bucket - 1, bucket, bucket + 1):
            for row in await self._store.rows(f"{place}:{near}", MAX_ROWS):
                column, _, function = row.detail.partition(":")
                if row.key != key and site.is_near(_Site(site.build, site.line, int(column), function)):
                    found.links.append(_link(key, row.key, "site", _short(place)))
                    if await self._store.add(f"joined:{key}", Row(row.key)):
                        await self._store.add(f"joined:{row.key}", Row(key))
                        joined.append(row.key)
        return joined

    async def _observe_text(self, token: str, key: str, build: str, found: Neighbours) -> None:
        row = Row(key, build)
        if not await self._store.add(token, row):
            return
        await self._store.add(f"texts:{key}", Row(token))
        rows = await self._store.rows(token, MAX_ROWS + 1)
        before = await self._text_links(token, [known for known in rows if known != row])
        now = await self._text_links(token, rows)
        found.links += sorted(now - before)
        found.withdrawn += sorted(before - now)

    async def _look_again(self, key: str, found: Neighbours) -> None:
        """Two places became one: texts that seemed to point at both now point at one."""
        for text in await self._store.rows(f"texts:{key}", MAX_ROWS):
            found.links += sorted(await self._text_links(text.key, await self._store.rows(text.key, MAX_ROWS + 1)))

    async def _text_links(self, token: str, rows: Sequence[Row]) -> set[Link]:
        """The joins of rule 2: none when any build has the text at two places, or it was seen too often to tell."""
        if not 2 <= len(rows) <= MAX_ROWS:
            return set()
        keys_of: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            keys_of[row.detail].add(row.key)
        if len(keys_of) < 2:
            return set()
        for keys_there in keys_of.values():
            if not await self._is_one_place(keys_there):
                return set()
        keys = sorted({row.key for row in rows})
        return {_link(keys[0], key, "text", token) for key in keys[1:]}

    async def _is_one_place(self, keys: set[str]) -> bool:
        return len(keys) == 1 or keys <= await self._members(min(keys))

    async def _members(self, key: str) -> set[str]:
        """The keys joined with ``key`` by site, itself among them."""
        seen, waiting = {key}, [key]
        while waiting and len(seen) < MAX_ROWS:
            fresh = {row.key for row in await self._store.rows(f"joined:{waiting.pop()}", MAX_ROWS)} - seen
            seen |= fresh
            waiting += sorted(fresh)
        return seen

    async def suggest(
        self, kind: MarkerKind, one: Fingerprint, *, at_least: float = SUGGEST_AT, limit: int = 3
    ) -> list[Suggestion]:
        """The keys nearest to ``one`` by weighted tokens, best first; of the same kind and type only.

        Not part of ``observe``: asked once for a fingerprint never seen, not for every marker.
        """
        own = dict.fromkeys(_likeness_tokens(kind, one))
        shared: dict[str, float] = defaultdict(float)
        for token in own:
            rows = await self._store.rows(token, MAX_ROWS)
            for row in rows if len(rows) < MAX_ROWS else ():
                shared[row.key] += _weight(token)
        shared.pop(one.key, None)
        total = sum(map(_weight, own))
        near = sorted(shared, key=lambda key: (-shared[key], key))[: 4 * limit]
        scored = [Suggestion(key, round(await self._share(key, shared[key], total), 3)) for key in near]
        scored = _higher(scored, await self._learned(kind, one))
        return sorted((s for s in scored if s.score >= at_least), key=lambda s: (-s.score, s.key))[:limit]

    async def _learned(self, kind: MarkerKind, one: Fingerprint) -> list[Suggestion]:
        """Those that differ in a name which many others show to be a parameter."""
        kin = kin_token(kind, one)
        rows = await self._store.rows(kin[0], MAX_KIN) if kin else ()
        others = [(row.key, row.detail) for row in rows if row.key != one.key]
        same = same_template(kind, kin[1], others) if kin and others else []
        return [Suggestion(key, LEARNED_SCORE) for key in same]

    async def _share(self, key: str, shared: float, total: float) -> float:
        rows = await self._store.rows(f"weight:{key}", 1)
        theirs = float(rows[0].detail) if rows else 0.0
        return shared / (total + theirs - shared) if shared and theirs else 0.0


def _higher(one: Iterable[Suggestion], other: Iterable[Suggestion]) -> list[Suggestion]:
    best: dict[str, Suggestion] = {}
    for each in (*one, *other):
        if each.key not in best or each.score > best[each.key].score:
            best[each.key] = each
    return list(best.values())


def groups(links: Iterable[Link], withdrawn: Iterable[Link] = ()) -> dict[str, str]:
    """Each linked key with the least key of its group, from all links that hold."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while (up := parent.setdefault(key, key)) != key:
            parent[key] = parent[up]
            key = up
        return key

    for link in set(links) - set(withdrawn):
        low, high = sorted((root(link.a), root(link.b)))
        parent[high] = low
    return {key: root(key) for key in parent}


def _short(text: str) -> str:
    """A token of bounded length, as different as ``text`` is."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _name(one: Fingerprint) -> str:
    """Names all that the rules can learn from a sighting: its key, and where it was and how it was worded."""
    places = (token for token in one.tokens if token.startswith(("site:", "text:")))
    return f"seen:{_short(chr(30).join((one.key, *places)))}"


def _link(a: str, b: str, rule: str, because: str) -> Link:
    low, high = sorted((a, b))
    return Link(low, high, rule, because)


def _type(one: Fingerprint) -> str:
    return next((value for name, value in one.parts if name == "type"), "")


def _read_site(token: str) -> _Site | None:
    if not token.startswith("site:"):
        return None
    rest, function = token[5:].rsplit(":", 1)
    build, line, column = rest.rsplit(":", 2)
    return _Site(build[-_LONGEST_NAME:], line, int(column), function[:_LONGEST_NAME])


def _likeness_tokens(kind: MarkerKind, one: Fingerprint) -> list[str]:
    """Tokens that count for likeness, marked with kind and type so that those never mix."""
    type_ = _type(one)
    plain = (t for t in one.tokens if t.partition(":")[0] not in ("site", "url", "text", "type"))
    return [f"like:{kind.value}:{type_}:{token}" for token in plain]


def _weight(token: str) -> float:
    family = token.split(":", 4)[3]
    return _WEIGHTS.get(family, _DEFAULT_WEIGHT)
