"""The settings as a list: what the loader, the written file and the documentation all go by."""

import re
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from retrospec.domain.settings import Settings

ENVIRONMENT_PREFIX = "RETROSPEC_"
_SECRET_OPTION = re.compile(r"(?i)([?&][^=&#]*(?:secret|token|password)[^=&#]*=)[^&#]+")
SECRET_ADDRESSES = frozenset({"alerts.webhook_url", "alerts.channel_urls"})
"""Addresses that carry their own key, as those of chat services do."""


class Setting(msgspec.Struct, kw_only=True, frozen=True):
    """One setting, as its struct declares it."""

    section: str
    name: str
    annotation: Any
    """The declared type with its ``Meta``: what ``msgspec.convert`` checks against."""
    default: Any

    @property
    def key(self) -> str:
        """``server.port``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """``RETROSPEC_SERVER_PORT``."""
        return f"{ENVIRONMENT_PREFIX}{self.section}_{self.name}".upper()

    @property
    def type(self) -> inspect.Type:
        """The plain type, its limits on it."""
        declared = inspect.type_info(self.annotation)
        return declared.type if isinstance(declared, inspect.Metadata) else declared

    @property
    def description(self) -> str:
        """One sentence for the person who sets it."""
        declared = inspect.type_info(self.annotation)
        schema = declared.extra_json_schema if isinstance(declared, inspect.Metadata) else None
        return str((schema or {}).get("description", ""))

    @property
    def is_secret(self) -> bool:
        """Whether its value stays out of messages and listings."""
        return self.name.endswith(("_key", "_token", "_secret")) or self.key in SECRET_ADDRESSES

    @property
    def legal(self) -> str:
        """The values it may take, to follow the word "use"."""
        bare = get_args(self.annotation)[0]
        if get_origin(bare) is Literal:  # msgspec's own description of the type sorts the words
            *others, last = get_args(bare)
            return f"{', '.join(others)} or {last}"
        return _legal_values(self.type)


class Section(msgspec.Struct, kw_only=True, frozen=True):
    """A table of the file: its name, what it is about, and its settings in order."""

    name: str
    about: str
    settings: tuple[Setting, ...]


@cache
def sections() -> tuple[Section, ...]:
    """Every section, in the order of the file."""
    return tuple(
        Section(
            name=field.name,
            about=(field.type.__doc__ or "").strip(),
            settings=_settings_of(field.name, field.type),
        )
        for field in msgspec.structs.fields(Settings)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
    )


def _settings_of(section: str, struct: type[msgspec.Struct]) -> tuple[Setting, ...]:
    initial = struct()
    return tuple(
        Setting(section=section, name=field.name, annotation=field.type, default=getattr(initial, field.name))
        for field in msgspec.structs.fields(struct)
    )


@cache
def settings_by_key() -> dict[str, Setting]:
    """Every setting under its dotted name."""
    return {setting.key: setting for section in sections() for setting in section.settings}


def _legal_values(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.IntType):
        return _range(kind) or "a whole number"
    if isinstance(kind, inspect.FloatType):
        return _range(kind) or "a number"
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.ListType):
        return 'a list of texts such as ["one", "two"]'
    return "a text in quotes"


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.gt is not None:
        return f"more than {kind.gt}" + (f", up to {kind.le}" if kind.le is not None else "")
    if kind.ge is not None:
        return f"{kind.ge} to {kind.le}" if kind.le is not None else f"{kind.ge} or more"
    return ""


class EffectiveSetting(msgspec.Struct, kw_only=True, frozen=True):
    """A setting as it holds now."""

    key: str
    value: Any
    """A secret that is set reads ``(hidden)``, and so does the password in a URL."""
    source: str
    """``default``, ``retrospec.toml line 3``, ``RETROSPEC_SERVER_PORT`` or ``command line``."""


def effective_settings(settings: Settings) -> list[EffectiveSetting]:
    """Every setting with its value and where that came from, safe to show."""
    return [
        EffectiveSetting(
            key=key,
            value=_shown(setting, getattr(getattr(settings, setting.section), setting.name)),
            source=settings.sources.get(key, "default"),
        )
        for key, setting in settings_by_key().items()
    ]


def _shown(setting: Setting, value: Any) -> Any:
    if setting.is_secret and value:
        return "(hidden)"
    return without_password(value) if isinstance(value, str) else value


def without_password(url: str) -> str:
    """``url`` with any ``user:password@`` reduced to ``user:(hidden)@``, and so the secrets among its options."""
    scheme, mark, rest = _SECRET_OPTION.sub(r"\1(hidden)", url).partition("://")
    credentials, at, place = rest.rpartition("@")
    if not (mark and at and ":" in credentials):
        return scheme + mark + rest
    return f"{scheme}://{credentials.partition(':')[0]}:(hidden)@{place}"
