"""Marks: what is put aside, put off, flagged or noted; each lasts as long as it should, and merges in any order."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
import small_bank
from cli_runner import SLUG, Kb
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from small_bank import NOON, bank_of, question, quick_folder
from studying import BANK, DAY, MINUTE, answer, asked, learn

from kb import marks, study
from kb.errors import UnknownQuestionError, UsageError
from kb.marks import DemoRuns, Marks
from kb.merging import merge
from kb.rating import Rating
from kb.store import Store


def events(store: Store) -> list[tuple]:
    with store.reading() as transaction:
        return list(
            transaction.log.raw("SELECT kind, question, value FROM events WHERE kind <> 'setting' ORDER BY rowid")
        )


def test_nothing_is_marked_at_first_and_taking_away_what_is_not_there_stores_nothing(store):
    for take_away in (marks.unsuspend, marks.unflag, marks.unbury):
        take_away(BANK, store, "a", NOON)
    marks.set_note(BANK, store, "a", None, NOON)
    assert marks.marks(BANK, store, NOON) == {}
    assert events(store) == []


def test_each_mark_is_an_event_that_is_stored_once_and_can_be_taken_back(store):
    for _ in range(2):
        marks.suspend(BANK, store, "a", NOON, reason=" too easy ")
        marks.flag(BANK, store, "b", NOON)
        marks.set_note(BANK, store, "c", " ask Ada\n", NOON)
        marks.bury(BANK, store, "d", NOON)
    assert marks.marks(BANK, store, NOON) == {
        "a": Marks(suspended=True, reason="too easy"),
        "b": Marks(flagged=True),
        "c": Marks(note="ask Ada"),
        "d": Marks(buried=True),
    }
    for _ in range(2):
        marks.unsuspend(BANK, store, "a", NOON)
        marks.unflag(BANK, store, "b", NOON)
        marks.set_note(BANK, store, "c", "  ", NOON)
        marks.unbury(BANK, store, "d", NOON)
    assert marks.marks(BANK, store, NOON) == {}
    kinds = [kind for kind, _, _ in events(store)]
    assert kinds == ["suspend", "flag", "note", "bury", "unsuspend", "unflag", "note", "unbury"]


def test_the_last_mark_counts_also_when_the_clock_was_set_back(store):
    marks.set_note(BANK, store, "a", "first", NOON)
    marks.set_note(BANK, store, "a", "second", NOON - DAY)
    marks.suspend(BANK, store, "b", NOON)
    marks.suspend(BANK, store, "b", NOON - DAY, reason="another")
    assert marks.marks(BANK, store, NOON) == {
        "a": Marks(note="second"),
        "b": Marks(suspended=True, reason="another"),
    }


def test_marks_follow_a_renamed_question_and_its_former_name_can_be_used(store):
    marks.flag(BANK, store, "a", NOON)
    marks.suspend(BANK, store, "a", NOON)
    renamed = bank_of(question("z", formerly=("a",)), question("b"))
    marks.unsuspend(renamed, store, "a", NOON)
    marks.set_note(renamed, store, "a", "still here", NOON)
    assert marks.marks(renamed, store, NOON) == {"z": Marks(flagged=True, note="still here")}
    assert asked(renamed, store, skip=("b",)) == "z"


def test_marks_of_a_question_that_vanished_wait_for_it(store):
    marks.flag(BANK, store, "a", NOON)
    assert marks.marks(bank_of(question("b")), store, NOON) == {}
    assert marks.marks(BANK, store, NOON) == {"a": Marks(flagged=True)}


@pytest.mark.parametrize(
    "mark",
    [
        marks.suspend,
        marks.unsuspend,
        marks.flag,
        marks.unflag,
        marks.bury,
        marks.unbury,
        lambda bank, store, slug, now: marks.set_note(bank, store, slug, "text", now),
        study.know,
    ],
)
def test_an_unknown_question_is_refused_and_nothing_stored(store, mark):
    with pytest.raises(UnknownQuestionError, match="question 'zzz': there is none of that name"):
        mark(BANK, store, "zzz", NOON)
    assert events(store) == []


def test_a_note_has_its_limit_and_must_be_text_that_can_be_stored(store):
    marks.set_note(BANK, store, "a", "字" * 10_000, NOON)
    with pytest.raises(UsageError, match=r"^note: expected at most 10,000 characters; found 10,001\.$"):
        marks.set_note(BANK, store, "a", "字" * 10_001, NOON)
    with pytest.raises(UsageError, match=r"^note: expected a value that JSON can hold; found '\\udcff'"):
        marks.set_note(BANK, store, "a", "\udcff", NOON)
    assert marks.marks(BANK, store, NOON)["a"].note == "字" * 10_000


def test_a_suspended_question_waits_until_it_is_brought_back(store):
    learn(store, "a")
    marks.suspend(BANK, store, "a", NOON)
    assert "a" not in study.due(BANK, store, NOON + 30 * DAY).next
    marks.unsuspend(BANK, store, "a", NOON + 30 * DAY)
    assert study.due(BANK, store, NOON + 30 * DAY).due == 1


def test_a_buried_question_is_left_out_until_the_learners_next_day(store):
    learn(store, "a", NOON - 30 * DAY)
    marks.bury(BANK, store, "a", NOON)
    marks.bury(BANK, store, "b", NOON)
    assert study.due(BANK, store, NOON).next == ("c", "d", "e", "f")
    forecast = dict(study.progress(BANK, store, NOON).forecast)
    assert (forecast[NOON.date()], forecast[NOON.date() + DAY]) == (0, 1)
    night = datetime(2026, 3, 3, 3, 59, tzinfo=UTC)
    assert marks.marks(BANK, store, night) == {"a": Marks(buried=True), "b": Marks(buried=True)}
    assert "a" not in study.due(BANK, store, night).next
    assert marks.marks(BANK, store, night + MINUTE) == {}
    assert study.due(BANK, store, night + MINUTE).due == 1
    assert set(study.due(BANK, store, night + MINUTE).next) == set("abcdef")
    marks.bury(BANK, store, "a", night + MINUTE)  # on the next day anew
    assert study.due(BANK, store, night + MINUTE).due == 0


def test_a_step_of_minutes_can_be_buried_too(store):
    answer(store, "a", Rating.Again)
    marks.bury(BANK, store, "a", NOON)
    assert asked(BANK, store, NOON + MINUTE, skip=tuple("bcdef")) is None
    assert asked(BANK, store, NOON + DAY, skip=tuple("bcdef")) == "a"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
@pytest.mark.parametrize("hour", [0, 4, 23])
def test_burying_ends_at_the_rollover_wherever_the_learner_is(store, zone, hour):
    study.set_setting(store, "timezone", zone, NOON)
    study.set_setting(store, "rollover_hour", hour, NOON)
    days = study.settings(store).days
    today = days.day(NOON)
    for at in (days.start(today), days.start(today + DAY) - timedelta(microseconds=1)):
        marks.bury(BANK, store, "a", at)
        assert marks.marks(BANK, store, at)["a"].buried
        marks.unbury(BANK, store, "a", at)
        assert marks.marks(BANK, store, at) == {}
        marks.bury(BANK, store, "a", at)
    assert marks.marks(BANK, store, days.start(today + DAY)) == {}


def test_a_plan_leaves_out_what_is_buried_and_still_counts_it_for_the_day_of_the_interview(store):
    study.set_setting(store, "interview_date", NOON.date() + 3 * DAY, NOON)
    before = study.plan(BANK, store, NOON)
    buried = before.next[0]
    marks.bury(BANK, store, buried, NOON)
    after = study.plan(BANK, store, NOON)
    assert buried not in after.next
    assert after.interviews == before.interviews
    assert study.plan(BANK, store, NOON + DAY).next.count(buried) == 1


def test_a_demo_run_is_stored_once_a_day_and_counted_by_days(store):
    assert marks.demos_run(store) == {}
    for hours in (0, 1, 30, 31):
        marks.note_demo_run(store, "softmax_saturation", NOON + timedelta(hours=hours))
    marks.note_demo_run(store, "gqa_kv_cache", NOON - DAY)
    assert marks.demos_run(store) == {
        "softmax_saturation": DemoRuns(2, date(2026, 3, 3)),
        "gqa_kv_cache": DemoRuns(1, date(2026, 3, 1)),
    }
    assert [value for _, _, value in events(store)] == ['"2026-03-02"', '"2026-03-03"', '"2026-03-01"']


# Merging: what each of two computers decides, in any order

NOW = NOON + 2000 * DAY
decisions = st.sampled_from(
    [
        marks.suspend,
        marks.unsuspend,
        marks.flag,
        marks.unflag,
        marks.bury,
        marks.unbury,
        study.know,
        lambda bank, store, slug, now: marks.set_note(bank, store, slug, slug, now),
        lambda bank, store, slug, now: marks.set_note(bank, store, slug, None, now),
        lambda bank, store, slug, now: answer(store, slug, Rating.Again, now),
        lambda bank, store, slug, now: study.undo(store, now),
        lambda bank, store, slug, now: marks.note_demo_run(store, f"demo_{slug}", now),
    ]
)
histories = st.lists(st.tuples(decisions, st.sampled_from("ab"), st.integers(-1000, 3000)), max_size=10)


@pytest.fixture(scope="module", name="new_store")
def new_store_fixture() -> Iterator[Callable[[], Store]]:
    with quick_folder() as folder:
        yield partial(small_bank.new_store, folder)


def play(store: Store, history) -> Store:
    at = NOON
    for decide, slug, minutes in history:
        at += timedelta(minutes=minutes)
        decide(BANK, store, slug, at)
    return store


def union(new_store, *stores: Store) -> Store:
    into = new_store()
    for store in stores:
        merge(into, store.path, NOW)
    return into


def content(store: Store) -> tuple:
    """What is known of the learner, whatever the order of rows."""
    study.rebuild(BANK, store)
    with store.reading() as transaction:
        log = [list(transaction.log.raw(f"SELECT * FROM {table} ORDER BY id")) for table in ("reviews", "events")]
        cards = list(transaction.cards.all())
    known = [marks.marks(BANK, store, NOON + offset * DAY) for offset in range(3)]
    return log, cards, known, marks.demos_run(store), study.progress(BANK, store, NOON)


@effort(max_examples=30, deadline=None)
@given(first=histories, second=histories, third=histories)
def test_merging_marks_and_what_was_known_is_commutative_associative_and_idempotent(new_store, first, second, third):
    a, b, c = (play(new_store(), history) for history in (first, second, third))
    whole = content(union(new_store, a, b, c))
    assert content(union(new_store, c, b, a)) == whole
    assert content(union(new_store, union(new_store, a, b), c)) == whole
    assert content(union(new_store, a, union(new_store, b, c))) == whole
    assert content(union(new_store, a, a, b, c, b, a)) == whole


@effort(max_examples=30, deadline=None)
@given(history=histories)
def test_cards_kept_up_equal_those_rebuilt_with_marks_and_what_was_known(new_store, history):
    store = play(new_store(), history)
    with store.reading() as transaction:
        kept = list(transaction.cards.all())
    study.rebuild(BANK, store)
    with store.reading() as transaction:
        assert list(transaction.cards.all()) == kept


# The commands


def test_the_commands_mark_a_question_and_say_so(kb: Kb) -> None:
    assert kb("suspend", SLUG, "--reason", "known by heart").out == f"{SLUG}: suspended\n"
    assert kb("due", "--json").json["new"] == 0
    assert [row["id"] for row in kb("list", "--suspended", "--json").json] == [SLUG]
    assert kb("unsuspend", SLUG).out == f"{SLUG}: is asked again\n"
    assert kb("list", "--suspended", "--json").json == kb("list", "--flagged", "--json").json == []
    assert kb("flag", SLUG).out == f"{SLUG}: flagged\n"
    assert [row["id"] for row in kb("list", "--flagged", "--json").json] == [SLUG]
    assert kb("unflag", SLUG).out == f"{SLUG}: no flag\n"
    assert kb("bury", SLUG).out == f"{SLUG}: put off until tomorrow\n"
    assert kb("unbury", SLUG).out == f"{SLUG}: may be asked today\n"
    assert len(kb("list", "--json").json) == 1


def test_the_command_note_writes_prints_and_takes_away(kb: Kb) -> None:
    nothing = kb("note", SLUG)
    assert (nothing.out, nothing.err) == ("", f"{SLUG}: no note\n")
    assert kb("note", SLUG, "see {braces} 与 notes").out == f"{SLUG}: noted\n"
    assert kb("note", SLUG).out == "see {braces} 与 notes\n"
    assert [row["id"] for row in kb("list", "--noted", "--json").json] == [SLUG]
    assert kb("note", SLUG, "--delete").out == f"{SLUG}: note taken away\n"
    assert kb("list", "--noted", "--json").json == []
    both = kb("note", SLUG, "text", "--delete")
    assert (both.code, both.err.splitlines()[-1]) == (2, "Error: give TEXT or --delete, not both.")


@pytest.mark.parametrize(
    ("command", "marked"),
    [
        (("suspend", SLUG, "--reason", "why"), {"suspended": True, "reason": "why"}),
        (("unsuspend", SLUG), {}),
        (("flag", SLUG), {"flagged": True}),
        (("unflag", SLUG), {}),
        (("note", SLUG, "text"), {"note": "text"}),
        (("note", SLUG), {}),
        (("note", SLUG, "--delete"), {}),
        (("bury", SLUG), {"buried": True}),
        (("unbury", SLUG), {}),
    ],
)
def test_each_command_prints_the_marks_as_json(kb: Kb, command: tuple[str, ...], marked: dict) -> None:
    none = {"suspended": False, "reason": None, "flagged": False, "note": None, "buried": False}
    assert kb(*command, "--json").json == {"question": SLUG, **none, **marked}


@pytest.mark.parametrize("command", ["suspend", "unsuspend", "flag", "unflag", "note", "bury", "unbury", "know"])
def test_each_command_says_in_one_sentence_that_it_knows_no_such_question(kb: Kb, command: str) -> None:
    done = kb(command, "zzz", "--json")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("kb: question 'zzz': there is none of that name")
