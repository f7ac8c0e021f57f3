"""The learner's database: one transaction for each operation, its faults told in a sentence.

Each operation has a connection to itself, in WAL mode with synchronous=FULL: when a write returns, it is on the disk, and the
app and the command line can be open at once. SQLite's own locks are the only ones. The connection is opened and closed each
time, or kept for the next operation (kb/connections.py).
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from kb import connections
from kb.backups import back_up, back_up_by_hand, copy_to, newest_sound
from kb.cards import Cards
from kb.connections import Kept, Remembered
from kb.errors import CorruptDatabaseError, NewerDatabaseError, StoreError, StoreUnavailableError
from kb.log import Log

SCHEMA_VERSION = 2  # the number of migrations in kb/migrations.py
APPLICATION_ID = 0x4C495645  # marks the file as ours
TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Transaction:
    """What one transaction sees: the log, and the cards that are its fold."""

    log: Log
    cards: Cards
    remembered: Remembered


class Store:
    """The database at this path; made, with its folder, by the first operation.

    With `keep_open`, a connection stays open for the next operation, of this store or another of the same path.
    """

    def __init__(self, path: str | os.PathLike[str], timeout_s: float = TIMEOUT_S, *, keep_open: bool = False) -> None:
        self.path = Path(path)
        self._timeout_s = timeout_s
        self._keep_open = keep_open
        self._key = str(self.path.absolute())

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One unchanging view of the database."""
        with self._faults("read"), self._begun("BEGIN") as kept:
            yield _transaction(kept)
            kept.connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: everything in it is on the disk when it ends, or nothing is where it raises."""
        with self._faults("stored"), self._begun("BEGIN IMMEDIATE") as kept:
            yield _transaction(kept)
            kept.connection.execute("COMMIT")

    def close(self) -> None:
        """Closes a connection that was kept open: the database is a single file again, where no other program has it open."""
        with self._faults("stored"):
            connections.close(self._key)

    def merge_from(self, other: str | os.PathLike[str]) -> int:
        """How many rows of the other database were not here yet; they are now, and the other is unchanged."""
        theirs = Store(other, self._timeout_s)
        if not theirs.path.is_file():
            raise StoreUnavailableError(f"{theirs.path}: expected a database to merge; found no file.")
        with theirs.reading() as from_there, self.writing() as here:
            added = here.log.merge(from_there.log)
            if added:
                here.cards.make_stale()
        return added

    def back_up(self, day: date) -> Path | None:
        """The backup made for this day, None when there is one already; a failure is logged and stops nobody."""
        try:
            return back_up(self.path, day)
        except (sqlite3.Error, OSError) as error:
            _log.warning("%s: no backup could be made today: %s.", self.path, error)
            return None

    def back_up_by_hand(self, now: datetime, file: Path | None = None) -> Path:
        """A checked copy of this moment: the given file, which must not be there yet, or one in the folder of backups."""
        if file is not None and file.exists():
            raise StoreUnavailableError(
                f"{file}: expected a name for the copy that nothing has yet; found a file or folder.\n"
                "    Fix: give another name."
            )
        with self.reading():  # a database that is missing is made, and one that cannot be used is told so
            pass
        try:
            return back_up_by_hand(self.path, now) if file is None else copy_to(self.path, file)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(
                f"{self.path}: no copy could be made of it ({error}).\n"
                "    Fix: see that the folder for the copy is there and may be written to, and that the disk has room."
            ) from error

    @contextmanager
    def _begun(self, statement: str) -> Iterator[Kept]:
        """A connection in a transaction that this statement begins and the caller ends; where it raises, nothing was done."""
        kept = self._begin(statement)
        try:
            yield kept
        except BaseException:
            if kept.connection.in_transaction:  # some faults have rolled back already
                kept.connection.execute("ROLLBACK")
            kept.connection.close()
            raise
        if self._keep_open:
            connections.give(self._key, self._timeout_s, kept)
        else:
            kept.connection.close()

    def _begin(self, statement: str) -> Kept:
        """The connection that was kept, or a new one, with its transaction begun."""
        kept = connections.take(self._key, self._timeout_s) if self._keep_open else None
        if kept is not None:
            try:
                if kept.begin(statement) or _is_ready(kept.connection):
                    return kept
            except BaseException:
                kept.connection.close()
                raise
            kept.connection.close()  # another program brought the database to a newer version, or put another in its place
        kept = Kept(self._open())
        try:
            kept.begin(statement)
        except BaseException:
            kept.connection.close()
            raise
        return kept

    def _open(self) -> sqlite3.Connection:
        """A connection to a database of this version, made or migrated if need be."""
        if self.path.is_dir():
            raise StoreUnavailableError(
                f"{self.path}: expected a database file; found a folder.\n    Fix: name a file in it instead."
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(
                f"{self.path}: the folder for the database cannot be made: {error.strerror}.\n"
                "    Fix: choose a place that you may write to, with KB_DB or --db."
            ) from error
        connection = sqlite3.connect(  # from one thread at a time, of which SQLite does not care which it is
            self.path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Checks whose database this is and of which version, and sets what holds for each connection."""
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        version = _pragma(connection, "user_version")
        if version < SCHEMA_VERSION or _pragma(connection, "application_id") != APPLICATION_ID:
            self._migrate(connection)
        elif version > SCHEMA_VERSION:
            raise NewerDatabaseError(
                f"{self.path}: expected a database of version {SCHEMA_VERSION} or older; found version {version}.\n"
                "    Fix: update Livecards, or name another database with KB_DB or --db."
            )
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            self._use_wal(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Brings an empty or older database to this version, in one transaction and only once."""
        connection.execute("BEGIN IMMEDIATE")  # from here on no other process migrates
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and _pragma(connection, "application_id") != APPLICATION_ID:
            raise StoreUnavailableError(
                f"{self.path}: expected a database of Livecards; found one of another program.\n"
                "    Fix: name another file with KB_DB or --db; this one was left as it is."
            )
        if self.path.stat().st_size == 0 and newest_sound(self.path):
            raise self._corrupt("the file is empty, and there are backups of it")
        if _pragma(connection, "user_version") < SCHEMA_VERSION:
            from sqlite_utils import Database

            from kb.migrations import migrations

            migrations.apply(Database(connection, execute_plugins=False))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switches to write-ahead logging, for good; SQLite does not wait here while another connection is busy."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Turns what SQLite reports of the file and the disk into a sentence; anything else is a bug and passes."""
        try:
            yield
        except sqlite3.Error as error:
            fault = self._fault(error, what)
            if fault is None:
                raise
            raise fault from error

    def _fault(self, error: sqlite3.Error, what: str) -> StoreError | None:
        """The sentence for this error, None where it says nothing about the file or the disk."""
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreUnavailableError(
                    f"{self.path}: locked by another program for more than {self._timeout_s:g} s, so nothing was {what}.\n"
                    "    Fix: close the program that holds it, and try again."
                )
            case sqlite3.SQLITE_FULL:
                return StoreUnavailableError(
                    f"{self.path}: the disk is full, so nothing was {what}.\n    Fix: free some space, and try again."
                )
            case sqlite3.SQLITE_IOERR:
                return StoreUnavailableError(
                    f"{self.path}: the disk failed or has no room left, so nothing was {what} ({error}).\n"
                    "    Fix: free some space or check the disk, and try again."
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return StoreUnavailableError(
                    f"{self.path}: the database or its folder cannot be written, so nothing was {what} ({error}).\n"
                    "    Fix: allow writing there, or name another place with KB_DB or --db."
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return self._corrupt(error)
            case _:
                return None

    def _corrupt(self, error: object) -> CorruptDatabaseError:
        """Says that the file was left in place, and which backup can take it."""
        backup = newest_sound(self.path)
        fix = (
            f"`kb restore {backup}` puts the newest sound backup in its place; this file is kept beside it."
            if backup
            else "there is no sound backup beside it; move it to another folder to begin anew, or name another"
            " database with KB_DB or --db."
        )
        return CorruptDatabaseError(
            f"{self.path}: not a database, or a damaged one ({error}); it was left as it is.\n    Fix: {fix}"
        )


def _transaction(kept: Kept) -> Transaction:
    log = Log(kept.connection, kept.remembered)
    return Transaction(log, Cards(kept.connection, log, kept.remembered), kept.remembered)


def _is_ready(connection: sqlite3.Connection) -> bool:
    """Whether this still is a database of this version in the mode that it is used in."""
    return (
        _pragma(connection, "user_version") == SCHEMA_VERSION
        and _pragma(connection, "application_id") == APPLICATION_ID
        and connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
