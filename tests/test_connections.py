"""A connection that is kept knows no more and no less than a new one, whatever others do to the file meanwhile."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from small_bank import NOON, bank_of, new_store, question, quick_folder

from kb import choosing, connections, marks, study
from kb.errors import NewerDatabaseError, UnknownQuestionError
from kb.rating import Rating
from kb.restoring import restore
from kb.scheduling import Review, Scheduler
from kb.store import SCHEMA_VERSION, Store

SLUGS = [f"q{index}" for index in range(6)]
BANK = bank_of(
    *(question(slug, difficulty=1 + index % 2, covers=(f"point-{index // 2}",)) for index, slug in enumerate(SLUGS)),
    question("c", requires=("q1",), formerly=("old-c",)),
    question("revised", revision=2),
)
OLD_BANK = bank_of(*(question(slug) for slug in (*SLUGS, "old-c", "revised")))
LATER = NOON + timedelta(days=4000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    kept = Store(tmp_path / "progress.db", keep_open=True)
    yield kept
    kept.close()


def answer(store: Store, slug: str, now=NOON, rating: Rating = Rating.Good, bank=BANK) -> str:
    attempt = study.start_attempt(bank.question(slug), now)
    return study.submit(bank, store, attempt, rating, now).review_id


def stored(path: Path) -> set[str]:
    """The ids of the answers, as another program reads them."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {review_id for (review_id,) in connection.execute("SELECT id FROM reviews")}


def seen(bank, store: Store, now) -> tuple:
    """What an operation reads."""
    attempt = study.next_attempt(bank, store, now)
    slug = SLUGS[0]
    return (
        study.due(bank, store, now),
        attempt and (attempt.question_id, attempt.changed),
        study.preview(bank, store, slug, now),
        study.settings(store),
        marks.marks(bank, store, now),
    )


hours = st.integers(-30, 24 * 40)
ops = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from([*SLUGS, "c", "revised"]), st.sampled_from(Rating)),
    st.tuples(st.just("old answer"), st.sampled_from(["old-c", "revised"]), st.sampled_from(Rating)),
    st.tuples(st.just("know"), st.sampled_from(SLUGS)),
    st.tuples(st.just("undo")),
    st.tuples(st.sampled_from(["suspend", "unsuspend", "bury", "flag"]), st.sampled_from(SLUGS)),
    st.tuples(
        st.just("set"), st.sampled_from(["new_per_day", "desired_retention"]), st.sampled_from(["0.8", "0.9", "3"])
    ),
    st.tuples(st.just("rebuild")),
)


def do(step: tuple, store: Store, now) -> None:
    match step:
        case "answer", slug, rating:
            answer(store, slug, now, rating)
        case "old answer", slug, rating:
            answer(store, slug, now, rating, OLD_BANK)
        case "know", slug:
            study.know(BANK, store, slug, now)
        case ("undo",):
            study.undo(store, now)
        case "set", "new_per_day", _:
            study.set_setting(store, "new_per_day", 2, now)
        case "set", name, value:
            study.set_setting(store, name, value if float(value) < 1 else None, now)
        case ("rebuild",):
            study.rebuild(BANK, store)
        case name, slug:
            getattr(marks, name)(BANK, store, slug, now)


@effort(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ops, hours, st.booleans()), max_size=14))
def test_what_a_kept_connection_remembers_is_what_a_new_one_reads(steps):
    with quick_folder() as folder:
        path = new_store(folder).path
        kept, fresh = Store(path, keep_open=True), Store(path)
        now = NOON
        for step, wait, by_another in steps:
            now += timedelta(hours=wait)
            do(step, fresh if by_another else kept, now)
            assert seen(BANK, kept, now) == seen(BANK, fresh, now)
        kept.close()


def test_an_answer_with_the_clock_set_back_changes_what_was_given_away_on_the_day_before_it(store):
    bank = bank_of(question("p", follow_ups=("z",)), question("z"), question("zz"))
    answer(store, "p", NOON, bank=bank)
    study.due(bank, store, NOON)
    answer(store, "p", NOON - timedelta(days=1), bank=bank)
    assert study.due(bank, store, NOON) == study.due(bank, Store(store.path), NOON)


def test_the_next_operation_of_any_store_of_the_path_has_the_same_connection(store):
    used = []
    for each in (store, store, Store(store.path, keep_open=True)):
        with each.reading() as transaction:
            used.append(transaction.log._connection)
    assert used[0] is used[1] is used[2]
    store.close()
    with store.reading() as transaction:
        assert transaction.log._connection is not used[0]


def test_a_closed_store_is_a_single_file(store):
    answer(store, "q0")
    assert store.path.with_name("progress.db-wal").exists()
    store.close()
    assert [each.name for each in store.path.parent.iterdir() if each.is_file()] == ["progress.db"]


