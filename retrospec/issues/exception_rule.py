"""What makes two exceptions the same. Part of fingerprint v1: frozen once shipped.

Found by running 89 failing programs in Chromium, Firefox and WebKit in four builds: wording never agrees
between engines, function names and files do, columns nearly do. So the place decides, and the words
only where the program wrote them or where there is no place.
"""

import re
from typing import Any

from retrospec.issues.drafts import Draft
from retrospec.issues.engine_messages import NATIVE_TYPES, EngineMessage, engine_message
from retrospec.issues.failure import Failure, read_exception
from retrospec.issues.places import Place, own_frames, place_of, site_tokens
from retrospec.issues.templates import MASK, message_template

_MAX_TITLE_CHARS = 120
_MINIFIED_NAME = re.compile(r"(?<![\w$.'\"<])[a-zA-Z_$][\w$]?(?=\.|\b(?![\w$.'\">]))")


def draft_exception(label: str, raw: Any) -> Draft:
    """Type, then source place and own message; else the exact build's place; else the words alone."""
    failure = read_exception(label, raw)
    meant = engine_message(failure.type, failure.message)
    type_ = _type(failure, meant)
    template = message_template(failure.message, keep_quoted=type_ in NATIVE_TYPES)
    app = own_frames(failure.frames)
    raw_app = app if failure.raw_frames is failure.frames else own_frames(failure.raw_frames)
    place = place_of(failure.frames, app, mapped=failure.mapped)
    words = _words(type_, meant, template, place)
    parts = [("type", type_), *place.parts, *words]
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=_ignored(place, words),
        tokens=[f"type:{type_}", *site_tokens(raw_app), *_tokens(type_, template, meant, place)],
        title=_title(type_, template, failure),
    )


def _type(failure: Failure, meant: EngineMessage | None) -> str:
    if meant and meant.type and (failure.type in ("", "Error", "InternalError") or meant.code == "quota"):
        return meant.type
    return failure.type or "Error"


def _words(type_: str, meant: EngineMessage | None, template: str, place: Place) -> list[tuple[str, str]]:
    if place.parse_error and type_ == "SyntaxError":
        return []
    if meant:
        if place.certain:
            return []
        return [("meaning", meant.code), *([("of", meant.name)] if not place.names else [])]
    if type_ in NATIVE_TYPES and place.names:
        return []
    return [("message", template)]


def _ignored(place: Place, words: list[tuple[str, str]]) -> list[str]:
    ignored = list(place.ignored)
    if not any(name == "message" for name, _ in words):
        ignored.append("the browser's wording")
    return [*ignored, "ids, numbers and quoted values in the message", "the page it happened on"]


def _tokens(type_: str, template: str, meant: EngineMessage | None, place: Place) -> list[str]:
    words = [f"word:{word}" for word in template.lower().split() if MASK not in word][:12]
    code = [f"code:{meant.code}:{meant.name}"] if meant else []
    return [f"text:{place.stem}:{engine_free(template)}", *code, *place.tokens, *words]


def engine_free(template: str) -> str:
    """A template without one- and two-letter names, which a minifier chose and chooses anew."""
    return _MINIFIED_NAME.sub(MASK, template)


def _title(type_: str, template: str, failure: Failure) -> str:
    shown = template.replace(MASK, "…") or message_template(failure.label).replace(MASK, "…")
    return (f"{type_}: {shown}" if shown and shown != type_ else type_)[:_MAX_TITLE_CHARS]
