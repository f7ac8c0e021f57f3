"""The bank as it was read last, so that a command does not parse every file again.

One file in the user's cache folder for each bank. It is good only while every file of the bank has the same path, size and time
of change, and the program that wrote it is the same; anything else, damage included, means reading the bank anew.
"""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kb.bank import Bank, load_bank

_PROGRAM = Path(__file__).parent

Stamp = tuple[tuple[str, int, int], ...]


def load_bank_quickly(root: Path, folder: Path | None = None) -> Bank:
    """The same as `load_bank(root)`, from the cache in `folder` where nothing has changed."""
    root = root.absolute()
    cache = (folder or _cache_folder()) / f"bank-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}.pickle"
    stamp = (*_stamp(_PROGRAM, depth=0), *_stamp(root, depth=1))
    known = _read(cache, stamp)
    if known is not None:
        return known
    bank = load_bank(root)
    with suppress(OSError):  # a full disk or a folder that cannot be written costs speed, nothing else
        _write(cache, stamp, bank)
    return bank


def _cache_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("livecards", appauthor=False)


def _stamp(folder: Path, depth: int) -> Stamp:
    """Path, size and time of change of every file in the folder and, as deep as asked, in its folders."""
    return tuple(sorted(_files(str(folder), depth)))


def _files(folder: str, depth: int) -> Iterator[tuple[str, int, int]]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth and not entry.name.startswith("."):
                    yield entry.path, 0, 0
                    yield from _files(entry.path, depth - 1)
            else:
                status = entry.stat(follow_symlinks=False)
                yield entry.path, status.st_size, status.st_mtime_ns


def _read(cache: Path, stamp: Stamp) -> Bank | None:
    """The bank in the cache; None where there is none, it is damaged, or something has changed since."""
    try:
        data = cache.read_bytes()
    except OSError:
        return None
    digest, payload = data[:32], data[32:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    of, bank = pickle.loads(payload)
    return bank if of == stamp and isinstance(bank, Bank) else None


def _write(cache: Path, stamp: Stamp, bank: Bank) -> None:
    payload = pickle.dumps((stamp, bank), protocol=pickle.HIGHEST_PROTOCOL)
    cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=cache.parent, delete=False) as file:
        file.write(hashlib.sha256(payload).digest() + payload)
    Path(file.name).replace(cache)
