"""Scheduling: equal to py-fsrs where days and spans of 24 hours agree, and to be relied on where py-fsrs is not."""

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import pvariance

import fsrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.errors import SchedulingError
from kb.rating import Rating
from kb.scheduling import MAX_INTERVAL_DAYS, Review, Scheduler, State, checked_rating, fuzzed

ROOT = Path(__file__).parents[1]
MORNING = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
ratings = st.sampled_from(Rating)


def review_at(at: datetime, rating: Rating = Rating.Good, **keys) -> Review:
    """A review whose learner's day is the day of UTC."""
    return Review(**{"rating": rating, "reviewed_at": at, "day": at.date(), "ordered_at": at, **keys})


@st.composite
def logs(draw, minimum: int = 1, maximum: int = 12) -> list[Review]:
    """Reviews whose days and whose spans of 24 hours agree: the time of day only moves on."""
    at = MORNING
    reviews = []
    for days in draw(st.lists(st.integers(0, 400) | st.just(0), min_size=minimum, max_size=maximum)):
        at += timedelta(days=days, minutes=draw(st.integers(1, 60)))
        reviews.append(review_at(at, draw(ratings)))
    return reviews


@given(logs(), st.sampled_from([0.7, 0.8, 0.9, 0.97, 0.99]))
def test_the_same_log_gives_the_stability_difficulty_and_state_of_py_fsrs(reviews, desired_retention):
    ours = Scheduler(desired_retention)
    theirs = fsrs.Scheduler(desired_retention=desired_retention, enable_fuzzing=False)
    card, expected = None, fsrs.Card(card_id=1, due=MORNING)
    for review in reviews:
        card = ours.review("q", card, review)
        expected, _ = theirs.review_card(expected, fsrs.Rating(int(review.rating)), review.reviewed_at)
        assert (card.stability, card.difficulty) == (expected.stability, expected.difficulty)
        assert (card.state.name, card.step) == (expected.state.name.upper(), expected.step)
        if card.due_at:
            assert card.due_at == expected.due
        else:
            days = (expected.due - review.reviewed_at).days
            assert card.due_on == review.day + timedelta(days=fuzzed(days, "q", card.reviews - 1))
    later = reviews[-1].reviewed_at + timedelta(days=9)
    assert ours.retrievability(card, later.date()) == theirs.get_card_retrievability(expected, later)


@given(logs(minimum=0), st.integers(0, 400), st.integers(0, 2**32))
def test_a_better_rating_never_comes_back_sooner_whatever_the_load_of_the_days(reviews, days, seed):
    scheduler = Scheduler()
    card = scheduler.fold("q", reviews)
    at = (reviews[-1].reviewed_at if reviews else MORNING) + timedelta(days=days)
    load = defaultdict(partial(random.Random(seed).randrange, 4))
    outcomes = list(scheduler.outcomes("q", card, review_at(at), load.__getitem__))
    assert [outcome.review.rating for outcome in outcomes] == list(Rating)
    assert [scheduler.review("q", card, outcome.review) for outcome in outcomes] == [each.card for each in outcomes]
    cards = [outcome.card for outcome in outcomes]
    waits = [(each.due_on or each.due_at.date(), each.due_at or at) for each in cards]
    assert all(sooner <= later for sooner, later in pairwise(waits))


@given(st.integers(1, MAX_INTERVAL_DAYS - 1), st.text(max_size=20), st.integers(0, 1000))
def test_fuzz_keeps_the_order_of_intervals_and_stays_near(days, question, reviews):
    moved = fuzzed(days, question, reviews)
    assert moved <= fuzzed(days + 1, question, reviews)
    assert abs(moved - days) <= 2 + 0.15 * days
    assert 1 <= moved <= MAX_INTERVAL_DAYS


@given(st.integers(1, MAX_INTERVAL_DAYS), st.floats(0, 1, exclude_max=True))
def test_a_stored_place_in_the_range_stays_in_it_and_keeps_the_order_of_intervals(days, spread):
    moved = fuzzed(days, "q", 0, spread)
    assert abs(moved - days) <= 2 + 0.15 * days
    assert moved <= fuzzed(days + 1, "q", 0, spread)
    assert fuzzed(days, "q", 0, 0.0) <= moved <= fuzzed(days, "q", 0, 1 - 2**-53)


def good_after(days: int, load: dict[int, float]) -> int:
    """After how many days a question comes back that is Good after so many, with this load so many days ahead, else 9."""
    scheduler = Scheduler()
    card = scheduler.review("q", None, review_at(MORNING, Rating.Easy))
    at = MORNING + timedelta(days=days)
    outcomes = scheduler.outcomes("q", card, review_at(at), lambda day: load.get((day - at.date()).days, 9.0))
    good = next(outcome.card for outcome in outcomes if outcome.review.rating is Rating.Good)
    return (good.due_on - at.date()).days


