"""What the tests of studying share: a store in UTC, six questions, and one line for an answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from small_bank import NOON, bank_of, new_store, question, quick_folder

from kb import study
from kb.rating import Rating
from kb.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BANK = bank_of(*(question(slug) for slug in "abcdef"))


@pytest.fixture(name="store")
def store_fixture() -> Iterator[Store]:
    with quick_folder() as folder:
        made = new_store(folder)
        study.set_setting(made, "timezone", "UTC", NOON)
        yield made


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now: datetime = NOON, bank=BANK, **keys):
    return study.submit(bank, store, study.start_attempt(bank.question(slug), now), rating, now, **keys)


def learn(store: Store, slug: str, now: datetime = NOON, bank=BANK) -> study.Reviewed:
    """An answer that takes the question past its learning steps."""
    return answer(store, slug, Rating.Easy, now, bank)


def asked(bank, store: Store, now: datetime = NOON, **keys) -> str | None:
    attempt = study.next_attempt(bank, store, now, **keys)
    return attempt and attempt.question_id
