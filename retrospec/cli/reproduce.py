"""``retrospec reproduce``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.errors import BadRequest, NotFound, RetroSpecError
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.reproduction import Reproduction


@click.command()
@click.argument("recording", metavar="FILE|SESSION")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the test there; without it, to stdout.")
@click.option("--base-url", default="", metavar="URL", help="The site to test; without it, where it was recorded.")
@click.option("--value", "values", multiple=True, metavar="NAME=TEXT", help="What to type into the field NAME; may be given often.")
@click.option("--finding", default="", metavar="ID", help="Which failure; without it, the one the report is about.")
@click.option("--steps", is_flag=True, help="Print steps for a person instead.")
@click.option("--project", default="", help="The session's project, where several have a session of that name.")
@store_options
@json_option
def reproduce(
    recording: str, out: Path | None, base_url: str, values: tuple[str, ...], finding: str, steps: bool, project: str,
    config: Path | None, data: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a Playwright test (Python) that fails while a session's failure is there, and passes once it is mended.

    Takes the id of a stored session, or a recording as `retrospec analyze` reads it. Recordings have what was typed masked: the
    blanks stand in VALUES with guesses, and --value fills them. Each step says how sure it is to do what the person did.

    \b
    Examples:
      retrospec reproduce ses_01jd8k2v9w3m5n7p9r1t3v5x7z -o test_checkout.py
      retrospec reproduce session.json --base-url http://127.0.0.1:3000 --value "Postcode=SW1A 2AA"
    """
    from retrospec.reproduction import python_test

    typed = dict(_pair(value) for value in values)
    plan, symptom = asyncio.run(_plan(recording, project, finding, settings_from(config, storage_dir=data)))
    _require_known(plan, typed)
    if as_json:
        print_json(plan)
        return
    if steps:
        click.echo("\n".join(step_lines(plan)))
        return
    text = python_test(plan, session_id=Path(recording).name, symptom=symptom, base_url=base_url.rstrip("/"), values=typed)
    if not text:
        raise RetroSpecError("No test can tell whether this failure is there; `--steps` prints the way to it.")
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {len(plan.steps)} steps, confidence {plan.confidence:.2f}; run it with pytest-playwright.")


def step_lines(plan: "Reproduction") -> list[str]:
    """The way for a person, with what should then not happen."""
    lines = [
        f"{number:>3}. {step.sentence}  ({step.confidence:.0%} sure{''.join(f'; {doubt}' for doubt in step.doubts)})"
        for number, step in enumerate(plan.steps, 1)
    ]
    expected = plan.expectation.sentence if plan.expectation else "No test can tell; look for yourself"
    return [f"Failure: {plan.failure}", *lines, f"Once mended: {expected}.", *plan.doubts]


def _pair(value: str) -> tuple[str, str]:
    name, sign, text = value.partition("=")
    if not sign:
        raise click.BadParameter(f"{value!r} is not NAME=TEXT", param_hint="--value")
    return name, text


def _require_known(plan: "Reproduction", typed: dict[str, str]) -> None:
    unknown = [name for name in typed if name not in plan.values]
    if unknown:
        known = ", ".join(repr(name) for name in plan.values) or "none"
        raise BadRequest(f"--value {unknown[0]!r} is no blank of this way; there are: {known}.")


async def _plan(name: str, project: str, finding: str, settings: Settings) -> "tuple[Reproduction, str]":
    from retrospec.cli.recording_file import STDIN, recording_at
    from retrospec.cli.render import names_a_file

    if name == STDIN or names_a_file(name):
        from retrospec.analysis import analyse
        from retrospec.reproducing import lead_reproduction

        analysis = analyse(recording_at(name), [], None, min_confidence=settings.analysis.min_confidence)
        plan = lead_reproduction(analysis.trace, analysis.findings, finding)
        if plan is None:
            raise NotFound(f"There is no failure in {name} whose way could be told.")
        return plan, analysis.symptom
    return await _stored_plan(name, project, finding, settings)


async def _stored_plan(session_id: str, project: str, finding: str, settings: Settings) -> "tuple[Reproduction, str]":
    from retrospec.cli.opened import existing_database
    from retrospec.cli.render import project_of
    from retrospec.reproducing import stored_reproduction
    from retrospec.storage.blobs import Blobs

    async with existing_database(settings) as database:
        holder = await project_of(database, session_id, project)
        return await stored_reproduction(database, Blobs.open(settings.blobs_url), holder, session_id, finding)
