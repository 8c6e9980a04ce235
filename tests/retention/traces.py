"""Looks for words in every file of a folder, packed ones unpacked."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard


def files_with(folder: Path, words: Sequence[str], *, but: Sequence[str] = ()) -> dict[str, list[str]]:
    """The files below ``folder`` that have one of ``words`` in their name or content: which ones. ``but``: top folders left out."""
    found = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = str(path.relative_to(folder))
        if name.partition("/")[0] not in but and (met := [word for word in words if word in name or _is_in(path, word.encode())]):
            found[name] = met
    return found


def _is_in(path: Path, word: bytes) -> bool:
    return any(word in content for content in _contents(path))


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".zst":
        yield zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    if path.suffix == ".tar":
        with tarfile.open(path) as inside:
            yield from (member.read() for each in inside if (member := inside.extractfile(each)))
