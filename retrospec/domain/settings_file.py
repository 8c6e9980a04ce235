"""Reads the settings: option over environment over file over default, and refuses what is wrong.

Every problem is told at once, one line each, with its place, the value and what to use instead::

    retrospec.toml line 14: retention.days is -1; use 1 to 3650
    RETROSPEC_SERVER_PROT is no setting; did you mean RETROSPEC_SERVER_PORT?
"""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from retrospec.domain.errors import SettingsError
from retrospec.domain.own_rules import OwnRule, read_own_rules
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import ENVIRONMENT_PREFIX, Setting, sections, settings_by_key
from retrospec.domain.settings_rules import broken_rules

DEFAULT_FILE = "retrospec.toml"

_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"' -]+?)\s*\]")
_ASSIGNMENT = re.compile(r"\s*([\w.\"' -]+?)\s*=")
_COMMENT_OR_LONG_TEXT = re.compile(r"#[^\n]*|\"{3}.*?\"{3}|'{3}.*?'{3}", re.DOTALL)
_LINE_IN_MESSAGE = re.compile(r"^(.*?)\s*\(at line (\d+), column \d+\)$")
_SHOWN_CHARACTERS = 80

# Kubernetes puts these into every container beside a Service named "retrospec".
_FOREIGN_VARIABLE = re.compile(r"RETROSPEC_(SERVICE_(HOST|PORT)\w*|PORT(_\d+_\w+)?)")


class _Given(msgspec.Struct, kw_only=True, frozen=True):
    """A value somebody set, and how to speak of it."""

    setting: Setting
    value: Any
    source: str
    """As ``Settings.sources`` keeps it."""
    subject: str
    """How a complaint begins, e.g. ``retrospec.toml line 14: retention.days``."""
    shown: str
    """The value as a complaint quotes it."""


def load_settings(
    config: Path | None, *, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> Settings:
    """The settings in force.

    ``config`` is the file to read; ``None`` reads ``retrospec.toml`` of the working folder where
    there is one. ``overrides`` are a command's own options under dotted names (``server.port``);
    ``None`` among them means "not given". Raises SettingsError with every problem, a line each.
    """
    problems: list[str] = []
    given: dict[str, _Given] = {}
    rules: list[OwnRule] = []
    for layer in (
        _from_file(config, rules, problems),
        _from_environment(environ, problems),
        _from_options(overrides),
    ):
        given.update(layer)
    accepted = {key: item for key, item in given.items() if _is_legal(item)}
    problems += [
        f"{item.subject} is {item.shown}; use {item.setting.legal}"
        for key, item in given.items()
        if key not in accepted
    ]
    settings = _build(accepted)
    settings.rules = rules
    subjects = {key: item.subject for key, item in given.items()}
    problems += [f"{subjects.get(key, key)} {what}" for key, what in broken_rules(settings)]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _build(accepted: Mapping[str, _Given]) -> Settings:
    tables: dict[str, dict[str, Any]] = {section.name: {} for section in sections()}
    for item in accepted.values():
        tables[item.setting.section][item.setting.name] = item.value
    settings = msgspec.convert(tables, Settings)
    settings.sources = {key: item.source for key, item in accepted.items()}
    return settings


def _is_legal(item: _Given) -> bool:
    try:
        msgspec.convert(item.value, item.setting.annotation)
    except msgspec.ValidationError:
        return False
    return not isinstance(item.value, float) or math.isfinite(item.value)


# The file


def _from_file(config: Path | None, rules: list[OwnRule], problems: list[str]) -> dict[str, _Given]:
    path = config or Path(DEFAULT_FILE)
    if config is None and not path.exists():
        return {}
    text = _read_text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_toml_complaint(path, str(error))) from error
    if "rules" in tables:
        rules += read_own_rules(path, text, tables.pop("rules"), problems)
    lines = _line_numbers(text)
    return {item.setting.key: item for item in _file_values(path, tables, lines, problems)}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file; `retrospec init {path}` writes one") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error


def _toml_complaint(path: Path, message: str) -> str:
    found = _LINE_IN_MESSAGE.match(message)
    what, where = (found[1], f"{path} line {found[2]}") if found else (message, str(path))
    what = what[:1].lower() + what[1:]
    return f'{where}: this is not TOML: {what}; texts need quotes, e.g. name = "value"'


