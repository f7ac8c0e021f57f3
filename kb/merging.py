"""Adds to the learner's log what another database holds: the union of both, by the ids of their rows."""

from datetime import datetime
from pathlib import Path

from kb.foreign import opened
from kb.store import Store


def merge(store: Store, other: Path, now: datetime) -> int:
    """How many rows of the other file were not here yet; they are now, and that file is as it was.

    Raises: the StoreErrors of kb.foreign.opened and of the store; nothing was changed then.
    """
    with opened(other, now) as theirs:
        return store.merge_from(theirs.path)
