"""Puts a backup in the place of the present database, which is kept beside it under a dated name.

A sound database is replaced by one SQLite transaction, which keeps writers out and, when anything fails midway, leaves what was
there; the copy that is kept is made inside it. A damaged one is kept as the files that it is.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kb.backups import copy_snapshot, copy_to, is_sound, sync_folder
from kb.errors import StoreUnavailableError, UsageError
from kb.foreign import opened
from kb.store import Store

BESIDE = ("", "-wal", "-shm", "-journal")  # the files that SQLite makes of one database


@dataclass(frozen=True)
class Restored:
    """What is there now, and where what was there before is; None where there was nothing."""

    answers: int
    kept: Path | None


def restore(store: Store, file: Path, now: datetime) -> Restored:
    """Puts the content of this file, which is checked first, in the place of the database.

    Raises: the StoreErrors of kb.foreign.opened, StoreUnavailableError when the database is in use or the disk fails;
    nothing was changed then.
    """
    store.close()
    if file.exists() and store.path.exists() and file.samefile(store.path):
        raise UsageError(f"{file}: expected a backup; found the database itself.")
    with opened(file, now) as theirs:
        with theirs.reading() as transaction:
            (answers,) = next(transaction.log.raw("SELECT count(*) FROM answers WHERE kind = 'review'"))
        try:
            return Restored(answers, _replace(store.path, theirs.path, now))
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailableError(
                f"{store.path}: {file} could not be put in its place ({error}), so it was left as it was.\n"
                "    Fix: close the programs that use it, see that the disk has room and may be written to, and try again."
            ) from error


def _replace(present: Path, wanted: Path, now: datetime) -> Path | None:
    """Where the present database is kept, after the wanted one took its place."""
    if not present.exists():
        present.parent.mkdir(parents=True, exist_ok=True)
        copy_to(wanted, present)
        return None
    kept = _free_name(present, now)
    if is_sound(present):
        _write_over(present, wanted, kept)
    else:
        _set_aside(present, wanted, kept)
    return kept


def _free_name(present: Path, now: datetime) -> Path:
    """A name for the present database that nothing has yet."""
    name, number = f"{present.stem}-until-{now.astimezone(UTC):%Y-%m-%dT%H%M%S}", 1
    kept = present.with_name(f"{name}.db")
    while any(kept.with_name(kept.name + end).exists() for end in BESIDE):
        kept, number = present.with_name(f"{name}-{number}.db"), number + 1
    return kept


def _write_over(present: Path, wanted: Path, kept: Path) -> None:
    """Replaces the content of a sound database in one transaction."""

    def keep(status: int, _remaining: int, _total: int) -> None:
        """Copies what is still there, once: the transaction has begun, so that nobody can add to it any more."""
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise sqlite3.OperationalError("another program is writing to it")
        if not kept.exists():
            with closing(sqlite3.connect(present)) as before:
                unfinished = kept.with_name(f"{kept.name}.{os.getpid()}.unfinished")
                try:
                    copy_snapshot(before, unfinished)
                    with unfinished.open("rb+") as file:
                        os.fsync(file.fileno())
                    unfinished.replace(kept)
                finally:
                    unfinished.unlink(missing_ok=True)
            sync_folder(kept.parent)

    with closing(sqlite3.connect(wanted)) as source, closing(sqlite3.connect(present)) as target:
        target.execute("PRAGMA synchronous = FULL")
        target.execute("PRAGMA journal_mode = WAL")  # so that what is still there can be read while it is replaced
        source.backup(target, pages=1, progress=keep)
        target.execute("PRAGMA journal_mode = WAL")


def _set_aside(present: Path, wanted: Path, kept: Path) -> None:
    """Keeps every file of a damaged database, and then puts the wanted one in its place."""
    made = []
    try:
        for end in BESIDE:
            file = present.with_name(present.name + end)
            if file.exists():
                made.append(kept.with_name(kept.name + end))
                shutil.copy2(file, made[-1])
    except OSError:
        for half in made:
            half.unlink(missing_ok=True)
        raise
    sync_folder(kept.parent)
    for end in BESIDE[1:]:
        present.with_name(present.name + end).unlink(missing_ok=True)
    copy_to(wanted, present)
