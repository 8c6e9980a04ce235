"""What engines mean by their error messages. Part of fingerprint v1: frozen once shipped.

The three engines word the same failure differently (the same text in 0 of 189 failing programs run in
each), and older versions differ from newer ones. A message that an engine wrote is reduced to a code
and the program's own name in it: ``foo is not defined``, ``Can't find variable: foo`` and
``'foo' is undefined`` are ``undefined-name`` of ``foo``.
"""

import re
from functools import lru_cache

from msgspec import Struct

NATIVE_TYPES = frozenset(
    {"TypeError", "ReferenceError", "SyntaxError", "RangeError", "URIError", "EvalError", "InternalError"}
)
"""Types whose messages are the engine's words far more often than the program's."""


class EngineMessage(Struct, frozen=True):
    """A recognised message: ``code`` and the name it speaks of, empty where it has none or a minified one."""

    code: str
    name: str = ""
    type: str = ""
    """The type all engines would give, where one of them differs; else empty."""


_NAME = r"['\"‘“]?(?P<name>[^\s'\"’”()]+)['\"’”]?"
_CODES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("undefined-name", "ReferenceError", (
        rf"{_NAME} is not defined", rf"Can't find variable: {_NAME}", r"'(?P<name>[^']+)' is undefined",
        rf"Can't find private variable: {_NAME}")),
    ("before-initialised", "ReferenceError", (
        rf"Cannot access {_NAME} before initialization", rf"can't access lexical declaration {_NAME} before initialization",
        r"Cannot access uninitialized variable\.?", r"Use before delaration")),
    ("property-of-nothing", "TypeError", (
        r"Cannot (?:read|set) propert(?:y|ies) (?:'(?P<name2>[^']*)' )?of (?:undefined|null)(?: \((?:reading|setting) '(?P<name>[^']*)'\))?",
        r"(?:can't access property|cannot access property) (?:\"(?P<name>[^\"]*)\"|.+?),? .* is (?:undefined|null)",
        r"(?:undefined|null) is not an object(?: \(evaluating '(?P<expression>.*)'\)?)?",
        r".+ (?:is|are) (?:undefined|null)", r"Unable to (?:get|set) property '(?P<name>[^']*)' of undefined or null reference",
        r"Cannot destructure property '(?P<name>[^']*)' of .*", r"Right side of assignment cannot be destructured")),
    ("not-a-function", "TypeError", (
        r"(?P<callee>.+?) is not a function(?:\. \(In .*)?(?: or its return value is not iterable)?(?: \(near .*)?",
        r"Object (?:doesn't|does not) support (?:this )?property or method(?: '(?P<name>[^']*)')?",
        r"Object .* has no method '(?P<name>[^']*)'", r"Function expected")),
    ("not-a-constructor", "TypeError", (r"(?P<callee>.+?) is not a constructor(?: \(evaluating .*)?",)),
    ("not-iterable", "TypeError", (r".* is not iterable.*", r".*Symbol\.iterator.*is not a function.*", r"Spread syntax requires.*")),
    ("assign-constant", "TypeError", (
        r"Assignment to constant variable\.?", rf"invalid assignment to const {_NAME}",
        rf"Cannot assign to read only property {_NAME} of .*", rf"{_NAME} is read-only", r"Attempted to assign to readonly property\.?",
        r"Cannot assign to property .* which has only a getter")),
    ("cyclic-json", "TypeError", (
        r"Converting circular structure to JSON.*", r"cyclic object value", r"JSON\.stringify cannot serialize cyclic structures\.?")),
    ("too-much-recursion", "RangeError", (
        r"Maximum call stack size exceeded\.?", r"too much recursion", r"Out of stack space")),
    ("out-of-memory", "RangeError", (
        r"Array buffer allocation failed", r"allocation size overflow", r"out of memory", r"Invalid string length")),
    ("invalid-array-length", "RangeError", (
        r"Invalid array length", r"invalid array length", r"Array size is not a small enough positive integer\.?",
        r"Array length must be a (?:finite )?positive integer.*")),
    ("malformed-uri", "URIError", (
        r"URI malformed", r"malformed URI sequence", r"URI error", r"The URI to be (?:de|en)coded .*",
        r"String contained an illegal UTF-16 sequence\.?")),
    ("json-parse", "SyntaxError", (
        r"JSON\.parse: .*", r"JSON Parse error: .*", r".* in JSON at position \d+.*", r".*is not valid JSON",
        r"Unexpected end of JSON input", r"The string did not match the expected pattern\.?")),
    ("failed-to-fetch", "TypeError", (
        r"Failed to fetch(?: \(.*\))?", r"NetworkError when attempting to fetch resource\.?", r"Load failed(?: \(.*\))?",
        r"Network request failed", r"The network connection was lost\.?", r"The Internet connection appears to be offline\.?",
        r"cancelled", r"A server with the specified hostname could not be found\.?")),
    ("module-load", "TypeError", (
        r"Failed to fetch dynamically imported module.*", r"error loading dynamically imported module.*",
        r"Importing a module script failed\.?", r"'text/html' is not a valid JavaScript MIME type\.?")),
    ("chunk-load", "ChunkLoadError", (r"Loading (?:CSS )?chunk \S+ failed.*",)),
    ("quota", "QuotaExceededError", (
        r".*exceeded the quota.*", r"The quota has been exceeded\.?", r"QuotaExceededError.*", r"Persistent storage maximum size reached")),
    ("timed-out", "TimeoutError", (r"signal timed out", r"The operation timed out\.?", r"timeout of .* exceeded")),
    ("aborted", "AbortError", (
        r"The (?:user aborted a request|operation was aborted)\.?\s?", r"Fetch is aborted", r"signal is aborted without reason",
        r"The play\(\) request was interrupted.*")),
    ("cross-origin-script", "Error", (r"Script error\.?",)),
    ("resize-observer", "Error", (
        r"ResizeObserver loop (?:limit exceeded|completed with undelivered notifications\.?)",)),
    ("syntax", "SyntaxError", (
        r"(?:Unexpected|unexpected) (?:token|end of (?:input|script)|identifier|string|number|keyword|EOF|template|reserved).*",
        r"Expected '[^\w\s]{1,3}'")),
    ("syntax-words", "SyntaxError", (
        r"Expected .*", r"expected .*", r"missing .*", r"Invalid or unexpected token", r"illegal character.*", r"Invalid character.*",
        r".*[Pp]arse error\.?", r"Syntax error")),
)  # fmt: skip
_COMPILED = tuple((code, type_, tuple(re.compile(p) for p in patterns)) for code, type_, patterns in _CODES)
_LAST_NAME = re.compile(r"(?:.*[.\])]|^)([A-Za-z_$#][\w$]*)\)*$")


