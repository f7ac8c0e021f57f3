"""What the tests of studying share: six questions, and one line for an answer."""

from datetime import datetime, timedelta

from small_bank import NOON, bank_of, question

from kb import study
from kb.rating import Rating
from kb.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BANK = bank_of(*(question(slug) for slug in "abcdef"))


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now: datetime = NOON, bank=BANK, **keys):
    return study.submit(bank, store, study.start_attempt(bank.question(slug), now), rating, now, **keys)


def learn(store: Store, slug: str, now: datetime = NOON, bank=BANK) -> study.Reviewed:
    """An answer that takes the question past its learning steps."""
    return answer(store, slug, Rating.Easy, now, bank)


def asked(bank, store: Store, now: datetime = NOON, **keys) -> str | None:
    attempt = study.next_attempt(bank, store, now, **keys)
    return attempt and attempt.question_id
