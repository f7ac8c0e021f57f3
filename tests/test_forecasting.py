"""What will be recalled in the coming weeks of what was seen, with the reviews and without them."""

import random
from dataclasses import replace
from datetime import timedelta
from statistics import fmean

import pytest
from small_bank import NOON, bank_of, question

from kb import marks, study
from kb.forecasting import expected_retention
from kb.rating import Rating
from kb.scheduling import Review, Scheduler
from kb.store import Store

DAY = timedelta(days=1)
TODAY = NOON.date()
NAMES = tuple(f"q{place:02}" for place in range(40))
BANK = bank_of(*map(question, NAMES))


def answer(store: Store, slug: str, rating: Rating, now=NOON) -> None:
    study.submit(BANK, store, study.start_attempt(BANK.question(slug), now), rating, now)


def studied(store: Store) -> None:
    """Every question answered on two days, with ratings of all kinds."""
    for place, slug in enumerate(NAMES):
        answer(store, slug, Rating(1 + place % 4), NOON - 9 * DAY)
        answer(store, slug, Rating(1 + place // 4 % 4), NOON - (place % 5) * DAY)


def test_of_nothing_seen_nothing_is_expected(store):
    assert expected_retention(BANK, store, NOON) == ()


def test_without_reviews_recall_falls_as_the_memory_says(store):
    studied(store)
    scheduler = Scheduler()
    with store.reading() as transaction:
        cards = list(transaction.cards.all())
    for week in expected_retention(BANK, store, NOON):
        assert week.if_stopped == pytest.approx(fmean(scheduler.retrievability(card, week.day) for card in cards))
        assert week.recall > week.if_stopped
    days = [week.day for week in expected_retention(BANK, store, NOON, weeks=3)]
    assert days == [TODAY + 7 * DAY, TODAY + 14 * DAY, TODAY + 21 * DAY]


def test_what_does_not_come_back_in_time_is_only_forgotten(store):
    answer(store, "q00", Rating.Easy, NOON - DAY)
    study.set_setting(store, "desired_retention", 0.7, NOON)
    (later,) = expected_retention(BANK, store, NOON, weeks=1)
    assert later.reviews == 0
    assert later.recall == pytest.approx(later.if_stopped)


def test_questions_put_aside_or_no_longer_in_the_bank_are_left_out(store):
    answer(store, "q00", Rating.Again, NOON - 30 * DAY)
    answer(store, "q01", Rating.Easy, NOON - DAY)
    (both,) = expected_retention(BANK, store, NOON, weeks=1)
    marks.suspend(BANK, store, "q00", NOON)
    (one,) = expected_retention(BANK, store, NOON, weeks=1)
    assert one.if_stopped > both.if_stopped + 0.1
    assert one == expected_retention(bank_of(question("q01")), store, NOON, weeks=1)[0]


def test_it_is_what_real_answers_to_the_queue_come_to_on_average(store):
    """Cards folded by the scheduler itself, with ratings drawn from the chance of recall, and its fuzz."""
    studied(store)
    expected = expected_retention(BANK, store, NOON, weeks=4)
    scheduler, luck = Scheduler(), random.Random(7)
    with store.reading() as transaction:
        cards = {card.question: card for card in transaction.cards.all()}
    recalls, reviews = [[] for _ in expected], [0] * 4
    for _ in range(60):
        played = dict(cards)
        for day in range(29):
            now = NOON + day * DAY
            for slug, card in played.items():
                while card.due_at or card.due_on <= now.date():
                    waited = card.last_day < now.date()
                    chance = scheduler.retrievability(card, now.date()) if waited else 1.0
                    rating = Rating.Good if luck.random() < chance else Rating.Again
                    reviews[max(day - 1, 0) // 7] += waited
                    card = scheduler.review(slug, card, replace(_review(now), rating=rating))
                played[slug] = card
            if day and day % 7 == 0:
                recalls[day // 7 - 1].append(
                    fmean(scheduler.retrievability(card, now.date()) for card in played.values())
                )
    for week, found, count in zip(expected, recalls, reviews, strict=True):
        assert week.recall == pytest.approx(fmean(found), abs=0.01)
        assert week.reviews == pytest.approx(count / 60, rel=0.15)


def _review(now) -> Review:
    return Review(Rating.Good, now, now.date(), now)


def test_fitted_parameters_and_the_desired_retention_change_it(store):
    studied(store)
    usual = expected_retention(BANK, store, NOON)[-1]
    study.set_setting(store, "desired_retention", 0.95, NOON)
    more = expected_retention(BANK, store, NOON)[-1]
    assert more.recall > usual.recall
    assert more.reviews > usual.reviews
    with store.reading() as transaction:
        parameters = list(study.settings(store).parameters)
        assert transaction.log.settings()["desired_retention"] == 0.95
    study.set_setting(store, "fsrs_parameters", [*parameters[:20], 0.6], NOON)
    assert expected_retention(BANK, store, NOON)[-1].if_stopped < usual.if_stopped
