"""Adds to the learner's log what another database holds: the union of both, by the ids of their rows."""

from datetime import datetime
from pathlib import Path

from kb.bank import Bank
from kb.errors import UsageError
from kb.foreign import opened
from kb.store import Store


def merge(store: Store, other: Path, now: datetime, bank: Bank | None = None) -> int:
    """How many rows of the other file were not here yet; they are now, and that file is as it was.

    Raises: the StoreErrors of kb.foreign.opened and of the store, and where a bank is given UsageError for a file that
    answers none of its questions; nothing was changed then.
    """
    with opened(other, now) as theirs:
        strange = 0 if bank is None else _of_another_bank(bank, theirs)
        if strange:
            raise UsageError(
                f"{other}: expected answers to questions of this bank; found answers to others alone ({strange} questions),"
                " so nothing was taken from it.\n    Fix: name the bank that it belongs to with KB_CONTENT or --content."
            )
        return store.merge_from(theirs.path)


def _of_another_bank(bank: Bank, theirs: Store) -> int:
    """How many questions the other log has answers to, where this bank has, and had, none of them; else 0."""
    with theirs.reading() as transaction:
        asked = {question for (question,) in transaction.log.raw("SELECT DISTINCT question FROM reviews")}
    known = {*bank.questions, *bank.broken, *(former for each in bank.outlines for former in each.formerly)}
    return len(asked) if known.isdisjoint(asked) else 0
