"""What the tests of the plan share: twelve questions in two topics, an interview, and a day of work."""

from datetime import timedelta

from fsrs.scheduler import DEFAULT_PARAMETERS
from small_bank import NOON, bank_of, question

from kb import study
from kb.memory import Memory
from kb.planning import Subject
from kb.rating import Rating
from kb.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TODAY = NOON.date()
MEMORY = Memory(DEFAULT_PARAMETERS)
BANK = bank_of(*(question(slug) for slug in "abcdef"), *(question(slug, "masks") for slug in "uvwxyz"))


def interview_in(store: Store, days: int, per_day: int = 4, **settings) -> None:
    """An interview on everything in so many days."""
    settings = {"interview_date": TODAY + days * DAY, "answers_per_day": per_day, **settings}
    for name, value in settings.items():
        study.set_setting(store, name, value, NOON)


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now=NOON, bank=BANK, **keys) -> None:
    study.submit(bank, store, study.start_attempt(bank.question(slug), now), rating, now, **keys)


def asked(store: Store, now=NOON, bank=BANK, **keys) -> str | None:
    attempt = study.next_attempt(bank, store, now, **keys)
    return attempt and attempt.question_id


def work(store: Store, now=NOON, rating: Rating = Rating.Good, bank=BANK) -> list[str]:
    """Everything that is asked until nothing is left for the day."""
    answered = []
    while slug := asked(store, now, bank):
        answer(store, slug, rating, now, bank)
        answered.append(slug)
        assert len(answered) < 100
    return answered


def subjects_of(unseen: int, seen: int = 0, topics: int = 3) -> list[Subject]:
    """Questions spread over topics; those that were seen have some days behind them."""
    count = unseen + seen
    return [
        Subject(f"q{place:03}", f"t{place * topics // count}", 3.0, 5.0, TODAY - 2 * DAY)
        if place < seen
        else Subject(f"q{place:03}", f"t{place * topics // count}")
        for place in range(count)
    ]
