"""What going back to a copy would take away: answers and marks that the present database has and the copy has not."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from kb.foreign import opened
from kb.log import Log
from kb.store import Store


@dataclass(frozen=True)
class Loss:
    """How many answers the copy holds, and how many of the present ones it lacks, since which day; likewise other entries."""

    kept: int
    answers: int
    since: date | None
    events: int


def loss(store: Store, file: Path, now: datetime) -> Loss:
    """What would be lost if the content of this file took the place of the database.

    Raises: the StoreErrors of kb.foreign.opened, and of the store.
    """
    with opened(file, now) as theirs, theirs.reading() as there, store.reading() as here:
        answers_there = {review_id for (review_id,) in there.log.raw("SELECT id FROM answers")}
        lost = [day for review_id, day in here.log.raw("SELECT id, day FROM answers") if review_id not in answers_there]
        return Loss(
            kept=len(answers_there),
            answers=len(lost),
            since=date.fromisoformat(min(lost)) if lost else None,
            events=len(_events(here.log) - _events(there.log)),
        )


def _events(log: Log) -> set[str]:
    """The ids of settings, marks and notes."""
    return {event_id for (event_id,) in log.raw("SELECT id FROM events")}
