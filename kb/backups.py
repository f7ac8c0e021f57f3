"""Copies of the learner's database in the folder `backups` beside it: one for each of the last days it was written on.

Leaves out restoring: a damaged database is never touched, only the copy to use is named.
"""

import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

KEPT = 7


def back_up(database: Path, day: date) -> Path | None:
    """The copy made for this day, once it is complete and passes SQLite's check; None when there is one already.

    A copy that an earlier day left unfinished is removed, as are all but the newest few.

    Raises: sqlite3.Error or OSError when no copy could be made; nothing half made stays behind.
    """
    folder = database.parent / "backups"
    copy = folder / f"{database.stem}-{day.isoformat()}.db"
    if copy.exists() or not database.exists():
        return None
    folder.mkdir(exist_ok=True)
    unfinished = folder / f"{copy.name}.{os.getpid()}.unfinished"
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # the copy is a single file
        if not is_sound(unfinished):
            raise sqlite3.DatabaseError(f"{unfinished} did not pass SQLite's check")
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)
    unfinished_before = [
        path for path in folder.glob(f"{database.stem}-*.unfinished*") if not path.name.startswith(copy.name)
    ]
    others = [
        path for path in _copies(database) if path != copy
    ]  # never this one, though the clock may have been ahead
    for old in (*others[KEPT - 1 :], *unfinished_before):
        old.unlink(missing_ok=True)
    return copy


def newest_sound(database: Path) -> Path | None:
    """The newest copy that passes SQLite's check, or None."""
    return next((copy for copy in _copies(database) if is_sound(copy)), None)


def is_sound(path: Path) -> bool:
    """Whether SQLite finds no fault in this file, which must not be empty; looking changes nothing."""
    try:
        if path.stat().st_size == 0:
            return False
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except (sqlite3.Error, OSError):
        return False


def _copies(database: Path) -> list[Path]:
    """The copies of this database, the newest first."""
    return sorted((database.parent / "backups").glob(f"{database.stem}-????-??-??.db"), reverse=True)
