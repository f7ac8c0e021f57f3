"""Deciding about interviews: more answers, fewer topics, another date, none; and going beyond the limits of a day."""

from datetime import date

import pytest
from small_bank import NOON, bank_of, question
from studying import DAY, answer

from kb import aiming, study
from kb.errors import UsageError
from kb.planning import Interview

BANK = bank_of(*(question(f"{topic}-{level}", topic, level) for topic in ("attention", "masks") for level in (1, 2, 3)))
SOON, LATER, PAST = date(2026, 3, 9), date(2026, 4, 1), date(2026, 2, 1)


def test_more_answers_a_day_are_set_as_answers_or_as_the_minutes_they_take(store):
    aiming.answer_more(store, 52, 30.0, NOON)
    assert study.settings(store).answers_per_day == 52
    study.set_setting(store, "minutes_per_day", 20, NOON)
    aiming.answer_more(store, 61, 31.0, NOON)
    settings = study.settings(store)
    assert (settings.answers_per_day, settings.minutes_per_day) == (52, 32)
    assert round(settings.minutes_per_day * 60 / 31.0) >= 61


def test_topics_are_left_out_and_can_be_asked_again(store):
    study.set_setting(store, "interview_date", SOON, NOON)
    narrowed = aiming.leave_out(BANK, store, Interview(SOON), ("masks",), NOON)
    settings = study.settings(store)
    assert narrowed == Interview(SOON, ("attention",))
    assert (settings.interview_date, settings.interviews) == (None, (narrowed,))
    assert aiming.left_out(BANK, narrowed) == ("masks",)
    aiming.change_interview(store, narrowed, Interview(SOON), NOON)
    assert study.settings(store).all_interviews == (Interview(SOON),)
    assert aiming.left_out(BANK, Interview(SOON)) == ()


def test_leaving_out_keeps_the_other_interviews(store):
    study.set_setting(store, "interview_date", LATER, NOON)
    study.set_setting(store, "interviews", [Interview(SOON, ("attention", "masks"))], NOON)
    aiming.leave_out(BANK, store, Interview(SOON, ("attention", "masks")), ("masks",), NOON)
    assert set(study.settings(store).all_interviews) == {Interview(SOON, ("attention",)), Interview(LATER)}


def test_an_interview_without_any_topic_is_refused(store):
    with pytest.raises(UsageError, match="expected one to remain; found none"):
        aiming.leave_out(BANK, store, Interview(SOON), ("attention", "masks"), NOON)


def test_one_more_interview_stands_beside_the_others_and_none_takes_one_away(store):
    aiming.change_interview(store, None, Interview(LATER), NOON)
    aiming.change_interview(store, None, Interview(SOON), NOON)
    assert set(study.settings(store).all_interviews) == {Interview(SOON), Interview(LATER)}
    aiming.change_interview(store, Interview(SOON), None, NOON)
    assert study.settings(store).all_interviews == (Interview(LATER),)


def test_past_interviews_are_known_and_can_be_forgotten(store):
    earlier = date(2026, 1, 5)
    study.set_setting(store, "interview_date", PAST, NOON)
    study.set_setting(store, "interviews", [Interview(earlier, ("masks",)), Interview(NOON.date())], NOON)
    past = aiming.past_interviews(study.settings(store), NOON.date())
    assert past == (Interview(PAST), Interview(earlier, ("masks",)))
    aiming.forget_past(store, NOON)
    assert study.settings(store).all_interviews == (Interview(NOON.date()),)


# Beyond the limits of a day


def test_the_limit_of_new_questions_can_be_passed_in_the_order_of_teaching(store):
    study.set_setting(store, "new_per_day", 1, NOON)
    answer(store, "attention-1", study.Rating.Easy, bank=BANK)
    assert study.due(BANK, store, NOON).next == ()
    beyond = study.due(BANK, store, NOON, beyond=True)
    assert beyond.next == ("attention-2", "attention-3", "masks-1", "masks-2", "masks-3")
    attempt = study.next_attempt(BANK, store, NOON, beyond=True)
    assert attempt is not None
    assert attempt.question_id == "attention-2"


def test_beyond_the_limit_too_a_new_question_waits_for_what_it_requires(store):
    bank = bank_of(question("first", difficulty=3), question("second", requires=("first",)))
    study.set_setting(store, "new_per_day", 0, NOON)
    assert study.due(bank, store, NOON, beyond=True).next == ("first", "second")
    answer(store, "first", study.Rating.Again, bank=bank)
    assert "second" not in study.due(bank, store, NOON, beyond=True).next


def test_the_answers_of_a_day_towards_an_interview_can_be_passed(store):
    study.set_setting(store, "interview_date", (NOON + 9 * DAY).date(), NOON)
    study.set_setting(store, "answers_per_day", 1, NOON)
    answer(store, "attention-1", study.Rating.Easy, bank=BANK)
    assert study.due(BANK, store, NOON).next == ()
    beyond = study.due(BANK, store, NOON, beyond=True)
    assert beyond.next[:2] == ("attention-2", "attention-3")
    assert beyond.new == 5


def test_due_questions_can_be_counted_for_some_topics_alone(store):
    assert study.due(BANK, store, NOON, topics=("masks",)).next == ("masks-1", "masks-2", "masks-3")
