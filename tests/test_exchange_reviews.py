"""The log of reviews as CSV and JSON: every review once, in order, with stable names; a file is written whole or not at all."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, new_store, numeric_question, question, quick_folder

from kb import study
from kb.__main__ import main
from kb.exchange import reviews
from kb.rating import Rating
from kb.store import Store

BANK = bank_of(question("first"), numeric_question("second"))


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder:
        yield new_store(folder)


@pytest.fixture
def answered(store: Store) -> Store:
    """Two answers, the second one taken back."""
    first = study.start_attempt(BANK.question("first"), NOON, seed=1, attempt_id="a")
    study.submit(BANK, store, first, Rating.Good, NOON, answer={"choice": '="1", 二'}, correct=True, duration_s=2.5)
    second = study.start_attempt(BANK.question("second"), NOON, seed=2, attempt_id="b")
    study.submit(
        BANK, store, second, Rating.Again, NOON + timedelta(minutes=1), answer="12", prediction={"number": "3"}
    )
    study.undo(store, NOON + timedelta(minutes=2))
    return store


def test_json_has_one_object_a_review_and_marks_the_undone_one(answered: Store) -> None:
    file = io.StringIO()
    assert reviews.write_json(answered, file) == 2
    first, second = json.loads(file.getvalue())
    with answered.reading() as transaction:
        origin = transaction.log.meta("origin")
    assert first == {
        "review_id": "a",
        "question": "first",
        "answered_as": "first",
        "revision": 1,
        "rating": "good",
        "reviewed_at": "2026-03-02T12:00:00.000000+00:00",
        "day": "2026-03-02",
        "duration_s": 2.5,
        "answer": {"choice": '="1", 二'},
        "correct": True,
        "prediction": None,
        "params": None,
        "device": None,
        "seed": 1,
        "origin": origin,
        "undone": False,
        "undone_at": None,
        "kind": "review",
    }
    assert tuple(first) == reviews.COLUMNS
    assert (second["rating"], second["undone"], second["undone_at"]) == (
        "again",
        True,
        "2026-03-02T12:02:00.000000+00:00",
    )
    assert second["params"]["batch"] == 2


def test_csv_says_the_same_as_json(answered: Store) -> None:
    table, listed = io.StringIO(), io.StringIO()
    assert reviews.write_csv(answered, table) == reviews.write_json(answered, listed)
    for row, values in zip(csv.DictReader(table.getvalue().splitlines()), json.loads(listed.getvalue()), strict=True):
        for name, value in values.items():
            if value is None:
                assert row[name] == ""
            elif name in ("answer", "prediction", "params"):
                assert json.loads(row[name]) == value
            else:
                assert row[name] == (str(value).lower() if isinstance(value, bool) else str(value))


def test_a_renamed_question_has_its_present_slug_and_the_one_it_was_answered_under(answered: Store) -> None:
    renamed = bank_of(question("now", formerly=("first",)))
    study.due(renamed, answered, NOON)
    study.rebuild(renamed, answered)
    row = next(reviews.rows(answered))
    assert (row["question"], row["answered_as"]) == ("now", "first")


def test_an_empty_log_is_a_header_and_an_empty_list(store: Store) -> None:
    table, listed = io.StringIO(), io.StringIO()
    assert reviews.write_csv(store, table) == reviews.write_json(store, listed) == 0
    assert table.getvalue() == ",".join(reviews.COLUMNS) + "\n"
    assert json.loads(listed.getvalue()) == []


def test_every_column_is_explained_in_the_readme() -> None:
    readme = (Path(reviews.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in reviews.COLUMNS if f"| `{name}` |" not in readme] == []


def kb(store: Store, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--db", str(store.path), "--lang", "en", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_prints_or_writes_a_file(
    answered: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kb(answered, "export", "csv") == 0
    printed = capsys.readouterr().out
    out = tmp_path / "reviews.csv"
    out.write_text("what stood here before", encoding="utf-8")
    assert kb(answered, "export", "csv", "--out", str(out)) == 0
    assert capsys.readouterr() == ("", f"2 reviews written to {out}\n")
    assert out.read_text(encoding="utf-8") == printed
    assert kb(answered, "export", "json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_place_that_cannot_be_written_is_one_sentence(
    answered: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nowhere" / "reviews.csv"
    assert kb(answered, "export", "csv", "--out", str(missing)) == 2
    assert capsys.readouterr().err == f"kb: {missing}: it cannot be written: No such file or directory.\n"
    assert kb(answered, "export", "json", "--out", str(tmp_path)) == 2
    assert capsys.readouterr().err == f"kb: {tmp_path}: expected the name of a file; found a folder.\n"


def test_a_damaged_database_leaves_the_file_as_it_was(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.path.write_bytes(b"not a database" * 1000)
    out = tmp_path / "reviews.csv"
    out.write_text("kept", encoding="utf-8")
    assert kb(store, "export", "csv", "--out", str(out)) == 2
    assert capsys.readouterr().err.startswith("kb: ")
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.csv"]
    assert out.read_text(encoding="utf-8") == "kept"
