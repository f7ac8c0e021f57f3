"""The learner's data in Settings, in AppTest: copies, merges, checks, other programs; no file costs anything."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from app_pages import BANK, answered, environment, opened, words
from settings_page import ANSWERS, copy_of, part, pressed, successes
from streamlit.testing.v1 import AppTest

from kb import study
from kb.bank import load_bank
from kb.errors import FigureError
from kb.rating import Rating
from kb.store import SCHEMA_VERSION, Store
from kb.views import shell

NOTES = "# Attention\n\n## What is a score?\n\nA dot product.\n\n## What is a head?\n\nOne of several.\n"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environment(tmp_path, monkeypatch)


def answers(database: Path) -> int:
    with Store(database).reading() as transaction:
        return int(next(transaction.log.raw("SELECT count(*) FROM answers"))[0])


# Copies


def test_copies_are_listed_with_what_they_hold(database: Path) -> None:
    answered(database, *ANSWERS)
    pressed(opened("settings"), "back-up")
    told = words(part("copies"))
    assert "| made by hand | 3 | " in told
    assert " KiB |" in told


def test_a_way_back_says_what_is_lost_asks_and_keeps_what_was_there(database: Path) -> None:
    answered(database, *ANSWERS[:1])
    Store(database).back_up_by_hand(datetime.now(UTC))
    answered(database, *ANSWERS[1:])
    study.set_setting(Store(database), "new_per_day", 3, datetime.now(UTC))
    app = part("restore")
    copy = app.selectbox(key="restore-copy")
    (by_hand,) = (place for place, each in enumerate(copy.options) if each.endswith("made by hand · 1 answer"))
    copy.select_index(by_hand).run()
    assert "This copy lacks 2 answers, given on " in app.warning[0].value
    assert "This copy lacks 1 change of settings, marks or notes." in app.warning[0].value
    assert app.button(key="restore").disabled
    app.checkbox[-1].check().run()
    pressed(app, "restore")
    assert answers(database) == 1
    assert "answers: 1" in successes(app)
    (kept,) = database.parent.glob("progress-until-*.db")
    assert answers(kept) == 3
    (new,) = (each for each in app.number_input if each.label == "New questions a day")
    assert new.value == 10


def test_a_copy_with_everything_in_it_says_so(database: Path) -> None:
    answered(database, *ANSWERS)
    Store(database).back_up_by_hand(datetime.now(UTC))
    app = part("restore")
    app.selectbox(key="restore-copy").select_index(0).run()
    assert "This copy has all that you have now." in app.warning[0].value


def test_a_damaged_database_can_still_go_back_to_a_copy(database: Path) -> None:
    answered(database, *ANSWERS)
    Store(database).back_up_by_hand(datetime.now(UTC))
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    damaged = b"these are not the bytes of a database" * 200
    database.write_bytes(damaged)
    app = part("restore")
    app.selectbox(key="restore-copy").select_index(0).run()
    assert "Your present progress cannot be read" in app.warning[0].value
    app.checkbox[-1].check().run()
    pressed(app, "restore")
    assert answers(database) == 3
    (kept,) = database.parent.glob("progress-until-*.db")
    assert kept.read_bytes() == damaged


# Files from elsewhere


def refused(database: Path, kind: str) -> tuple[bytes, str]:
    """A file that must be refused, and what is said of it."""
    content = copy_of(database, ("scale-by-root", Rating.Good, 1))
    if kind == "half copied":
        return content[: len(content) // 2], "not a database, or a damaged or half-copied one"
    if kind == "empty":
        return b"", "the file is empty"
    path = database.parent / "made.db"
    if kind == "of another program":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE notes (text)")
            connection.commit()
        return path.read_bytes(), "expected a database of Livecards; found one of another program."
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        connection.commit()
    return path.read_bytes(), f"found version {SCHEMA_VERSION + 1}."


KINDS = ("half copied", "empty", "of another program", "of a newer version")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_file_that_cannot_be_merged_is_one_sentence_and_nothing_changes(
    database: Path, kind: str, language: str
) -> None:
    answered(database, *ANSWERS)
    content, sentence = refused(database, kind)
    app = part("merge", language)
    app.file_uploader(key="merge-file").set_value(("laptop.db", content, "application/octet-stream")).run()
    pressed(app, "merge")
    assert len(app.error) == 1
    assert sentence in app.error[0].value
    assert "laptop.db: " in app.error[0].value
    assert "/tmp" not in app.error[0].value
    assert ("这个文件不能用" in app.error[0].value) == (language == "zh")
    assert answers(database) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_cannot_take_the_place_is_one_sentence_and_nothing_changes(database: Path, kind: str) -> None:
    answered(database, *ANSWERS)
    content, sentence = refused(database, kind)
    app = part("restore")
    app.file_uploader(key="restore-file").set_value(("laptop.db", content, "application/octet-stream")).run()
    assert len(app.error) == 1
    assert sentence in app.error[0].value
    assert "restore" not in [button.key for button in app.button]
    assert answers(database) == 3


def test_what_another_computer_has_is_added_and_told_in_a_sentence(database: Path) -> None:
    answered(database, *ANSWERS[:2])
    other = copy_of(database, *ANSWERS)
    app = part("merge")
    app.file_uploader(key="merge-file").set_value(("laptop.db", other, "application/octet-stream")).run()
    pressed(app, "merge")
    assert "3 entries were new here." in successes(app)
    assert answers(database) == 5
    app.session_state["part-merge"] = True
    app.run()
    app.file_uploader(key="merge-file").set_value(("laptop.db", other, "application/octet-stream")).run()
    pressed(app, "merge")
    assert "Everything in that file was here already." in successes(app)


def test_an_uploaded_file_takes_the_place_of_the_progress(database: Path) -> None:
    answered(database, *ANSWERS)
    app = part("restore")
    other = copy_of(database, *ANSWERS[:1])
    app.file_uploader(key="restore-file").set_value(("stick.db", other, "application/octet-stream")).run()
    assert "This copy lacks 3 answers" in app.warning[0].value
    app.checkbox[-1].check().run()
    pressed(app, "restore")
    assert "Back from stick.db; answers: 1" in successes(app)
    assert answers(database) == 1


# Doctor


def test_a_sound_database_is_told_so(database: Path) -> None:
    answered(database, *ANSWERS)
    assert "Nothing is wrong; answers: 3" in successes(pressed(opened("settings"), "doctor"))


def test_cards_that_are_wrong_are_counted_and_made_anew(database: Path) -> None:
    answered(database, *ANSWERS)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM cards WHERE question = 'scale-by-root'")
        connection.commit()
    app = pressed(opened("settings"), "doctor")
    assert "cards that do not follow from their answers: 1" in words(app)
    pressed(app, "repair")
    assert "What follows from the log was made anew." in successes(app)
    assert "Nothing is wrong; answers: 3" in successes(app)


# Other programs


def test_answers_leave_as_csv_and_json(database: Path) -> None:
    from kb.exchange.reviews import write_json
    from kb.views.settings_exchange import written

    answered(database, *ANSWERS)
    app = opened("settings")
    assert [each.label for each in app.get("download_button")] == ["Answers as CSV", "Answers as JSON"]
    assert [row["question"] for row in json.loads(written(Store(database), write_json)())] == [
        slug for slug, _rating, _days in ANSWERS
    ]


def test_the_bank_leaves_as_an_anki_package_which_comes_back_without_a_draft(database: Path) -> None:
    app = part("anki")
    try:
        pressed(app, "anki")
    finally:
        shell.runner().close()
    content, notes, left_out = app.session_state["anki-package"]
    assert left_out == ()
    assert f"{notes} notes." in words(app)
    assert any(each.label.startswith("livecards.apkg, ") for each in app.get("download_button"))
    assert f"{notes} notes found. 0 drafts are new. {notes} are questions of this bank." in successes(
        taken_in("livecards.apkg", content)
    )


def taken_in(name: str, content: bytes) -> AppTest:
    """The page after this file was taken in."""
    app = part("import")
    app.file_uploader(key="import-file").set_value((name, content, "application/octet-stream")).run()
    return pressed(app, "import")


def test_a_page_of_notes_becomes_drafts_that_are_studied_once_they_are_ready(database: Path) -> None:
    app = taken_in("notes.md", NOTES.encode())
    assert "2 questions found. 2 drafts are new." in successes(app)
    assert sorted(each.name for each in (database.parent / "drafts").glob("*.md")) == [
        "what-is-a-head.md",
        "what-is-a-score.md",
    ]
    assert "2 questions found. 0 drafts are new." in successes(taken_in("notes.md", NOTES.encode()))
    app = part("drafts")
    assert "0 are studied." in words(app)
    assert "What is a head?" in words(app)


def test_a_draft_that_lacks_something_says_what_and_cannot_be_made_ready(database: Path) -> None:
    (database.parent / "drafts").mkdir()
    (database.parent / "drafts" / "half.md").write_text("---\nkind: open\n---\n# Half?\n", encoding="utf-8")
    app = part("drafts")
    assert app.toggle(key="ready-half").disabled
    assert "`half.md` · lacks " in words(app)


def test_a_draft_in_order_is_studied_once_it_is_ready(database: Path) -> None:
    folder = database.parent / "drafts"
    folder.mkdir()
    text = "---\nkind: open\ndifficulty: 1\n---\n# What is a head?\n\n## Answer\n\nOne of several.\n"
    (folder / "my-head.md").write_text(text, encoding="utf-8")
    app = part("drafts")
    app.toggle(key="ready-my-head").set_value(True).run()
    assert not app.exception
    assert "ready: true" in (folder / "my-head.md").read_text(encoding="utf-8")
    assert "1 is studied." in words(app)


def test_an_anki_package_of_our_own_questions_makes_no_drafts(database: Path) -> None:
    from kb.exchange.anki import Computed, export

    def compute(_demo: str, _params: object) -> Computed:
        raise FigureError("no demo runs here")

    package = database.parent / "bank.apkg"
    bank = load_bank(BANK)
    export([bank.questions["scale-by-root"]], package, datetime.now(UTC), compute, pictures=False)
    app = taken_in("bank.apkg", package.read_bytes())
    assert "2 notes found. 0 drafts are new. 2 are questions of this bank." in successes(app)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.md", b"Nothing here.\n", "empty.md: expected questions under headings"),
        ("deck.apkg", b"no zip file", "deck.apkg: expected an Anki package"),
    ],
)
def test_a_file_with_nothing_to_take_in_is_one_sentence(
    database: Path, name: str, content: bytes, sentence: str
) -> None:
    app = taken_in(name, content)
    (error,) = app.error
    assert error.value.startswith(sentence)
    assert not (database.parent / "drafts").exists()
