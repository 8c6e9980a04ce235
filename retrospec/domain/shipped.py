"""Where the files that come with the program are: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_SHIPPED = _PACKAGE / "_shipped"


def templates_dir() -> Path:
    """The Jinja2 templates."""
    return _SHIPPED / "templates" if _SHIPPED.is_dir() else _PACKAGE.parent / "templates"


def static_dir() -> Path:
    """Our own stylesheets, scripts and icons."""
    return _SHIPPED / "static" if _SHIPPED.is_dir() else _PACKAGE.parent / "static"


def built_dir() -> Path:
    """What the build bundles from the npm lock file: SDK, player, htmx (``python hatch_build.py``)."""
    return _SHIPPED / "built" if _SHIPPED.is_dir() else _PACKAGE.parent / "build" / "static"
