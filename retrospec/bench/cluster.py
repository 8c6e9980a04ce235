"""``retrospec bench cluster``: how well failures are grouped, on labelled sets, beside what others do.

The sets are brought by whoever runs it: a folder of ``<set>_<part>.jsonl.gz`` (exceptions, probes, api_urls, log_messages; a
``label`` in each line) and ``browser_errors_<part>.yml``. A set that isn't there is left out and said so. A ``dev`` part falls
into a half to tune on and one to report (``cluster_goals.py``); another part is reported whole.
"""

import gzip
import random
import re
import sys
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import msgspec

from retrospec.bench import cluster_baselines as baselines
from retrospec.bench.cluster_goals import Line, parts_of, print_goals
from retrospec.bench.cluster_scores import Scores, score
from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint, fingerprint
from retrospec.issues.message_tree import MessageTemplates
from retrospec.issues.similarity import Link, MemoryStore, NeighbourIndex, groups
from retrospec.issues.stacks import parse_stack
from retrospec.issues.templates import host_and_path, path_template
from retrospec.issues.url_templates import UrlTemplates

T = TypeVar("T")
Item = dict[str, Any]


def driven(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine over the memory store, which never waits."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value  # type: ignore[no-any-return]
    raise RuntimeError("a memory store waited")


def run(data_dir: Path, out: TextIO = sys.stdout) -> list[Line]:
    """Measure every set in ``data_dir`` and print the tables; minutes of one core. Raises FileNotFoundError for no set."""
    lines: list[Line] = []
    for stem, measure in _SETS.items():
        paths = sorted(data_dir.glob(f"{stem}_*"))
        if not paths:
            print(f"{stem}: not in {data_dir}, left out", file=out)
        for path in paths:
            for part, items in parts_of(_part_of(path), _read(path)).items():
                lines += [msgspec.structs.replace(line, part=part) for line in measure(items)]
    if not lines:
        raise FileNotFoundError(f"no labelled set in {data_dir}")
    for part in dict.fromkeys(line.part for line in lines):
        _print(part, [line for line in lines if line.part == part], out)
    print_goals(lines, out)
    return lines


def _part_of(path: Path) -> str:
    return path.name.partition(".")[0].rpartition("_")[2]


def _read(path: Path) -> list[Item]:
    if path.suffix == ".yml":
        return _read_scenarios(path.read_text("utf-8"))
    with gzip.open(path) as lines:
        return [msgspec.json.decode(line) for line in lines]


def _read_scenarios(text: str) -> list[Item]:
    """The YAML of the browser errors: browser, scenario, field, each two spaces deeper."""
    items: list[Item] = []
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        depth = len(line) - len(line.lstrip())
        if depth == 2:
            items.append({"label": name})
        elif depth == 4:
            items[-1][name] = re.sub(r"^(['\"])(.*)\1$", r"\2", value.strip()).replace("''", "'")
    return items


def exception_evidence(item: Item, *, mapped: bool = False) -> Item:
    """A captured exception as the SDK would send it; ``mapped`` adds the frames a source map gives."""
    evidence = {name: item[name] for name in ("stack", "filename", "lineno", "colno")}
    evidence |= {"type": item["name"], "message": item["errmsg"], "route": "/app"}
    frames = item["frames"]
    if mapped and any(frame.get("osrc") for frame in frames):
        callers = [*frames[1:], {}]
        evidence["frames"] = [
            {"function": above.get("oname") or frame["fn"], "file": frame["osrc"], "line": frame["oline"], "mapped": True}
            for frame, above in zip(frames, callers, strict=True)
            if frame.get("osrc")
        ]
    return evidence


def joined_groups(found: Sequence[Fingerprint], seed: int = 1) -> list[str]:
    """The group of each fingerprint once the online index has seen all, in an order of ``seed``."""
    index, held = NeighbourIndex(MemoryStore()), set[Link]()
    order = list(range(len(found)))
    random.Random(seed).shuffle(order)
    for place in order:
        neighbours = driven(index.observe(MarkerKind.JS_EXCEPTION, found[place]))
        held = (held | set(neighbours.links)) - set(neighbours.withdrawn)
    group_of = groups(held)
    return [group_of.get(one.key, one.key) for one in found]


def _exceptions(items: list[Item]) -> list[Line]:
    runtime = [item for item in items if item["case_kind"] == "runtime"]
    return [
        *_exception_lines("three engines, one build", items, ("A",)),
        *_exception_lines("three engines, two releases", items, ("A", "C")),
        *_exception_lines("three engines, refactored release", items, ("A", "B")),
        *_exception_lines("three engines, three releases", items, ("A", "B", "C")),
        *_exception_lines("mapped, two releases", runtime, ("A", "C"), mapped=True),
        *_exception_lines("mapped, callers refactored", runtime, ("A", "B"), mapped=True),
        *_several_a_file(runtime),
        _frames_line(items),
    ]


def _exception_lines(name: str, items: list[Item], builds: tuple[str, ...], *, mapped: bool = False) -> list[Line]:
    chosen = [item for item in items if item["deploy"] in builds]
    return _compared(name, chosen, [exception_evidence(item, mapped=mapped) for item in chosen])


def _compared(name: str, chosen: list[Item], evidence: list[Item]) -> list[Line]:
    labels = [item["label"] for item in chosen]
    found = [fingerprint(MarkerKind.JS_EXCEPTION, i["message"], e) for i, e in zip(chosen, evidence, strict=True)]
    joined = joined_groups(found)
    lines = [
        Line(name=name, how="ours", items=len(chosen), scores=score(joined, labels), type_merges=_type_merges(found, joined)),
        Line(name=name, how="ours, key alone", items=len(chosen), scores=score([one.key for one in found], labels)),
    ]
    for how, rule in _EXCEPTION_BASELINES.items():
        keys = [rule(i["message"], e) for i, e in zip(chosen, evidence, strict=True)]
        lines.append(Line(name=name, how=how, items=len(chosen), scores=score(keys, labels)))
    return lines


def _several_a_file(runtime: list[Item]) -> list[Line]:
    """Programs of one family put into one source file, with the function names a map with scopes gives."""
    names = {item["label"]: _own_function(item) for item in runtime if item["deploy"] == "DEV" and item["engine"] == "chrome"}
    chosen = [item for item in runtime if item["deploy"] in ("A", "B", "C")]
    evidence = [exception_evidence(item, mapped=True) for item in chosen]
    for item, one in zip(chosen, evidence, strict=True):
        for frame in one.get("frames", ()):
            frame["file"] = re.sub(r"__\d+\.js$", ".js", frame["file"])
        if one.get("frames"):
            one["frames"][0]["function"] = names[item["label"]]
    return _compared("mapped, several bugs a file", chosen, evidence)


def _own_function(item: Item) -> str:
    return next((frame["fn"] for frame in item["frames"] if frame.get("osrc")), "")


def _type_merges(found: Sequence[Fingerprint], joined: Sequence[str]) -> int:
    types: dict[str, set[str]] = {}
    for one, group in zip(found, joined, strict=True):
        types.setdefault(group, set()).add(dict(one.parts).get("type", ""))
    return sum(len(kinds) > 1 for kinds in types.values())


def _frames_line(items: list[Item]) -> Line:
    """Frames read exactly: function, file name, line and column of every one."""
    exact = [_read_frames(item["stack"]) == [_expected(frame) for frame in item["frames"]] for item in items]
    share = sum(exact) / len(exact)
    return Line(name="stacks read exactly", how="ours", items=len(items), scores=Scores(share, share, share, share, share))


def _read_frames(stack: str) -> list[tuple[str, str, int, int]]:
    return [(f.function, f.file.rpartition("/")[2], f.line, f.column) for f in parse_stack(stack).frames]


def _expected(frame: Item) -> tuple[str, str, int, int]:
    return frame["fn"], frame.get("file") or "", frame.get("line") or 0, frame.get("col") or 0


def _urls(items: list[Item]) -> list[Line]:
    paths = [host_and_path(item["url"])[1] for item in items]
    learner = UrlTemplates()
    for path in paths:
        learner.add(path)
    rules: dict[str, Callable[[str], str]] = {"ours": learner.template, "ours, shape alone": path_template, "first RetroSpec": baselines.plain_path}
    labels = [item["label"] for item in items]
    return [Line(name="request paths", how=how, items=len(items), scores=score([rule(p) for p in paths], labels)) for how, rule in rules.items()]


def _logs(items: list[Item]) -> list[Line]:
    lines: list[Line] = []
    for name in sorted({item["set"] for item in items}):
        chosen = [item for item in items if item["set"] == name]
        messages, labels = [item["message"] for item in chosen], [item["label"] for item in chosen]
        rules: dict[str, Sequence[Hashable]] = {"ours": _templated(messages), "Drain": baselines.drain(messages)}
        lines += [Line(name=f"log {name}", how=how, items=len(chosen), scores=score(keys, labels)) for how, keys in rules.items()]
    return lines


def _templated(messages: Iterable[str]) -> list[str]:
    learner, kept = MessageTemplates(), list(messages)
    for message in kept:
        learner.add(message)
    return [learner.template(message) for message in kept]


def _scenarios(items: list[Item]) -> list[Line]:
    evidence = [
        {"type": i["errorClass"], "message": i["errorMessage"], "filename": i.get("file", ""),
         "lineno": int(i.get("lineNumber", 0)), "colno": int(i.get("columnNumber", 0))}
        for i in items
    ]  # fmt: skip
    worded = [item | {"message": f"{item['errorClass']}: {item['errorMessage']}"} for item in items]
    return _compared("browsers without stacks", worded, evidence)


def _probes(items: list[Item]) -> list[Line]:
    forms = [item for item in items if item["kind"] == "validation"]
    typed = [(item, item["label"].partition("_")) for item in forms]
    found = [
        fingerprint(
            MarkerKind.VALIDATION_FAILED, item["message"],
            {"form": "sign-up", "rule": rule, "validationMessage": item["message"], "control": {"selector": "#field", "inputType": kind}},
        ).key
        for item, (rule, _, kind) in typed
    ]  # fmt: skip
    labels = [item["label"] for item in forms]
    sentences = [item["message"] for item in forms]
    return [
        Line(name="native validation", how="ours", items=len(forms), scores=score(found, labels)),
        Line(name="native validation", how="sentence", items=len(forms), scores=score(sentences, labels)),
    ]


_EXCEPTION_BASELINES: dict[str, Callable[[str, Item], str]] = {
    "first RetroSpec": baselines.first_retrospec,
    "type and value": baselines.type_and_value,
    "type and frames": baselines.type_and_frames,
}
_SETS: dict[str, Callable[[list[Item]], list[Line]]] = {
    "exceptions": _exceptions,
    "browser_errors": _scenarios,
    "probes": _probes,
    "api_urls": _urls,
    "log_messages": _logs,
}


def _print(part: str, lines: list[Line], out: TextIO) -> None:
    print(f"\n{part:<34} {'by':<18} {'items':>6} {'pair F1':>8} {'precis.':>8} {'B-cubed':>8} {'exact':>7} {'types mixed':>12}", file=out)
    for line in lines:
        s = line.scores
        print(
            f"{line.name:<34} {line.how:<18} {line.items:>6} {s.pair_f1:>8.4f} {s.pair_precision:>8.4f} "
            f"{s.b_cubed:>8.4f} {s.accuracy:>7.4f} {line.type_merges:>12}",
            file=out,
        )
