"""What a start need not load: optional packages that libraries look for when they are imported, and we make no use of.

structlog looks for rich to colour tracebacks, Huey for PostgreSQL's driver, Litestar for pydantic and attrs. Where they are
installed beside us that was a sixth of the start's CPU time (docs/adr/0046-a-start-below-two-seconds.md).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("rich", "pydantic", "attrs", "attr")
POSTGRESQL_DRIVER = "psycopg"


@contextmanager
def unseen(*names: str) -> Iterator[None]:
    """In this block an import of ``names`` fails as where they are not installed; what was imported before stays.

    Only for the main thread while no other one imports: ``None`` in ``sys.modules`` holds for all of them.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # documented: None makes the import fail
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
