"""The calendar of answers and of what comes back, and what another retention would cost."""

from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, new_store, question

from kb import marks, study
from kb.activity import calendar, reviews_per_day
from kb.rating import Rating
from kb.store import Store

BANK = bank_of(question("one"), question("two"), question("three", "masks"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


def answer(store: Store, slug: str, rating: Rating = Rating.Easy, days: float = 0) -> None:
    at = NOON + timedelta(days=days)
    study.submit(BANK, store, study.start_attempt(BANK.questions[slug], at), rating, at)


def test_the_calendar_has_whole_weeks_around_the_present_one(store: Store) -> None:
    days = calendar(BANK, store, NOON, before=2, ahead=1)
    assert len(days) == 28
    assert [days[0].day.weekday(), days[-1].day.weekday()] == [0, 6]
    assert NOON.date() in [each.day for each in days[14:21]]


def test_each_answer_counts_on_its_day_and_each_question_on_the_day_it_comes_back(store: Store) -> None:
    answer(store, "one", days=-3)
    answer(store, "two", days=-3)
    answer(store, "two", Rating.Again)
    found = {each.day: each for each in calendar(BANK, store, NOON)}
    assert found[NOON.date() - timedelta(days=3)].answers == 2
    assert found[NOON.date()].answers == 1
    forecast = dict(study.progress(BANK, store, NOON).forecast)
    assert {day: found[day].due for day in forecast} == forecast
    assert sum(each.due for each in found.values()) == 2


def test_what_is_suspended_does_not_come_back_and_what_is_put_off_comes_tomorrow(store: Store) -> None:
    answer(store, "one", Rating.Good, days=-30)
    answer(store, "three", Rating.Good, days=-30)
    marks.suspend(BANK, store, "one", NOON)
    marks.bury(BANK, store, "three", NOON)
    found = {each.day: each.due for each in calendar(BANK, store, NOON) if each.due}
    assert found == {NOON.date() + timedelta(days=1): 1}


def test_a_higher_retention_costs_more_reviews_and_none_comes_more_than_once_a_day(store: Store) -> None:
    for slug in BANK.questions:
        answer(store, slug)
    costs = reviews_per_day(BANK, store, NOON, (0.8, 0.9, 0.99))
    assert 0 < costs[0.8] < costs[0.9] < costs[0.99] <= len(BANK.questions)


def test_at_the_retention_that_defines_stability_a_question_costs_one_review_in_that_many_days(store: Store) -> None:
    answer(store, "one")
    with store.reading() as transaction:
        (card,) = transaction.cards.all()
    assert reviews_per_day(BANK, store, NOON, [0.9])[0.9] == pytest.approx(1 / card.stability)


def test_nothing_known_costs_nothing(store: Store) -> None:
    assert reviews_per_day(BANK, store, NOON, [0.9]) == {0.9: 0}
