"""The store: what is written stays, cards are the fold of the log, and logs merge in any order."""

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import small_bank
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from small_bank import NOON, bank_of, question, quick_folder
from sqlite_utils import Database

from kb import study
from kb.migrations import migrations
from kb.paths import content_path, database_path
from kb.rating import Rating
from kb.scheduling import Review, Scheduler
from kb.store import APPLICATION_ID, SCHEMA_VERSION, Store

BANK = bank_of(question("a"), question("b"), question("c", formerly=("old-c",)))
OLD_BANK = bank_of(question("a"), question("b"), question("old-c"))
EFFORT = effort(max_examples=40)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "data" / "progress.db")


def answer(store: Store, slug: str, rating: Rating = Rating.Good, now: datetime = NOON, bank=BANK, **keys):
    """One answer through the study API."""
    attempt = study.start_attempt(bank.question(slug), now, attempt_id=keys.pop("attempt_id", None))
    return study.submit(bank, store, attempt, rating, now, **keys)


def rows(store: Store, statement: str, *values) -> list[tuple]:
    """What another SQLite program sees."""
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(statement, values).fetchall()


def cards(store: Store) -> list:
    with store.reading() as transaction:
        return list(transaction.cards.all())


def test_the_first_use_makes_the_folder_and_a_database_that_is_ours(store):
    with store.reading():
        pass
    assert rows(store, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert rows(store, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(store, "PRAGMA journal_mode") == [("wal",)]


def test_the_schema_version_is_the_number_of_migrations(store):
    with store.reading():
        pass
    assert rows(store, "SELECT count(*) FROM _sqlite_migrations") == [(SCHEMA_VERSION,)]
    assert len(migrations.pending(Database(memory=True))) == SCHEMA_VERSION


def test_a_commit_waits_for_the_disk(store):
    with store.reading() as transaction:
        connection = transaction.log._connection
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)


@pytest.mark.parametrize("table", ["reviews", "events"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET origin = 'x'", "DELETE FROM {}"])
def test_the_log_refuses_to_be_changed(store, table, statement):
    answer(store, "a")
    study.set_setting(store, "new_per_day", 3, NOON)
    with (
        closing(sqlite3.connect(store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match=f"^{table} are only ever added$"),
    ):
        connection.execute(statement.format(table))


def test_replacing_a_row_of_the_log_leaves_the_first(store):
    first = answer(store, "a", Rating.Good)
    columns = "kind, question, revision, reviewed_at, ordered_at, day, origin"
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(
            f"INSERT OR REPLACE INTO reviews (id, rating, {columns}) SELECT id, 1, {columns} FROM reviews"
        )
    assert rows(store, "SELECT id, rating FROM reviews") == [(first.review_id, 3)]


def test_the_log_takes_no_review_without_a_rating(store):
    answer(store, "a")
    columns = "kind, question, revision, reviewed_at, ordered_at, day, origin"
    for rating in ("NULL", "0", "5", "2.5", "'good'"):
        with closing(sqlite3.connect(store.path)) as connection, pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            connection.execute(
                f"INSERT INTO reviews (id, rating, {columns}) SELECT 'x', {rating}, {columns} FROM reviews"
            )


def test_everything_about_an_answer_is_in_the_log(store):
    at = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
    answer(store, "a", Rating.Hard, at, answer=[1], correct=False, prediction=0.5, duration_s=2.25, device="cpu")
    columns = (
        "kind, question, revision, rating, reviewed_at, day, duration_ms, answer, params, prediction, correct, device"
    )
    assert rows(store, f"SELECT {columns} FROM reviews") == [
        ("review", "a", 1, 2, "2026-03-02T12:00:00.000005+00:00", "2026-03-02", 2250, "[1]", None, "0.5", 0, "cpu")
    ]
    assert rows(store, "SELECT origin FROM reviews") == rows(store, "SELECT value FROM meta WHERE key = 'origin'")


# The fold. A history is a list of steps; each answers or takes back, after some time or with the clock set back.
ratings = st.sampled_from(Rating)
waits = st.integers(-3 * 24 * 60, 40 * 24 * 60) | st.integers(0, 30)
steps = st.tuples(st.sampled_from(["a", "b", "old-c"]), ratings, waits, st.booleans())
histories = st.lists(steps, max_size=12)


def play(store: Store, history, bank=OLD_BANK) -> None:
    at = NOON
    for slug, rating, minutes, take_back in history:
        at += timedelta(minutes=minutes)
        answer(store, slug, rating, at, bank)
        if take_back:
            study.undo(store, at)


@pytest.fixture(scope="module", name="new_store")
def _new_store() -> Iterator[Callable[[], Store]]:
    """Makes stores with nothing in them."""
    with quick_folder() as folder:
        yield partial(small_bank.new_store, folder)


@EFFORT
@given(history=histories)
def test_cards_kept_up_answer_by_answer_equal_those_rebuilt_from_the_log(new_store, history):
    store = new_store()
    play(store, history)
    kept = cards(store)
    assert study.rebuild(OLD_BANK, store) == len(kept)
    assert cards(store) == kept


@EFFORT
@given(history=histories)
def test_a_renamed_question_has_the_card_it_would_have_had_under_its_new_name(new_store, history):
    renamed, named_so_before = new_store(), new_store()
    play(renamed, history)
    play(named_so_before, [("c" if slug == "old-c" else slug, *rest) for slug, *rest in history], BANK)
    study.due(BANK, renamed, NOON)
    # the day it comes back was chosen within its range under the name it had then
    assert [replace(card, due_on=None) for card in cards(renamed)] == [
        replace(card, due_on=None) for card in cards(named_so_before)
    ]


def merged(new_store, *stores: Store) -> Store:
    result = new_store()
    for store in stores:
        result.merge_from(store.path)
    return result


def content(store: Store) -> tuple:
    """The log without the order of rows, and the cards under the present scheduler."""
    study.rebuild(BANK, store)
    log = rows(store, "SELECT * FROM reviews ORDER BY id"), rows(store, "SELECT * FROM events ORDER BY id")
    return *log, cards(store), study.settings(store)


@effort(max_examples=15)
@given(first=histories, second=histories, third=histories, limit=st.integers(0, 9))
def test_merging_is_commutative_associative_and_idempotent(new_store, first, second, third, limit):
    a, b, c = new_store(), new_store(), new_store()
    for store, history in ((a, first), (b, second), (c, third)):
        play(store, history)
    study.set_setting(a, "new_per_day", limit, NOON)
    study.set_setting(b, "new_per_day", limit + 1, NOON)
    b.merge_from(a.path)  # so that b's undos can meet a's reviews
    study.undo(b, NOON)
    left_first = merged(new_store, merged(new_store, a, b), c)
    right_first = merged(new_store, a, merged(new_store, b, c))
    backwards = merged(new_store, c, b, a)
    twice = merged(new_store, a, b, c, a, b, c)
    assert content(left_first) == content(right_first) == content(backwards) == content(twice)


def test_merging_says_how_much_was_new_and_leaves_the_other_as_it_was(new_store):
    here, there = new_store(), new_store()
    answer(here, "a")
    answer(there, "b")
    answer(there, "c", Rating.Again)
    before = there.path.read_bytes()
    assert here.merge_from(there.path) == 2
    assert here.merge_from(there.path) == 0
    assert there.path.read_bytes() == before
    assert {card.question for card in cards_of(here)} == {"a", "b", "c"}


def cards_of(store: Store) -> list:
    study.due(BANK, store, NOON)
    return cards(store)


def test_undo_takes_back_what_was_answered_here_and_not_what_was_merged_in(new_store):
    here, there = new_store(), new_store()
    mine = answer(here, "a")
    answer(there, "b", now=NOON + timedelta(days=1))
    here.merge_from(there.path)
    assert study.undo(here, NOON).review_id == mine.review_id
    assert study.undo(here, NOON) is None


def test_cards_are_made_anew_when_the_scheduler_changes_and_only_then(new_store):
    store = new_store()
    answer(store, "a", Rating.Easy)
    with store.writing() as transaction:
        transaction.cards.put(replace(transaction.cards.get("a"), stability=1234.0))
    study.due(BANK, store, NOON)
    assert cards(store)[0].stability == 1234
    study.set_setting(store, "desired_retention", 0.8, NOON)
    study.due(BANK, store, NOON)
    assert cards(store)[0].stability < 100


def test_an_answer_takes_sqlite_as_many_steps_with_many_cards_as_with_few(new_store):
    """Counts SQLite's own steps rather than time, which other processes disturb."""
    costs = []
    for size in (100, 5000):
        store = new_store()
        with store.writing() as transaction:
            now = Review(rating=Rating.Good, reviewed_at=NOON, day=NOON.date(), ordered_at=NOON)
            card = Scheduler().review("q", None, now)
            for index in range(size):
                transaction.cards.put(replace(card, question=f"q{index}"))
        study.due(BANK, store, NOON)
        with store.writing() as transaction:
            ticks = []
            transaction.log._connection.set_progress_handler(lambda ticks=ticks: ticks.append(1), 10)
            transaction.log.find("x")
            transaction.log.last_answer()
            next(transaction.cards.learning(None, NOON), None)
            transaction.cards.introduced(NOON.date())
            transaction.cards.put(replace(card, question="q7", reviews=2))
        costs.append(len(ticks))
    assert costs[1] <= costs[0] * 1.3


def test_finding_what_is_due_is_an_index_lookup(store):
    with store.reading() as transaction:
        asked = []
        transaction.log._connection.set_trace_callback(asked.append)
        list(transaction.cards.due(NOON.date()))
        list(transaction.cards.learning(None, NOON))
        transaction.cards.introduced(NOON.date())
        transaction.log._connection.set_trace_callback(None)
        plans = [transaction.log._execute(f"EXPLAIN QUERY PLAN {each}").fetchall()[0][-1] for each in asked]
    assert len(plans) == 3
    assert all(plan.startswith("SEARCH cards USING COVERING INDEX") for plan in plans)


def _answer_often(path: str, first: int, number: int) -> None:
    """One of several processes that answer at once."""
    store = Store(path)
    for index in range(first, first + number):
        answer(
            store,
            "abc"[index % 3],
            Rating(index % 4 + 1),
            NOON + timedelta(minutes=index),
            attempt_id=f"attempt-{index}",
        )


def test_processes_that_make_the_database_and_answer_at_once_lose_nothing(tmp_path):
    path = tmp_path / "new" / "progress.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_answer_often, args=(str(path), first, 40)) for first in (0, 30)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    store = Store(path)
    stored = {review_id for (review_id,) in rows(store, "SELECT id FROM reviews")}
    assert stored == {f"attempt-{index}" for index in range(70)}
    assert rows(store, "PRAGMA integrity_check") == [("ok",)]
    kept = cards(store)
    study.rebuild(BANK, store)
    assert cards(store) == kept


def test_the_database_is_where_the_learner_says(monkeypatch, tmp_path):
    monkeypatch.setenv("KB_DB", str(tmp_path / "mine.db"))
    monkeypatch.setenv("KB_CONTENT", str(tmp_path))
    assert database_path() == tmp_path / "mine.db"
    assert database_path("other.db") == Path("other.db")
    assert content_path() == tmp_path


def test_without_a_word_the_database_is_among_the_users_data_and_the_bank_beside_the_package(monkeypatch):
    monkeypatch.setenv("KB_DB", "")
    monkeypatch.delenv("KB_CONTENT", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert database_path().name == "progress.db"
    assert database_path().parent.name == "livecards"
    assert content_path() == Path(__file__).parents[1] / "content"
