"""The house rules of the architecture, held by reading the source: floors, owners, sizes, words, links."""

import ast
import graphlib
import re
import statistics
import subprocess
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "retrospec"

FLOORS = {
    "domain": 0,
    "storage": 1,
    "telemetry": 1,
    "tracing": 1,
    "model_line": 1,
    "outbound": 1,
    "shapes": 1,
    "client": 1,
    "capture": 2,
    "analysis": 2,
    "replay": 2,
    "confirmation": 2,
    "issues": 2,
    "alerts": 2,
    "retention": 2,
    "accounts": 2,
    "symbols": 2,
    "reproduction": 2,
    "search": 2,
    "source_names": 3,
    "checkup": 3,
    "admission": 3,
    "arriving": 3,
    "backup": 3,
    "moving": 3,
    "outlook": 3,
    "vitals": 3,
    "reloading": 3,
    "filling": 3,
    "governor": 3,
    "importing": 3,
    "intake": 3,
    "lookout": 3,
    "reactions": 3,
    "screening": 3,
    "reader": 3,
    "rulebook": 3,
    "scanning": 3,
    "breather": 3,
    "report_cards": 3,
    "reproducing": 3,
    "capsule": 3,
    "stage_claims": 3,
    "telling": 3,
    "traffic": 3,
    "pipeline": 3,
    "vault": 3,
    "jobs": 3,
    "web": 4,
    "cli": 4,
    "app": 4,
    "bounded_http": 4,
    "serving": 4,
    "quick_start": 4,
    "demo": 4,
    "bench": 4,
    "assistants": 4,
}
STAGES = {room for room, floor in FLOORS.items() if floor == 2}

# Library → the only places of the package that may import it (path prefixes below retrospec/).
OWNERS = {
    "sqlalchemy": ("storage/",),
    "alembic": ("storage/",),
    "aiosqlite": ("storage/",),
    "psycopg": ("storage/",),
    "obstore": ("storage/blobs.py",),
    "playwright": ("replay/", "demo/", "bench/", "cli/demo/", "cli/bench/"),
    "av": ("replay/",),
    "huey": ("jobs/",),
    "litestar": ("web/", "app.py", "serving.py"),
    "uvicorn": ("serving.py", "bounded_http.py"),
    "symbolic": ("symbols/opener.py",),
    "prometheus_client": ("telemetry.py",),
    "opentelemetry": ("tracing.py",),
    "mcp": ("assistants/",),
    "click": ("cli/",),
    "rich": ("cli/", "bench/", "demo/"),
}
# What the ground floor may import beside the standard library.
DOMAIN_LIBRARIES = {"msgspec"}

MAX_LINES = 400
# Files past the cap, each with the reason it is better whole.
LONGER_FILES: dict[str, str] = {
    "hatch_build.py": "hatchling loads a hook from one file, and half of it is the text it cuts and puts in",
    "sdk.js": "one readable file, which is what a page loads at once; it is built into one in any case",
    "sdk-more.js": "the same of what follows when the page is idle",
}
MEDIAN_LINES = 10
"""Of a function, as in the libraries that are pleasant to read."""

# Assembled, so that this file does not contain what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("registry", "npmjs", "org"),
        ("pypi", "org/simple"),
        ("files", "pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("registry", "yarnpkg", "com"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.:])/(?:work|farm|root|home|Users|opt/rs|tmp/bash_jobs)(?:/|\b)(?=[\w.])")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


class Import(NamedTuple):
    file: Path
    line: int
    module: str

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files of the repository; where there is no git, those of the folders that are ours."""
    names = git_listing()
    if names is None:
        ours = ("retrospec", "tests", "docs", "templates", "static", ".ci")
        files = [*ROOT.glob("*.*"), *(path for folder in ours for path in (ROOT / folder).rglob("*"))]
        return tuple(path for path in files if path.is_file() and "__pycache__" not in path.parts)
    return tuple(path for name in names if (path := ROOT / name).is_file())


def git_listing() -> list[str] | None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return [name for name in listing.stdout.split("\0") if name]


def source_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py" and path.is_relative_to(PACKAGE)]


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for file in source_files() for found in imports_of(file))


def imports_of(file: Path) -> Iterator[Import]:
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute_module(file, node)
            yield Import(file, node.lineno, module)
            if module == "retrospec":
                yield from (Import(file, node.lineno, f"retrospec.{alias.name}") for alias in node.names)


def absolute_module(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = file.relative_to(ROOT).with_suffix("").parts
    base = parts[: len(parts) - node.level]
    return ".".join([*base, node.module] if node.module else base)


def room_of(file: Path) -> str:
    """``retrospec/storage/blobs.py`` → ``storage``; ``retrospec/app.py`` → ``app``."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_of_module(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "retrospec" and len(parts) > 1 else ""


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(file) for file in source_files()} - {"__init__", "__main__"}
    assert rooms <= set(FLOORS), "give the new room a floor in FLOORS and in docs"


