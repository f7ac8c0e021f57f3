"""The plan towards an interview: what it asks, and what an answer is worth."""

import pytest
from planned import BANK, DAY, MEMORY, MINUTE, TODAY, answer, asked, interview_in, work
from small_bank import NOON, bank_of, question

from kb import study
from kb.errors import UsageError
from kb.planning import Interview, Subject, ranked
from kb.planning.choice import Learner, _worth
from kb.rating import Rating

# What is asked


def test_a_day_has_as_many_answers_as_the_learner_gives_and_the_next_day_goes_on(store):
    interview_in(store, 10)
    assert work(store) == ["a", "b", "c", "d"]
    assert (asked(store), study.due(BANK, store, NOON).next) == (None, ())
    assert len(work(store, NOON + DAY)) == 4


def test_going_through_the_list_of_today_asks_each_question_in_its_order(store):
    interview_in(store, 4, per_day=8)
    for slug, rating in (("a", Rating.Again), ("u", Rating.Good), ("b", Rating.Hard)):
        answer(store, slug, rating, NOON - 2 * DAY)
    plan = study.plan(BANK, store, NOON)
    assert plan.next == study.due(BANK, store, NOON).next
    assert len(plan.next) == 8
    assert tuple(work(store)) == plan.next


def test_new_questions_are_not_held_to_the_daily_limit_of_the_long_term(store):
    study.set_setting(store, "new_per_day", 0, NOON)
    interview_in(store, 3, per_day=12)
    assert study.due(BANK, store, NOON).new == 12


def test_in_the_last_days_new_questions_come_a_quarter_faster_than_evenly_and_then_what_failed(store):
    for slug in "abcd":
        answer(store, slug, Rating.Again, NOON - DAY)
    interview_in(store, 3, per_day=6)
    assert study.due(BANK, store, NOON).next == ("e", "f", "u", "v", "a", "b")  # 4 of 8 unseen, though 6 could be
    assert work(store) == ["e", "f", "u", "v", "a", "b"]


def test_a_missed_day_raises_what_the_next_one_asks_and_what_is_needed(store):
    interview_in(store, 4, per_day=3)
    (before,) = study.plan(BANK, store, NOON).interviews
    assert (before.answers_possible, before.answers_needed, before.left_unseen) == (12, 12, 0)
    (after,) = study.plan(BANK, store, NOON + DAY).interviews
    assert (after.answers_possible, after.answers_needed, after.left_unseen) == (9, 12, 3)
    assert [choice.answers_per_day for choice in after.choices][:2] == [3, 4]


def test_a_failed_question_waits_for_tomorrow_unless_nothing_else_is_left(store):
    interview_in(store, 5, per_day=20)
    answer(store, "a", Rating.Again)
    assert asked(store, NOON + MINUTE) == "b"
    others = study.due(BANK, store, NOON + MINUTE).next
    assert (others[-1], len(others)) == ("a", 12)
    for slug in others[:-1]:
        answer(store, slug, Rating.Good, NOON + MINUTE)
    assert asked(store, NOON + 2 * MINUTE) == "a"
    answer(store, "a", Rating.Good, NOON + 2 * MINUTE)
    assert asked(store, NOON + 3 * MINUTE) is None
    assert "a" in study.due(BANK, store, NOON + DAY).next[:2]


def test_the_question_answered_last_is_not_asked_again_while_there_is_another(store):
    interview_in(store, 1, per_day=20)
    work(store, rating=Rating.Again)  # ends only because the answers of the day do
    assert asked(store, NOON + DAY) != "z"


def test_a_new_question_follows_what_it_requires_even_where_that_failed(store):
    bank = bank_of(
        question("last", requires=("middle",)),
        question("middle", requires=("first", "no-such-file")),
        question("first", "masks", difficulty=5),
        question("round", requires=("trip",)),
        question("trip", requires=("round",)),
    )
    interview_in(store, 1, per_day=9)
    assert study.due(bank, store, NOON).next == ("first", "middle", "last", "trip", "round")
    answer(store, "first", Rating.Again, NOON - DAY, bank)
    assert study.due(bank, store, NOON).next == ("middle", "last", "trip", "round", "first")


