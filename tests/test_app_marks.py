"""The marks of the learner in Study, in AppTest over a real store: flag, note, not today, suspend, known already, leech."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from app_pages import BANK, again, opened, pressed, words
from streamlit.testing.v1 import AppTest

from kb import marks, study
from kb.bank import load_bank
from kb.marks import Marks
from kb.rating import Rating
from kb.store import Store

pytestmark = pytest.mark.usefixtures("database", "workers")


def marked(app: AppTest, mark: str) -> AppTest:
    """The app after this entry of the menu was chosen."""
    app.menu_button[0].click(mark)
    return again(app)


def title(app: AppTest) -> str:
    return str(app.header[0].value)


def stored(database: Path) -> dict[str, Marks]:
    return marks.marks(load_bank(BANK), Store(database), datetime.now(UTC))


def reviews(database: Path) -> list[str]:
    """The kinds of the rows in the log of reviews, in the order in which they came."""
    with sqlite3.connect(database) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM reviews ORDER BY rowid")]


def test_a_flag_is_set_and_taken_away_and_the_question_stays(database: Path) -> None:
    app = opened("study")
    asked = title(app)
    app = marked(app, "flag")
    assert title(app) == asked
    assert [each.flagged for each in stored(database).values()] == [True]
    assert ":material/flag:" in app.caption[0].value
    assert "Remove the flag" in app.menu_button[0].options[0]
    app = marked(app, "flag")
    assert stored(database) == {}
    assert ":material/flag:" not in app.caption[0].value


@pytest.mark.parametrize(("mark", "after"), [("bury", Marks(buried=True)), ("suspend", Marks(suspended=True))])
def test_a_question_put_aside_gives_way_to_the_next_and_undo_brings_it_back(
    database: Path, mark: str, after: Marks
) -> None:
    app = opened("study")
    asked = title(app)
    app = marked(app, mark)
    assert title(app) != asked
    assert list(stored(database).values()) == [after]
    assert "Undo takes it back." in words(app)
    app = pressed(app, "undo")
    assert "Undo takes it back." not in words(app)
    assert title(app) == asked
    assert stored(database) == {}
    assert reviews(database) == []


def test_what_is_known_already_is_no_answer_of_the_session_and_can_be_taken_back(database: Path) -> None:
    app = opened("study")
    asked = title(app)
    app = marked(app, "know")
    assert title(app) != asked
    assert "1 of" in app.caption[0].value
    assert reviews(database) == ["known"]
    app = pressed(app, "undo")
    assert title(app) == asked
    assert reviews(database) == ["known", "undo"]


def test_a_single_question_that_is_put_aside_ends_its_session_and_can_be_brought_back(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    asked = title(app)
    app = marked(app, "suspend")
    assert title(app) == "Done for now."
    assert "Undo takes it back." in words(app)
    assert title(pressed(app, "undo")) == asked
    assert stored(database) == {}


def test_a_suspended_question_that_is_studied_all_the_same_can_be_brought_back_there(database: Path) -> None:
    marks.suspend(load_bank(BANK), Store(database), "scale-by-root", datetime.now(UTC))
    app = opened("study", question="scale-by-root")
    asked = title(app)
    assert "Bring back" in app.menu_button[0].options[3]
    app = marked(app, "suspend")
    assert title(app) == asked
    assert stored(database) == {}


def test_undo_goes_back_through_marks_and_ratings_in_the_order_they_were_made(database: Path) -> None:
    app = opened("study")
    first = title(app)
    app = marked(app, "suspend")
    second = title(app)
    while not any(str(button.key).startswith("rate-g") for button in app.button):
        app = committed(app)
    app = pressed(app, "rate-g")
    third = title(app)
    app = marked(app, "bury")
    for before in (third, second, first):
        app = pressed(app, "undo")
        assert title(app) == before
    assert stored(database) == {}
    assert reviews(database) == ["review", "undo"]


def committed(app: AppTest) -> AppTest:
    """The app after an answer was given, whatever the kind of the question."""
    if any(str(field.key).startswith("number") for field in app.text_input):
        next(field for field in app.text_input if str(field.key).startswith("number")).set_value("1")
        return pressed(app, "commit")
    options = [str(button.key) for button in app.button if str(button.key).startswith("option")]
    if options:
        app = pressed(app, options[0])
    if any(str(button.key).startswith("commit") for button in app.button):
        app = pressed(app, "commit")
    return app


def test_a_note_is_kept_hidden_before_the_answer_and_shown_with_it(database: Path) -> None:
    app = marked(opened("study"), "note")
    app.text_area(key=note_field(app)).set_value("Seen twice; $d_k$ is the width of **one** head.")
    app = again(app)
    assert [each.note for each in stored(database).values()] == ["Seen twice; $d_k$ is the width of **one** head."]
    app = pressed(app, "noted")
    assert "Seen twice" not in words(app)
    assert ":material/edit_note:" in app.caption[0].value
    assert "Seen twice" in words(committed(app))


def test_the_text_of_a_note_outlives_an_answer_given_meanwhile(database: Path) -> None:
    app = marked(opened("study"), "note")
    app.text_area(key=note_field(app)).set_value("Half a thought")
    app = committed(app)
    assert app.text_area(key=note_field(app)).value == "Half a thought"
    assert [each.note for each in stored(database).values()] == ["Half a thought"]


def test_a_note_that_could_not_be_stored_stays_in_its_field_and_is_stored_with_the_next_press(database: Path) -> None:
    app = marked(opened("study"), "note")
    app.text_area(key=note_field(app)).set_value("Worth keeping")
    with sqlite3.connect(database) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        app = pressed(again(app), "noted")
        connection.rollback()
    assert app.error
    assert app.text_area(key=note_field(app)).value == "Worth keeping"
    assert stored(database) == {}
    app = pressed(app, "noted")
    assert not app.text_area
    assert [each.note for each in stored(database).values()] == ["Worth keeping"]


def note_field(app: AppTest) -> str:
    return next(str(field.key) for field in app.text_area if str(field.key).startswith("note"))


def test_a_mark_that_cannot_be_stored_is_told_and_the_question_stays(database: Path) -> None:
    app = opened("study")
    asked = title(app)
    with sqlite3.connect(database) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        app = marked(app, "suspend")
        connection.rollback()
    assert app.error
    assert title(app) == asked
    assert title(marked(app, "suspend")) != asked


def test_a_question_that_slipped_too_often_is_suspended_with_a_word_on_what_to_read(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    asked = bank.questions["scale-by-root"]
    study.set_setting(store, "leech_lapses", 1, now)
    answers = ((asked, Rating.Good, 30), (asked, Rating.Good, 29), (bank.questions["weights-of-heads"], Rating.Easy, 1))
    for question, rating, days in answers:
        at = now - timedelta(days=days)
        study.submit(bank, store, study.start_attempt(question, at), rating, at)
    app = opened("study")
    assert "divided by" in title(app)
    app = pressed(committed(app), "rate-a")
    assert "divided by" not in title(app)
    assert stored(database)["scale-by-root"] == Marks(suspended=True, reason=marks.LEECH)
    assert "has slipped too often and is suspended now" in words(app)


@pytest.mark.parametrize(("language", "entries"), [("en", "Not today"), ("zh", "今天不出")])
def test_the_menu_speaks_both_languages_and_names_its_keys(language: str, entries: str) -> None:
    options = opened("study", language).menu_button[0].options
    assert [option.rpartition("`")[0][-1] for option in options] == ["f", "n", "b", "s", "i"]
    assert entries in options[2]


def test_what_changed_in_an_answer_is_told_with_the_answer_and_not_before(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    asked, other, at = bank.questions["scale-by-root"], bank.questions["weights-of-heads"], now - timedelta(days=1)
    study.submit(bank, store, replace(study.start_attempt(asked, at), revision=1), Rating.Easy, at)
    study.submit(bank, store, study.start_attempt(other, at), Rating.Easy, at)
    app = opened("study")
    assert "The answer to this question has changed since you last gave it." in words(app)
    change = asked.changes[2]["en"]
    assert change not in words(app)
    told = words(committed(app))
    assert "What changed since you last saw it" in told
    assert change in told