def test_a_log_that_was_folded_back_leaves_the_file_complete_and_the_connection_usable(store, tmp_path):
    first = answer(store, "q0")
    kept = connections.take(str(store.path.absolute()), 5.0)
    assert kept is not None
    kept.settle()
    connections.give(str(store.path.absolute()), 5.0, kept)
    copy = tmp_path / "copy.db"
    copy.write_bytes(store.path.read_bytes())
    assert stored(copy) == {first}
    second = answer(store, "q1")
    assert stored(store.path) == {first, second}


def test_an_operation_that_fails_leaves_nothing_and_the_next_one_works(store):
    answer(store, "q0")

    def half_done() -> None:
        with store.writing() as transaction:
            transaction.log.add_event("suspend", NOON, question="q1")
            assert transaction.log.suspended() == {"q1"}
            BANK.question("no such")

    with pytest.raises(UnknownQuestionError):
        half_done()
    with store.reading() as transaction:
        assert transaction.log.suspended() == set()


def test_another_file_at_the_path_is_used_from_then_on(store, tmp_path):
    answer(store, "q0")
    other = new_store(tmp_path)
    theirs = answer(other, "q1")
    other.path.replace(store.path)
    ours = answer(store, "q2")
    assert stored(store.path) == {theirs, ours}


def test_a_file_that_was_removed_is_made_anew(store):
    answer(store, "q0")
    for each in ("", "-wal", "-shm"):
        store.path.with_name(f"progress.db{each}").unlink()
    shutil.rmtree(store.path.parent / "backups")
    again = answer(store, "q1")
    assert stored(store.path) == {again}


def test_a_database_that_another_program_brought_to_a_newer_version_is_left_alone(store):
    first = answer(store, "q0")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(NewerDatabaseError):
        answer(store, "q1")
    assert stored(store.path) == {first}


def test_a_restore_is_seen_at_once(store, tmp_path):
    first = answer(store, "q0")
    copy = store.back_up_by_hand(NOON, tmp_path / "copy.db")
    answer(store, "q1")
    restore(Store(store.path), copy, LATER)
    assert stored(store.path) == {first}
    third = answer(store, "q2")
    assert stored(store.path) == {first, third}


def test_threads_that_answer_at_once_lose_nothing(store):
    given: list[str] = []

    def work(start: int) -> None:
        each = Store(store.path, keep_open=True)
        given.extend(
            answer(each, SLUGS[index % 6], NOON + timedelta(minutes=index)) for index in range(start, start + 15)
        )

    threads = [threading.Thread(target=work, args=(15 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 90
    assert stored(store.path) == set(given)
    fresh = Store(store.path)
    assert study.due(BANK, store, LATER) == study.due(BANK, fresh, LATER)


def test_both_sides_of_a_fork_go_on(store):
    before = answer(store, "q0")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, "".join(answer(store, slug) for slug in SLUGS[1:]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    mine = {answer(store, "c", NOON + timedelta(minutes=index)) for index in range(5)}
    theirs = b""
    while chunk := os.read(reader, 4096):
        theirs += chunk
    os.close(reader)
    os.waitpid(child, 0)
    ids = {theirs[place : place + 32].decode() for place in range(0, len(theirs), 32)}
    assert len(ids) == 5
    assert stored(store.path) == {before, *mine, *ids}


def test_no_more_than_a_few_connections_are_kept(tmp_path):
    stores = [Store(tmp_path / f"{index}.db", keep_open=True) for index in range(connections.MOST_KEPT + 3)]
    for each in stores:
        study.settings(each)
    open_now = [each for each in stores if each.path.with_name(f"{each.path.name}-wal").exists()]
    assert open_now == stores[3:]
    for each in stores:
        each.close()


def test_the_next_question_and_its_answer_take_sqlite_as_many_steps_with_many_cards_due_as_with_few(tmp_path):
    """Counts SQLite's own steps rather than time, which other processes disturb."""
    costs = []
    for size in (60, 3000):
        bank = bank_of(*(question(f"q{index}") for index in range(size)))
        store = Store(new_store(tmp_path).path, keep_open=True)
        study.settings(store)
        with store.writing() as transaction:
            review = Review(rating=Rating.Good, reviewed_at=NOON, day=NOON.date(), ordered_at=NOON)
            card = Scheduler().review("q", None, replace(review, rating=Rating.Easy))
            for each in bank.questions:
                transaction.cards.put(replace(card, question=each))
            transaction.log.set_meta("signature", choosing.Fold(transaction, choosing.course_of(bank))._signature())
        ticks: list[int] = []
        for turn in range(6):
            attempt = study.next_attempt(bank, store, LATER + timedelta(minutes=turn))
            assert attempt is not None
            study.submit(bank, store, attempt, Rating.Good, LATER + timedelta(minutes=turn))
            if turn == 2:
                with store.reading() as transaction:
                    transaction.log._connection.set_progress_handler(lambda ticks=ticks: ticks.append(1), 5)
        costs.append(len(ticks))
        store.close()
    assert 0 < costs[1] <= 1.3 * costs[0]
