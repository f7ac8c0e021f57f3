"""The plan towards an interview: what it asks, what it expects of the day, and that nothing of it outlasts the date."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fsrs.scheduler import DEFAULT_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st
from small_bank import NOON, bank_of, new_store, question, quick_folder

from kb import study
from kb.__main__ import main
from kb.errors import UsageError
from kb.memory import Memory
from kb.planning import Effort, Interview, Subject, ranked
from kb.planning.choice import Learner, _worth
from kb.planning.forecast import MAX_ROUNDS, outlooks
from kb.rating import Rating
from kb.settings import Settings
from kb.store import Store

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TODAY = NOON.date()
MEMORY = Memory(DEFAULT_PARAMETERS)
BANK = bank_of(*(question(slug) for slug in "abcdef"), *(question(slug, "masks") for slug in "uvwxyz"))


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder:
        made = new_store(folder)
        study.set_setting(made, "timezone", "UTC", NOON)
        yield made


def interview_in(store: Store, days: int, per_day: int = 4, **settings) -> None:
    """An interview on everything in so many days."""
    settings = {"interview_date": TODAY + days * DAY, "answers_per_day": per_day, **settings}
    for name, value in settings.items():
        study.set_setting(store, name, value, NOON)


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now=NOON, bank=BANK, **keys) -> None:
    study.submit(bank, store, study.start_attempt(bank.question(slug), now), rating, now, **keys)


def asked(store: Store, now=NOON, bank=BANK, **keys) -> str | None:
    attempt = study.next_attempt(bank, store, now, **keys)
    return attempt and attempt.question_id


def work(store: Store, now=NOON, rating: Rating = Rating.Good, bank=BANK) -> list[str]:
    """Everything that is asked until nothing is left for the day."""
    answered = []
    while slug := asked(store, now, bank):
        answer(store, slug, rating, now, bank)
        answered.append(slug)
        assert len(answered) < 100
    return answered


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


# Dates: none, past, today, several


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


# What is expected of the day


def subjects_of(unseen: int, seen: int = 0, topics: int = 3) -> list[Subject]:
    """Questions spread over topics; those that were seen have some days behind them."""
    count = unseen + seen
    return [
        Subject(f"q{place:03}", f"t{place * topics // count}", 3.0, 5.0, TODAY - 2 * DAY)
        if place < seen
        else Subject(f"q{place:03}", f"t{place * topics // count}")
        for place in range(count)
    ]


def test_too_few_answers_are_told_early_with_what_can_be_chosen_instead():
    (outlook,) = outlooks(subjects_of(300, topics=20), [Interview(TODAY + 6 * DAY)], TODAY, Effort(40), MEMORY)
    assert (outlook.answers_possible, outlook.answers_needed, outlook.left_unseen) == (240, 300, 60)
    assert [(choice.answers_per_day, choice.left_unseen) for choice in outlook.choices] == [(40, 60), (50, 0), (100, 0)]
    assert outlook.leave_out == ("t16", "t17", "t18", "t19")
    assert outlook.choices[0].recall == outlook.recall
    recalls = [choice.recall.mean for choice in outlook.choices]
    assert recalls == sorted(recalls)


def test_topics_are_left_out_only_where_others_remain():
    (outlook,) = outlooks(subjects_of(30, topics=1), [Interview(TODAY + DAY)], TODAY, Effort(10), MEMORY)
    assert (outlook.left_unseen, outlook.leave_out) == (20, ())
    subjects = [*subjects_of(3, topics=1), *(Subject(f"r{place}", "big") for place in range(9)), Subject("s", "small")]
    (outlook,) = outlooks(subjects, [Interview(TODAY + DAY)], TODAY, Effort(4), MEMORY)
    assert (outlook.left_unseen, outlook.leave_out) == (9, ("big",))


@given(st.integers(0, 500), st.integers(0, 40), st.integers(0, 60))
def test_the_answers_a_day_that_are_called_enough_are_the_fewest_that_are(answers, days, done):
    per_day = Effort(1, done).enough(answers, days)
    assert Effort(per_day, done).until(days) >= answers
    assert per_day == 0 or Effort(per_day - 1, done).until(days) < answers


def test_an_unseen_question_counts_as_not_recalled_and_a_seen_one_by_its_curve():
    interview = [Interview(TODAY + 5 * DAY)]
    (outlook,) = outlooks(subjects_of(10, 10, topics=2), interview, TODAY, Effort(0), MEMORY)
    seen, unseen = outlook.topics
    assert (unseen.unseen, unseen.left_unseen, unseen.recall.mean, unseen.recall.high) == (10, 10, 0.0, 0.0)
    assert seen.recall.low < MEMORY.recall(3.0, 7.0) < seen.recall.high
    assert outlook.recall.mean == pytest.approx(seen.recall.mean / 2)


def test_chance_makes_few_questions_less_certain_than_many():
    widths = []
    for count in (1, 10, 1000):
        (outlook,) = outlooks(subjects_of(0, count), [Interview(TODAY + 5 * DAY)], TODAY, Effort(0), MEMORY)
        assert 0 <= outlook.recall.low <= outlook.recall.mean <= outlook.recall.high <= 1
        widths.append(outlook.recall.high - outlook.recall.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > 0.05  # what remains is that the learner may not be as the parameters say


def test_a_forecast_over_many_days_goes_on_from_one_over_fewer():
    means = []
    for days in (1, 2, MAX_ROUNDS - 1, MAX_ROUNDS, MAX_ROUNDS + 1, 400):
        (outlook,) = outlooks(subjects_of(60), [Interview(TODAY + days * DAY)], TODAY, Effort(10), MEMORY)
        assert outlook.left_unseen == max(60 - 10 * days, 0)
        means.append(outlook.recall.mean)
    assert means[0] < means[1] < means[2]
    assert means[2:] == pytest.approx([means[3]] * 4, abs=0.03)


def test_the_forecast_is_the_same_each_time_and_an_answer_moves_it_little(store):
    interview_in(store, 8, per_day=6)
    first = study.plan(BANK, store, NOON)
    assert study.plan(BANK, store, NOON) == first
    answer(store, "a")
    second = study.plan(BANK, store, NOON)
    assert (second.answered, len(second.next), second.new) == (1, 5, 5)
    assert second.interviews[0].recall.mean == pytest.approx(first.interviews[0].recall.mean, abs=0.05)


def test_an_empty_bank_has_no_plan(store):
    interview_in(store, 5)
    plan = study.plan(bank_of(), store, NOON)
    assert (plan.interviews, plan.next) == ((), ())


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


# The command


def in_days(days: int) -> str:
    """A day so far from that of the clock on the wall, which the command reads."""
    return (Settings().days.day(datetime.now(UTC)) + days * DAY).isoformat()


@pytest.fixture
def kb(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    content = str(Path(__file__).parent / "bank")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", str(tmp_path / "progress.db"), "--content", content, "--lang", "en", "plan", *arguments])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


def test_the_command_sets_date_and_effort_and_prints_what_the_function_gives(kb, tmp_path):
    code, out, _ = kb("--date", in_days(30), "--answers", "3", "--json")
    assert code == 0
    value = json.loads(out)
    assert (value["answers_per_day"], value["answered"], value["new"]) == (3, 0, 3)
    (interview,) = value["interviews"]
    assert interview["interview"] == {"date": in_days(30), "topics": []}
    assert set(interview) == set(asdict(outlooks(subjects_of(1), [Interview(TODAY)], TODAY, Effort(1), MEMORY)[0]))
    assert json.loads(kb("--json")[1]) == value
    settings = study.settings(Store(tmp_path / "progress.db"))
    assert (settings.interview_date, settings.answers_per_day) == (date.fromisoformat(in_days(30)), 3)
    assert json.loads(kb("--minutes", "10", "--json")[1])["answers_per_day"] == 15


def test_the_command_says_what_stays_unseen_and_how_to_choose_otherwise(kb):
    day = in_days(1)
    _, out, _ = kb("--date", day, "--answers", "4")
    assert f"Interview on {day} (days left: 1): 6 questions, 6 not seen yet\n" in out
    assert " with 4 more answers, 0% (0%–0%) without; in brackets 4 cases of 5\n" in out
    assert "  4 answers a day: " in out
    assert "2 stay unseen" in out
    assert "  6 answers a day: " in out
    assert f"  or leave out KV cache: kb plan --date {day} --without kv_cache" in out
    assert "Today: 0 of 4 answers given; 4 to come, 4 of them new, about 3 min" in out
    _, out, _ = kb("--date", day, "--without", "kv_cache", "--json")
    assert json.loads(out)["interviews"][0]["interview"]["topics"] == ["attention"]
    _, out, _ = kb("--also", day, "--json")
    assert [each["questions"] for each in json.loads(out)["interviews"]] == [6, 4]
    assert "No interview is ahead. To set one: kb plan --date" in kb("--clear")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--date", "2020-01-01"), "kb: --date: expected 2"),
        (("--date", "soon"), "kb: interview_date: expected a date such as 2027-03-31; found 'soon'."),
        (("--date", "8999-01-01", "--topic", "poetry"), "kb: --topic: expected one of attention, kv_cache; found poetry."),
        (("--date", "8999-01-01", "--answers", "0"), "kb: answers_per_day: expected a whole number from 1 to 9999; found 0."),
        (("--date", "8999-01-01", "--clear"), "Error: give one of --date, --also and --clear."),
        (("--answers", "5", "--minutes", "5"), "Error: give --answers or --minutes, not both."),
        (("--topic", "attention"), "Error: --topic and --without say what an interview asks about: give its --date too."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_stored(kb, tmp_path, options, message):
    code, out, err = kb(*options)
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1].startswith(message)
    assert study.settings(Store(tmp_path / "progress.db")) == Settings()
