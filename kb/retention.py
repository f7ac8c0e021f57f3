"""True retention: how often what came back was recalled.

A recall is the first answer of one of the learner's days to a question first seen on an earlier day; it succeeded unless rated
Again. Leaves out how often the scheduler expected it, which is kb/predicting.py.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from kb.bank import Bank
from kb.choosing import Desk, course_of, reading
from kb.rating import Rating
from kb.store import Store

DAYS = 30


class Recall(NamedTuple):
    """A question that came back on this day, and whether it was recalled."""

    question: str
    day: date
    recalled: bool


@dataclass(frozen=True)
class Retention:
    """How many recalls were tried, and how many succeeded; `share` is None where none was tried."""

    recalls: int
    recalled: int

    @property
    def share(self) -> float | None:
        """The share that succeeded."""
        return self.recalled / self.recalls if self.recalls else None


def true_retention(bank: Bank, store: Store, now: datetime, days: int = DAYS) -> dict[str, Retention]:
    """The recalls of the learner's last days, today included, by topic: of those that have any, in the order of teaching."""
    with reading(bank, store, now) as desk:
        course = course_of(bank)
        tried: Counter[str] = Counter()
        succeeded: Counter[str] = Counter()
        for recall in recalls(desk, desk.today - timedelta(days=days - 1), desk.today):
            if recall.question in course.questions:
                topic = course.questions[recall.question].topic
                tried[topic] += 1
                succeeded[topic] += recall.recalled
        return {topic: Retention(tried[topic], succeeded[topic]) for topic in course.topics if tried[topic]}


def recalls(desk: Desk, since: date, until: date) -> Iterator[Recall]:
    """The recalls of this span of the learner's days."""
    first_days = {slug: trace.first_day for slug, trace in desk.cards.traces().items()}
    for (slug, day), rating in desk.log.first_answers(since, until).items():
        if slug in first_days and first_days[slug] < day.toordinal():
            yield Recall(slug, day, rating is not Rating.Again)
