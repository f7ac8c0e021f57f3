"""What can go wrong with the file, the disk and the process: each gives one sentence, and no acknowledged answer is lost."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, question

from kb import study
from kb.errors import CorruptDatabaseError, KbError, NewerDatabaseError, StoreError, StoreUnavailableError
from kb.rating import Rating
from kb.restoring import restore
from kb.store import SCHEMA_VERSION, Store

ROOT = Path(__file__).parents[1]
BANK = bank_of(*(question(f"q{index}") for index in range(5)))
NOBODY = 65534


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "progress.db", timeout_s=0.2)


def answer(store: Store, index: int = 0, now=NOON, attempt_id: str | None = None) -> study.Reviewed:
    attempt = study.start_attempt(BANK.question(f"q{index % 5}"), now, attempt_id=attempt_id)
    return study.submit(BANK, store, attempt, Rating.Good, now)


def stored(path: Path) -> list[str]:
    """The ids of the answers in a database that passes SQLite's check, in the order of their arrival."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [review_id for (review_id,) in connection.execute("SELECT id FROM reviews ORDER BY rowid")]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Gives up the rights of root, who may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder(tmp_path) -> Iterator[Path]:
    """A folder that can be read and not written; its parents can be passed through."""
    folder = tmp_path / "locked"
    folder.mkdir()
    passed = [each for each in (*folder.parents, folder) if each.stat().st_uid == os.getuid() and each != Path("/")]
    before = {each: each.stat().st_mode for each in passed}
    for each in passed:
        each.chmod(before[each] | 0o555)
    folder.chmod(0o555)
    yield folder
    for each in reversed(passed):
        each.chmod(before[each])


def test_a_folder_in_the_place_of_the_database(tmp_path):
    with pytest.raises(StoreUnavailableError) as error:
        answer(Store(tmp_path))
    assert str(error.value) == (
        f"{tmp_path}: expected a database file; found a folder.\n    Fix: name a file in it instead."
    )


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "progress.db"
    with pytest.raises(
        StoreUnavailableError, match=r"the folder for the database cannot be made: .*\.\n    Fix: choose"
    ):
        answer(Store(path))
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_that_cannot_be_made(locked_folder):
    with as_nobody(), pytest.raises(StoreUnavailableError, match="cannot be made: Permission denied"):
        answer(Store(locked_folder / "new" / "progress.db"))


def test_a_folder_that_cannot_be_written(locked_folder):
    with as_nobody(), pytest.raises(StoreUnavailableError) as error:
        answer(Store(locked_folder / "progress.db"))
    assert str(error.value) == (
        f"{locked_folder / 'progress.db'}: the database or its folder cannot be written, so nothing was stored"
        " (unable to open database file).\n    Fix: allow writing there, or name another place with KB_DB or --db."
    )


def test_a_database_that_may_only_be_read(store, locked_folder):
    path = locked_folder / "progress.db"
    answer(store)
    path.write_bytes(store.path.read_bytes())
    path.chmod(0o444)
    with as_nobody(), pytest.raises(StoreUnavailableError, match="cannot be written, so nothing was stored"):
        answer(Store(path), 1)
    assert len(stored(path)) == 1


def test_a_database_of_a_newer_version_is_left_alone(store):
    answer(store)
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(NewerDatabaseError) as error:
        answer(store, 1)
    assert str(error.value) == (
        f"{store.path}: expected a database of version {SCHEMA_VERSION} or older; found version {SCHEMA_VERSION + 1}.\n"
        "    Fix: update Livecards, or name another database with KB_DB or --db."
    )
    assert len(stored(store.path)) == 1


