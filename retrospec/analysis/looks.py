"""What elements and texts look like: pure rules over tags, attributes and words.

No layout is known here, so each rule names something an author wrote down: a role, a state, a class, a word.
"""

import re
from functools import lru_cache
from typing import Any

from retrospec.analysis.limits import MAX_TEXT

HIDDEN, ALERT, ERROR_PLACE, DIALOG, SPINNER = 1, 2, 4, 8, 16
"""What one element looks like by itself, as bits (``look_of``)."""

CONTROL_ROLES = frozenset(
    {"button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "checkbox", "switch", "radio", "option", "treeitem"}
)
TAG_ROLES = {
    "button": "button", "summary": "button", "select": "combobox", "textarea": "textbox", "option": "option", "nav": "navigation",
    "main": "main", "header": "banner", "footer": "contentinfo", "aside": "complementary", "form": "form", "dialog": "dialog",
    "img": "image", "h1": "heading", "h2": "heading", "h3": "heading", "h4": "heading", "video": "video", "audio": "audio", "canvas": "canvas",
    "iframe": "frame",
}  # fmt: skip
INPUT_ROLES = {
    "button": "button", "submit": "button", "reset": "button", "image": "button", "checkbox": "checkbox", "radio": "radio",
    "range": "slider", "number": "spinbutton", "search": "searchbox",
}  # fmt: skip
BUTTON_INPUTS = frozenset({"button", "submit", "reset", "image"})
NATIVE_POPUPS = frozenset({"file", "color", "date", "datetime-local", "month", "week", "time"})
"""Input types whose click opens something the page can't show and rrweb can't record."""

_WORDS = r"(?:^|[\s_-])(?:{})(?:$|[\s_-])"
_ERROR_CLASS = re.compile(_WORDS.format("error|errors|danger|invalid|failure|failed|has-error|alert-error"), re.I)
_ALERT_CLASS = re.compile(_WORDS.format("alert|toast|snackbar|notification|notice|flash|message|banner|callout"), re.I)
_SPINNER_CLASS = re.compile(
    _WORDS.format("spinner|spin|spinning|loader|loading|skeleton|shimmer|preloader|busy|is-loading|progress-circular|circularprogress"), re.I
)
_DIALOG_CLASS = re.compile(_WORDS.format("modal|dialog|popup|popover|drawer|lightbox|overlay"), re.I)
_CLICKABLE_CLASS = re.compile(_WORDS.format("btn|button|link|clickable|cta|tile|card-action|pressable"), re.I)
_PLAYER_CLASS = re.compile(_WORDS.format("player|video|audio|vjs|plyr|carousel|slider|slideshow|swiper|gallery"), re.I)
_HANDLE_CLASS = re.compile(r"(?:^|[\s_-])(?:drag|grip|grab|sortable|resiz\w*|dnd)(?:$|[\s_-])", re.I)
_HANDLE_STYLE = re.compile(r"cursor\s*:\s*(?:grab|move|[a-z]+-resize)", re.I)
_HIDDEN_CLASS = frozenset({"hidden", "d-none", "invisible", "is-hidden", "hide", "display-none", "ng-hide", "collapsed"})
_SHOWN_CLASS = frozenset({"show", "shown", "visible", "open", "opened", "is-open", "is-visible", "in", "expanded"})
_COSMETIC_CLASS = re.compile(
    r"(?:ripple|focus|hover|pressed|touched|waves|pristine|dirty|mouse|keyboard|^ng-(?:un)?touched$)", re.I
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)", re.I)

_APOLOGY = re.compile(
    r"went wrong|try again|unexpected|unable to|could(?:n.t| not)|can(?:.t|not) (?:be )?(?:load|process|complete|connect|reach|save|open|display|continue)"
    r"|fail(?:ed|ure)|\berror\b|not available|unavailable|timed? ?out|oops|sorry|internal server|bad gateway|crash|problem"
    r"|\bdeclined\b|fehler|schief|nicht möglich|erneut versuchen|erreur|échou|réessay|impossible de|algo salió mal|inténtalo|no se pudo|errore|riprova"
    r"|ошибк|エラー|失敗|错误|失败|出错|오류|erro\b|falhou",
    re.I,
)
"""Words with which a page says that something broke, in the commonest languages of the web."""
_PLAIN_APOLOGY = re.compile(
    r"^\W*(?:oops|sorry|error\b|something went wrong|an? (?:unexpected |internal )?error|failed to|(?:we )?could(?:n.t| not)|unable to|.{0,40}(?:failed|went wrong)\b.{0,40}$)",
    re.I,
)
_ALL_WELL = re.compile(r"\b(?:no|0|zero|without|any|fixed|solved|resolved|keine|sans|sin)\s+(?:\w+\s+)?(?:errors?|problems?|failures?|fehler|issues?)|error.free|no longer fail", re.I)
_ERROR_PAGE = re.compile(
    r"^\W*(?:error\W*)?(?:404|410|50[0-4])\b|\b(?:page|site) (?:was )?not found|internal server error|bad gateway|service unavailable|gateway time-?out|application error|seite nicht gefunden|page introuvable",
    re.I,
)
_REFUSAL = re.compile(
    r"required|invalid|please (?:enter|fill|provide|select|choose|check|use|correct)|must (?:be|contain|have|match)|not (?:a )?valid|too (?:short|long|weak)"
    r"|incorrect|wrong (?:password|email|user|code|pin)|do(?:es)?n.t match|do(?:es)? not match|already (?:taken|exists|in use|registered)|at least \d"
    r"|no account|not recogni[sz]ed|unknown user|enter a|missing|pflichtfeld|ungültig|bitte|obligatoire|invalide|requerido|inválid|obbligatorio|必須|必填",
    re.I,
)
"""Words with which a form says that an entry can't be taken."""
_SPINNER_TEXT = re.compile(r"^\W*(?:loading|please wait|processing|working|saving|submitting|just a moment|one moment|wird geladen|chargement|cargando|読み込み中|加载中)\b.{0,30}$", re.I)
_MASK_CHARACTERS = "*•●· "
_SILENT = re.compile(r"cop(?:y|ied)|print|download|export|full.?screen|share|mute|play|pause|e-?mail|call|open (?:file|app)|choose file|upload|browse|attach|save as", re.I)
"""Controls whose effect lies outside the page: the clipboard, a dialog of the system, sound."""
_STEPPER = re.compile(
    r"^\W*$|^[+\-−–<>«»‹›←→↑↓▲▼]|\b(?:plus|minus|increase|decrease|increment|decrement|add one|remove one|more|less|next|prev(?:ious)?|back|forward|up|down|zoom|volume|older|newer|later|earlier|step)\b",
    re.I,
)
"""Controls made to be pressed many times (the exception of PostHog #22257)."""


def clean_text(text: str) -> str:
    """``text`` on one line, cut; empty when it is only a mask such as ``****``."""
    flat = " ".join(text.split())
    if not flat.strip(_MASK_CHARACTERS):
        return ""
    return flat if len(flat) <= MAX_TEXT else flat[: MAX_TEXT - 1] + "…"


def text_attribute(attributes: dict[str, Any], name: str) -> str:
    """An attribute as clean text; empty where it isn't text."""
    value = attributes.get(name)
    return clean_text(value) if isinstance(value, str) else ""


def class_tokens(attributes: dict[str, Any]) -> frozenset[str]:
    """The class list."""
    value = attributes.get("class")
    return frozenset(value.split()) if isinstance(value, str) else frozenset()


def role_of(tag: str, attributes: dict[str, Any]) -> str:
    """The ARIA role, written or implied by the tag."""
    written = attributes.get("role")
    if isinstance(written, str) and written.strip():
        return written.split()[0].lower()
    if tag == "a":
        return "link" if "href" in attributes else ""
    if tag == "input":
        return INPUT_ROLES.get(str(attributes.get("type", "text")).lower(), "textbox")
    return TAG_ROLES.get(tag, "")


def is_text_field(tag: str, attributes: dict[str, Any]) -> bool:
    """Something one types into or picks from, whose click merely focuses."""
    if tag in ("textarea", "select") or attributes.get("contenteditable") in ("", "true", True, "plaintext-only"):
        return True
    return tag == "input" and str(attributes.get("type", "text")).lower() not in BUTTON_INPUTS


def looks_clickable(attributes: dict[str, Any]) -> bool:
    """Written as if it were a control, without being one."""
    style = attributes.get("style")
    if "onclick" in attributes or "tabindex" in attributes or (isinstance(style, str) and "pointer" in style):
        return True
    return _CLICKABLE_CLASS.search(str(attributes.get("class", ""))) is not None


def is_hidden(attributes: dict[str, Any], tag: str = "") -> bool:
    """Hidden by what is written on the element itself."""
    if attributes.get("hidden") not in (None, False) or attributes.get("aria-hidden") == "true":
        return True
    if tag == "dialog" and attributes.get("open") in (None, False):
        return True
    style = attributes.get("style")
    if isinstance(style, str) and _HIDDEN_STYLE.search(style):
        return True
    return not _HIDDEN_CLASS.isdisjoint(class_tokens(attributes))


def is_disabled(attributes: dict[str, Any]) -> bool:
    """Disabled by attribute or ARIA."""
    return attributes.get("disabled") not in (None, False) or attributes.get("aria-disabled") == "true"


def is_alert(tag: str, attributes: dict[str, Any]) -> bool:
    """A place where messages appear."""
    if attributes.get("role") in ("alert", "alertdialog", "status") or attributes.get("aria-live") == "assertive":
        return True
    return _ALERT_CLASS.search(str(attributes.get("class", ""))) is not None


def is_error_place(attributes: dict[str, Any]) -> bool:
    """A place where errors appear."""
    marks = f"{attributes.get('class', '')} {attributes.get('id', '')}"
    return attributes.get("role") == "alert" or _ERROR_CLASS.search(marks) is not None


def is_dialog(tag: str, attributes: dict[str, Any]) -> bool:
    """A dialog, modal or popover."""
    if tag == "dialog" or attributes.get("role") in ("dialog", "alertdialog") or attributes.get("aria-modal") == "true":
        return True
    return _DIALOG_CLASS.search(str(attributes.get("class", ""))) is not None


def is_spinner(tag: str, attributes: dict[str, Any]) -> bool:
    """Says that the page is busy."""
    if attributes.get("aria-busy") == "true":
        return True
    if attributes.get("role") == "progressbar" or tag == "progress":
        return "aria-valuenow" not in attributes and "value" not in attributes
    return _SPINNER_CLASS.search(str(attributes.get("class", ""))) is not None


_LONGEST_CACHED = 200
_TELLING = frozenset({"class", "id", "role", "style", "hidden", "aria-hidden", "aria-live", "aria-modal", "aria-busy"})


def look_of(tag: str, attributes: dict[str, Any]) -> int:
    """All looks of one element in one number, so that they need to be read only once."""
    if _TELLING.isdisjoint(attributes):
        if tag not in ("dialog", "progress"):
            return 0
    elif len(_TELLING & attributes.keys()) == 1 and tag not in ("dialog", "progress"):
        classes = attributes.get("class")
        if isinstance(classes, str) and len(classes) <= _LONGEST_CACHED:
            return _look_of_classes(classes)
    return _look(tag, attributes)


@lru_cache(maxsize=4096)
def _look_of_classes(classes: str) -> int:
    """Most elements have a class and nothing else that tells, and pages repeat their classes."""
    return _look("", {"class": classes})


def _look(tag: str, attributes: dict[str, Any]) -> int:
    return (
        HIDDEN * is_hidden(attributes, tag)
        | ALERT * is_alert(tag, attributes)
        | ERROR_PLACE * is_error_place(attributes)
        | DIALOG * is_dialog(tag, attributes)
        | SPINNER * is_spinner(tag, attributes)
    )


def is_handle(attributes: dict[str, Any]) -> bool:
    """Made to be dragged: a click alone does nothing, and should not."""
    if attributes.get("draggable") in ("true", True) or re.search("drag|sort", str(attributes.get("aria-roledescription", "")), re.I):
        return True
    if _HANDLE_STYLE.search(str(attributes.get("style", ""))):
        return True
    return _HANDLE_CLASS.search(str(attributes.get("class", ""))) is not None


def is_player(tag: str, attributes: dict[str, Any]) -> bool:
    """A video, player, slider or map: made to be clicked often."""
    if tag in ("video", "audio", "canvas", "embed", "object") or attributes.get("role") in ("slider", "spinbutton", "application", "scrollbar"):
        return True
    return _PLAYER_CLASS.search(str(attributes.get("class", ""))) is not None


def is_apology(text: str) -> bool:
    """The page says that something broke."""
    return _APOLOGY.search(text) is not None and not _ALL_WELL.search(text) and not is_refusal(text)


_APOLOGY_STEMS = ("oops", "sorry", "error", "fail", "wrong", "could", "unable")
"""One of them is in every plain apology; looking for them takes a tenth of the pattern's time."""


def is_plain_apology(text: str) -> bool:
    """So clearly an apology that it needs no red box around it."""
    lower = text.lower()
    if not any(stem in lower for stem in _APOLOGY_STEMS):
        return False
    return _PLAIN_APOLOGY.search(text) is not None and not _ALL_WELL.search(text)


def is_error_page(heading: str) -> bool:
    """The heading or title of a page that is itself an error."""
    return _ERROR_PAGE.search(heading) is not None


def is_refusal(text: str) -> bool:
    """The page says that an entry can't be taken."""
    return _REFUSAL.search(text) is not None


def is_error_text(text: str) -> bool:
    """Either of the two."""
    return not _ALL_WELL.search(text) and (_APOLOGY.search(text) is not None or _REFUSAL.search(text) is not None)


def is_spinner_text(text: str) -> bool:
    """“Loading…” and the like, alone."""
    return _SPINNER_TEXT.match(text) is not None


def acts_outside(name: str) -> bool:
    """Named after something the recording can't show: copy, print, download."""
    return _SILENT.search(name) is not None


def is_stepper_name(name: str) -> bool:
    """Named like a stepper, a pager or a calendar's arrow."""
    return _STEPPER.search(name) is not None


@lru_cache(maxsize=4096)
def class_toggle(before: str, after: str) -> tuple[str, bool, bool, bool]:
    """What a change of nothing but the class did: ``(class_change, hidden before, hidden now, newly busy)``."""
    old, new = {"class": before}, {"class": after}
    busy = is_spinner("", new) and not is_spinner("", old)
    return class_change(class_tokens(old), class_tokens(new)), is_hidden(old), is_hidden(new), busy


def class_change(before: frozenset[str], after: frozenset[str]) -> str:
    """``shown``, ``hidden``, ``cosmetic`` or ``changed``: what a change of classes did."""
    came, went = after - before, before - after
    if came & _SHOWN_CLASS or went & _HIDDEN_CLASS:
        return "shown"
    if came & _HIDDEN_CLASS or went & _SHOWN_CLASS:
        return "hidden"
    if all(_COSMETIC_CLASS.search(token) for token in came | went):
        return "cosmetic"
    return "changed"
