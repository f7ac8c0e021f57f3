"""The dates of interviews: none, past, today, several, and that nothing of them outlasts the date."""

import json
from datetime import date

import pytest
from planned import BANK, DAY, MINUTE, TODAY, answer, interview_in, work
from small_bank import NOON, new_store, quick_folder

from kb import study
from kb.errors import UsageError
from kb.planning import Interview
from kb.rating import Rating
from kb.settings import Settings


def test_without_a_date_or_after_it_the_long_term_schedules_as_if_there_had_never_been_one(store):
    with quick_folder() as folder:
        never = new_store(folder)
        study.set_setting(never, "timezone", "UTC", NOON)
        interview_in(store, 2, per_day=5)
        for day, rating in enumerate((Rating.Good, Rating.Again, Rating.Hard)):
            for slug in work(store, NOON + day * DAY, rating):
                answer(never, slug, rating, NOON + day * DAY)
        after = NOON + 3 * DAY
        assert study.plan(BANK, store, after).interviews == ()
        for moment in (after, after + 5 * DAY, after + 90 * DAY):
            assert study.due(BANK, store, moment) == study.due(BANK, never, moment)
        with store.reading() as planned, never.reading() as plain:
            assert list(planned.cards.all()) == list(plain.cards.all())
            columns = "kind, question, revision, rating, reviewed_at, ordered_at, day"
            rows = [
                t.log._execute(f"SELECT {columns} FROM reviews ORDER BY rowid").fetchall() for t in (planned, plain)
            ]
        assert rows[0] == rows[1]


@pytest.mark.parametrize("date_set", [None, TODAY - DAY])
def test_no_date_and_a_past_one_leave_everything_as_it_was(store, date_set):
    answer(store, "a", Rating.Again, NOON - 9 * DAY)
    before = study.due(BANK, store, NOON)
    interview_in(store, 0, per_day=1, interview_date=date_set)
    assert study.due(BANK, store, NOON) == before
    plan = study.plan(BANK, store, NOON)
    assert (plan.interviews, plan.next, plan.new) == ((), before.next, before.new)


def test_on_the_day_itself_what_is_least_likely_to_be_recalled_comes_after_what_was_never_seen(store):
    for slug, wait in (("a", 1), ("b", 20), ("c", 6)):
        answer(store, slug, Rating.Good, NOON - wait * DAY)
    interview_in(store, 0, per_day=12)
    assert study.due(BANK, store, NOON).next == ("d", "e", "f", "u", "v", "w", "x", "y", "z", "b", "c", "a")
    (outlook,) = study.plan(BANK, store, NOON).interviews
    assert (outlook.days, outlook.answers_possible, outlook.left_unseen) == (0, 12, 0)
    assert outlook.recall.mean > outlook.if_stopped.mean > 0
    interview_in(store, 0, per_day=5)
    assert study.plan(BANK, store, NOON).interviews[0].left_unseen == 4


def test_the_day_of_the_interview_follows_the_rollover_hour(store):
    interview_in(store, 0)
    night = NOON.replace(hour=3) + DAY
    assert study.plan(BANK, store, night).interviews[0].days == 0
    assert study.plan(BANK, store, night + 60 * MINUTE).interviews == ()


def test_with_several_dates_what_more_of_them_ask_comes_first_and_each_has_its_outlook(store):
    masks = Interview(TODAY + 2 * DAY, ("masks",))
    interview_in(store, 6, interviews=[masks])
    assert study.due(BANK, store, NOON).next == ("u", "v", "w", "x")
    first, second = study.plan(BANK, store, NOON).interviews
    assert (first.interview, first.questions, first.answers_needed) == (masks, 6, 6)
    assert (second.interview, second.questions, second.answers_needed) == (Interview(TODAY + 6 * DAY), 12, 12)
    assert [topic.topic for topic in first.topics] == ["masks"]
    (left,) = study.plan(BANK, store, NOON + 3 * DAY).interviews
    assert left.interview == second.interview


def test_topics_that_no_interview_asks_about_wait_for_the_effort_that_is_left(store):
    interview_in(store, 3, per_day=8, interview_date=None, interviews=[{"date": "2026-03-05", "topics": ["masks"]}])
    answer(store, "a", Rating.Easy, NOON - 60 * DAY)
    assert study.due(BANK, store, NOON).next == ("u", "v", "w", "x", "y", "z", "a", "b")
    assert study.plan(BANK, store, NOON).interviews[0].questions == 6


def test_an_interview_on_topics_that_the_bank_lacks_is_left_out(store):
    before = study.due(BANK, store, NOON)
    study.set_setting(store, "interviews", [Interview(TODAY + DAY, ("poetry",))], NOON)
    assert study.due(BANK, store, NOON) == before
    assert study.plan(BANK, store, NOON).interviews == ()


def test_the_same_interview_set_twice_counts_once(store):
    interview_in(store, 3, interviews=[Interview(TODAY + 3 * DAY), {"date": TODAY + 3 * DAY}])
    assert len(study.settings(store).interviews) == 1
    assert len(study.plan(BANK, store, NOON).interviews) == 1


# Settings


def test_interviews_are_read_as_they_were_set_and_the_single_date_stays_readable(store):
    both = (Interview(date(2026, 12, 1), ("masks", "attention")), Interview(date(2026, 12, 3)))
    study.set_setting(store, "interviews", both, NOON)
    study.set_setting(store, "interview_date", "2026-12-20", NOON)
    settings = study.settings(store)
    assert settings.interviews == both
    assert settings.all_interviews == (*both, Interview(date(2026, 12, 20)))
    with store.reading() as transaction:
        stored = transaction.log.settings()["interviews"]
    assert stored == [
        {"date": "2026-12-01", "topics": ["masks", "attention"]},
        {"date": "2026-12-03", "topics": []},
    ]
    study.set_setting(store, "interviews", json.dumps(stored), NOON)
    assert study.settings(store).interviews == both
    study.set_setting(store, "interviews", None, NOON)
    assert study.settings(store).interviews == ()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("interviews", "tomorrow", "^interviews: expected a list such as .* found 'tomorrow'"),
        ("interviews", 5, "^interviews: expected a list such as .* found 5"),
        ("interviews", ["2026-12-01"], "^interviews: expected a list such as"),
        ("interviews", [{"topics": ["masks"]}], "^interviews: expected a list such as"),
        ("interviews", [{"date": "2026-12-01", "topics": "masks"}], "^interviews: expected a list such as"),
        ("interviews", [{"date": "2026-12-01", "where": "here"}], "^interviews: expected a list such as"),
        ("interviews", [{"date": "2026-13-01"}], "^interviews: expected a date such as 2027-03-31; found '2026-13-01'"),
        ("answers_per_day", 0, "^answers_per_day: expected a whole number from 1 to 9999; found 0"),
        ("minutes_per_day", "1441", "^minutes_per_day: expected a whole number from 1 to 1440; found '1441'"),
    ],
)
def test_an_impossible_value_is_refused(store, name, value, message):
    with pytest.raises(UsageError, match=message):
        study.set_setting(store, name, value, NOON)
    assert study.settings(store) == Settings(timezone="UTC")