@lru_cache(maxsize=2_048)
def engine_message(type_: str, message: str) -> EngineMessage | None:
    """What the engine meant, or None when the words are the program's own.

    ``type_`` narrows what is tried: an ``Error`` that says "x is not a function" was thrown by a program.
    """
    text = message.strip()[:500]
    for code, native_type, patterns in _COMPILED:
        if type_ in _types_of(code, native_type):
            for pattern in patterns:
                if match := pattern.fullmatch(text):
                    return EngineMessage(code.removesuffix("-words"), _own_name(match), native_type)
    return None


_ALSO_IN: dict[str, tuple[str, ...]] = {
    "undefined-name": ("Error",),
    "malformed-uri": ("Error",),
    "failed-to-fetch": ("Error",),
    "module-load": ("Error",),
    "chunk-load": ("Error",),
    "syntax": ("Error",),
    "too-much-recursion": ("InternalError", "Error"),
    "out-of-memory": ("InternalError", "Error"),
    "timed-out": ("DOMException", "Error"),
    "aborted": ("DOMException", "Error"),
    "quota": ("DOMException", "NS_ERROR_DOM_QUOTA_REACHED", "Error"),
}
"""Other types that some engine gives the same failure. A plain ``Error`` is a program's unless the words are unmistakable."""


def _types_of(code: str, native_type: str) -> tuple[str, ...]:
    return (native_type, "", *_ALSO_IN.get(code, ()))


def _own_name(match: re.Match[str]) -> str:
    parts = {key: value for key, value in match.groupdict().items() if value}
    name = parts.get("name") or parts.get("name2") or ""
    if not name and (source := parts.get("callee") or parts.get("expression")):
        last = _LAST_NAME.match(source)
        name = last[1] if last else ""
    return name if len(name) > 2 else ""
