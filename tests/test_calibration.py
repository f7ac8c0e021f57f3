"""How sure the learner was against what came, what was recalled of what came back, and the time it took."""

from datetime import timedelta

import pytest
from small_bank import NOON, bank_of, question

from kb import history, study
from kb.calibration import STATED, calibration
from kb.errors import UnknownQuestionError
from kb.grading import Prediction, logged_prediction
from kb.history import LONGEST_S
from kb.rating import Rating
from kb.retention import Retention, true_retention

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TODAY = NOON.date()
BANK = bank_of(*(question(slug) for slug in "abc"), *(question(slug, "masks") for slug in "xyz"))


def answer(store, slug, rating=Rating.Good, now=NOON, bank=BANK, seed=None, **keys):
    attempt = study.start_attempt(bank.question(slug), now, seed=seed)
    return study.submit(bank, store, attempt, rating, now, **keys)


def said(store, confidence, correct, now=NOON):
    answer(store, "a", now=now, correct=correct, prediction=logged_prediction("", confidence))


# Calibration


def test_without_answers_there_is_no_score_and_every_bin_is_empty(store):
    found = calibration(BANK, store, NOON)
    assert (found.answers, found.brier, found.always_same) == (0, None, None)
    assert [(each.confidence, each.expected, each.count, each.right) for each in found.bins] == [
        ("guess", 0.4, 0, 0),
        ("likely", 0.7, 0, 0),
        ("certain", 0.95, 0, 0),
    ]
    assert {(each.share, each.interval) for each in found.bins} == {(None, (0.0, 1.0))}


def test_the_brier_score_is_the_mean_squared_distance_of_what_was_promised_from_what_came(store):
    given = [("guess", True)] * 3 + [("guess", False)] * 5 + [("likely", True)] * 4 + [("likely", False)] * 2
    given += [("certain", True)] * 6 + [("certain", False)]
    for minute, (confidence, correct) in enumerate(given):
        said(store, confidence, correct, NOON + minute * MINUTE)
    found = calibration(BANK, store, NOON + DAY)
    assert [(each.count, each.right) for each in found.bins] == [(8, 3), (6, 4), (7, 6)]
    assert found.answers == 21
    assert found.brier == pytest.approx(sum((STATED[name] - correct) ** 2 for name, correct in given) / 21)
    assert found.always_same == pytest.approx(13 / 21 * 8 / 21)
    low, high = found.bins[0].interval
    assert (round(low, 3), found.bins[0].share, round(high, 3)) == (0.137, 3 / 8, 0.694)  # Wilson, by hand


def test_a_score_needs_20_answers(store):
    for minute in range(19):
        said(store, "certain", True, NOON + minute * MINUTE)
    assert calibration(BANK, store, NOON).brier is None
    said(store, "certain", True, NOON + 19 * MINUTE)
    assert calibration(BANK, store, NOON).brier == pytest.approx(0.05**2)


def test_answers_that_say_nothing_of_confidence_or_were_taken_back_do_not_count(store):
    said(store, "likely", True)
    said(store, "likely", None)
    answer(store, "a", correct=True)
    answer(store, "a", correct=True, prediction=0.5)
    answer(store, "a", correct=True, prediction={"number": "3", "confidence": "sure"})
    assert calibration(BANK, store, NOON).answers == 1
    said(store, "likely", False)
    assert calibration(BANK, store, NOON).answers == 2
    study.undo(store, NOON)
    assert calibration(BANK, store, NOON).answers == 1


def test_a_predicted_figure_counts_once_it_was_compared_with_the_demo(store):
    for number, judged in (("3", Prediction(True, 3, 3.1)), ("9", Prediction(False, 9, 3.1)), ("3", None), ("", None)):
        answer(store, "a", prediction=logged_prediction(number, None, judged))
    found = calibration(BANK, store, NOON)
    assert (found.predictions, found.close, found.answers) == (2, 1, 0)


# True retention


def test_retention_counts_the_first_answer_of_a_day_to_what_was_seen_before_by_topic(store):
    for slug in "abxy":
        answer(store, slug, now=NOON - 5 * DAY)
    answer(store, "a", Rating.Again, NOON - DAY)
    answer(store, "a", Rating.Good, NOON - DAY + MINUTE)
    answer(store, "b", Rating.Hard, NOON)
    answer(store, "x", Rating.Good, NOON)
    answer(store, "z", Rating.Again, NOON)
    assert true_retention(BANK, store, NOON) == {"attention": Retention(2, 1), "masks": Retention(1, 1)}
    assert true_retention(BANK, store, NOON, days=1) == {"attention": Retention(1, 1), "masks": Retention(1, 1)}
    assert true_retention(BANK, store, NOON + 29 * DAY) == {"attention": Retention(1, 1), "masks": Retention(1, 1)}
    assert true_retention(BANK, store, NOON + 30 * DAY) == {}
    assert Retention(0, 0).share is None


# What was given, and the time it took


def test_answers_are_given_back_with_what_was_said_the_latest_first_and_under_a_new_name(store):
    first = answer(store, "a", Rating.Again, NOON, seed=7, answer=2, correct=False, duration_s=12.5)
    said = logged_prediction("4", "certain", Prediction(True, 4, 4.0))
    answer(store, "a", Rating.Easy, NOON + DAY, answer=0, correct=True, prediction=said)
    answer(store, "b", Rating.Good, NOON + DAY)
    renamed = bank_of(question("new", formerly=("a",)), question("b"))
    latest, earliest = history.given(renamed, store, "new", NOON + DAY)
    assert (latest.answer, latest.correct, latest.duration_s) == (0, True, None)
    assert latest.prediction == {"number": "4", "confidence": "certain", "close": True}
    assert (latest.review.rating, latest.review.day) == (Rating.Easy, TODAY + DAY)
    assert (earliest.answer, earliest.correct, earliest.duration_s, earliest.seed) == (2, False, 12.5, 7)
    assert (earliest.params, earliest.prediction, earliest.review_id) == ({}, None, first.review_id)
    study.undo(store, NOON + DAY)
    study.undo(store, NOON + DAY)
    assert len(history.given(renamed, store, "new", NOON + DAY)) == 1
    with pytest.raises(UnknownQuestionError):
        history.given(renamed, store, "never", NOON)


def test_time_spent_adds_up_by_day_and_topic_and_a_page_left_open_counts_ten_minutes(store):
    answer(store, "a", duration_s=10.0, now=NOON - DAY)
    answer(store, "b", duration_s=20.0)
    answer(store, "x", duration_s=7000.0)
    answer(store, "y")
    answer(store, "a", duration_s=99.0, now=NOON - 40 * DAY)
    spent = history.time_spent(BANK, store, NOON)
    assert len(spent.by_day) == 30
    assert spent.by_day[-2:] == ((TODAY - DAY, 10.0), (TODAY, 20.0 + LONGEST_S))
    assert spent.by_topic == {"attention": 30.0, "masks": LONGEST_S}
    assert spent.median_s == 20.0
    empty = history.time_spent(BANK, store, NOON + 400 * DAY, days=2)
    assert (empty.by_day, empty.by_topic, empty.median_s) == (
        ((TODAY + 399 * DAY, 0.0), (TODAY + 400 * DAY, 0.0)),
        {},
        None,
    )
