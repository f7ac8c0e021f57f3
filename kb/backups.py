"""Copies of the learner's database in the folder `backups` beside it, made while it is in use and checked when made.

The first answer of a day makes the copy of that day, the first of each later hour one of that hour. The newest of each are
kept, and of the days also the last of each week and month. Copies made by hand are never removed.
Leaves out putting a copy back: kb/restoring.py does that.
"""

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

KEPT = 7  # days
HOURS, WEEKS, MONTHS = 24, 5, 12
COUNTED = ("reviews", "events")
HOUR_S = 3600
_STAMP = re.compile(r"-(\d{4}-\d\d-\d\d)(?:T(\d\d)(?:(\d\d)(\d\d)(?:-\d+)?)?)?\.db")


_present: dict[Path, tuple[date, float, Path]] = {}
"""Of each database the day and the hour for which this process has seen a copy, and that copy."""


@dataclass(frozen=True)
class Copy:
    """A copy in the folder: of a day, of an hour, or made by hand; `answers` is None where it is damaged."""

    path: Path
    kind: str
    made_at: datetime
    answers: int | None


def back_up(database: Path, day: date) -> Path | None:
    """The copy made now, complete and checked: that of this day, or of the hour the database was last written in, as the
    file system has it; None when there is one already.

    Copies that were left unfinished are removed, as are those that are no longer to be kept.

    Raises: sqlite3.Error or OSError when no copy could be made; nothing half made stays behind.
    """
    try:
        written = _written_at(database)
    except FileNotFoundError:
        return None
    known = _present.get(database)
    if known is not None and known[:2] == (day, written // HOUR_S) and known[2].exists():
        return None
    folder = database.parent / "backups"
    copy = folder / f"{database.stem}-{day.isoformat()}.db"
    if copy.exists():
        hour = _hour(written)
        if _hour(_written_at(copy)) != hour:
            copy = folder / f"{database.stem}-{hour}.db"
        if copy.exists():
            _present[database] = day, written // HOUR_S, copy
            return None
    folder.mkdir(exist_ok=True)
    copy_to(database, copy)
    for old in (*_expired(database, copy), *_unfinished(database, copy)):
        old.unlink(missing_ok=True)
    return copy


def back_up_by_hand(database: Path, now: datetime) -> Path:
    """A copy of this moment in the folder, checked; it is never removed."""
    folder = database.parent / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{database.stem}-{now.astimezone(UTC):%Y-%m-%dT%H%M%S}"
    copy, number = folder / f"{name}.db", 1
    while copy.exists():
        copy, number = folder / f"{name}-{number}.db", number + 1
    return copy_to(database, copy)


def copy_to(database: Path, copy: Path) -> Path:
    """The copy, a single file that passes SQLite's check and has as many rows of the log; it takes its name once it is complete.

    Raises: sqlite3.Error or OSError when that fails; nothing half made stays behind.
    """
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}{threading.get_ident()}.unfinished")
    try:
        with closing(sqlite3.connect(database)) as source:
            copy_snapshot(source, unfinished)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
        sync_folder(copy.parent)
    finally:
        for leftover in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
            leftover.unlink(missing_ok=True)
    return copy


def copy_snapshot(source: sqlite3.Connection, path: Path) -> None:
    """Copies what this connection sees at one moment to a new file, and checks the copy.

    Raises: sqlite3.DatabaseError where the copy does not pass SQLite's check or has fewer rows.
    """
    with closing(sqlite3.connect(path)) as target:
        source.execute("BEGIN")
        counts = _counts(source)
        source.backup(target)
        source.execute("ROLLBACK")
        target.execute("PRAGMA journal_mode = DELETE")  # the copy is a single file
        if target.execute("PRAGMA integrity_check").fetchone() != ("ok",) or _counts(target) != counts:
            raise sqlite3.DatabaseError(f"{path}: the copy did not pass SQLite's check")


