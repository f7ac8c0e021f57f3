"""Studying: what an attempt draws, what an answer does, what can be taken back, and what can be set."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from small_bank import NOON, bank_of, numeric_question, question
from studying import BANK, DAY, MINUTE, answer, asked, learn

from kb import study
from kb.errors import SchedulingError, UnknownQuestionError, UsageError
from kb.rating import Rating
from kb.scheduling import State
from kb.settings import Settings

# Attempts


def test_the_same_seed_gives_the_same_order_and_the_same_parameters():
    for each in (question("a"), numeric_question("n")):
        first, second = (study.start_attempt(each, NOON, seed=5) for _ in range(2))
        assert replace(first, attempt_id="") == replace(second, attempt_id="")
        assert first.attempt_id != second.attempt_id


def test_seeds_draw_every_order_of_the_choices_and_every_value_about_as_often():
    orders = Counter(study.start_attempt(question("a"), NOON, seed=seed).order for seed in range(2400))
    assert len(orders) == 24
    assert min(orders.values()) > 60
    values = Counter(
        study.start_attempt(numeric_question("n"), NOON, seed=seed).params["num_layers"] for seed in range(300)
    )
    assert set(values) == {16, 32, 80}
    assert min(values.values()) > 60


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, "1"])
def test_a_seed_that_cannot_be_stored_is_refused(seed):
    with pytest.raises(UsageError, match=r"^seed: expected a whole number from 0"):
        study.start_attempt(question("a"), NOON, seed=seed)


def test_the_parameters_and_the_seed_are_stored_with_the_answer(store):
    bank = bank_of(numeric_question("n"))
    attempt = study.start_attempt(bank.question("n"), NOON, seed=2**63 - 1)
    study.submit(bank, store, attempt, Rating.Good, NOON)
    with store.reading() as transaction:
        row = transaction.log._execute("SELECT params, seed FROM reviews").fetchone()
    assert (json.loads(row[0]), row[1]) == ({"batch": 2, "num_layers": attempt.params["num_layers"]}, 2**63 - 1)


# Answers


def test_an_answer_submitted_twice_is_stored_once_and_says_what_was_stored_first(store):
    attempt = study.start_attempt(BANK.question("a"), NOON)
    first = study.submit(BANK, store, attempt, Rating.Good, NOON)
    second = study.submit(BANK, store, attempt, Rating.Again, NOON + MINUTE)
    assert second == replace(first, duplicate=True)
    assert study.progress(BANK, store, NOON).reviews == 1


def test_an_attempt_that_was_undone_does_not_swallow_a_new_answer(store):
    attempt = study.start_attempt(BANK.question("a"), NOON)
    study.submit(BANK, store, attempt, Rating.Good, NOON)
    study.undo(store, NOON)
    with pytest.raises(UsageError, match="it was undone; start a new one"):
        study.submit(BANK, store, attempt, Rating.Again, NOON)


def test_one_attempt_is_about_one_question(store):
    attempt = study.start_attempt(BANK.question("a"), NOON)
    study.submit(BANK, store, attempt, Rating.Good, NOON)
    with pytest.raises(UsageError, match="it was an attempt at a; found b"):
        study.submit(BANK, store, replace(attempt, question_id="b"), Rating.Good, NOON)


def test_the_preview_is_what_the_answer_then_does(store):
    bank, draw = bank_of(*(question(f"q{index}") for index in range(15))), random.Random(3)
    for step in range(5):
        for slug in bank.questions:
            now = NOON + step * step * DAY + draw.randrange(600) * MINUTE
            promised = study.preview(bank, store, slug, now)
            assert all(sooner.due <= later.due for sooner, later in pairwise(promised.values()))
            rating = Rating(draw.randint(1, 4))
            assert answer(store, slug, rating, now, bank).due == promised[rating].due


def test_a_preview_counts_minutes_or_whole_days_of_the_learner(store):
    late = NOON.replace(hour=23)
    promised = study.preview(BANK, store, "a", late)
    assert promised[Rating.Again].interval == MINUTE
    assert promised[Rating.Easy].interval.seconds == 0
    assert promised[Rating.Easy].due.hour == 4
    assert promised[Rating.Easy].due - late == promised[Rating.Easy].interval - timedelta(hours=19)


def test_an_answer_tells_the_card_it_left(store):
    reviewed = answer(store, "a", Rating.Good)
    assert (reviewed.question, reviewed.rating, reviewed.state) == ("a", Rating.Good, State.LEARNING)
    assert reviewed.due == NOON + 10 * MINUTE
    assert (reviewed.stability, round(reviewed.difficulty, 3)) == (2.3065, 2.118)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"rating": 5}, SchedulingError, "^rating: expected Again"),
        ({"rating": True}, SchedulingError, "^rating: expected Again"),
        ({"now": NOON.replace(tzinfo=None)}, SchedulingError, "^time: expected one with a time zone"),
        ({"duration_s": -1.0}, SchedulingError, "^duration_s: expected seconds from 0 on; found -1.0"),
        ({"duration_s": float("nan")}, SchedulingError, "^duration_s: expected seconds from 0 on; found nan"),
        ({"answer": float("inf")}, UsageError, "^answer: expected a value that JSON can hold; found inf"),
        ({"prediction": object}, UsageError, "^prediction: expected a value that JSON can hold"),
    ],
)
def test_an_impossible_value_is_refused_and_nothing_stored(store, keys, error, message):
    given_keys = {"rating": Rating.Good, "now": NOON, **keys}
    attempt = study.start_attempt(BANK.question("a"), NOON)
    with pytest.raises(error, match=message):
        study.submit(BANK, store, attempt, given_keys.pop("rating"), given_keys.pop("now"), **given_keys)
    assert study.progress(BANK, store, NOON).reviews == 0


def test_an_answer_to_an_unknown_question_is_refused(store):
    attempt = replace(study.start_attempt(BANK.question("a"), NOON), question_id="zzz")
    with pytest.raises(UnknownQuestionError):
        study.submit(BANK, store, attempt, Rating.Good, NOON)


def test_an_answer_to_a_question_whose_file_broke_meanwhile_is_stored(store):
    attempt = study.start_attempt(BANK.question("a"), NOON)
    without_a = bank_of(question("b"), broken=frozenset({"a"}))
    assert study.submit(without_a, store, attempt, Rating.Good, NOON).question == "a"
    assert asked(BANK, store, NOON + 10 * MINUTE, skip=tuple("bcdef")) == "a"


# Undo


def test_undo_brings_back_the_card_as_it_was_and_keeps_the_log(store):
    learn(store, "a")
    before = study.preview(BANK, store, "a", NOON + DAY)
    lapse = answer(store, "a", Rating.Again, NOON + DAY)
    assert study.undo(store, NOON + DAY) == study.Undone(lapse.review_id, "a")
    assert study.preview(BANK, store, "a", NOON + DAY) == before
    with store.reading() as transaction:
        kinds = [kind for (kind,) in transaction.log._execute("SELECT kind FROM reviews ORDER BY rowid")]
    assert kinds == ["review", "review", "undo"]


def test_undo_goes_back_answer_by_answer_to_the_beginning(store):
    given_ids = [learn(store, slug).review_id for slug in "aba"]
    assert [study.undo(store, NOON).review_id for _ in given_ids] == given_ids[::-1]
    assert study.undo(store, NOON) is None
    assert study.progress(BANK, store, NOON).reviews == 0
    assert study.due(BANK, store, NOON).new == 6


def test_undo_takes_back_the_last_answer_also_when_the_clock_was_set_back(store):
    learn(store, "a", NOON + DAY)
    last = learn(store, "b", NOON)
    assert study.undo(store, NOON).review_id == last.review_id


# Settings


def test_settings_have_defaults_and_the_last_value_counts(store):
    assert study.settings(store) == Settings(timezone="UTC")
    study.set_setting(store, "language", "en", NOON)
    study.set_setting(store, "language", "zh", NOON - DAY)  # the clock was set back
    for name, value in (("new_per_day", "5"), ("desired_retention", "0.85"), ("rollover_hour", 0)):
        study.set_setting(store, name, value, NOON)
    study.set_setting(store, "interview_date", "2026-12-01", NOON)
    assert study.settings(store) == Settings("zh", 5, 0.85, 0, "UTC", date(2026, 12, 1))


def test_none_brings_the_default_back(store):
    study.set_setting(store, "interview_date", date(2026, 12, 1), NOON)
    study.set_setting(store, "interview_date", None, NOON)
    study.set_setting(store, "timezone", None, NOON)
    assert study.settings(store) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("colour", "red", "^colour: no such setting; expected one of language, new_per_day, desired_retention, "),
        ("language", "de", "^language: expected one of en, zh; found 'de'"),
        ("new_per_day", -1, "^new_per_day: expected a whole number from 0 to 9999; found -1"),
        ("new_per_day", True, "^new_per_day: expected a whole number from 0 to 9999; found True"),
        ("new_per_day", 2.5, "^new_per_day: expected a whole number from 0 to 9999; found 2.5"),
        ("rollover_hour", "24", "^rollover_hour: expected a whole number from 0 to 23; found '24'"),
        ("desired_retention", 1, "^desired_retention: expected a number from 0.7 to 0.99; found 1"),
        ("desired_retention", "nan", "^desired_retention: expected a number from 0.7 to 0.99; found 'nan'"),
        ("desired_retention", [0.9], "^desired_retention: expected a number"),
        ("timezone", "Mars", "^timezone: expected a name such as Europe/Berlin or Asia/Shanghai; found 'Mars'"),
        ("timezone", 1, "^timezone: expected a name"),
        ("interview_date", "tomorrow", "^interview_date: expected a date such as 2027-03-31; found 'tomorrow'"),
        ("interview_date", 20270331, "^interview_date: expected a date"),
    ],
)
def test_an_unknown_setting_or_an_impossible_value_is_refused(store, name, value, message):
    with pytest.raises(UsageError, match=message):
        study.set_setting(store, name, value, NOON)
    assert study.settings(store) == Settings(timezone="UTC")
