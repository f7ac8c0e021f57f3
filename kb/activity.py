"""The learner's days as a calendar, with what was answered and what comes back, and what another retention would cost.

Leaves out the totals of the last days (kb/progress.py) and the time that answers took (kb/history.py).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kb.bank import Bank
from kb.choosing import Group, course_of, queue, reading
from kb.store import Store

WEEKS_BEFORE, WEEKS_AHEAD = 52, 8


@dataclass(frozen=True)
class CalendarDay:
    """One of the learner's days: how many answers it has, and how many questions come back on it."""

    day: date
    answers: int
    due: int


def calendar(
    bank: Bank, store: Store, now: datetime, *, before: int = WEEKS_BEFORE, ahead: int = WEEKS_AHEAD
) -> tuple[CalendarDay, ...]:
    """Whole weeks from Monday to Sunday: so many before and after the present one.

    Today has everything overdue. What is put aside does not come back, and new questions are not foreseen.
    """
    with reading(bank, store, now) as desk:
        course, today = course_of(bank), desk.today
        monday = today - timedelta(days=today.weekday())
        first = monday - timedelta(weeks=before)
        answers = desk.log.answers_by_day(first)
        waiting = {slug for slug, group in queue(desk, course) if group is not Group.NEW}
        aside, put_off = desk.log.suspended(), desk.log.buried(today)
        due: Counter[date] = Counter()
        for card in desk.cards.all():
            if card.question in course.questions and card.question not in aside:
                later = today + timedelta(days=card.question in put_off)
                due[today if card.question in waiting else max(desk.due_day(card), later)] += 1
        days = (first + timedelta(days=offset) for offset in range(7 * (before + 1 + ahead)))
        return tuple(CalendarDay(day, answers.get(day, 0), due[day]) for day in days)


def reviews_per_day(bank: Bank, store: Store, now: datetime, retentions: Iterable[float]) -> dict[float, float]:
    """How many reviews a day what is known now would need at each desired retention, every question at its present stability.

    None of them comes back more than once a day. Leaves out new questions, and that what slips comes back sooner.
    """
    with reading(bank, store, now) as desk:
        known, memory, aside = course_of(bank).questions, desk.scheduler.memory, desk.log.suspended()
        stabilities = [
            card.stability for card in desk.cards.all() if card.question in known and card.question not in aside
        ]
        return {
            retention: sum(1 / max(memory.interval(stability, retention), 1.0) for stability in stabilities)
            for retention in retentions
        }
