"""Studying: which question comes, what an answer does, what can be taken back, and what the figures of progress mean."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from small_bank import NOON, bank_of, new_store, numeric_question, question, quick_folder

from kb import study
from kb.errors import SchedulingError, UnknownQuestionError, UsageError
from kb.rating import Rating
from kb.scheduling import Scheduler, State
from kb.settings import Settings
from kb.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BANK = bank_of(*(question(slug) for slug in "abcdef"))


@pytest.fixture
def store() -> Iterator[Store]:
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


# What comes next


def test_new_questions_come_by_topic_and_the_easier_first(store):
    bank = bank_of(
        question("hard", difficulty=3), question("mask", "masks"), question("easy"), question("easier", "masks")
    )
    assert study.due(bank, store, NOON).next == ("easy", "hard", "easier", "mask")


def test_steps_come_before_reviews_and_reviews_before_new_questions(store):
    learn(store, "c", NOON - 40 * DAY)
    answer(store, "b", Rating.Good, NOON)
    now = NOON + 10 * MINUTE
    due = study.due(BANK, store, now)
    assert (due.learning, due.due, due.new) == (1, 1, 4)
    answer(store, "f", Rating.Again, NOON - 5 * MINUTE)
    assert study.due(BANK, store, now).next == ("b", "f", "c", "a", "d", "e")


def test_the_review_least_likely_to_be_recalled_comes_first(store):
    for slug, wait in (("a", 30), ("b", 1), ("c", 8)):
        for times in range(3):
            learn(store, slug, NOON + times * wait * DAY)
    now = NOON + 400 * DAY
    order = [slug for slug in study.due(BANK, store, now).next if slug in "abc"]
    with store.reading() as transaction:
        chances = [Scheduler().retrievability(transaction.cards.get(slug), now.date()) for slug in order]
    assert chances == sorted(chances)
    assert order == ["b", "c", "a"]


def test_a_new_question_waits_for_what_it_requires_and_again_does_not_count_as_known(store):
    bank = bank_of(question("first", difficulty=5), question("second", requires=("first",)))
    assert study.due(bank, store, NOON).next == ("first", "second")
    assert asked(bank, store, skip=("first",)) is None
    answer(store, "first", Rating.Again, bank=bank)
    assert "second" not in study.due(bank, store, NOON).next
    answer(store, "first", Rating.Hard, NOON + MINUTE, bank=bank)
    assert "second" in study.due(bank, store, NOON).next


def test_a_requirement_that_cannot_be_asked_locks_nothing(store):
    bank = bank_of(
        question("other", "masks"),
        question("a", requires=("no-such-file",)),
        question("b", requires=("put-aside",)),
        question("put-aside"),
        question("c", requires=("other",)),
        question("d", requires=("old-a",)),
    )
    bank = bank_of(*bank.questions.values(), question("e"))
    with store.writing() as transaction:
        transaction.log.add_event("suspend", NOON, question="put-aside")
    assert study.due(bank, store, NOON).next == ("a", "b", "d", "e", "other", "c")
    assert asked(bank, store, topics=("attention",), skip=("a", "b", "d", "e")) == "c"


def test_a_requirement_may_be_named_by_its_former_slug(store):
    bank = bank_of(question("now", difficulty=2, formerly=("then",)), question("next", requires=("then",)))
    assert study.due(bank, store, NOON).next == ("now", "next")
    assert asked(bank, store, skip=("now",)) is None


def test_new_questions_stop_at_the_daily_limit_and_go_on_the_next_day(store):
    study.set_setting(store, "new_per_day", 2, NOON)
    assert study.due(BANK, store, NOON).new == 2
    learn(store, "a")
    assert study.due(BANK, store, NOON).new == 1
    learn(store, "b")
    assert study.due(BANK, store, NOON).next == ()
    assert asked(BANK, store) is None
    night = datetime(2026, 3, 3, 3, 59, tzinfo=UTC)
    assert asked(BANK, store, night) is None
    assert asked(BANK, store, night + MINUTE) == "c"


def test_an_undone_first_answer_gives_its_place_back(store):
    study.set_setting(store, "new_per_day", 1, NOON)
    learn(store, "a")
    study.undo(store, NOON)
    assert asked(BANK, store) == "a"


def test_the_question_just_answered_is_not_asked_again_while_there_is_another(store):
    answer(store, "a", Rating.Again, NOON)
    now = NOON + MINUTE
    assert asked(BANK, store, now) == study.due(BANK, store, now).next[0] == "b"
    assert asked(BANK, store, now, skip=tuple("bcdef")) == "a"


def test_steps_are_shown_up_to_20_minutes_early_when_nothing_else_is_left(store):
    bank = bank_of(question("a"), question("b"))
    answer(store, "a", Rating.Good, NOON, bank)
    assert study.due(bank, store, NOON).next == ("b", "a")
    learn(store, "b", NOON, bank)
    assert asked(bank, store, NOON) == "a"
    assert study.due(bank, store, NOON) == study.Due(due=0, new=0, learning=1, next=("a",))
    assert asked(bank, store, NOON - 10 * MINUTE - timedelta(seconds=1)) is None


def test_topics_and_skipped_questions_narrow_the_choice(store):
    bank = bank_of(question("a"), question("m", "masks"))
    assert asked(bank, store, topics=("masks",)) == "m"
    assert asked(bank, store, topics=("masks",), skip=("m",)) is None
    with pytest.raises(UsageError, match=r"^topic: expected one of attention, masks; found poetry"):
        asked(bank, store, topics=("poetry",))


def test_a_suspended_question_is_neither_asked_nor_forecast(store):
    learn(store, "a")
    with store.writing() as transaction:
        transaction.log.add_event("suspend", NOON, question="a")
        transaction.log.add_event("suspend", NOON, question="b")
        transaction.log.add_event("unsuspend", NOON - DAY, question="b")  # the clock was set back
    later = NOON + 30 * DAY
    assert study.due(BANK, store, later).next == ("b", "c", "d", "e", "f")
    assert sum(count for _, count in study.progress(BANK, store, later).forecast) == 0


def test_going_through_everything_asks_each_question_of_the_list_in_its_order(store):
    for slug in "ab":
        learn(store, slug, NOON - 30 * DAY)
    promised, found = study.due(BANK, store, NOON).next, []
    while attempt := study.next_attempt(BANK, store, NOON):
        found.append(attempt.question_id)
        study.submit(BANK, store, attempt, Rating.Easy, NOON)
    assert tuple(found) == promised
    assert len(found) == 6


# Content that changes


def test_a_question_whose_answer_changed_is_due_at_once_and_marked(store):
    learn(store, "a")
    revised = bank_of(question("a", revision=2), question("b"))
    assert study.due(revised, store, NOON).due == 1
    study.submit(revised, store, study.start_attempt(revised.question("b"), NOON), Rating.Easy, NOON)
    attempt = study.next_attempt(revised, store, NOON)
    assert (attempt.question_id, attempt.revision, attempt.changed) == ("a", 2, True)
    study.submit(revised, store, attempt, Rating.Easy, NOON)
    assert study.due(revised, store, NOON).next == ()


def test_an_answer_to_the_former_meaning_does_not_count_for_the_new_one(store):
    attempt = study.start_attempt(BANK.question("a"), NOON)
    revised = bank_of(question("a", revision=2))
    study.submit(revised, store, attempt, Rating.Easy, NOON)
    assert study.next_attempt(revised, store, NOON).changed


def test_a_renamed_question_keeps_its_progress_and_can_be_answered_under_its_old_name(store):
    learn(store, "a")
    before = study.preview(BANK, store, "a", NOON + DAY)
    renamed = bank_of(question("z", formerly=("a",)), question("b"))
    assert study.progress(renamed, store, NOON).topics[0].seen == 1
    assert study.preview(renamed, store, "a", NOON + DAY).keys() == before.keys()
    assert "z" not in study.due(renamed, store, NOON).next
    assert (
        study.submit(renamed, store, study.start_attempt(BANK.question("a"), NOON), Rating.Easy, NOON).question == "z"
    )
    assert study.undo(store, NOON).question == "z"
    assert study.progress(renamed, store, NOON).reviews == 1


def test_a_question_that_vanished_is_skipped_and_its_reviews_wait_for_it(store):
    learn(store, "a")
    without_a = bank_of(question("b"))
    later = NOON + 30 * DAY
    assert study.due(without_a, store, later).next == ("b",)
    assert study.progress(without_a, store, later).reviews == 1
    assert study.due(BANK, store, later).due == 1


# The learner's days


def test_a_review_becomes_due_at_the_rollover_hour_of_the_learners_zone(store):
    study.set_setting(store, "timezone", "Asia/Shanghai", NOON)
    reviewed = learn(store, "a")
    local = reviewed.due.astimezone(ZoneInfo("Asia/Shanghai"))
    assert (local.hour, local.minute) == (4, 0)
    assert study.due(BANK, store, reviewed.due - MINUTE).due == 0
    assert study.due(BANK, store, reviewed.due).due == 1


def test_moving_to_another_zone_neither_moves_the_past_nor_breaks_the_streak(store):
    study.set_setting(store, "timezone", "Asia/Tokyo", NOON)
    for offset in range(3):
        learn(store, "a", NOON + offset * DAY)  # 21:00 in Tokyo, 2:00 in Honolulu
    days = [day for day, count in study.progress(BANK, store, NOON + 2 * DAY).last_days if count]
    assert days == [date(2026, 3, day) for day in (2, 3, 4)]
    study.set_setting(store, "timezone", "Pacific/Honolulu", NOON)
    moved = study.progress(BANK, store, NOON + 3 * DAY)
    assert [day for day, count in moved.last_days if count] == days
    assert moved.streak_days == 3


@pytest.mark.parametrize("hour", [0, 2, 3, 4, 12])
def test_a_streak_goes_through_a_leap_day_and_the_night_in_which_clocks_change(store, hour):
    berlin = ZoneInfo("Europe/Berlin")
    study.set_setting(store, "timezone", "Europe/Berlin", NOON)
    start = datetime(2028, 2, 27, hour, 30, tzinfo=berlin)
    for offset in range(40):
        learn(store, "a", start + offset * DAY)  # the same time on the local clock, on 26 March an hour sooner
    progress = study.progress(BANK, store, start + 39 * DAY)
    assert {count for _, count in progress.last_days} == {1}
    assert progress.streak_days == 40


def test_answers_given_while_the_clock_was_a_year_ahead_come_back_once_it_is_right(store):
    learn(store, "a", NOON + 365 * DAY)
    answer(store, "b", Rating.Good, NOON + 365 * DAY)
    assert set(study.due(BANK, store, NOON).next[:2]) == {"a", "b"}
    corrected = learn(store, "a", NOON)
    assert NOON < corrected.due < NOON + 60 * DAY
    assert "a" not in study.due(BANK, store, NOON).next


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


# Progress


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