def test_an_interval_is_put_on_the_day_of_its_range_on_which_the_least_comes_back():
    first, *_, last = days = [ahead for ahead in range(200) if good_after(8, {ahead: 1.0}) == ahead]
    assert days == list(range(first, last + 1))
    assert good_after(8, {first: 3.0, last: 1.0}) == last
    assert good_after(8, {first - 1: 0.0, last + 1: 0.0}) == good_after(8, {}) == first
    assert 0.05 < (last - first) / first < 0.4


def test_where_nothing_comes_back_on_any_day_of_the_range_or_too_much_on_each_the_hash_decides():
    scheduler = Scheduler()
    card = scheduler.review("q", None, review_at(MORNING, Rating.Easy))
    at = MORNING + timedelta(days=30)
    for load in (0.0, float("inf")):
        for outcome in scheduler.outcomes("q", card, review_at(at), lambda _day, load=load: load):
            assert outcome.card.due_on == scheduler.review("q", card, replace(outcome.review, spread=None)).due_on


def daily_reviews(even: bool, new_per_day: int, seed: int) -> list[int]:
    """How many reviews each day from the 20th to the 60th brings, with the load evened out or with the hash alone."""
    scheduler, draw = Scheduler(), random.Random(seed)
    cards, load, given = {}, Counter(), []
    for offset in range(60):
        at = MORNING + timedelta(days=offset)
        due = [question for question, card in cards.items() if card.due_on <= at.date()]
        given.append(len(due))
        for question in (*due, *(f"{offset}-{place}" for place in range(new_per_day))):
            card = cards.get(question)
            rating = Rating.Easy if card is None else draw.choice([Rating.Hard, *[Rating.Good] * 9])
            outcomes = scheduler.outcomes(question, card, review_at(at), load.__getitem__ if even else lambda _day: 0)
            cards[question] = next(each.card for each in outcomes if each.review.rating is rating)
            load.subtract([] if card is None else [card.due_on])
            load.update([cards[question].due_on])
    return given[20:]


@pytest.mark.parametrize("new_per_day", [2, 10])
def test_evening_out_the_load_makes_days_alike_and_reviews_no_fewer_or_more(new_per_day):
    for seed in range(3):
        even, hashed = daily_reviews(True, new_per_day, seed), daily_reviews(False, new_per_day, seed)
        changes = [pvariance([later - day for day, later in pairwise(days)]) for days in (even, hashed)]
        assert pvariance(even) < 0.7 * pvariance(hashed)
        assert changes[0] < 0.1 * changes[1]
        assert abs(sum(even) - sum(hashed)) < 0.08 * sum(hashed)


def test_fuzz_is_the_same_each_time_and_spreads_cards_over_the_range():
    spread = [fuzzed(30, f"question-{index}", 3) for index in range(1000)]
    assert spread == [fuzzed(30, f"question-{index}", 3) for index in range(1000)]
    counts = {days: spread.count(days) for days in set(spread)}
    assert set(counts) == set(range(min(counts), max(counts) + 1))
    assert (min(counts), max(counts)) == (27, 33)
    assert min(counts.values()) > 100


def test_fuzz_does_not_move_one_day_and_two_days():
    assert {fuzzed(days, f"q{index}", 0) - days for days in (1, 2) for index in range(100)} == {0}


def test_learning_steps_are_kept_to_the_second():
    scheduler = Scheduler()
    again, hard, good, easy = (each.card for each in scheduler.outcomes("q", None, review_at(MORNING), lambda _day: 0))
    assert [card.due_at - MORNING for card in (again, hard, good)] == [
        timedelta(minutes=1),
        timedelta(minutes=5.5),
        timedelta(minutes=10),
    ]
    assert easy.due_on == date(2026, 1, 5) + timedelta(days=fuzzed(8, "q", 0))
    assert easy.due_at is None
    assert easy.state is State.REVIEW


def test_again_makes_a_mature_card_due_within_minutes():
    scheduler = Scheduler()
    at = MORNING
    card = scheduler.review("q", None, review_at(at, Rating.Easy))
    for _ in range(3):
        at += timedelta(days=30)
        card = scheduler.review("q", card, review_at(at))
    lapsed = scheduler.review("q", card, review_at(at + timedelta(days=30), Rating.Again))
    assert lapsed.state is State.RELEARNING
    assert lapsed.due_at == at + timedelta(days=30, minutes=10)
    assert (card.lapses, lapsed.lapses) == (0, 1)


def test_the_morning_after_is_another_day_though_24_hours_have_not_passed():
    scheduler = Scheduler()
    evening, morning = MORNING.replace(hour=23), MORNING.replace(hour=7) + timedelta(days=1)
    card = scheduler.review("q", None, review_at(evening, Rating.Easy))
    next_day = scheduler.review("q", card, review_at(morning))
    same_day = scheduler.review("q", card, review_at(evening + timedelta(minutes=5)))
    assert scheduler.retrievability(card, morning.date()) < 1
    assert next_day.stability > same_day.stability


