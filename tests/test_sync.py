"""Computers that share a folder: each writes one file, all come to hold the same, and what arrives in halves waits."""

import random
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bad_databases import BAD_FILES, BAD_NAMES
from cli_runner import Kb
from small_bank import NOON, bank_of, new_store, question

from kb import study, sync
from kb.backups import copy_to
from kb.errors import StoreUnavailableError
from kb.rating import Rating
from kb.store import Store
from kb.sync import Synced

BANK = bank_of(question("a"), question("b"), question("c"))
NOW = NOON + timedelta(days=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


def answer(store: Store, slug: str = "a", now: datetime = NOON, rating: Rating = Rating.Good) -> str:
    attempt = study.start_attempt(BANK.question(slug), now)
    return study.submit(BANK, store, attempt, rating, now).review_id


def log(store: Store) -> list[list[tuple]]:
    with store.reading() as transaction:
        return [list(transaction.log.raw(f"SELECT * FROM {table} ORDER BY id")) for table in ("reviews", "events")]


def cards(store: Store) -> list:
    study.rebuild(BANK, store)
    with store.reading() as transaction:
        return list(transaction.cards.all())


def synced(store: Store, folder: Path) -> Synced:
    return sync.sync(store, folder, NOW)


def test_each_computer_writes_one_file_named_by_its_origin_and_takes_what_the_others_have(tmp_path, folder):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first, "a")
    answer(second, "b")
    one, two = synced(first, folder), synced(second, folder)
    assert (one.added, one.read, one.skipped) == (0, 0, {})
    assert (two.added, two.read, two.skipped) == (1, 1, {})
    assert one.file == folder / f"livecards-{first.path.parent.name}.db"
    assert set(folder.iterdir()) == {one.file, two.file}
    assert synced(first, folder).added == 1
    assert log(first) == log(second)
    assert cards(first) == cards(second)


def test_a_file_is_written_only_when_there_is_something_new_in_it(tmp_path, folder):
    store = new_store(tmp_path)
    answer(store)
    (folder / f"livecards-{store.path.parent.name}.db.77.unfinished").write_text("of a killed process")
    file = synced(store, folder).file
    assert list(folder.iterdir()) == [file]
    written = file.stat().st_mtime_ns, file.stat().st_ino
    assert synced(store, folder).added == 0
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written
    answer(store, "b")
    synced(store, folder)
    assert file.stat().st_ino != written[1]


def test_a_computer_never_touches_the_files_of_others(tmp_path, folder):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first)
    file = synced(first, folder).file
    before = file.read_bytes(), file.stat().st_mtime_ns
    answer(second, "b")
    synced(second, folder)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@pytest.mark.parametrize("seed", range(3))
def test_computers_that_answer_and_sync_at_random_come_to_hold_the_same(tmp_path, folder, seed):
    source = random.Random(seed)
    stores = [new_store(tmp_path) for _ in range(3)]
    for step in range(25):
        store = source.choice(stores)
        at = NOON + timedelta(hours=step)
        match source.randrange(4):
            case 0:
                synced(store, folder)
            case 1:
                study.undo(store, at)
            case _:
                answer(store, source.choice("abc"), at, source.choice(list(Rating)))
    for store in stores * 2:
        synced(store, folder)
    assert log(stores[0]) == log(stores[1]) == log(stores[2])
    assert cards(stores[0]) == cards(stores[1]) == cards(stores[2])
    assert [synced(store, folder).added for store in stores] == [0, 0, 0]


def test_a_file_copied_in_part_is_left_out_at_every_length_and_taken_once_it_is_whole(tmp_path, folder):
    first, second = new_store(tmp_path), new_store(tmp_path)
    for index in range(6):
        answer(first, "abc"[index % 3], NOON + timedelta(minutes=index))
    whole = copy_to(first.path, tmp_path / "whole.db").read_bytes()
    arriving = folder / f"livecards-{first.path.parent.name}.db"
    answer(second, "b")
    for length in (0, 1, 50, 100, 4096, 5000, 8192, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        arriving.write_bytes(whole[:length])
        result = synced(second, folder)
        assert (result.added, list(result.skipped)) == (0, [arriving])
        assert result.skipped[arriving].startswith(f"{arriving}: not a database, or a damaged or half-copied one (")
        assert arriving.stat().st_size == length
    arriving.write_bytes(whole)
    result = synced(second, folder)
    assert (result.added, result.skipped) == (6, {})


@pytest.mark.parametrize(("make", "_error", "_message"), BAD_FILES[2:], ids=BAD_NAMES[2:])
def test_what_is_no_database_of_ours_is_left_out_and_the_rest_is_taken(tmp_path, folder, make, _error, _message):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first)
    synced(first, folder)
    make(folder / "livecards-000.db")
    result = synced(second, folder)
    assert (result.added, result.read, list(result.skipped)) == (1, 1, [folder / "livecards-000.db"])


