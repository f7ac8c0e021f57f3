"""A session by time and by number, its summary, and what can go wrong in Study."""

import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from app_pages import (
    BANK,
    again,
    answered,
    has,
    opened,
    pick,
    pressed,
    set_to,
    stored,
    words,
)
from streamlit.testing.v1 import AppTest

from demos._runner import Runner
from kb.bank import load_bank
from kb.rating import Rating
from kb.views import shell

FAULTY = Path(__file__).parent / "faulty_demos"
pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
def bank(database: Path) -> Path:
    """The folder of the bank that the app reads."""
    return database.parent / "content"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """How far the app's clock is ahead of this computer's; the last entry counts."""
    ahead = [timedelta()]
    monkeypatch.setattr(shell, "now", lambda: datetime.now(UTC) + ahead[-1])
    return ahead


# The length of a session


def test_a_session_by_number_ends_after_so_many_answers(database: Path) -> None:
    set_to(database, session_size=1)
    app = opened("study")
    assert "1 of 1" in words(app)
    assert "Done for now." in words(pressed(commit(app), "rate-g"))


def commit(app: AppTest) -> AppTest:
    """The app after the question in front of the learner was answered, rightly or not."""
    for field in app.text_input:
        if "number" in str(field.key):
            field.set_value("1")
    if has(app, "option"):
        pressed(app, "option-0")
    return pressed(app, "commit") if has(app, "commit") else app


def test_a_session_by_time_ends_with_the_first_rating_after_its_minutes(database: Path, clock: list[timedelta]) -> None:
    set_to(database, session_minutes=10)
    app = opened("study")
    assert "0 of 10 minutes" in words(app)
    clock.append(timedelta(minutes=9))
    pressed(commit(app), "rate-e")
    assert "9 of 10 minutes" in words(app)
    commit(app)
    clock.append(timedelta(minutes=11))
    assert "10 of 10 minutes" in words(again(app))
    pressed(app, "rate-e")
    assert "Done for now." in words(app)
    assert "2 questions answered" in words(app)
    assert "0 of 10 minutes" in words(pressed(app, "study-on"))


# The summary


def slip(app: AppTest, *texts: str) -> AppTest:
    """The summary after these options were pressed and the answer rated Again."""
    pick(app, *texts)
    if has(app, "commit"):
        pressed(app, "commit")
    return pressed(app, "rate-a")