def test_an_answer_from_before_the_last_one_counts_for_the_same_day_and_restarts_from_the_corrected_clock():
    scheduler = Scheduler()
    ahead = MORNING + timedelta(days=365)
    card = scheduler.review("q", None, review_at(ahead, Rating.Easy))
    behind = review_at(MORNING, Rating.Good, ordered_at=ahead + timedelta(microseconds=1))
    corrected = scheduler.review("q", card, behind)
    same_day = scheduler.review("q", card, review_at(ahead + timedelta(minutes=1)))
    assert (corrected.stability, corrected.difficulty) == (same_day.stability, same_day.difficulty)
    assert corrected.last_review == MORNING
    assert corrected.due_on - MORNING.date() == same_day.due_on - ahead.date()


def test_recall_is_certain_on_the_day_of_the_answer_and_at_the_desired_retention_after_the_stability():
    scheduler = Scheduler()
    card = scheduler.review("q", None, review_at(MORNING, Rating.Easy))
    assert scheduler.retrievability(card, MORNING.date()) == 1
    assert scheduler.retrievability(card, MORNING.date() - timedelta(days=3)) == 1
    assert scheduler.retrievability(card, MORNING.date() + timedelta(days=8)) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("value", [0, 5, -1, True, 3.0, "3", None])
def test_a_rating_that_is_none_of_the_four_is_refused(value):
    with pytest.raises(SchedulingError, match=r"^rating: expected Again \(1\), Hard \(2\), Good \(3\) or Easy \(4\)"):
        checked_rating(value)
    with pytest.raises(SchedulingError):
        Scheduler().review("q", None, review_at(MORNING, value))


@pytest.mark.parametrize("value", [0, 0.69, 0.991, 1, -1, float("nan")])
def test_a_desired_retention_out_of_range_is_refused(value):
    with pytest.raises(SchedulingError, match=r"^desired_retention: expected 0.7 to 0.99; found"):
        Scheduler(value)


def test_the_signature_names_everything_that_changes_the_cards():
    assert Scheduler().signature == Scheduler().signature
    assert Scheduler(0.9).signature != Scheduler(0.85).signature
    assert json.loads(Scheduler().signature)["enable_fuzzing"] is False


@given(logs(minimum=2))
@example([review_at(MORNING, Rating.Easy), review_at(MORNING + timedelta(days=100), Rating.Easy)])
def test_a_higher_desired_retention_never_comes_back_later(reviews):
    strict, lax = (Scheduler(share).fold("q", reviews) for share in (0.95, 0.8))
    assert (strict.stability, strict.difficulty, strict.state) == (lax.stability, lax.difficulty, lax.state)
    if strict.due_on:
        assert strict.due_on <= lax.due_on


def test_scheduling_imports_neither_the_optimizer_nor_anything_heavy():
    code = (
        "import sys, kb.study; "
        "print({'fsrs.optimizer', 'torch', 'pandas', 'numpy', 'sqlite_utils', 'tzlocal'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "set()"


spans = st.lists(st.tuples(st.sampled_from(Rating), st.integers(-400, 400)), min_size=1, max_size=10)


def folded(spans, start: datetime):
    """The card after these ratings, each so many days after the one before; below 0 the clock was set back."""
    reviews, at, ordered_at = [], start, start
    for rating, wait in spans:
        at += timedelta(days=wait)
        ordered_at = max(at, ordered_at + timedelta(microseconds=1))
        reviews.append(review_at(at, rating, ordered_at=ordered_at))
    return Scheduler().fold("q", reviews)


@given(spans, st.integers(-4000, 4000))
def test_only_the_days_between_answers_count_so_that_leap_days_and_years_change_nothing(spans, moved):
    start = MORNING.replace(year=2040)
    card, later = folded(spans, start), folded(spans, start + timedelta(days=moved))
    assert (card.stability, card.difficulty, card.state) == (later.stability, later.difficulty, later.state)
    assert (card.reviews, card.lapses) == (later.reviews, later.lapses)
    if card.due_on:
        assert later.due_on - card.due_on == timedelta(days=moved)


@given(spans)
def test_whatever_the_clock_did_a_card_comes_back_after_the_last_answer_and_its_memory_is_possible(spans):
    card = folded(spans, MORNING.replace(year=2040))
    assert card.due_on > card.last_day if card.due_on else card.due_at > card.last_review
    assert 0 < card.stability <= 36500
    assert 1 <= card.difficulty <= 10


def test_an_interval_over_a_leap_day_has_it_as_a_day():
    scheduler = Scheduler()
    intervals = set()
    for year, march in ((2027, 1), (2028, 29)):
        on = MORNING.replace(year=year, month=2, day=28)
        card = scheduler.review("q", None, review_at(on, Rating.Easy))
        next_day = scheduler.review("q", card, review_at(on + timedelta(days=1)))
        assert next_day.last_day.day == march
        assert next_day.last_day - card.last_day == timedelta(days=1)
        intervals.add(card.due_on - on.date())
    assert len(intervals) == 1
