"""A database file from elsewhere, read without changing it: a backup, that of another computer, one in a shared folder.

What is read is a checked copy of this version, made in a folder that is removed afterwards.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from kb.backups import copy_snapshot
from kb.errors import CorruptDatabaseError, NewerDatabaseError, StoreUnavailableError
from kb.log_faults import LogFault, log_faults
from kb.store import APPLICATION_ID, SCHEMA_VERSION, Store

HEADER_BYTES = 100  # of an SQLite file
_SENTENCES = {
    LogFault.FUTURE: "dated in the future",
    LogFault.RATINGS: "with an impossible rating",
    LogFault.REVIEWS: "that cannot be read",
    LogFault.EVENTS: "that cannot be read",
}


@contextmanager
def opened(path: Path, now: datetime) -> Iterator[Store]:
    """A store with what this file holds, brought to the present version; the file itself stays as it is.

    Raises: StoreUnavailableError where there is no file or one of another program, NewerDatabaseError,
    CorruptDatabaseError for a damaged or half-copied one, or one whose log holds what no answer can be.
    """
    if not path.is_file():
        raise StoreUnavailableError(f"{path}: expected a database of Livecards; found no file.")
    with tempfile.TemporaryDirectory(prefix="livecards-", ignore_cleanup_errors=True) as folder:
        copy = Store(Path(folder) / path.name)
        try:
            _copy(path, copy.path)
        except sqlite3.Error as error:
            raise _damaged(path, error) from error
        with copy.reading() as transaction:
            faults = {kind: count for kind, count in log_faults(transaction.log, now).items() if count}
        for kind, count in faults.items():
            if kind in _SENTENCES:
                what = "events" if kind is LogFault.EVENTS else "answers"
                raise CorruptDatabaseError(
                    f"{path}: {what} {_SENTENCES[kind]} ({count}), so nothing was taken from it.\n"
                    "    Fix: see what `kb --db FILE doctor` says of that file, and go back to a backup from before."
                )
        yield copy


def _copy(path: Path, copy: Path) -> None:
    """Copies the file, once it is known to be one of ours that this version can read."""
    size = path.stat().st_size
    if size < HEADER_BYTES:  # which SQLite would take for a database with nothing in it
        raise _damaged(path, "the file is empty" if size == 0 else "the file is too short")
    with closing(_read_only(path)) as source:
        if source.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
            raise StoreUnavailableError(f"{path}: expected a database of Livecards; found one of another program.")
        (page_bytes,) = source.execute("PRAGMA page_size").fetchone()
        if size % page_bytes:  # SQLite would take zeros for the end of the last page
            raise _damaged(path, "the file ends within a page")
        (version,) = source.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise NewerDatabaseError(
                f"{path}: expected a database of version {SCHEMA_VERSION} or older; found version {version}.\n"
                "    Fix: update Livecards."
            )
        copy_snapshot(source, copy)


def _read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Where nobody else has the file open, it makes no files beside it either."""
    in_use = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
    address = f"{path.absolute().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"
    return sqlite3.connect(address, uri=True, isolation_level=None)


def _damaged(path: Path, error: object) -> CorruptDatabaseError:
    return CorruptDatabaseError(
        f"{path}: not a database, or a damaged or half-copied one ({error}); nothing was taken from it."
    )