def test_the_summary_sets_the_given_choice_against_the_right_one(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    pressed(app, "sure-certain")
    said = words(slip(app, "exploding"))
    assert re.search(r"You said: .*exploding.*\. Right is: .*variance.*\. \*\*You were certain\.\*\*", said)
    assert re.search(r"Comes back in \d+ min\. To read: ", said)


def test_the_summary_sets_a_verdict_against_the_right_one_in_chinese_too(database: Path) -> None:
    app = opened("study", "zh", question="exploding-softmax")
    assert "你选的是：对。正确的是：错。" in words(slip(app, "对"))


def test_the_summary_names_what_was_not_ticked_and_what_was_ticked_though_wrong(database: Path) -> None:
    app = opened("study", question="smaller-cache")
    wrong = next(
        button.label
        for button in app.button
        if str(button.key).startswith("option") and "Fewer KV" not in button.label and "8 bits" not in button.label
    ).partition("` ")[2]
    said = words(slip(app, "Fewer KV heads", wrong))
    assert re.search(r"Not ticked: .*8 bits", said)
    assert f"Ticked, though wrong: {wrong.rstrip('.')}." in said


def test_the_summary_sets_a_number_against_the_right_one(database: Path) -> None:
    app = opened("study", question="weights-of-heads")
    next(field for field in app.text_input if "number" in str(field.key)).set_value("4")
    pressed(app, "commit")
    assert "You answered 4 weights. It is 1,048,576 weights." in words(pressed(app, "rate-a"))


def test_the_summary_lists_the_key_points_that_an_open_answer_lacked(database: Path) -> None:
    app = pressed(opened("study", question="separate-projections"), "commit")
    pressed(app, "option-0")
    said = words(pressed(app, "rate-a"))
    missed = load_bank(BANK).questions["separate-projections"].text("en").key_points
    assert missed[1].rstrip(".") in said
    assert missed[0] not in said


def test_a_right_answer_rated_again_is_said_to_be_right(database: Path) -> None:
    app = opened("study", question="exploding-softmax")
    assert "Right, and you rated it Again." in words(slip(app, "False"))


def test_the_summary_says_what_comes_back_when(database: Path) -> None:
    app = opened("study", question="exploding-softmax")
    pick(app, "False")
    assert re.search(r"Comes back: 1 (within a week|later)", words(pressed(app, "rate-e")))


def test_a_question_that_slipped_too_often_is_said_to_be_suspended(database: Path) -> None:
    set_to(database, leech_lapses=1)
    answered(database, ("exploding-softmax", Rating.Easy, 30))
    app = opened("study", question="exploding-softmax")
    said = words(slip(app, "True"))
    assert "It slipped so often that it was suspended." in said
    assert "Comes back in" not in said


def test_the_last_rating_can_be_taken_back_at_the_end(database: Path) -> None:
    app = pressed(commit(opened("study", question="scale-by-root")), "rate-a")
    assert "Done for now." in words(app)
    app = pressed(app, "undo")
    assert has(app, "rate-a")
    pressed(app, "rate-g")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT rating FROM answers").fetchall() == [(Rating.Good,)]


# What can go wrong in Study


def test_a_question_that_vanishes_before_it_is_answered_has_a_way_on(database: Path, bank: Path) -> None:
    app = opened("study")
    title = app.header[0].value
    slug = next(slug for slug, each in load_bank(bank).questions.items() if each.text("en").title == title)
    for file in bank.glob(f"*/{slug}*"):
        file.unlink()
    st.cache_data.clear()
    again(app)
    assert "This question is gone." in words(app)
    assert "Its file was removed" in words(app)
    app = pressed(app, "go-on")
    assert app.header[0].value != title
    assert has(app, "undo")


def test_a_question_edited_before_it_is_answered_is_shown_as_it_is_now(database: Path, bank: Path) -> None:
    app = opened("study", question="exploding-softmax")
    file = bank / "attention" / "exploding-softmax.md"
    file.write_text(re.sub(r"(?m)^# .*$", "# Edited just now.", file.read_text("utf-8")), encoding="utf-8")
    st.cache_data.clear()
    assert again(app).header[0].value == "Edited just now."
    pick(app, "False")
    file.write_text(file.read_text("utf-8").replace("just now", "too late"), encoding="utf-8")
    st.cache_data.clear()
    assert again(app).header[0].value == "Edited just now."
    pressed(app, "rate-g")
    assert stored(database) == [("exploding-softmax", Rating.Good, "review")]


def test_a_file_that_breaks_while_its_question_is_on_the_screen_costs_no_answer(database: Path, bank: Path) -> None:
    app = opened("study", question="exploding-softmax")
    file = bank / "attention" / "exploding-softmax.md"
    file.write_text(file.read_text("utf-8").replace("kind: claim", "kind: essay"), encoding="utf-8")
    st.cache_data.clear()
    assert "here it is as it was before" in words(again(app))
    pick(app, "False")
    pressed(app, "rate-g")
    assert stored(database) == [("exploding-softmax", Rating.Good, "review")]


def test_a_database_locked_by_another_program_is_a_sentence_and_the_answer_is_stored_later(database: Path) -> None:
    app = commit(opened("study", question="scale-by-root"))
    with sqlite3.connect(database, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        pressed(app, "rate-g")
        assert "This answer is not stored yet." in words(app)
        assert "locked by another program" in words(app)
        other.execute("ROLLBACK")
    pressed(app, "rate-g")
    assert stored(database) == [("scale-by-root", Rating.Good, "review")]
    assert "Done for now." in words(app)


def test_a_worker_that_dies_is_a_sentence_and_the_question_can_be_rated(
    database: Path, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bank / "attention" / "exploding-softmax.md"
    killed = "predict: {demo: misbehaves, params: {fault: kill}, asks: drawn}"
    text, count = re.subn(r"(?m)^predict: .*$", killed, file.read_text("utf-8"))
    assert count == 1
    file.write_text(text, encoding="utf-8")
    runner = Runner(workers=1, root=FAULTY)
    monkeypatch.setattr(shell, "runner", lambda: runner)
    try:
        app = pick(opened("study", question="exploding-softmax"), "False")
        for _attempt in range(300):
            if app.warning:
                break
            time.sleep(0.1)
            again(app)
        assert "its worker process died (exit code -9)" in app.warning[0].value
        assert has(app, "run-again")
        assert "Done for now." in words(pressed(app, "rate-g"))
        assert stored(database) == [("exploding-softmax", Rating.Good, "review")]
    finally:
        runner.close()