def test_imports_go_down_only() -> None:
    wrong = [
        found.place
        for found in all_imports()
        if (room := room_of_module(found.module)) in FLOORS
        and FLOORS.get(room_of(found.file), 4) < FLOORS[room]
    ]
    assert not wrong, "imports a floor above its own"


def test_stages_do_not_know_each_other() -> None:
    wrong = [
        found.place
        for found in all_imports()
        if room_of(found.file) in STAGES
        and (room := room_of_module(found.module)) in STAGES
        and room != room_of(found.file)
    ]
    assert not wrong, "a stage imports a sibling; pipeline.py joins them"


def test_no_file_imports_itself_by_way_of_others() -> None:
    files = {module_of(file): file for file in source_files()}
    graph = {module: needs_of(file, files.keys()) - {module} for module, file in files.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"imports in a circle, if only for its types: {' ← '.join(error.args[1])}")


def needs_of(file: Path, known: Set[str]) -> set[str]:
    """The ``known`` modules a file names, at run time or for types alone; ``from package import module`` is about the module."""
    needs: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            needs |= {alias.name for alias in node.names} & known
        elif isinstance(node, ast.ImportFrom):
            package = absolute_module(file, node)
            for name in (f"{package}.{alias.name}" for alias in node.names):
                needs |= {name if name in known else package} & known
    return needs


@cache
def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_heavy_libraries_have_one_owner() -> None:
    wrong = [
        found.place
        for found in all_imports()
        if (owners := OWNERS.get(found.module.partition(".")[0]))
        and not found.file.relative_to(PACKAGE).as_posix().startswith(owners)
    ]
    assert not wrong, "another place owns this library, see OWNERS"


def test_ground_floor_needs_next_to_nothing() -> None:
    import sys

    allowed = set(sys.stdlib_module_names) | DOMAIN_LIBRARIES | {"retrospec"}
    wrong = [
        found.place
        for found in all_imports()
        if room_of(found.file) == "domain" and found.module.partition(".")[0] not in allowed
    ]
    assert not wrong, "domain/ is standard library and msgspec"


def test_files_stay_short() -> None:
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in [*source_files(), *ROOT.glob("tests/**/*.py"), *ROOT.glob("static/*.js"), *ROOT.glob("*.py"), *ROOT.glob("*.js")]
    }
    long = {name: lines for name, lines in lengths.items() if lines > MAX_LINES and name not in LONGER_FILES}
    assert not long, "split by meaning, or list in LONGER_FILES with a reason"
    stale = [name for name in LONGER_FILES if lengths.get(name, 0) <= MAX_LINES]
    assert not stale, "no longer too long: take it off LONGER_FILES"


def test_functions_stay_short() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for file in source_files()
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert statistics.median(lengths) <= MEDIAN_LINES


def test_public_functions_and_classes_say_what_they_do() -> None:
    silent = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in source_files()
        if "migrations/versions" not in file.as_posix()
        for node in public_definitions(parsed(file))
        if not ast.get_docstring(node)
    ]
    assert not silent, "give it a docstring"


def public_definitions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Top-level functions and classes, and the classes' methods, whose names are public."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    inner
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name[0] != "_"
                )


def text_files() -> Iterator[tuple[Path, str]]:
    for file in tracked_files():
        try:
            yield file, file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_registry_is_named() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: {host}"
        for file, text in text_files()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert not wrong, "the user's own pip, npm and apt settings say where packages come from"


def test_no_path_of_one_machine_is_named() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {found[0]}"
        for file, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := MACHINE_PATH.search(line))
    ]
    assert not wrong, "an absolute path of somebody's machine"


def test_machine_path_pattern_sees_and_spares() -> None:
    home, work = "/ho" + "me/ann/x", "/wo" + "rk/main"
    assert MACHINE_PATH.search(f"open('{home}')") and MACHINE_PATH.search(f"cd {work}")
    assert not MACHINE_PATH.search("https://shop.example/work/1") and not MACHINE_PATH.search(
        "/var/lib/retrospec"
    )


@pytest.mark.parametrize(
    "page",
    [file for file in tracked_files() if file.suffix == ".md"],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_links_between_pages_resolve(page: Path) -> None:
    broken = [
        target for target in LINK.findall(page.read_text(encoding="utf-8")) if not resolves(page, target)
    ]
    assert not broken


def resolves(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(file: Path) -> set[str]:
    """The ids that a heading gets where Markdown is shown as a page."""
    headings = re.findall(r"^#+\s+(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
