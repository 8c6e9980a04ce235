"""Text on its way to PostgreSQL, which holds every character but NUL. Imported only where its driver is installed."""

from typing import Any

from psycopg import Connection
from psycopg.types.string import StrDumper

NUL, STANDS_FOR_IT = "\x00", "\ufffd"


class NulFreeDumper(StrDumper):
    """NUL becomes U+FFFD, in what is stored as in what is looked for: what a visitor's page says fails no stage and no request."""

    def dump(self, obj: str) -> Any:
        """As the driver wants it."""
        return super().dump(obj.replace(NUL, STANDS_FOR_IT) if NUL in obj else obj)


def let_every_text_pass(connection: "Connection[Any]") -> None:
    """For the life of the connection."""
    connection.adapters.register_dumper(str, NulFreeDumper)
