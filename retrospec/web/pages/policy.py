"""The headers that keep a page from doing more than it should."""

from enum import Enum

NONE = "'none'"
SELF = "'self'"


class Styles(Enum):
    """Whose styles a page may use."""

    OWN = "own"
    """Our stylesheets only."""
    RECORDED = "recorded"
    """A replay also needs the recorded page's inline styles. Its frame inherits the page's policy."""


def content_security_policy(nonce: str, styles: Styles) -> str:
    """Scripts only with this response's nonce; nothing from any other host, pictures and fonts included.

    The replayed page lives in a frame of this page and inherits the policy, so a recorded site's
    pictures, fonts and stylesheets are never fetched by looking at a session.
    """
    allowed = {
        "default-src": NONE,
        "script-src": f"'nonce-{nonce}'",
        "style-src": SELF if styles is Styles.OWN else f"{SELF} 'unsafe-inline'",
        "img-src": f"{SELF} data: blob:",
        "font-src": f"{SELF} data: blob:",
        "media-src": f"{SELF} data: blob:",
        "connect-src": SELF,
        "frame-src": NONE,
        "object-src": NONE,
        "base-uri": NONE,
        "form-action": SELF,
        "frame-ancestors": NONE,
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def page_headers(nonce: str, styles: Styles) -> dict[str, str]:
    """For every HTML response."""
    return {
        "Content-Security-Policy": content_security_policy(nonce, styles),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cache-Control": "private, no-cache",
        "Vary": "HX-Request, Cookie",
    }
