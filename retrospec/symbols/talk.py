"""How the server and the process that opens source maps talk: messages of msgpack, each after its length."""

import struct
from typing import IO, TypeVar

import msgspec

MAX_MESSAGE_BYTES = 1 << 28
_LENGTH = struct.Struct(">I")

T = TypeVar("T")


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """A position in a minified file; both count from 1."""

    line: int
    column: int


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """What a spot was in the source."""

    file: str
    function: str
    line: int
    column: int
    before: list[str] = []
    """Lines above ``code``, in order."""
    code: str = ""
    after: list[str] = []


class Ask(msgspec.Struct, array_like=True):
    """Spots of one map. ``packed`` is given where the other side has asked for it."""

    key: str
    spots: list[Spot]
    packed: bytes = b""


class Told(msgspec.Struct, array_like=True):
    """One origin (or none) for each spot; or why there are none."""

    origins: list[Origin | None] = []
    is_unknown: bool = False
    """The map is not open: ask again with its content."""
    refusal: str = ""


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one message and flush."""
    body = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes], kind: type[T]) -> T | None:
    """The next message; None where the stream has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length) if length <= MAX_MESSAGE_BYTES else b""
    return msgspec.msgpack.decode(body, type=kind) if len(body) == length else None