@pytest.mark.parametrize("version", [0, 7])
def test_a_database_of_another_program_is_left_alone(store, version):
    with closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(f"CREATE TABLE theirs (x); PRAGMA user_version = {version};")
    before = store.path.read_bytes()
    with pytest.raises(StoreUnavailableError, match="expected a database of Livecards; found one of another program"):
        answer(store)
    assert store.path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_in_place(store):
    store.path.write_text("Dear diary, " * 100)
    with pytest.raises(CorruptDatabaseError) as error:
        answer(store)
    assert str(error.value) == (
        f"{store.path}: not a database, or a damaged one (file is not a database); it was left as it is.\n"
        "    Fix: there is no sound backup beside it; move it to another folder to begin anew, or name another database"
        " with KB_DB or --db."
    )
    assert store.path.read_text() == "Dear diary, " * 100


def overwrite(path: Path, kept: int = 0) -> None:
    """Puts noise in the place of everything after the first bytes."""
    data = path.read_bytes()
    path.write_bytes(data[:kept] + random.Random(1).randbytes(len(data) - kept))


@pytest.mark.parametrize("kept", [0, 100, 4096])
def test_a_damaged_database_is_left_in_place_and_the_newest_backup_offered(store, kept):
    answer(store)
    answer(store, 1, NOON + timedelta(days=1))
    overwrite(store.path, kept)
    before = store.path.read_bytes()
    with pytest.raises(CorruptDatabaseError) as error:
        answer(store, 2)
    backup = store.path.parent / "backups" / "progress-2026-03-03.db"
    assert f"Fix: `kb restore {backup}` puts the newest sound backup in its place" in str(error.value)
    assert store.path.read_bytes() == before
    assert len(stored(backup)) == 2


def test_following_the_advice_brings_the_answers_back(store):
    first = answer(store)
    overwrite(store.path)
    with pytest.raises(CorruptDatabaseError):
        study.due(BANK, store, NOON)
    restore(store, store.path.parent / "backups" / "progress-2026-03-02.db", NOON)
    second = answer(store, 1)
    assert stored(store.path) == [first.review_id, second.review_id]


def test_an_emptied_database_does_not_pass_for_a_new_one_when_it_had_backups(store):
    answer(store)
    store.path.write_bytes(b"")
    with pytest.raises(CorruptDatabaseError, match="the file is empty, and there are backups of it"):
        answer(store)
    assert store.path.read_bytes() == b""


def test_a_database_held_by_another_program_past_the_timeout(store):
    answer(store)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert study.due(BANK, store, NOON).new == 4, "reading does not wait"
        with pytest.raises(StoreUnavailableError) as error:
            answer(store, 1)
        other.execute("ROLLBACK")
    assert str(error.value) == (
        f"{store.path}: locked by another program for more than 0.2 s, so nothing was stored.\n"
        "    Fix: close the program that holds it, and try again."
    )
    answer(store, 1)
    assert len(stored(store.path)) == 2


