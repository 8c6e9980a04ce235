"""``retrospec licences``."""

from importlib.metadata import Distribution, distributions

import click

from retrospec.cli.options import print_table
from retrospec.domain.shipped import built_dir

THIRD_PARTY = "third-party-licences.txt"


@click.command()
@click.option("--python", "is_python", is_flag=True, help="List the Python packages of this environment and their licences instead.")
def licences(is_python: bool) -> None:
    """Print the licences of what comes with RetroSpec: the scripts and styles that browsers are served.

    RetroSpec itself is under the Apache License 2.0. Python packages are installed beside it, each with its own licence file.

    \b
    Example:
      retrospec licences | less
    """
    if is_python:
        known = {each.name.lower(): each for each in distributions()}
        print_table(("package", "version", "licence"), [(each.name, each.version, licence_of(each)) for _, each in sorted(known.items())])
        return
    file = built_dir() / THIRD_PARTY
    if not file.is_file():
        raise click.ClickException(f"{file} is not there: in a checkout, run python hatch_build.py first")
    click.echo("RetroSpec: Apache License 2.0\n")
    click.echo(file.read_text(encoding="utf-8"))


def licence_of(package: Distribution) -> str:
    """As its metadata says: the expression of PEP 639, else the classifiers, else the free text's first line."""
    told = package.metadata
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License ::")]
    words = [
        *(told.get_all("License-Expression") or ()),
        ", ".join(each for each in classified if each != "OSI Approved"),
        *(each.partition("\n")[0] for each in told.get_all("License") or ()),
    ]
    return next((each for each in words if each), "see its own files")
