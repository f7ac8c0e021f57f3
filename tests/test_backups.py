"""Copies of the database: made while it is used, checked, kept by rule, and put back without losing what is there."""

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from bad_databases import BAD_FILES, BAD_NAMES, other_program
from small_bank import NOON, bank_of, question

from kb import backups, restoring, study
from kb.__main__ import main
from kb.backups import HOURS, KEPT, MONTHS, back_up, back_up_by_hand, copies, copy_to, is_sound, newest_sound
from kb.errors import StoreUnavailableError, UsageError
from kb.rating import Rating
from kb.restoring import restore
from kb.store import Store

BANK = bank_of(question("a"), question("b"))
LATER = NOON + timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "progress.db", timeout_s=0.2)


def answer(store: Store, slug: str = "a", now: datetime = NOON) -> str:
    attempt = study.start_attempt(BANK.question(slug), now)
    return study.submit(BANK, store, attempt, Rating.Good, now).review_id


def ids(path: Path) -> list[str]:
    """The answers in a database that passes SQLite's check, in the order of their arrival."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [review_id for (review_id,) in connection.execute("SELECT id FROM reviews ORDER BY rowid")]


def names(store: Store) -> list[str]:
    return sorted(path.name for path in (store.path.parent / "backups").iterdir())


def written_at(path: Path, at: datetime) -> None:
    """Has the file system say that the file was last written then."""
    os.utime(path, (at.timestamp(), at.timestamp()))


def test_a_backup_is_made_once_a_day_and_the_newest_seven_are_kept(store):
    for offset in range(10):
        answer(store, "a", now=NOON + timedelta(days=offset))
        answer(store, "b", now=NOON + timedelta(days=offset, minutes=1))
    copies = sorted(path.name for path in (store.path.parent / "backups").iterdir())
    assert copies == [f"progress-2026-03-{day:02}.db" for day in range(12 - KEPT, 12)]
    newest = newest_sound(store.path)
    assert newest.name == "progress-2026-03-11.db"
    with closing(sqlite3.connect(newest)) as connection:
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (19,)


def test_a_backup_left_unfinished_is_cleared_away_the_next_day(store):
    answer(store, "a")
    leftover = store.path.parent / "backups" / "progress-2026-03-01.db.77.unfinished"
    leftover.write_bytes(b"half")
    back_up(store.path, date(2026, 3, 3))
    assert not leftover.exists()


def test_a_damaged_backup_is_passed_over(store):
    for offset in range(2):
        answer(store, "a", now=NOON + timedelta(days=offset))
    newest = newest_sound(store.path)
    newest.write_bytes(newest.read_bytes()[:5000])
    assert not is_sound(newest)
    assert newest_sound(store.path).name == "progress-2026-03-02.db"


def test_a_backup_that_fails_is_logged_and_the_answer_is_kept(store, caplog):
    answer(store, "a")
    shutil.rmtree(store.path.parent / "backups")
    (store.path.parent / "backups").write_text("in the way")
    answer(store, "a", now=NOON + timedelta(days=1))
    assert "no backup could be made today" in caplog.text
    assert len(ids(store.path)) == 2


def test_the_first_answer_of_each_later_hour_makes_a_copy_of_that_hour(store):
    answer(store)
    daily = store.path.parent / "backups" / "progress-2026-03-02.db"
    written_at(daily, NOON)
    for minutes in (10, 59):
        written_at(store.path, NOON + timedelta(minutes=minutes))
        assert back_up(store.path, NOON.date()) is None
    for minutes in (60, 61, 150):
        written_at(store.path, NOON + timedelta(minutes=minutes))
        back_up(store.path, NOON.date())
    assert names(store) == ["progress-2026-03-02.db", "progress-2026-03-02T13.db", "progress-2026-03-02T14.db"]


def test_of_the_hours_the_newest_are_kept(store):
    answer(store)
    for hour in range(1, HOURS + 6):
        written_at(store.path, NOON + timedelta(hours=hour))
        back_up(store.path, NOON.date())
    hours = [name for name in names(store) if "T" in name]
    assert len(hours) == HOURS
    assert hours[-1] == f"progress-{NOON + timedelta(hours=HOURS + 5):%Y-%m-%dT%H}.db"


def test_of_two_years_the_last_days_weeks_and_months_are_kept(store):
    answer(store)
    first = NOON.date()
    for day in range(730):
        name = f"progress-{first + timedelta(days=day)}.db"
        if day % 90 == 0 or day > 728:
            back_up(store.path, first + timedelta(days=day))
        else:  # a copy costs time; the rule looks at the name alone
            (store.path.parent / "backups" / name).touch()
            for old in backups._expired(store.path, store.path.parent / "backups" / name):
                old.unlink()
    days = [date.fromisoformat(name[9:19]) for name in names(store) if "T" not in name]
    last = first + timedelta(days=729)
    assert [last - timedelta(days=offset) for offset in range(KEPT)] == days[: -KEPT - 1 : -1]
    assert len({(day.year, day.month) for day in days}) == MONTHS
    sundays = [day for day in days if day.weekday() == 6 and last - day < timedelta(days=31)]
    assert len(sundays) >= 4, "the last day of each of the last weeks"
    month_ends = [day for day in days if (day + timedelta(days=1)).day == 1]
    assert len(month_ends) == MONTHS, "the last of them is a leap day"


def test_a_copy_that_lacks_rows_is_refused_and_removed(store, monkeypatch):
    answer(store)
    counts = iter([[1, 0], [0, 0]])
    monkeypatch.setattr(backups, "_counts", lambda _connection: next(counts))
    with pytest.raises(sqlite3.DatabaseError, match="did not pass"):
        copy_to(store.path, store.path.parent / "copy.db")
    assert [path.name for path in store.path.parent.iterdir() if path.is_file()] == ["progress.db"]


def test_a_copy_has_everything_that_was_committed_also_what_is_still_in_the_write_ahead_log(store, tmp_path):
    answer(store)
    with closing(sqlite3.connect(store.path)) as held:
        held.execute("SELECT count(*) FROM reviews").fetchone()  # the last to close would fold the log into the file
        second = answer(store, "b")
        assert store.path.with_name("progress.db-wal").stat().st_size > 0
        assert ids(copy_to(store.path, tmp_path / "copy.db"))[-1] == second


def test_threads_that_copy_at_once_all_get_a_complete_copy(store, tmp_path):
    review = answer(store)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: copy_to(store.path, tmp_path / "copy.db"), range(12)))
    assert set(made) == {tmp_path / "copy.db"}
    assert ids(made[0]) == [review]
    assert {path.name for path in tmp_path.iterdir()} == {"copy.db", "data"}


def test_copies_made_by_hand_are_listed_with_the_others_and_never_removed(store):
    answer(store)
    made = [back_up_by_hand(store.path, NOON) for _ in range(2)]
    assert [path.name for path in made] == ["progress-2026-03-02T120000.db", "progress-2026-03-02T120000-1.db"]
    for offset in range(1, 20):
        answer(store, now=NOON + timedelta(days=offset))
    assert all(path.exists() for path in made)
    made[0].write_bytes(b"damaged")
    kinds = {copy.path.name: (copy.kind, copy.answers) for copy in copies(store.path)}
    assert kinds[made[0].name] == ("hand", None)
    assert kinds[made[1].name] == ("hand", 1)
    assert kinds["progress-2026-03-21.db"] == ("day", 20)


# Putting one back


def test_restoring_brings_the_copy_and_keeps_what_was_there(store, tmp_path):
    first = answer(store)
    copy = copy_to(store.path, tmp_path / "copy.db")
    second = answer(store, "b")
    before = copy.read_bytes()
    restored = restore(store, copy, LATER)
    assert restored.answers == 1
    assert restored.kept == store.path.parent / "progress-until-2026-04-01T120000.db"
    assert ids(store.path) == [first]
    assert ids(restored.kept) == [first, second]
    assert copy.read_bytes() == before
    third = answer(store, "b")
    assert ids(store.path) == [first, third]
    assert restore(store, restored.kept, LATER).kept.name == "progress-until-2026-04-01T120000-1.db"
    assert ids(store.path) == [first, second]


def test_restoring_where_there_is_nothing_yet(store, tmp_path):
    other = Store(tmp_path / "other.db")
    review = answer(other)
    assert restore(store, other.path, LATER) == restoring.Restored(1, None)
    assert ids(store.path) == [review]


@pytest.mark.parametrize("kept_bytes", [0, 100, 4096])
def test_restoring_over_a_damaged_database_keeps_its_files_as_they_are(store, tmp_path, kept_bytes):
    first = answer(store)
    copy = copy_to(store.path, tmp_path / "copy.db")
    damaged = store.path.read_bytes()[:kept_bytes] + b"noise" * 5000
    store.path.write_bytes(damaged)
    store.path.with_name("progress.db-wal").write_bytes(b"what a killed process left")
    restored = restore(store, copy, LATER)
    assert restored.kept.read_bytes() == damaged
    assert restored.kept.with_name(f"{restored.kept.name}-wal").read_bytes() == b"what a killed process left"
    assert ids(store.path) == [first]
    answer(store, "b")


def test_a_damaged_database_that_cannot_be_kept_is_left_as_it_is(store, tmp_path, monkeypatch):
    copy = copy_to(made_by(store, "a"), tmp_path / "copy.db")
    store.path.write_bytes(b"noise")

    def full_disk(_source: Path, target: Path) -> None:
        target.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full_disk)
    with pytest.raises(StoreUnavailableError, match="No space left on device"):
        restore(store, copy, LATER)
    assert store.path.read_bytes() == b"noise"
    assert list(store.path.parent.glob("progress-until*")) == []


@pytest.mark.parametrize(("make", "error", "message"), BAD_FILES, ids=BAD_NAMES)
def test_what_is_no_backup_is_refused_in_one_sentence_and_nothing_changes(store, tmp_path, make, error, message):
    answer(store)
    make(tmp_path / "bad.db")
    before = store.path.read_bytes()
    with pytest.raises(error, match=message) as raised:
        restore(store, tmp_path / "bad.db", LATER)
    assert str(raised.value).startswith(f"{tmp_path / 'bad.db'}: ")
    assert store.path.read_bytes() == before
    assert [path.name for path in store.path.parent.glob("progress*")] == ["progress.db"]


def test_the_database_itself_is_no_backup(store):
    answer(store)
    with pytest.raises(UsageError, match="expected a backup; found the database itself"):
        restore(store, store.path, LATER)


def test_a_restore_that_cannot_keep_what_is_there_changes_nothing(store, tmp_path, monkeypatch):
    answer(store)
    copy = copy_to(store.path, tmp_path / "copy.db")
    answer(store, "b")
    before = ids(store.path)

    def full_disk(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "copy_snapshot", full_disk)
    with pytest.raises(StoreUnavailableError, match=r"No space left on device.*, so it was left as it was"):
        restore(store, copy, LATER)
    assert ids(store.path) == before
    assert [path.name for path in store.path.parent.glob("progress-until*")] == []


def test_a_restore_that_fails_after_the_first_page_changes_nothing(store, tmp_path, monkeypatch):
    copy = copy_to(made_by(store, "a"), tmp_path / "copy.db")
    answer(store, "b")
    before = ids(store.path)
    monkeypatch.setattr(restoring, "sync_folder", lambda _folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        restore(store, copy, LATER)
    assert ids(store.path) == before
    answer(store)


def made_by(store: Store, slug: str) -> Path:
    answer(store, slug)
    return store.path


def test_a_database_that_another_program_is_writing_to_is_not_replaced(store, tmp_path):
    copy = copy_to(made_by(store, "a"), tmp_path / "copy.db")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another program is writing to it"):
            restore(store, copy, LATER)
        other.execute("ROLLBACK")
    assert len(ids(store.path)) == 1


def test_a_database_of_another_program_is_not_replaced(tmp_path):
    copy = copy_to(made_by(Store(tmp_path / "ours.db"), "a"), tmp_path / "copy.db")
    other_program(tmp_path / "theirs.db")
    with pytest.raises(StoreUnavailableError, match="so it was left as it was"):
        restore(Store(tmp_path / "theirs.db"), copy, LATER)
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as connection:
        assert connection.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_the_commands_copy_list_and_restore(kb, tmp_path):
    slug = kb("list", "--json").json[0]["id"]
    kb("answer", slug, "--rating", "good")
    file = tmp_path / "mine.db"
    assert kb("backup", str(file)).out == f"Copied and checked: {file}\n"
    again = kb("backup", str(file))
    assert (again.code, again.err.split(";")[0]) == (
        2,
        f"kb: {file}: expected a name for the copy that nothing has yet",
    )
    by_hand = kb("backup", "--json").json["file"]
    listed = kb("backup", "--list", "--json").json
    assert {(copy["kind"], copy["answers"]) for copy in listed} == {("day", 1), ("hand", 1)}
    assert by_hand in [copy["file"] for copy in listed]
    assert by_hand in kb("backup", "--list").out
    kb("undo")
    restored = kb("restore", str(file))
    assert restored.out.startswith(f"Back from {file}; answers: 1\nWhat was there before is kept: ")
    assert kb("restore", str(file), "--json").json["answers"] == 1
    assert kb("restore", str(tmp_path / "missing.db")).code == 2
    assert kb("backup", str(tmp_path / "no" / "folder.db")).code == 2
    assert kb("backup", "x.db", "--list").code == 2


def test_the_copies_of_a_damaged_database_are_listed_and_one_is_put_back(kb, bank, tmp_path, monkeypatch, capsys):
    slug = kb("list", "--json").json[0]["id"]
    kb("answer", slug, "--rating", "good")
    database = tmp_path / "progress.db"
    database.write_text("Dear diary")
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(SystemExit) as ended:
        main(["--db", str(database), "--content", str(bank), "backup", "--list"])
    listed = capsys.readouterr().out
    assert ended.value.code == 0
    assert "of the day  answers: 1  " in listed
    copy = listed.split("  ")[-1].strip()
    assert kb("restore", copy).code == 0
    assert kb("stats", "--json").json["reviews"] == 1
    assert [path.read_text() for path in tmp_path.glob("progress-until-*.db")] == ["Dear diary"]
