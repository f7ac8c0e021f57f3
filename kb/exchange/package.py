"""Opens an Anki package (.apkg, .colpkg) of any version and hands over its collection as an open database, and its media.

A package is a zip of one SQLite collection, files named by numbers, and a list of their names; today's Anki compresses each of
them with zstd. What is read is bounded, whatever the file says of itself. Leaves out what the collection holds (`collection`).
"""

import contextlib
import json
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

from kb.errors import UsageError

COLLECTIONS = (
    "collection.anki21b",
    "collection.anki21",
    "collection.anki2",
)  # the newest first; the others are stand-ins
MAX_COLLECTION_BYTES = 2**30
MAX_LIST_BYTES = 2**26
MAX_MEDIUM_BYTES = 2**27
MAX_FILES = 200_000
MAX_CELL_BYTES = 2**24
_CHUNK = 2**20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DAMAGE = (zipfile.BadZipFile, zlib.error, zstandard.ZstdError, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class Package:
    """An open package; `media` maps the names that notes use to the files of the zip that hold them."""

    path: Path
    database: sqlite3.Connection
    media: Mapping[str, str]
    _archive: zipfile.ZipFile

    def medium(self, name: str) -> bytes:
        """The content of this file of the media. Raises: UsageError where it is damaged or too large."""
        return b"".join(_content(self.path, self._archive, self.media[name], MAX_MEDIUM_BYTES))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Package]:
    """The package, until the block ends; its collection can be read and nothing else.

    Raises: UsageError for anything that is no whole package of Anki.
    """
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(_archive(path))
        names = archive.namelist()
        _check_names(path, names)
        found = next((name for name in COLLECTIONS if name in names), None)
        if found is None:
            raise UsageError(f"{path}: expected an Anki package; found a zip file without a collection in it.")
        media = _media(path, archive) if "media" in names else {}
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="livecards-"))
        copy = Path(folder) / "collection"
        _unpack(path, archive, found, copy)
        database = stack.enter_context(contextlib.closing(_database(path, copy)))
        yield Package(path, database, media, archive)


@contextlib.contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Tells in one sentence what SQLite says of a collection that it cannot read."""
    try:
        yield
    except sqlite3.Error as error:
        raise UsageError(
            f"{path}: the collection in it is not a database of Anki, or a damaged one ({error})."
        ) from error


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        with path.open("rb") as file:
            begun = file.read(4) == b"PK\x03\x04"
        what = "a zip file that is cut short or damaged" if begun else "a file that is no zip file"
        raise UsageError(f"{path}: expected an Anki package (.apkg or .colpkg); found {what}.") from error


def _check_names(path: Path, names: list[str]) -> None:
    if len(names) > MAX_FILES:
        raise UsageError(f"{path}: expected at most {MAX_FILES:,} files in a package; found {len(names):,}.")
    for name in names:
        _check_name(path, name)


def _check_name(path: Path, name: str) -> None:
    """Refuses a name that would lead out of a folder; Anki itself writes none with a slash."""
    if not name or name in (".", "..") or any(sign in name for sign in "/\\:\0"):
        raise UsageError(
            f"{path}: expected plain names of files in an Anki package; found {name[:80]!r}, which leads elsewhere."
        )


def _content(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> Iterator[bytes]:
    """What a file of the package holds, unpacked piece by piece."""
    read = 0
    try:
        with archive.open(name) as packed:
            for part in _unpacked(packed):
                read += len(part)
                if read > limit:
                    raise UsageError(
                        f"{path}: {name} unpacks to more than {limit // 2**20:,} MiB, the most that is read of it;"
                        " export fewer decks at a time."
                    )
                yield part
    except _DAMAGE as error:
        raise UsageError(f"{path}: {name} in it is cut short or damaged ({error}).") from error


def _unpack(path: Path, archive: zipfile.ZipFile, name: str, copy: Path) -> None:
    """Writes what a file of the package holds to a file of its own."""
    try:
        with copy.open("wb") as file:
            for part in _content(path, archive, name, MAX_COLLECTION_BYTES):
                file.write(part)
    except OSError as error:
        raise UsageError(f"{path}: it cannot be unpacked to {copy.parent}: {error.strerror}.") from error


def _unpacked(packed: IO[bytes]) -> Iterator[bytes]:
    """The pieces of a file, those of zstd unpacked."""
    first = packed.read(_CHUNK)
    if not first.startswith(_ZSTD_MAGIC):
        while first:
            yield first
            first = packed.read(_CHUNK)
        return
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    while first:
        for start in range(0, len(first), 2**10):  # a kibibyte can hold at most some 30 MiB
            yield decompressor.decompress(first[start : start + 2**10])
        if decompressor.eof:
            return
        first = packed.read(_CHUNK)
    raise EOFError("the end is missing")


def _media(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """The files of the zip by the names that notes have for them: JSON, or in new packages a protobuf message."""
    data = b"".join(_content(path, archive, "media", MAX_LIST_BYTES))
    try:
        if data[:1] in (b"{", b"["):
            listed = [(str(name), str(number)) for number, name in dict(json.loads(data)).items()]
        else:
            listed = [(name, str(number)) for number, name in enumerate(_listed(data))]
    except (ValueError, TypeError, IndexError) as error:
        raise UsageError(f"{path}: the list of media in it is damaged ({error}).") from error
    present = set(archive.namelist())
    for name, _ in listed:
        _check_name(path, name)
    return {name: number for name, number in listed if number in present}


def _listed(data: bytes) -> Iterator[str]:
    """The names of `MediaEntries { repeated MediaEntry entries = 1; }`, in order; `MediaEntry { string name = 1; ... }`."""
    for field, entry in protobuf(data):
        if field == 1:
            yield next((name.decode() for number, name in protobuf(entry) if number == 1), "")


def protobuf(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that are text, bytes or messages, with their numbers.

    Raises: ValueError or IndexError where it is no message.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        match key & 7:
            case 0:
                _, place = _varint(data, place)
            case 1:
                place += 8
            case 2:
                length, place = _varint(data, place)
                if place + length > len(data):
                    raise ValueError("a field is longer than its message")
                yield key >> 3, data[place : place + length]
                place += length
            case 5:
                place += 4
            case kind:
                raise ValueError(f"a field of kind {kind}")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise ValueError("a number that is too long")


def _database(path: Path, copy: Path) -> sqlite3.Connection:
    """The collection, read only; nothing of what its schema says is run."""
    connection = sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES)
        connection.create_collation("unicase", _unicase)  # the order of names in today's collections
        with damaged(path):
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _unicase(one: str, other: str) -> int:
    first, second = one.casefold(), other.casefold()
    return (first > second) - (first < second)
