"""The doctor: each kind of fault is made, found and counted, and what is a fold of the log is made anew."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from bad_databases import damage
from cli_runner import Kb
from small_bank import NOON, bank_of, new_store, question

from kb import study
from kb.__main__ import main
from kb.doctor import KINDS, Report, examine, repair
from kb.errors import StoreUnavailableError
from kb.rating import Rating
from kb.store import Store

BANK = bank_of(question("a"), question("b"), question("c", formerly=("old-c",)))
OLD_BANK = bank_of(question("a"), question("b"), question("old-c"))
CHANGES = [
    "reviews_refuse_update",
    "reviews_refuse_delete",
    "events_refuse_update",
    "events_refuse_delete",
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A log with answers to three questions, one of them renamed since, and one answer taken back."""
    store = new_store(tmp_path)
    for minutes, slug in enumerate(("a", "b", "old-c", "a", "b")):
        at = NOON + timedelta(minutes=minutes)
        study.submit(OLD_BANK, store, study.start_attempt(OLD_BANK.question(slug), at), Rating.Good, at)
    study.undo(store, NOON + timedelta(minutes=9))
    study.set_setting(store, "new_per_day", 7, NOON)
    study.due(BANK, store, NOON)
    return store


def found(store: Store) -> dict[str, int]:
    """The kinds of fault found, and how often; what SQLite says beside them of the broken rule is left out."""
    counts = examine(BANK, store, NOON + timedelta(hours=1)).counts
    return {kind: count for kind, count in counts.items() if count and kind != "integrity"}


def test_a_database_in_use_is_sound_and_looking_changes_nothing(store):
    before = store.path.read_bytes()
    report = examine(BANK, store, NOON + timedelta(hours=1))
    assert report == Report(4, dict.fromkeys(KINDS, 0))
    assert report.sound
    assert report.repairable == []
    assert store.path.read_bytes() == before


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE cards SET stability = 99 WHERE question = 'a'"], {"wrong_cards": 1}),
        (["DELETE FROM cards"], {"wrong_cards": 3}),
        (["UPDATE cards SET question = 'd' WHERE question = 'c'"], {"wrong_cards": 2}),
        (["DELETE FROM reviews WHERE kind = 'undo'"], {"wrong_cards": 1}),
        (["UPDATE meta SET value = '' WHERE key = 'signature'"], {"stale_cards": 3}),
        (
            ["UPDATE reviews SET target = 'nothing' WHERE kind = 'undo'"],
            {"undos_of_unknown_reviews": 1, "wrong_cards": 1},
        ),
        (["UPDATE reviews SET rating = 5 WHERE question = 'a'"], {"impossible_ratings": 2}),
        (["UPDATE reviews SET rating = 2.5 WHERE question = 'old-c'"], {"impossible_ratings": 1}),
        (["UPDATE reviews SET rating = NULL WHERE question = 'old-c'"], {"impossible_ratings": 1}),
        (["UPDATE reviews SET reviewed_at = 'yesterday' WHERE question = 'a'"], {"unreadable_reviews": 2}),
        (["UPDATE reviews SET day = '2026-02-30' WHERE question = 'old-c'"], {"unreadable_reviews": 1}),
        (["UPDATE reviews SET answer = '[1' WHERE question = 'old-c'"], {"unreadable_reviews": 1}),
        (["UPDATE reviews SET kind = 'rumour' WHERE question = 'old-c'"], {"unreadable_reviews": 1}),
        (["UPDATE events SET value = '99999'"], {"unreadable_events": 1}),
        (["UPDATE events SET value = '{'"], {"unreadable_events": 1}),
        (["UPDATE events SET at = 'today'"], {"unreadable_events": 1}),
        (
            ["UPDATE events SET at = replace(at, '2026', '2036'), ordered_at = replace(ordered_at, '2026', '2036')"],
            {"dated_in_the_future": 1},
        ),
        (["UPDATE reviews SET question = 'gone' WHERE question = 'old-c'"], {"answers_to_unknown_questions": 1}),
    ],
)
def test_each_kind_of_fault_is_found_and_counted(store, statements, expected):
    damage(store, *statements)
    counts = found(store)
    if "answers_to_unknown_questions" in expected:  # its card goes with it
        counts.pop("wrong_cards", None)
        counts.pop("stale_cards", None)
    assert counts == expected


def test_an_answer_dated_in_the_future_is_found_unless_clocks_merely_differ(store):
    for days, count in ((0.9, 0), (1.5, 1)):
        at = NOON + timedelta(hours=1, days=days)
        study.submit(BANK, store, study.start_attempt(BANK.question("a"), at), Rating.Good, at)
        assert found(store).get("dated_in_the_future", 0) == count


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DROP TRIGGER {name}" for name in CHANGES),
        "DROP INDEX reviews_day",
        "DROP INDEX cards_due_day",
        "DROP VIEW answers",
    ],
)
def test_a_missing_trigger_index_or_view_is_found_and_made_anew(store, statement):
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(statement)
    assert found(store) == {"missing_triggers": 1}
    repair(BANK, store)
    assert examine(BANK, store, NOON + timedelta(hours=1)).counts == dict.fromkeys(KINDS, 0)