def test_a_disk_that_is_full_reports_the_answer_as_not_stored_and_takes_it_later(store, monkeypatch):
    answer(store)
    with closing(sqlite3.connect(store.path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connect = sqlite3.connect

    def on_a_full_disk(*args, **keys) -> sqlite3.Connection:
        connection = connect(*args, **keys)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    long_answer = "a page " * 5000
    attempt = study.start_attempt(BANK.question("q1"), NOON)
    monkeypatch.setattr(sqlite3, "connect", on_a_full_disk)
    with pytest.raises(StoreUnavailableError) as error:
        study.submit(BANK, store, attempt, Rating.Good, NOON, answer=long_answer)
    assert str(error.value) == (
        f"{store.path}: the disk is full, so nothing was stored.\n    Fix: free some space, and try again."
    )
    monkeypatch.undo()
    assert attempt.attempt_id not in stored(store.path)
    assert study.submit(BANK, store, attempt, Rating.Good, NOON, answer=long_answer).duplicate is False
    assert attempt.attempt_id in stored(store.path)


LIMITED = """
import resource, sys
sys.path[:0] = [{tests!r}]
from test_store_faults import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
answer(Store(sys.argv[1]), 0)
for index in range(1, 1000):
    attempt = study.start_attempt(BANK.question("q1"), NOON)
    try:
        study.submit(BANK, Store(sys.argv[1]), attempt, Rating.Good, NOON, answer="x" * 20000)
    except StoreError as error:
        print(attempt.attempt_id, error)
        break
    print(attempt.attempt_id)
"""


def test_a_file_that_may_not_grow_reports_the_answer_as_not_stored_and_keeps_the_ones_before(tmp_path):
    path = tmp_path / "progress.db"
    code = LIMITED.format(tests=str(ROOT / "tests"), limit=400_000)
    run = subprocess.run(
        [sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    *accepted, (refused, message) = (line.split(" ", 1) for line in run.stdout.split("\n    Fix:")[0].splitlines())
    assert len(accepted) > 5
    assert message.startswith(f"{path}: the disk failed or has no room left, so nothing was stored (")
    assert stored(path)[1:] == [attempt_id for (attempt_id,) in accepted]
    assert refused not in stored(path)


WORKER = """
import sys
sys.path[:0] = [{tests!r}]
from test_store_faults import *
store = Store(sys.argv[1])
for index in range(int(sys.argv[2]), 10**6):
    answer(store, index, NOON + timedelta(minutes=index), attempt_id=str(index))
    os.write(1, f"{{index}}\\n".encode())
"""


def test_a_process_killed_at_random_points_loses_no_acknowledged_answer(tmp_path):
    path = tmp_path / "progress.db"
    code = WORKER.format(tests=str(ROOT / "tests"))
    moment = random.Random(7)
    acknowledged: list[str] = []
    for _ in range(20):
        start = str(int(acknowledged[-1]) + 1 if acknowledged else 0)
        with subprocess.Popen([sys.executable, "-c", code, path, start], cwd=ROOT, stdout=subprocess.PIPE) as worker:
            heard = worker.stdout.readline()  # it has started, and answers as fast as it can
            try:
                worker.wait(moment.random() * 0.05)
            except subprocess.TimeoutExpired:
                worker.send_signal(signal.SIGKILL)
            heard += worker.stdout.read()
        assert worker.returncode == -signal.SIGKILL
        acknowledged += heard.decode().split("\n")[:-1]
        ids = stored(path)
        assert len(ids) == len(set(ids))
        assert set(acknowledged) <= set(ids)
        assert len(ids) <= len(acknowledged) + 20, "at most one answer for each kill is stored and not acknowledged"
    store = Store(path)
    with store.reading() as transaction:
        kept = list(transaction.cards.all())
    study.rebuild(BANK, store)
    with store.reading() as transaction:
        assert list(transaction.cards.all()) == kept


def test_merging_a_file_that_is_not_there_changes_nothing(store, tmp_path):
    answer(store)
    missing = tmp_path / "missing.db"
    with pytest.raises(StoreUnavailableError, match=r"missing\.db: expected a database to merge; found no file"):
        store.merge_from(missing)
    assert not missing.exists()


def test_merging_a_damaged_file_names_it_and_changes_nothing(store, tmp_path):
    answer(store)
    other = Store(tmp_path / "other.db")
    for index in range(5):
        answer(other, index, NOON + timedelta(minutes=index))
    overwrite(other.path, 4096)
    before = stored(store.path)
    with pytest.raises(CorruptDatabaseError, match=r"other\.db: not a database, or a damaged one"):
        store.merge_from(other.path)
    assert stored(store.path) == before


def test_an_error_of_our_own_inside_a_transaction_leaves_nothing_behind(store):
    answer(store)

    def fail() -> None:
        with store.writing() as transaction:
            transaction.log.add_event("setting", NOON, name="new_per_day", value=3)
            raise KbError("in the middle")

    with pytest.raises(KbError, match="in the middle"):
        fail()
    assert study.settings(store).new_per_day == 10


def test_every_fault_is_an_error_that_a_shell_catches():
    assert issubclass(StoreError, KbError)
    assert {StoreUnavailableError, CorruptDatabaseError, NewerDatabaseError} <= set(StoreError.__subclasses__())
