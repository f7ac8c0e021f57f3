"""Files that are no database of ours, or one that something has damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

from small_bank import NOON, bank_of, question

from kb import study
from kb.errors import CorruptDatabaseError, NewerDatabaseError, StoreUnavailableError
from kb.rating import Rating
from kb.store import SCHEMA_VERSION, Store


def damage(store: Store, *statements: str) -> None:
    """Runs these as another program could, with no trigger and no check in the way; the triggers are then there again."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)


def _answer_one(store: Store) -> None:
    """Gives the database one answer, and with it its tables."""
    bank = bank_of(question("a"))
    study.submit(bank, store, study.start_attempt(bank.question("a"), NOON), Rating.Good, NOON)


def other_program(path: Path) -> None:
    """A database that some other program made."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()


def newer(path: Path) -> None:
    """A database of ours from a later version."""
    _answer_one(Store(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def half(path: Path) -> None:
    """A database of ours that was copied half."""
    _answer_one(Store(path))
    path.write_bytes(path.read_bytes()[:20000])


# how to make the file, the error that opening it raises, and what that says
BAD_FILES = [
    (lambda path: None, StoreUnavailableError, "expected a database of Livecards; found no file"),
    (Path.mkdir, StoreUnavailableError, "expected a database of Livecards; found no file"),
    (Path.touch, CorruptDatabaseError, "not a database, or a damaged or half-copied one .the file is empty."),
    (lambda path: path.write_text("Dear diary, " * 100), CorruptDatabaseError, "file is not a database"),
    (other_program, StoreUnavailableError, "expected a database of Livecards; found one of another program"),
    (newer, NewerDatabaseError, f"or older; found version {SCHEMA_VERSION + 1}.\n    Fix: update Livecards"),
    (half, CorruptDatabaseError, "damaged or half-copied one"),
]
BAD_NAMES = ["missing", "folder", "empty", "text", "other-program", "newer", "half"]
