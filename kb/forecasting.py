"""What the learner will still recall in the coming weeks of what was seen so far, with its reviews and without them.

Leaves out new questions, and the day of an interview, whose answers the plan chooses otherwise (kb/planning/forecast.py).
"""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kb.bank import Bank
from kb.choosing import course_of, reading
from kb.memory import Memory
from kb.rating import Rating
from kb.scheduling import MAX_INTERVAL_DAYS, Card
from kb.store import Store

WEEKS = 8
PLAYS = 2000  # lives of questions that are played through; with few questions, several of each


@dataclass(frozen=True)
class WeekAhead:
    """A week that ends on `day`: the mean chance of recall then, and the reviews since the week before, in the first since today.

    `recall` is what to expect where every question is answered on the day it comes back, `if_stopped` where none is.
    """

    day: date
    recall: float
    if_stopped: float
    reviews: float


def expected_retention(bank: Bank, store: Store, now: datetime, weeks: int = WEEKS) -> tuple[WeekAhead, ...]:
    """The coming weeks, for the questions seen so far and not put aside; none where there is no such question.

    What ratings the coming answers get follows from the chances of recall: Good, or Again and then Good on the same day.
    """
    with reading(bank, store, now) as desk:
        course, aside = course_of(bank), desk.log.suspended()
        cards = [card for card in desk.cards.all() if card.question in course.questions and card.question not in aside]
        if not cards:
            return ()
        plays = -(-PLAYS // len(cards))
        ends = [7 * week for week in range(1, weeks + 1)]
        recalls = [0.0] * weeks
        stopped = [0.0] * weeks
        reviews: Counter[int] = Counter()
        memory, retention = desk.scheduler.memory, desk.settings.desired_retention
        luck = random.Random(0)  # the same at each look
        for card in cards:
            waited = max((desk.today - card.last_day).days, 0)
            due = max((desk.due_day(card) - desk.today).days, 0)
            for week, end in enumerate(ends):
                stopped[week] += memory.recall(card.stability, waited + end)
            for _ in range(plays):
                life = _Life(memory, retention, card, -waited, due, luck)
                for week, end in enumerate(ends):
                    reviews[week] += life.until(end)
                    recalls[week] += life.recall(end)
        return tuple(
            WeekAhead(
                day=desk.today + timedelta(days=end),
                recall=recalls[week] / plays / len(cards),
                if_stopped=stopped[week] / len(cards),
                reviews=reviews[week] / plays,
            )
            for week, end in enumerate(ends)
        )


class _Life:
    """One question played through, its days counted from today; `luck` decides which reviews it is recalled in."""

    def __init__(self, memory: Memory, retention: float, card: Card, last: int, due: int, luck: random.Random) -> None:
        self._memory = memory
        self._retention = retention
        self._stability, self._difficulty = card.stability, card.difficulty
        self._last, self._due = last, due
        self._luck = luck

    def until(self, end: int) -> int:
        """Answers whatever comes back by this day, and returns how often that was, steps of minutes not counted."""
        reviews = 0
        while self._due <= end:
            waited = self._due - self._last
            reviews += waited > 0
            recalled = self._luck.random() < self._memory.recall(self._stability, waited)
            self._answer(waited, Rating.Good if recalled else Rating.Again)
            if not recalled:
                self._answer(0, Rating.Good)
            self._last = self._due
            days = round(self._memory.interval(self._stability, self._retention))
            self._due += min(max(days, 1), MAX_INTERVAL_DAYS)
        return reviews

    def recall(self, day: int) -> float:
        """The chance of recall on this day."""
        return self._memory.recall(self._stability, day - self._last)

    def _answer(self, waited: int, rating: Rating) -> None:
        self._stability, self._difficulty = self._memory.after(self._stability, self._difficulty, waited, rating)