def test_a_trigger_that_does_something_else_is_found_and_made_anew(store):
    damage(store)
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TRIGGER reviews_refuse_delete")
        connection.execute("CREATE TRIGGER reviews_refuse_delete BEFORE DELETE ON reviews BEGIN SELECT 1; END")
    assert found(store) == {"missing_triggers": 1}
    repair(BANK, store)
    with (
        closing(sqlite3.connect(store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only ever added"),
    ):
        connection.execute("DELETE FROM reviews")


@pytest.mark.parametrize(
    "statement", ["UPDATE cards SET lapses = 9", "DELETE FROM cards", "UPDATE cards SET due_day = 1"]
)
def test_repairing_brings_the_cards_back_and_leaves_the_log_as_it_was(store, statement):
    with store.reading() as transaction:
        cards, log = list(transaction.cards.all()), list(transaction.log.raw("SELECT * FROM reviews"))
    damage(store, statement if "due_day" not in statement else f"{statement} WHERE due_at IS NULL")
    repair(BANK, store)
    with store.reading() as transaction:
        assert list(transaction.cards.all()) == cards
        assert list(transaction.log.raw("SELECT * FROM reviews")) == log


def test_what_the_log_itself_has_wrong_is_not_repaired(store):
    damage(store, "UPDATE reviews SET rating = 5 WHERE question = 'a'", "DROP INDEX reviews_day")
    report = examine(BANK, store, NOON + timedelta(hours=1))
    assert report.counts["integrity"] >= 2, "SQLite finds each rating that its rule forbids"
    assert not report.sound
    assert report.repairable == []


def test_a_damaged_file_is_reported_and_not_raised(store):
    data = store.path.read_bytes()
    store.path.write_bytes(data[:4096] + b"noise" * 2000 + data[14096:])
    report = examine(BANK, store, NOON)
    assert report.counts["integrity"] >= 1
    assert not report.sound
    assert str(report.damage).startswith(f"{store.path}: not a database, or a damaged one")


def test_a_missing_table_is_reported(store):
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TABLE cards")
    report = examine(BANK, store, NOON)
    assert str(report.damage) == f"{store.path}: a table is missing or different (no such table: cards)."


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StoreUnavailableError, match="expected a database to examine; found no file"):
        examine(BANK, Store(tmp_path / "no.db"), NOON)
    assert list(tmp_path.iterdir()) == []


def test_the_command_counts_repairs_and_ends_with_1_where_something_is_wrong(kb: Kb, tmp_path):
    slug = kb("list", "--json").json[0]["id"]
    kb("answer", slug, "--rating", "good")
    store = Store(tmp_path / "progress.db")
    kb("answer", slug, "--rating", "easy")
    kb("undo")
    assert kb("doctor").out == "Nothing is wrong; answers: 1\n"
    damage(store, "UPDATE cards SET stability = 99")
    told = kb("doctor")
    assert told.code == 1
    assert told.out.splitlines() == [
        "     1  cards that do not follow from their answers",
        "To make anew what follows from the log: kb doctor --repair",
    ]
    assert kb("doctor", "--repair").out.splitlines() == [
        "What follows from the log was made anew.",
        "Nothing is wrong; answers: 1",
    ]
    damage(store, "UPDATE cards SET stability = 99")
    repaired = kb("doctor", "--repair", "--json")
    assert repaired.json == {"sound": True, "repaired": True, "answers": 1, "counts": dict.fromkeys(KINDS, 0)}
    kb("stats")
    damage(store, "UPDATE reviews SET rating = 9")
    beyond = kb("doctor", "--repair")
    assert beyond.code == 1
    assert beyond.out.splitlines()[-1] == "To go back to a copy: kb backup --list, kb restore FILE"
    store.path.write_text("Dear diary")
    assert kb("doctor", "--json").json["counts"]["integrity"] == 1
    damaged = kb("doctor")
    assert damaged.code == 1
    assert "not a database, or a damaged one" in damaged.err


def test_the_command_works_where_the_settings_cannot_be_read(kb: Kb, bank, tmp_path, monkeypatch, capsys):
    slug = kb("list", "--json").json[0]["id"]
    kb("answer", slug, "--rating", "good")
    store = Store(tmp_path / "progress.db")
    study.set_setting(store, "language", "zh", NOON)
    damage(store, "UPDATE events SET value = '\"klingon\"'")
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(SystemExit) as ended:
        main(["--db", str(store.path), "--content", str(bank), "doctor"])
    assert ended.value.code == 1
    assert "     1  settings and other events that cannot be read" in capsys.readouterr().out.splitlines()
