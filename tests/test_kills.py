"""A real process killed at random points, hundreds of times: what it had acknowledged is there once, and the file is sound.

The process answers, takes back, sets, copies, syncs and merges as fast as it can; it is a fork,
so that starting it costs nothing.
"""

import os
import random
import select
import signal
import sqlite3
import tempfile
import time
import traceback
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, new_store, question

from kb import study
from kb.backups import back_up_by_hand, copies, copy_to
from kb.doctor import KINDS, examine
from kb.merging import merge
from kb.rating import Rating
from kb.restoring import restore
from kb.store import Store
from kb.sync import sync

BANK = bank_of(*(question(f"q{index}") for index in range(5)))
LATER = NOON + timedelta(days=3000)
LONGEST_S = 0.1
KILLS = 300

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_litter(tmp_path, monkeypatch):
    """Has temporary folders, which a killed process cannot remove, made where the test's own files are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def killed_after(work, meanwhile) -> list[str]:
    """The lines that this work had written to its pipe when it was killed, a while after the first had arrived."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            work(lambda line: os.write(writer, f"{line}\n".encode()))
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(1)
    os.close(writer)
    heard = b""
    try:
        assert select.select([reader], [], [], 60)[0], "it never began"
        meanwhile()
        os.kill(child, signal.SIGKILL)
        while chunk := os.read(reader, 65536):
            heard += chunk
    finally:
        os.close(reader)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return heard.decode().split("\n")[:-1]


def ids(path: Path) -> Counter:
    """The rows of the log in a database that passes SQLite's check."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            return Counter()  # it was killed before the tables were made, all of which are made at once
        rows = connection.execute("SELECT id FROM reviews UNION ALL SELECT id FROM events").fetchall()
    return Counter(row_id for (row_id,) in rows)


def answer(store: Store, index: int) -> str:
    at = NOON + timedelta(minutes=index)
    attempt = study.start_attempt(BANK.question(f"q{index % 5}"), at, attempt_id=f"attempt-{index}")
    return study.submit(BANK, store, attempt, Rating(index % 4 + 1), at).review_id


@pytest.mark.parametrize("keep_open", [False, True])
def test_answers_withdrawals_settings_copies_and_syncs_survive_every_kill(tmp_path, keep_open):
    store = Store(tmp_path / "progress.db", keep_open=keep_open)
    shared = tmp_path / "shared"
    shared.mkdir()
    other = new_store(tmp_path)
    moment = random.Random(11)
    acknowledged: list[str] = []
    given = 0

    def work(tell) -> None:
        source = random.Random(given)
        tell("begun")
        for index in range(given, given + 10**6):
            tell(answer(store, index))
            at = NOON + timedelta(minutes=index)
            match source.randrange(12):
                case 0:
                    tell(f"undone {study.undo(store, at).review_id}")
                case 1:
                    study.set_setting(store, "desired_retention", 0.8 + index % 10 / 100, at)
                case 2:
                    sync(store, shared, LATER)
                case 3:
                    back_up_by_hand(store.path, at)
                case 4:
                    answer(other, 10**6 + index)
                    merge(store, other.path, LATER)

    for _ in range(KILLS // 2):
        heard = killed_after(work, lambda: time.sleep(moment.random() * LONGEST_S))[1:]
        acknowledged += heard
        given += sum(not line.startswith("undone ") for line in heard) + 1
        stored = ids(store.path) if store.path.exists() else Counter()
        assert set(stored.values()) <= {1}
        assert {line for line in acknowledged if not line.startswith("undone ")} <= stored.keys()
    assert len(acknowledged) > KILLS / 10, "it was killed while answering"
    with store.reading() as transaction:
        taken_back = {target for (target,) in transaction.log.raw("SELECT target FROM reviews WHERE kind = 'undo'")}
    assert {line.removeprefix("undone ") for line in acknowledged if line.startswith("undone ")} <= taken_back
    study.due(BANK, store, LATER)
    assert examine(BANK, store, LATER).counts == dict.fromkeys(KINDS, 0)
    assert all(copy.answers is not None for copy in copies(store.path)), "a copy under its own name is complete"
    assert ids(sync(store, shared, LATER).file) == ids(store.path)


def test_a_restore_killed_at_any_instant_leaves_the_old_or_the_new_and_keeps_the_rest(tmp_path):
    store = new_store(tmp_path)
    moment = random.Random(13)
    for index in range(40):
        answer(store, index)
    old_copy = copy_to(store.path, tmp_path / "old.db")
    for index in range(40, 80):
        answer(store, index)
    new_copy = copy_to(store.path, tmp_path / "new.db")
    both = [ids(old_copy), ids(new_copy)]
    seen: set[int] = set()

    def work(tell) -> None:
        for turn in range(10**6):
            restore(store, (old_copy, new_copy)[turn % 2], LATER + timedelta(seconds=turn))
            if turn == finished:
                tell("begun")

    for kill in range(KILLS // 3):
        finished = kill % 2  # so that both are seen however long one takes
        killed_after(work, lambda: time.sleep(moment.random() * LONGEST_S))
        stored = ids(store.path)
        assert stored in both
        seen.add(both.index(stored))
        kept = [path for path in store.path.parent.glob("progress-until-*") if path.name.endswith(".db")]
        assert all(ids(path) in both for path in kept)
        for path in store.path.parent.glob("progress-until-*"):
            path.unlink()
    assert seen == {0, 1}
    study.due(BANK, store, LATER)
    assert examine(BANK, store, LATER).sound


def test_two_processes_killed_while_both_answer_lose_nothing(tmp_path):
    store = Store(tmp_path / "progress.db", keep_open=True)
    moment = random.Random(17)
    acknowledged: list[str] = []

    def work(tell) -> None:
        """Answers in this process and in a child of it, which ends by itself when this one is gone."""
        first = os.getpid()
        is_second = os.fork() == 0
        tell("begun")
        for index in range(10**6):
            number = 2 * (len(acknowledged) + index) + is_second
            at = NOON + timedelta(minutes=number)
            attempt = study.start_attempt(BANK.question(f"q{number % 5}"), at)
            tell(study.submit(BANK, store, attempt, Rating.Good, at).review_id)
            if is_second and os.getppid() != first:
                return

    for _ in range(30):
        acknowledged += [
            line for line in killed_after(work, lambda: time.sleep(moment.random() * LONGEST_S)) if line != "begun"
        ]
        stored = ids(store.path)
        assert set(stored.values()) == {1}
        assert set(acknowledged) <= stored.keys()
    study.due(BANK, store, LATER)
    assert examine(BANK, store, LATER).counts == dict.fromkeys(KINDS, 0)


def test_answers_given_while_others_restore_are_in_the_database_or_in_what_was_kept(tmp_path):
    store = new_store(tmp_path)
    answer(store, 0)
    copy = copy_to(store.path, tmp_path / "copy.db")

    def work(tell) -> None:
        tell("begun")
        for index in range(1, 10**6):
            tell(answer(store, index))

    def restore_often() -> None:
        for turn in range(12):
            restore(store, copy, LATER + timedelta(seconds=turn))

    acknowledged = set(killed_after(work, restore_often)[1:])
    kept = list(store.path.parent.glob("progress-until-*.db"))
    assert len(kept) == 12
    assert len(acknowledged) > 5
    assert acknowledged <= set().union(ids(store.path), *map(ids, kept))
    assert examine(BANK, store, LATER).sound
