"""Progress shared between computers through a folder that a sync service copies.

Each computer writes one file there, named by the origin of its database, and takes what is new from all others; so no file is
ever written by two, and the service has no conflict to solve. A file that has not arrived completely is left for the next time.
"""

import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kb.backups import copy_to
from kb.errors import StoreError, StoreUnavailableError
from kb.foreign import opened
from kb.log import Log
from kb.store import Store

PATTERN = "livecards-*.db"  # also what a service calls the second version of a file


@dataclass(frozen=True)
class Synced:
    """How many rows were new here, how many files were read, what was left out and why, and the file of this computer."""

    added: int
    read: int
    file: Path
    skipped: dict[Path, str] = field(default_factory=dict)


def sync(store: Store, folder: Path, now: datetime) -> Synced:
    """Takes what is new from the files of the folder, and brings the one of this computer up to date.

    Raises: StoreUnavailableError without such a folder or where it cannot be written; what was taken by then stays.
    """
    if not folder.is_dir():
        raise StoreUnavailableError(
            f"{folder}: expected the folder to share progress through; found none.\n    Fix: make it, or name another."
        )
    with store.reading() as transaction:
        own = folder / f"livecards-{transaction.log.meta('origin')}.db"
    added, read, skipped = 0, 0, {}
    there: set[str] = set()
    for file in sorted(folder.glob(PATTERN)):
        with ExitStack() as stack:
            try:
                theirs = stack.enter_context(opened(file, now))
            except StoreError as error:
                skipped[file] = str(error)
                continue
            added += store.merge_from(theirs.path)
            read += 1
            if file == own:
                with theirs.reading() as transaction:
                    there = _ids(transaction.log)
    with store.reading() as transaction:
        here = _ids(transaction.log)
    if here != there or not own.exists():
        try:
            copy_to(store.path, own)
            for leftover in folder.glob(f"{own.name}.*.unfinished*"):  # of a sync that was interrupted
                leftover.unlink(missing_ok=True)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(
                f"{own}: it could not be written ({error}).\n    Fix: see that the folder may be written to and has room."
            ) from error
    return Synced(added, read, own, skipped)


def _ids(log: Log) -> set[str]:
    """What the log holds."""
    return {row_id for (row_id,) in log.raw("SELECT id FROM reviews UNION ALL SELECT id FROM events")}
