"""Choosing: which question comes, as the bank changes and the learner's days go by."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from small_bank import NOON, bank_of, question
from studying import BANK, DAY, MINUTE, answer, asked, learn

from kb import study
from kb.errors import UsageError
from kb.rating import Rating
from kb.scheduling import Scheduler

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


def test_the_first_questions_of_the_queue_are_those_of_the_whole_queue(store):
    whole = study.due(BANK, store, NOON)
    assert len(whole.next) > 2
    assert study.due(BANK, store, NOON, n=2).next == whole.next[:2]
    assert study.due(BANK, store, NOON, n=0).next == ()


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


def test_an_attempt_says_what_changed_since_the_learners_last_answer(store):
    changes = {number: {"en": f"change {number}", "zh": f"改动 {number}"} for number in (2, 3, 4)}
    learn(store, "a", bank=bank_of(question("a", revision=2)))
    revised = bank_of(question("a", revision=4, changes=changes))
    assert study.next_attempt(revised, store, NOON).changes == (changes[3], changes[4])
    assert study.attempt_at(revised, store, "a", NOON).changes == (changes[3], changes[4])
    learn(store, "a", bank=revised)
    assert study.next_attempt(revised, store, NOON + 30 * DAY).changes == ()


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
