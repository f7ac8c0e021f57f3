"""What going back to a copy would take away."""

from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, new_store, question

from kb import marks, study
from kb.comparing import Loss, loss
from kb.errors import CorruptDatabaseError
from kb.rating import Rating
from kb.store import Store

BANK = bank_of(question("one"), question("two"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


def answer(store: Store, slug: str, days: float = 0) -> None:
    at = NOON + timedelta(days=days)
    study.submit(BANK, store, study.start_attempt(BANK.questions[slug], at), Rating.Good, at)


def test_a_copy_of_now_lacks_nothing(store: Store) -> None:
    answer(store, "one")
    copy = store.back_up_by_hand(NOON)
    assert loss(store, copy, NOON) == Loss(kept=1, answers=0, since=None, events=0)


def test_answers_and_marks_after_the_copy_are_counted_with_their_first_day(store: Store) -> None:
    answer(store, "one", -5)
    copy = store.back_up_by_hand(NOON)
    answer(store, "two", -2)
    answer(store, "one")
    marks.flag(BANK, store, "one", NOON)
    assert loss(store, copy, NOON) == Loss(1, 2, (NOON - timedelta(days=2)).date(), 1)


def test_an_answer_that_was_taken_back_since_is_no_loss(store: Store) -> None:
    copy = store.back_up_by_hand(NOON)
    answer(store, "one")
    study.undo(store, NOON)
    assert loss(store, copy, NOON).answers == 0


def test_a_damaged_copy_is_told_and_left(store: Store, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database" * 100)
    with pytest.raises(CorruptDatabaseError, match=r"damaged\.db: not a database"):
        loss(store, damaged, NOON)
    assert damaged.read_bytes() == b"no database" * 100
