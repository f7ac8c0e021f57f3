"""The cached bank is the bank: whatever changes is read anew, and a damaged cache is as good as none."""

import multiprocessing
import os
import pickle
import shutil
from pathlib import Path

import pytest

from kb.bank import Bank, load_bank
from kb.bank_cache import load_bank_quickly

SAMPLE = Path(__file__).parent / "bank"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "content"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Counted:
    """Loads the bank, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, root: Path) -> Bank:
        self.times += 1
        return load_bank(root)


def test_the_second_time_nothing_is_parsed_and_the_bank_is_equal(root: Path, cache: Path) -> None:
    load = Counted()
    first = load_bank_quickly(root, cache, load)
    assert load_bank_quickly(root, cache, load) == first == load_bank(root)
    assert load.times == 1


def test_a_changed_an_added_and_a_removed_file_are_seen(root: Path, cache: Path) -> None:
    before = load_bank_quickly(root, cache)
    slug, question = next(iter(before.questions.items()))
    file = before.file(question.path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n# ", "\n# Tell me: ", 1), encoding="utf-8")
    assert load_bank_quickly(root, cache).questions[slug].text("en").title.startswith("Tell me: ")
    (file.parent / "stray.txt").write_text("", encoding="utf-8")
    assert any("stray.txt" in problem.path for problem in load_bank_quickly(root, cache).problems)
    file.unlink()
    assert slug not in load_bank_quickly(root, cache).questions


def test_a_damaged_or_foreign_cache_is_read_past(root: Path, cache: Path) -> None:
    expected = load_bank_quickly(root, cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:40] + b"x" + whole[41:], b"not a cache at all"):
        file.write_bytes(damaged)
        assert load_bank_quickly(root, cache) == expected


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert load_bank_quickly(root, blocked) == load_bank(root)


def test_a_bank_that_is_not_there_is_one_problem(tmp_path: Path, cache: Path) -> None:
    assert load_bank_quickly(tmp_path / "nowhere", cache).problems == load_bank(tmp_path / "nowhere").problems


def test_outlines_are_there_without_reading_a_question(root: Path, cache: Path) -> None:
    expected = load_bank_quickly(root, cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    questions = sum(len(pickle.dumps(each)) for each in expected.questions.values())
    file.write_bytes(whole[: -questions // 2] + bytes(len(whole) - len(whole[: -questions // 2])))
    load = Counted()
    bank = load_bank_quickly(root, cache, load)
    assert bank.outlines == expected.outlines == load_bank(root).outlines
    assert list(bank.questions) == list(expected.questions)
    assert load.times == 0
    assert bank.questions == expected.questions, "what was damaged is read from the bank"
    assert load.times > 0


def test_a_question_that_was_read_is_read_once(root: Path, cache: Path) -> None:
    load_bank_quickly(root, cache)
    bank = load_bank_quickly(root, cache)
    slug = next(iter(bank.questions))
    assert bank.questions[slug] is bank.questions[slug] is bank.question(slug)
    with pytest.raises(KeyError):
        bank.questions["no-such-question"]


def changed_in_place(file: Path, text: bytes) -> None:
    file.write_bytes(text)


def moved_over(file: Path, text: bytes) -> None:
    beside = file.with_name("beside")
    beside.write_bytes(text)
    beside.replace(file)


@pytest.mark.parametrize("write", [changed_in_place, moved_over])
def test_a_change_of_the_same_length_is_seen_though_the_time_is_put_back(root: Path, cache: Path, write) -> None:
    slug, question = next(iter(load_bank_quickly(root, cache).questions.items()))
    file = root.parent / question.path
    status = file.stat()
    for letter in "XYX":
        text = file.read_text(encoding="utf-8")
        title = load_bank_quickly(root, cache).questions[slug].text("en").title
        new = letter + title[1:]
        write(file, text.replace(title, new).encode())
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert file.stat().st_size == status.st_size
        assert load_bank_quickly(root, cache).questions[slug].text("en").title == new


def test_changes_as_fast_as_they_come_are_all_seen(root: Path, cache: Path) -> None:
    slug, question = next(iter(load_bank_quickly(root, cache).questions.items()))
    file = root.parent / question.path
    title = question.text("en").title
    text = file.read_text(encoding="utf-8")
    for index in range(20):
        file.write_text(text.replace(title, f"{index:03}"), encoding="utf-8")
        assert load_bank_quickly(root, cache).questions[slug].text("en").title == f"{index:03}"


def test_processes_that_write_the_cache_at_once_leave_one_that_is_whole(root: Path, cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=load_bank_quickly, args=(root, cache)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    load = Counted()
    assert load_bank_quickly(root, cache, load) == load_bank(root)
    assert load.times == 0
    assert len(list(cache.iterdir())) == 1


def test_a_bank_in_use_stays_as_it_was_read_while_another_process_writes_a_new_cache(root: Path, cache: Path) -> None:
    load_bank_quickly(root, cache)
    before = load_bank_quickly(root, cache)
    slug = next(iter(before.questions))
    expected = load_bank(root).questions[slug]
    file = root.parent / expected.path
    file.write_text(file.read_text(encoding="utf-8").replace(expected.text("en").title, "New"), encoding="utf-8")
    assert load_bank_quickly(root, cache).questions[slug].text("en").title == "New"
    assert before.questions[slug] == expected