def test_a_suspended_question_is_neither_asked_nor_expected(store):
    interview_in(store, 5, per_day=20)
    with store.writing() as transaction:
        transaction.log.add_event("suspend", NOON, question="a")
    plan = study.plan(BANK, store, NOON)
    assert "a" not in plan.next
    assert plan.interviews[0].questions == 11


def test_a_question_whose_answer_changed_counts_as_unseen_and_comes_back_marked(store):
    interview_in(store, 1, per_day=20)
    for slug in "ab":
        answer(store, slug, Rating.Easy, NOON - DAY)
    revised = bank_of(question("a", revision=2), question("b"))
    assert study.plan(revised, store, NOON).interviews[0].unseen == 1
    attempt = study.next_attempt(revised, store, NOON)
    assert (attempt.question_id, attempt.changed) == ("a", True)


def test_an_answer_given_while_the_clock_was_a_year_ahead_counts_for_nothing(store):
    answer(store, "a", Rating.Good, NOON + 365 * DAY)
    interview_in(store, 3)
    assert study.plan(BANK, store, NOON).interviews[0].unseen == 12
    assert asked(store, NOON, skip=tuple("bcdefuvwxyz")) == "a"


def test_topics_that_the_learner_chooses_are_not_held_to_the_answers_of_the_day(store):
    interview_in(store, 5, per_day=1)
    answer(store, "a")
    assert asked(store) is None
    assert asked(store, topics=("masks",)) == "u"
    with pytest.raises(UsageError, match=r"^topic: expected one of attention, masks; found poetry"):
        asked(store, topics=("poetry",))


def test_minutes_a_day_become_answers_at_the_pace_of_the_learner(store):
    interview_in(store, 5, minutes_per_day=8)
    assert study.plan(BANK, store, NOON).answers_per_day == 12  # 40 s each until the pace is known
    for index in range(20):
        answer(store, "a", Rating.Good, NOON - 9 * DAY + index * MINUTE, duration_s=500.0 if index < 3 else 30.0)
    plan = study.plan(BANK, store, NOON)
    assert (plan.seconds_per_answer, plan.answers_per_day, plan.answered) == (30.0, 16, 0)


# What an answer is worth


def test_in_the_last_days_an_answer_is_worth_the_recall_it_adds_on_the_day():
    learner = Learner(MEMORY, 1.0)
    stability, difficulty, waited, days = 4.0, 5.0, 3.0, 2
    chance = MEMORY.recall(stability, waited)
    after = [
        MEMORY.recall(MEMORY.after(stability, difficulty, waited, rating)[0], days)
        for rating in (Rating.Good, Rating.Again)
    ]
    expected = chance * after[0] + (1 - chance) * after[1] - MEMORY.recall(stability, waited + days)
    assert _worth((learner,), stability, difficulty, waited, days, 5.0) == pytest.approx(expected)


def test_an_early_answer_is_worth_less_than_a_late_one_to_a_question_that_is_known():
    learner = Learner(MEMORY, 1.0)
    worths = [_worth((learner,), 20.0, 5.0, 30.0 - days, days, 30.0) for days in (20, 10, 5, 1)]
    assert worths == sorted(worths)


def test_what_adds_nothing_is_not_asked_for():
    known = Subject("known", "t", 1000.0, 5.0, TODAY - DAY)
    just_seen = Subject("just-seen", "t", 2.0, 5.0, TODAY)
    fading = Subject("fading", "t", 2.0, 5.0, TODAY - 3 * DAY)
    order = ranked([known, just_seen, fading], [Interview(TODAY + DAY)], TODAY, 10, MEMORY)
    assert order == [fading]
