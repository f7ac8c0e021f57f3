"""The cached bank is the bank: whatever changes is read anew, and a damaged cache is as good as none."""

import shutil
from pathlib import Path

import pytest

from kb import bank_cache
from kb.bank import Bank, load_bank
from kb.bank_cache import load_bank_quickly

SAMPLE = Path(__file__).parent / "bank"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "content"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The banks that are really parsed from now on."""
    parsed: list[Path] = []

    def counted(root: Path | str) -> Bank:
        parsed.append(Path(root))
        return load_bank(root)

    monkeypatch.setattr(bank_cache, "load_bank", counted)
    return parsed


def test_the_second_time_nothing_is_parsed_and_the_bank_is_equal(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = reads(monkeypatch)
    first = load_bank_quickly(root, cache)
    assert load_bank_quickly(root, cache) == first == load_bank(root)
    assert len(parsed) == 1


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
