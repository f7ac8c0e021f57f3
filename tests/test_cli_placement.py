"""`kb study --placement`, as a process that reads what is typed, and the length of a session in the terminal."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kb import study
from kb.questions import ClaimQuestion, Source, Text
from kb.rendering import render
from kb.store import Store

SYLLABUS = """\
topics:
  - id: attention
    title: {en: "Attention", zh: "注意力"}
    points:
      - id: one
        title: {en: "A point", zh: "一点"}
"""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A bank of false claims, two of each difficulty from 1 to 4."""
    folder = tmp_path / "content"
    (folder / "attention").mkdir(parents=True)
    (folder / "syllabus.yaml").write_text(SYLLABUS, encoding="utf-8")
    for level in range(1, 5):
        for letter in "ab":
            claim = ClaimQuestion(
                slug=f"claim-{level}{letter}",
                topic="attention",
                difficulty=level,
                covers=("one",),
                sources=(Source("A paper", 2017),),
                texts={"en": Text(title=f"Claim {level}{letter} holds.", answer="It does not.")},
                verdict="false",
            )
            (folder / "attention" / f"{claim.slug}.md").write_text(render(claim), encoding="utf-8")
    return folder


def typed(bank: Path, words: str, *options: str, language: str = "en") -> str:
    """What `kb study` prints while these words are typed."""
    database = bank.parent / "progress.db"
    command = [sys.executable, "-m", "kb", "--db", str(database), "--content", str(bank), "--lang", language, "study"]
    environment = {**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *options], input=words, capture_output=True, text=True, encoding="utf-8", env=environment, check=True
    )
    return done.stdout


def stored(bank: Path) -> list[tuple[str, int, str]]:
    with sqlite3.connect(bank.parent / "progress.db") as connection:
        return connection.execute("SELECT question, rating, kind FROM reviews ORDER BY rowid").fetchall()


def test_two_right_answers_skip_the_easy_claims_when_the_learner_agrees(bank: Path) -> None:
    said = typed(bank, "f\nf\ny\n", "--placement")
    assert "Attention: 2 of 2 right, 4 to skip" in said
    assert "Skipped: 4 questions." in said
    assert stored(bank) == [
        ("claim-3a", 3, "review"),
        ("claim-4a", 3, "review"),
        *((f"claim-{each}", 4, "known") for each in ("1a", "1b", "2a", "2b")),
    ]


def test_without_a_yes_nothing_is_skipped(bank: Path) -> None:
    assert "Nothing is skipped." in typed(bank, "f\nf\nn\n", "--placement")
    assert {kind for _slug, _rating, kind in stored(bank)} == {"review"}


def test_what_cannot_be_read_is_asked_again_and_enter_is_not_sure(bank: Path) -> None:
    said = typed(bank, "x\n\n", "--placement", language="zh")
    assert "注意力" in said
    assert "Claim 3a holds." in said
    with sqlite3.connect(bank.parent / "progress.db") as connection:
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (0,)


def test_the_end_of_the_input_ends_the_quiz_and_keeps_what_was_answered(bank: Path) -> None:
    assert "Attention: 1 of 1 right, 0 to skip" in typed(bank, "f\n", "--placement")
    assert stored(bank) == [("claim-3a", 3, "review")]


def test_a_session_is_as_long_as_it_was_set_unless_a_count_is_given(bank: Path) -> None:
    study.set_setting(Store(bank.parent / "progress.db"), "session_size", 1, datetime.now(UTC))
    assert "── 1/1 ─" in typed(bank, "q\n")
    assert "── 1/3 ─" in typed(bank, "q\n", "--count", "3")
    study.set_setting(Store(bank.parent / "progress.db"), "session_minutes", 5, datetime.now(UTC))
    assert "── 1 ─" in typed(bank, "q\n")
