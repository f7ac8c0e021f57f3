"""Progress: what the figures mean."""

import pytest
from small_bank import NOON
from studying import BANK, DAY, MINUTE, answer, learn

from kb import study
from kb.rating import Rating


def test_progress_of_nothing_is_zero_everywhere(store):
    progress = study.progress(BANK, store, NOON)
    assert progress.topics == (
        study.TopicProgress("attention", 6, 0, 0, 0.0),
        study.TopicProgress("masks", 0, 0, 0, 0.0),
    )
    assert (progress.reviews, progress.retention, progress.streak_days) == (0, None, 0)
    assert [day for day, _ in progress.forecast] == [NOON.date() + offset * DAY for offset in range(14)]
    assert [day for day, _ in progress.last_days] == [NOON.date() - offset * DAY for offset in range(29, -1, -1)]
    assert {count for _, count in (*progress.forecast, *progress.last_days)} == {0}


def test_mastery_is_the_mean_chance_of_recall_and_what_failed_or_was_not_seen_counts_as_nothing(store):
    learn(store, "a")
    answer(store, "b", Rating.Again)
    assert study.progress(BANK, store, NOON).topics[0].mastery == pytest.approx(1 / 6)
    assert study.progress(BANK, store, NOON + 8 * DAY).topics[0].mastery == pytest.approx(0.9 / 6, abs=0.01)


def test_retention_counts_the_first_answer_of_a_day_to_what_was_seen_before(store):
    for slug in "abc":
        learn(store, slug)
    answer(store, "a", Rating.Again, NOON + DAY)
    answer(store, "a", Rating.Good, NOON + DAY + MINUTE)
    answer(store, "b", Rating.Hard, NOON + DAY)
    answer(store, "c", Rating.Again, NOON + DAY)
    study.undo(store, NOON + DAY)
    answer(store, "d", Rating.Again, NOON + DAY)
    assert study.progress(BANK, store, NOON + DAY).retention == 0.5
    assert study.progress(BANK, store, NOON + 30 * DAY).retention == 0.5
    assert study.progress(BANK, store, NOON + 31 * DAY).retention is None


def test_a_streak_lasts_until_a_day_has_passed_without_an_answer(store):
    for offset in (0, 1, 3, 4):
        learn(store, "a", NOON + offset * DAY)
    streaks = [study.progress(BANK, store, NOON + offset * DAY).streak_days for offset in (0, 1, 2, 3, 4, 5, 6)]
    assert streaks == [1, 2, 2, 1, 2, 2, 0]


def test_what_a_plan_towards_an_interview_leaves_for_later_is_still_due_today(store):
    for slug in "abc":
        learn(store, slug, NOON - 40 * DAY)
    study.set_setting(store, "interview_date", (NOON + 10 * DAY).date(), NOON)
    study.set_setting(store, "answers_per_day", 1, NOON)
    assert len(study.due(BANK, store, NOON).next) == 1
    assert dict(study.progress(BANK, store, NOON).forecast)[NOON.date()] == 3


def test_the_forecast_has_everything_overdue_today_and_adds_up_with_the_lists(store):
    due_days = {
        slug: learn(store, slug, NOON - wait * DAY).due.date() for slug, wait in (("a", 40), ("b", 2), ("c", 0))
    }
    answer(store, "d", Rating.Good)
    progress, due = study.progress(BANK, store, NOON), study.due(BANK, store, NOON)
    forecast = dict(progress.forecast)
    assert forecast[NOON.date()] == due.due + due.learning == sum(topic.due for topic in progress.topics) == 2
    assert forecast[due_days["b"]] + forecast[due_days["c"]] >= 2
    assert sum(forecast.values()) == 4
