"""Reads a page of text, and writes a file whole or not at all; every fault is a sentence."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it takes the place of `path` when the block ends, and is gone where it raises.

    Raises: UsageError where nothing can be written there.
    """
    if path.is_dir():
        raise UsageError(f"{path}: expected the name of a file; found a folder.")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    except OSError as error:
        raise UsageError(f"{path}: it cannot be written: {error.strerror}.") from error
    written = Path(name)
    try:
        yield written
        written.chmod(0o666 & ~_umask())
        written.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: it cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            written.unlink()


def page_text(path: Path) -> str:
    """The text of a page. Raises: UsageError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: expected text in UTF-8; found another byte at {error.start}.") from error


def _umask() -> int:
    """The permissions that new files do not get; the system tells them only while setting them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