def test_other_files_of_the_folder_are_not_looked_at(tmp_path, folder):
    (folder / "notes.db").write_text("mine")
    (folder / ".livecards-1.db.part").write_text("half")
    assert synced(new_store(tmp_path), folder).skipped == {}


def test_a_second_version_that_the_service_made_of_a_file_is_taken_too(tmp_path, folder):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first)
    file = synced(first, folder).file
    file.rename(file.with_name(f"{file.stem} (conflicted copy).db"))
    assert synced(second, folder).added == 1


def test_two_databases_of_the_same_origin_lose_nothing(tmp_path, folder):
    first = new_store(tmp_path)
    answer(first)
    second = Store(tmp_path / "moved" / "progress.db")
    second.path.parent.mkdir()
    copy_to(first.path, second.path)
    answer(first, "b")
    answer(second, "c")
    synced(first, folder)
    assert synced(second, folder).added == 1
    assert synced(first, folder).added == 1
    assert log(first) == log(second)


def test_an_own_file_that_was_damaged_is_written_anew(tmp_path, folder):
    store = new_store(tmp_path)
    answer(store)
    file = synced(store, folder).file
    file.write_bytes(file.read_bytes()[:3000])
    assert list(synced(store, folder).skipped) == [file]
    assert synced(store, folder).skipped == {}


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    store = new_store(tmp_path)
    with pytest.raises(StoreUnavailableError, match="expected the folder to share progress through; found none"):
        synced(store, tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_a_file_that_cannot_be_written_is_one_sentence_and_what_was_taken_stays(tmp_path, folder, monkeypatch):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first)
    synced(first, folder)

    def full_disk(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sync, "copy_to", full_disk)
    with pytest.raises(StoreUnavailableError, match=r"it could not be written .*No space left"):
        synced(second, folder)
    assert log(second) == log(first)
    assert len(list(folder.iterdir())) == 1


def test_an_own_database_that_is_locked_stops_the_sync_and_says_so(tmp_path, folder):
    first, second = new_store(tmp_path), new_store(tmp_path)
    answer(first)
    synced(first, folder)
    second = Store(second.path, timeout_s=0.1)
    with closing(sqlite3.connect(second.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked by another program"):
            synced(second, folder)
        other.execute("ROLLBACK")
    assert synced(second, folder).added == 1


def test_after_going_back_to_a_backup_the_folder_brings_everything_again(tmp_path, folder):
    store = new_store(tmp_path)
    answer(store)
    backup = copy_to(store.path, tmp_path / "backup.db")
    answer(store, "b")
    synced(store, folder)
    shutil.copy(backup, store.path)
    assert synced(store, folder).added == 1


def test_the_command_says_what_is_new_and_what_was_left_out(kb: Kb, tmp_path: Path, folder: Path):
    slug = kb("list", "--json").json[0]["id"]
    kb("answer", slug, "--rating", "good", db=tmp_path / "there.db")
    assert kb("sync", str(folder), db=tmp_path / "there.db").code == 0
    (folder / "livecards-0.db").write_text("half")
    told = kb("sync", str(folder))
    assert told.out == "Entries that were new here: 1; files read: 1\n"
    assert told.err.startswith(f"Left out, and tried again next time: {folder / 'livecards-0.db'}: not a database")
    as_json = kb("sync", str(folder), "--json").json
    assert (as_json["added"], as_json["read"], list(as_json["skipped"])) == (0, 2, [str(folder / "livecards-0.db")])
    assert kb("stats", "--json").json["reviews"] == 1
    assert kb("sync", str(tmp_path / "no")).code == 2