def _line_numbers(text: str) -> dict[str, int]:
    """Where each table and key stands: ``server`` → 1, ``server.port`` → 3 (``tomllib`` does not say)."""
    places: dict[str, int] = {}
    table = ""
    keys_alone = _COMMENT_OR_LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, line in enumerate(keys_alone.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            places.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            key = _bare(assignment[1])
            places.setdefault(f"{table}.{key}" if table else key, number)
    return places


def _bare(dotted: str) -> str:
    return ".".join(part.strip(" \"'") for part in dotted.split("."))


def _file_values(
    path: Path, tables: Mapping[str, Any], lines: Mapping[str, int], problems: list[str]
) -> Iterator[_Given]:
    known = {section.name for section in sections()}
    for table, entries in tables.items():
        if table not in known:
            problems.append(f"{_place(path, lines, table)}: {_unknown_table(table, entries)}")
        elif not isinstance(entries, dict):
            place = _place(path, lines, table)
            problems.append(
                f"{place}: {table} is a section; write [{table}] on a line of its own, then its settings"
            )
        else:
            yield from _table_values(path, table, entries, lines, problems)


def _table_values(
    path: Path, table: str, entries: Mapping[str, Any], lines: Mapping[str, int], problems: list[str]
) -> Iterator[_Given]:
    for name, value in entries.items():
        key = f"{table}.{name}"
        place = _place(path, lines, key, table)
        setting = settings_by_key().get(key)
        if setting is None:
            problems.append(f"{place}: {key} is no setting; {_nearest_setting(table, name)}")
            continue
        shown = "(hidden)" if setting.is_secret else _as_toml(value)
        yield _Given(setting=setting, value=value, source=place, subject=f"{place}: {key}", shown=shown)


def _place(path: Path, lines: Mapping[str, int], *keys: str) -> str:
    """``retrospec.toml line 14``, by the first of ``keys`` (or a deeper one of it) whose line is known."""
    for key in keys:
        found = [number for name, number in lines.items() if name == key or name.startswith(f"{key}.")]
        if found:
            return f"{path} line {min(found)}"
    return str(path)


def _unknown_table(table: str, entries: Any) -> str:
    if isinstance(entries, dict):
        names = [section.name for section in sections()]
        near = difflib.get_close_matches(table, names, n=1, cutoff=0.6)
        return f"[{table}] is no section; " + (
            f"did you mean [{near[0]}]?" if near else f"use {', '.join(names)}"
        )
    return f"{table} stands outside a section; {_nearest_setting('', table)}"


def _nearest_setting(table: str, name: str) -> str:
    """What was probably meant: the same word in another section, or the nearest in this one."""
    here = [setting.name for section in sections() if section.name == table for setting in section.settings]
    if near := difflib.get_close_matches(name, here, n=1, cutoff=0.6):
        return f"did you mean {table}.{near[0]}?"
    elsewhere = {setting.name: key for key, setting in settings_by_key().items()}
    if near := difflib.get_close_matches(name, elsewhere, n=1, cutoff=0.6):
        return f"did you mean {elsewhere[near[0]]}?"
    return f"[{table}] has {', '.join(here)}" if here else "`retrospec init` lists them all"


def _as_toml(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


# The environment and the command line


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, _Given]:
    by_variable = {setting.variable: setting for setting in settings_by_key().values()}
    given: dict[str, _Given] = {}
    for variable, text in sorted(environ.items()):
        if setting := by_variable.get(variable):
            shown = "(hidden)" if setting.is_secret else text[:_SHOWN_CHARACTERS] or "empty"
            given[setting.key] = _Given(
                setting=setting,
                value=_from_text(setting.type, text),
                source=variable,
                subject=variable,
                shown=shown,
            )
        elif _looks_like_setting(variable):
            near = difflib.get_close_matches(variable, by_variable, n=1, cutoff=0.6)
            problems.append(
                f"{variable} is no setting; " + (f"did you mean {near[0]}?" if near else "unset it")
            )
    return given


def _looks_like_setting(variable: str) -> bool:
    """Whether an unknown variable names one of our sections, or nearly so: then it is a slip."""
    if not variable.startswith(ENVIRONMENT_PREFIX) or _FOREIGN_VARIABLE.fullmatch(variable):
        return False
    first_word = variable.removeprefix(ENVIRONMENT_PREFIX).partition("_")[0].lower()
    return bool(
        difflib.get_close_matches(first_word, [section.name for section in sections()], n=1, cutoff=0.8)
    )


def _from_text(kind: inspect.Type, text: str) -> Any:
    """``text`` as the type it stands for; as it is where it cannot be, for the check to refuse."""
    if isinstance(kind, inspect.ListType):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(kind, inspect.BoolType):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
    try:
        if isinstance(kind, inspect.IntType):
            return int(text)
        return float(text) if isinstance(kind, inspect.FloatType) else text
    except ValueError:
        return text


def _from_options(overrides: Mapping[str, Any]) -> dict[str, _Given]:
    catalog = settings_by_key()
    return {
        key: _Given(
            setting=catalog[key],
            value=value,
            source="command line",
            subject=f"command line: {key}",
            shown=_as_toml(value),
        )
        for key, value in overrides.items()
        if value is not None
    }