def sync_folder(folder: Path) -> None:
    """Waits until the names in this folder are on the disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copies(database: Path) -> list[Copy]:
    """Every copy of this database, the newest first."""
    found = []
    for path, (day, hour, minute, second) in _stamped(database).items():
        kind = "day" if hour is None else "hour" if minute is None else "hand"
        at = datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}+00:00")
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC) if kind == "day" else at
        found.append(Copy(path, kind, made_at, _answers(path)))
    return sorted(found, key=lambda copy: (copy.made_at, copy.path.name), reverse=True)


def newest_sound(database: Path) -> Path | None:
    """The newest copy that passes SQLite's check, or None."""
    stamped = _stamped(database)
    newest = sorted(stamped, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    return next((copy for copy in newest if is_sound(copy)), None)


def is_sound(path: Path) -> bool:
    """Whether SQLite finds no fault in this file, which must not be empty; looking changes nothing."""
    try:
        if path.stat().st_size == 0:
            return False
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except (sqlite3.Error, OSError):
        return False


def _answers(path: Path) -> int | None:
    """How many answers the copy holds; None where it is damaged."""
    if not is_sound(path):
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers WHERE kind = 'review'").fetchone()[0])
    except sqlite3.Error:
        return None


def _counts(connection: sqlite3.Connection) -> list[int]:
    """How many rows each table of the log has."""
    return [int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in COUNTED]


def _written_at(path: Path) -> float:
    """When the file, or what SQLite has still to fold into it, was last written."""
    written = path.stat().st_mtime
    try:
        return max(written, os.stat(f"{path}-wal").st_mtime)  # noqa: PTH116 - a Path costs more than asking the system
    except FileNotFoundError:
        return written


def _hour(written_at: float) -> str:
    """The hour of this time, as it stands in names."""
    return f"{datetime.fromtimestamp(written_at, UTC):%Y-%m-%dT%H}"


def _stamped(database: Path) -> dict[Path, tuple[str | None, ...]]:
    """The copies of this database with the day, hour, minute and second in their names."""
    stem = re.escape(database.stem)
    named = ((path, re.fullmatch(stem + _STAMP.pattern, path.name)) for path in _folder(database))
    return {path: match.groups() for path, match in named if match}


def _folder(database: Path) -> list[Path]:
    folder = database.parent / "backups"
    return list(folder.iterdir()) if folder.is_dir() else []


def _expired(database: Path, made: Path) -> list[Path]:
    """The copies of days and hours that no rule keeps; never the one just made, though the clock may have been ahead."""
    stamped = {path: stamp for path, stamp in _stamped(database).items() if path != made}
    stamped[made] = _stamped(database)[made]
    days = sorted((path for path, stamp in stamped.items() if stamp[1] is None), reverse=True)
    hours = sorted((path for path, stamp in stamped.items() if stamp[1] and not stamp[2]), reverse=True)

    def day_of(path: Path) -> date:
        return date.fromisoformat(stamped[path][0] or "")

    kept = {
        made,
        *_last_of_each(days, day_of, KEPT),
        *_last_of_each(days, lambda path: day_of(path).isocalendar()[:2], WEEKS),
        *_last_of_each(days, lambda path: (day_of(path).year, day_of(path).month), MONTHS),
        *_last_of_each(hours, lambda path: path.name, HOURS),
    }
    return [path for path in (*days, *hours) if path not in kept]


def _last_of_each(newest_first: list[Path], span: Callable[[Path], Hashable], number: int) -> list[Path]:
    """The newest copy of each of the last spans of time that have one."""
    newest: dict[Hashable, Path] = {}
    for path in newest_first:
        newest.setdefault(span(path), path)
    return list(newest.values())[:number]


def _unfinished(database: Path, made: Path) -> list[Path]:
    """What copies of other days and hours left behind when they were interrupted; this one may be in the making elsewhere."""
    leftover = re.compile(re.escape(database.stem) + r"-\d{4}-\d\d-\d\d.*\.db\.\d+\.unfinished.*")
    return [path for path in _folder(database) if leftover.fullmatch(path.name) and not path.name.startswith(made.name)]
