"""``retrospec issues``: try out how failures are grouped."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.marker import MarkerKind, marker_kind
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.storage.database import Connection


class Neighbour(msgspec.Struct, rename="camel"):
    """A failure that is like the one asked about."""

    key: str
    issue: str
    symptom: str
    score: float


class Explained(msgspec.Struct, rename="camel", kw_only=True):
    """How one marker is grouped."""

    label: str
    key: str
    parts: list[tuple[str, str]]
    ignored: list[str]
    rule: str
    """The owner's rule that matches, and what it does; empty: none."""
    issue: str = ""
    """The issue it counts towards; empty: it would be new."""
    symptom: str = ""
    is_quiet: bool = False
    neighbours: list[Neighbour] = []


class Asked(msgspec.Struct, kw_only=True):
    """A marker to explain."""

    kind: MarkerKind
    label: str = ""
    evidence: Any = None
    site: str = ""
    route: str = ""
    release: str = ""


@click.group()
def issues() -> None:
    """Issues: why failures are grouped as they are."""


@issues.command()
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A marker as JSON, or a list of them.",
)
@click.option("--session", "session_id", help="Explain every marker of this stored session.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in MarkerKind]),
    default="js_exception",
    show_default=True,
    help="Of what --message says.",
)
@click.option("--message", help="A label, such as 'TypeError: x is undefined' or 'POST /pay returned 500'.")
@click.option("--stack", default="", help="The error's stack, as the browser wrote it.")
@click.option("--path", default="", help="Of the page.")
@click.option("--selector", default="", help="Of the control.")
@click.option("--release", default="", help="Of the site.")
@click.option("--project", "project_id", default="proj_default", show_default=True, help="Id of the project.")
@store_options
@json_option
def explain(
    data: str | None,
    config: Path | None,
    file: Path | None,
    session_id: str | None,
    kind: str,
    message: str | None,
    stack: str,
    path: str,
    selector: str,
    release: str,
    project_id: str,
    as_json: bool,
) -> None:
    """Say what a failure is grouped by: its fingerprint's parts, your rule that matches, where it would go.

    Changes nothing. Without a database (no server has run here yet) it says what can be said without.

    \b
    Examples:
      retrospec issues explain --message "TypeError: x is undefined" --stack "$(cat stack.txt)"
      retrospec issues explain --file marker.json
      retrospec issues explain --session 0f3a…
    """
    settings = settings_from(config, storage_dir=data)
    typed = {"message": message or "", "stack": stack} | ({"selector": selector} if selector else {})
    if message is not None:
        asked = [Asked(kind=marker_kind(kind), label=message, evidence=typed, route=path, release=release)]
    elif file is not None:
        asked = _read_markers(file)
    elif session_id is None:
        raise click.UsageError("Name a marker: --message, --file or --session.")
    else:
        asked = []
    found = asyncio.run(_explain_all(settings, project_id, asked, session_id))
    if as_json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    for one in found:
        click.echo("\n".join([*_lines(one), ""]))


def _read_markers(file: Path) -> list[Asked]:
    try:
        read = json.loads(file.read_text("utf-8"))
        found = msgspec.convert(read if isinstance(read, list) else [read], list[dict[str, Any]])
    except (ValueError, msgspec.ValidationError) as error:
        raise BadRequest(f"{file} is no marker: {error}; it needs kind, label and evidence.") from error
    return [
        Asked(
            kind=marker_kind(str(one.get("kind", ""))),
            label=str(one.get("label", "")),
            evidence=one.get("evidence"),
            **{name: str(one.get(name, "")) for name in ("site", "route", "release")},
        )
        for one in found
    ]


async def _explain_all(
    settings: Settings, project_id: str, asked: Sequence[Asked], session_id: str | None
) -> list[Explained]:
    from retrospec.cli.opened import existing_database

    try:
        async with existing_database(settings) as database, database.read() as connection:
            if session_id is not None:
                asked = await _of_session(connection, project_id, session_id)
            return [await _explain(connection, settings, project_id, one) for one in asked]
    except NotFound:
        if session_id is not None:
            raise
        return [await _explain(None, settings, project_id, one) for one in asked]


async def _of_session(connection: "Connection", project_id: str, session_id: str) -> list[Asked]:
    from retrospec.storage import markers, sessions

    session = await sessions.find(connection, project_id, session_id)
    if session is None:
        raise NotFound(f"There is no session {session_id!r} in project {project_id}.")
    return [
        Asked(kind=one.kind, label=one.label, evidence=one.evidence, site=session.site, route=session.route, release=session.release)
        for one in await markers.of_session(connection, project_id, session_id)
    ]  # fmt: skip


async def _explain(
    connection: "Connection | None", settings: Settings, project_id: str, one: Asked
) -> Explained:
    from retrospec.issues.own_rules import name_marker

    place = {"site": one.site, "route": one.route, "release": one.release}
    named = name_marker(settings.rules, one.kind, one.label, one.evidence, **place)
    told = Explained(
        label=one.label,
        key=named.key,
        parts=named.fingerprint.parts,
        ignored=named.fingerprint.ignored,
        rule=_rule_words(named.rule) if named.rule else "",
    )
    if connection is None:
        return told
    from retrospec.issues.placing import SqlTokens
    from retrospec.issues.similarity import NeighbourIndex
    from retrospec.storage import clusters, judgements
    from retrospec.storage import issues as stored

    if tally := await stored.find(connection, project_id, named.key):
        told.issue, told.symptom = tally.issue.key, tally.issue.symptom
    told.is_quiet = bool(await judgements.quiet_among(connection, project_id, [named.key]))
    keyed = msgspec.structs.replace(named.fingerprint, key=named.key)
    index = NeighbourIndex(SqlTokens(connection, project_id))
    for near in await index.suggest(one.kind, keyed, at_least=0.2):
        home = await clusters.home_of(connection, project_id, near.key)
        other = await stored.find(connection, project_id, near.key)
        told.neighbours.append(Neighbour(near.key, home, other.issue.symptom if other else "", near.score))
    return told


def _rule_words(rule: Any) -> str:
    if rule.ignore:
        does = "ignored"
    else:
        does = ", ".join(
            f"{name} {getattr(rule, name)}" for name in ("fingerprint", "severity") if getattr(rule, name)
        )
    return f"{rule.source}: {rule.shown} → {does}"


def _lines(one: Explained) -> list[str]:
    lines = [one.label or "(no label)", f"  key        {one.key}"]
    lines += [f"  equal      {name}: {value}" for name, value in one.parts]
    lines += [f"  left out   {', '.join(one.ignored)}"] if one.ignored else []
    lines.append(f"  your rule  {one.rule or 'none matches'}")
    lines.append(
        f"  goes to    {one.issue} {one.symptom}".rstrip()
        if one.issue
        else "  goes to    a new issue, once enough sessions share it"
    )
    if one.is_quiet:
        lines.append("  quiet      it was refuted or rejected too often to be shown")
    lines += [
        f"  near       {n.score:.0%} like {n.issue or n.key} {n.symptom}".rstrip() for n in one.neighbours
    ]
    return lines
