"""Connections to a learner's database kept open between operations, so that an answer does not pay for opening the file.

To open a file, to look at its version and to fold SQLite's write-ahead log back when the last connection closes takes
several times as long as an answer. At most one connection of each file is kept, which one thread uses at a time. Two seconds
after the last operation the write-ahead log is folded back, so that the file alone is all there is; after a minute the
connection is closed, as it is at exit and before a fork, which SQLite does not survive. A connection is not used again once
another file is at its path, or somebody wrote to the file without SQLite.
"""

import atexit
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

SETTLE_S, IDLE_S = 2.0, 60.0
MOST_KEPT = 4

T = TypeVar("T")


class Remembered:
    """What was read of a database and still holds: emptied by every change of which it does not know what it changes."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._owners: dict[Hashable, object] = {}
        self.changes = 0  # rows changed of which everything remembered takes account

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What is remembered under this key, read now if nothing is."""
        try:
            value: T = self._values[key]
        except KeyError:
            value = self._values[key] = read()
        return value

    def of(self, owner: object, key: Hashable, read: Callable[[], T]) -> T:
        """The same, for what was made of this object: nothing is remembered of another one."""
        if self._owners.get(key) is not owner:
            self._owners[key] = owner
            self._values.pop(key, None)
        return self.get(key, read)

    def known(self, key: Hashable) -> Any:
        """What is remembered under this key; None where nothing is."""
        return self._values.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Remembers this in the place of what was known before."""
        self._values[key] = value

    def drop(self, *keys: Hashable) -> None:
        """Forgets what is remembered under these keys."""
        for key in keys:
            self._values.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._values.clear()
        self._owners.clear()


class Kept:
    """A connection with what was read through it and still holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.remembered = Remembered()
        self.files: tuple[int, ...] | None = None
        self.used_at = 0.0
        self.settled = False
        self._version: int | None = None

    def begin(self, statement: str) -> bool:
        """Begins a transaction; True when nobody else changed the database since the last one through this connection."""
        self.connection.execute(statement)
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        same, self._version = version == self._version, version
        if not same or self.connection.total_changes != self.remembered.changes:
            self.remembered.clear()
            self.remembered.changes = self.connection.total_changes
        return same

    def settle(self) -> None:
        """Folds SQLite's write-ahead log into the file, unless another connection is reading or writing just now."""
        execute = self.connection.execute
        (timeout_ms,) = execute("PRAGMA busy_timeout").fetchone()
        execute("PRAGMA busy_timeout = 0")
        execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        execute(f"PRAGMA busy_timeout = {timeout_ms}")
        self.settled = True


Key = tuple[str, float]

_kept: dict[Key, Kept] = {}
_lock = threading.Lock()
_used = threading.Event()
_keeper: threading.Thread | None = None


def take(path: str, timeout_s: float) -> Kept | None:
    """The kept connection to this file, from now on the caller's alone; None where there is none that can be used."""
    with _lock:
        kept = _kept.pop((path, timeout_s), None)
    found = _files(path)
    if kept is None or kept.files is None or found == kept.files:
        return kept
    kept.connection.close()
    if found is not None and found[:2] != kept.files[:2] and found[-2:] == kept.files[-2:]:
        Path(f"{path}-wal").unlink(missing_ok=True)  # that of the former file; SQLite would fold it into the new one
    return None


def give(path: str, timeout_s: float, kept: Kept) -> None:
    """Keeps a connection that has no transaction open; closes it where one to the same file is kept already."""
    global _keeper
    kept.used_at = time.monotonic()
    kept.settled = False
    _keep((path, timeout_s), kept)
    _used.set()
    if _keeper is None:
        with _lock:
            if _keeper is None:
                _keeper = threading.Thread(target=_look_after, name="livecards-connections", daemon=True)
                _keeper.start()


def close(path: str) -> None:
    """Closes the connection kept to this file, so that nothing is left beside it."""
    with _lock:
        found = [_kept.pop(key) for key in list(_kept) if key[0] == path]
    for kept in found:
        kept.connection.close()


def close_all() -> None:
    """Closes every connection that is kept."""
    with _lock:
        found = list(_kept.values())
        _kept.clear()
    for kept in found:
        with suppress(sqlite3.Error):
            kept.connection.close()


def _keep(key: Key, kept: Kept) -> None:
    kept.files = _files(key[0])
    surplus: Kept | None = kept
    with _lock:
        if kept.files is not None and key not in _kept:
            surplus = _kept.pop(next(iter(_kept))) if len(_kept) >= MOST_KEPT else None
            _kept[key] = kept
    if surplus is not None:
        surplus.connection.close()


def _look_after() -> None:
    """Folds logs back and closes what is not used, for as long as the process lives."""
    while True:
        _used.wait()
        time.sleep(SETTLE_S)
        now = time.monotonic()
        with _lock:
            idle = [key for key, kept in _kept.items() if not kept.settled and now - kept.used_at >= SETTLE_S]
            unused = [key for key, kept in _kept.items() if now - kept.used_at > IDLE_S]
            found = {key: _kept.pop(key) for key in {*idle, *unused}}
            if not _kept and len(unused) == len(found):
                _used.clear()
        for key, kept in found.items():
            with suppress(sqlite3.Error):
                if key in unused or _files(key[0]) != kept.files:
                    kept.connection.close()
                else:
                    kept.settle()
                    _keep(key, kept)


def _files(path: str) -> tuple[int, ...] | None:
    """What changes when the database or its write-ahead log is another file, or was written to; None where one is missing.

    SQLite itself writes to the database only when it folds the log back.
    """
    try:
        file, log = os.stat(path), os.stat(f"{path}-wal")  # noqa: PTH116 - a Path costs more than asking the system
    except OSError:
        return None
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, log.st_dev, log.st_ino


def _before_fork() -> None:
    """Lets go of every connection: SQLite's locks, and what it knows of them, do not reach the other side of a fork."""
    close_all()
    _lock.acquire()


def _in_child() -> None:
    global _keeper, _used
    _keeper, _used = None, threading.Event()  # threads do not reach it either
    _lock.release()


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_lock.release, after_in_child=_in_child)
