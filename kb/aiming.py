"""What the learner decides about the interviews: more answers a day, fewer topics, another date, one that is over taken away.

Leaves out the plan that follows from it (kb/planning).
"""

from collections.abc import Collection
from datetime import date, datetime
from math import ceil

from kb import clock
from kb.bank import Bank
from kb.choosing import course_of
from kb.errors import UsageError
from kb.planning import Interview
from kb.settings import Settings, checked_setting, read_settings
from kb.store import Store, Transaction


def answer_more(store: Store, per_day: int, seconds_per_answer: float, now: datetime) -> None:
    """Sets the answers a day; where the learner plans in minutes, the minutes that so many take at this pace."""
    with store.writing() as transaction:
        if read_settings(transaction.log).minutes_per_day is None:
            _set(transaction, now, answers_per_day=per_day)
        else:
            _set(transaction, now, minutes_per_day=min(ceil(per_day * seconds_per_answer / 60), 1440))


def leave_out(bank: Bank, store: Store, interview: Interview, topics: Collection[str], now: datetime) -> Interview:
    """The interview without these topics, as it is stored from now on.

    Raises: UsageError where no topic would remain.
    """
    course = course_of(bank)
    asked = [each for each in course.topics if course.slugs(each) and interview.covers(each) and each not in topics]
    if not asked:
        raise UsageError("topics: expected one to remain; found none.")
    narrowed = Interview(interview.date, tuple(asked))
    change_interview(store, interview, narrowed, now)
    return narrowed


def left_out(bank: Bank, interview: Interview) -> tuple[str, ...]:
    """The topics of the bank that this interview does not ask about, in teaching order."""
    course = course_of(bank)
    return tuple(each for each in course.topics if course.slugs(each) and not interview.covers(each))


def change_interview(store: Store, former: Interview | None, new: Interview | None, now: datetime) -> None:
    """Puts an interview in the place of a former one; without a former it is one more, and None takes the former away."""
    with store.writing() as transaction:
        settings = read_settings(transaction.log)
        all_but = [each for each in settings.all_interviews if each != former]
        _set_interviews(transaction, [*all_but, *([] if new is None else [new])], now)


def past_interviews(settings: Settings, today: date) -> tuple[Interview, ...]:
    """The interviews before today, the last one first."""
    past = (each for each in settings.all_interviews if each.date < today)
    return tuple(sorted(past, key=lambda each: each.date, reverse=True))


def forget_past(store: Store, now: datetime) -> None:
    """Takes away the interviews before today."""
    with store.writing() as transaction:
        settings = read_settings(transaction.log)
        today = settings.days.day(now)
        _set_interviews(transaction, [each for each in settings.all_interviews if each.date >= today], now)


def _set_interviews(transaction: Transaction, interviews: list[Interview], now: datetime) -> None:
    """Stores these interviews; the first on every topic is the one that `interview_date` holds."""
    ordered = sorted(dict.fromkeys(interviews), key=lambda each: each.date)
    whole = next((each for each in ordered if not each.topics), None)
    others = [each for each in ordered if each is not whole]
    _set(transaction, now, interview_date=None if whole is None else whole.date, interviews=others or None)


def _set(transaction: Transaction, now: datetime, **values: object) -> None:
    for name, value in values.items():
        transaction.log.add_event("setting", clock.utc(now), name=name, value=checked_setting(name, value))
