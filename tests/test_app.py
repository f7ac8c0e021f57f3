"""The pages Today, Study and Settings, drawn by AppTest over a real store and a small real bank, in both languages."""

import re
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from app_pages import BANK, ROOT, opened, pressed, words
from streamlit.testing.v1 import AppTest

from kb import study
from kb.bank import load_bank
from kb.rating import Rating
from kb.store import Store

pytestmark = pytest.mark.usefixtures("workers")


def keys(app: AppTest) -> set[str]:
    """The first word of the key of each button."""
    return {str(button.key).partition("-")[0] for button in app.button}


def stored(database: Path) -> list[tuple[str, int]]:
    """The question and the rating of every review in the log."""
    with sqlite3.connect(database) as connection:
        return connection.execute(
            "SELECT question, rating FROM reviews WHERE kind = 'review' ORDER BY rowid"
        ).fetchall()


def place_of(app: AppTest, text: str) -> int:
    """The place of the option that says this."""
    labels = [button.label for button in app.button if str(button.key).startswith("option")]
    return next(place for place, label in enumerate(labels) if text in label)


def wait_for_demo(app: AppTest) -> AppTest:
    """The app once the demo behind the answer has given its result."""
    for _attempt in range(100):
        if "runs on this computer" not in words(app) and "正在本机运行" not in words(app):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("the demo did not finish")


# Today


@pytest.mark.parametrize(
    ("language", "sentence", "button"),
    [("en", "You commit to an answer first", "First question `enter`"), ("zh", "你先作答再看结果", "第一题 `回车`")],
)
def test_the_first_run_says_what_this_is_and_asks_two_things(
    database: Path, language: str, sentence: str, button: str
) -> None:
    app = opened(language=language)
    assert sentence in words(app)
    assert [each.label for each in app.button if each.key == "begin"] == [button]
    assert "place" in keys(app)
    assert len(app.segmented_control) == len(app.date_input) == 1


def test_the_first_button_leads_to_a_question_at_once(database: Path) -> None:
    app = pressed(opened(), "begin")
    assert "1 of" in words(app)
    assert "option" in keys(app) or app.text_input


def test_today_says_how_much_is_due_and_how_long_it_takes(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    attempt = study.next_attempt(bank, store, now - timedelta(days=30))
    assert attempt is not None
    study.submit(bank, store, attempt, Rating.Good, now - timedelta(days=30))
    study.set_setting(store, "interview_date", (now + timedelta(days=21)).date(), now)
    app = opened()
    assert re.fullmatch(r"\d questions, about \d minutes", app.title[0].value)
    assert "to your interview on" in words(app)
    assert "answers a day you will recall about" in words(app)
    assert "Weakest on that day" in words(app)


def test_nothing_due_says_when_the_next_is_and_offers_something_else(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    while attempt := study.next_attempt(bank, store, now):
        study.submit(bank, store, attempt, Rating.Easy, now)
    app = opened()
    assert re.fullmatch(r"Done for today: \d answers.", app.title[0].value)
    assert "come back" in words(app) or "comes back" in words(app)
    assert "judge" in keys(app)
    assert "explode" in words(pressed(app, "judge-myth"))


# Study


def test_a_wrong_choice_is_explained_and_again_is_proposed(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    wrong = place_of(app, "exploding")
    pressed(app, f"option-{wrong}")
    assert "Not right." in words(app)
    assert "The softmax cannot do that" in words(app)
    assert next(button for button in app.button if "Again" in button.label).proto.type == "primary"
    assert "option" not in keys(app)


def test_a_right_choice_is_stored_with_its_place_in_the_file_and_its_confidence(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    pressed(app, "sure-certain")
    pressed(app, f"option-{place_of(app, 'variance')}")
    assert "Right." in words(app)
    pressed(app, "rate-g")
    assert stored(database) == [("scale-by-root", Rating.Good)]
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT answer, correct, prediction FROM reviews").fetchone()
    assert row == ("1", 1, '{"confidence": "certain"}')
    assert "certain and wrong: 0 of 1" in words(app)


def test_what_the_demo_computed_stands_beside_the_prediction(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    next(field for field in app.text_input if "predicted" in str(field.key)).set_value("0.5").run()
    pressed(app, "option-0")
    wait_for_demo(app)
    assert "0.9222" in words(app)
    assert "Computed here in" in words(app)


@pytest.mark.parametrize(("language", "sentence"), [("en", "expected a number such as"), ("zh", "这里读不出一个数")])
def test_a_prediction_that_is_no_number_is_refused_in_a_sentence(database: Path, language: str, sentence: str) -> None:
    app = opened("study", language, question="exploding-softmax")
    next(field for field in app.text_input if "predicted" in str(field.key)).set_value("much").run()
    pressed(app, "option-1")
    assert sentence in words(app)
    assert "found 'much'" in words(app)
    assert "option" in keys(app)


def test_a_claim_is_judged(database: Path) -> None:
    app = opened("study", "zh", question="exploding-softmax")
    assert [button.label for button in app.button if "option" in str(button.key)] == ["对", "错", "视情况"]
    pressed(app, "option-1")
    assert "答对了。" in words(app)
    assert "这个论断是错的。" in words(app)


def test_several_choices_are_ticked_and_then_committed(database: Path) -> None:
    app = opened("study", question="smaller-cache")
    assert next(button for button in app.button if "commit" in str(button.key)).disabled
    pressed(app, f"option-{place_of(app, 'Fewer KV heads')}")
    pressed(app, f"option-{place_of(app, '8 bits')}")
    pressed(app, "commit")
    assert "Right." in words(app)
    pressed(app, "rate-g")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT answer FROM reviews").fetchone() == ("[0, 1]",)


def test_a_number_is_read_as_it_is_typed(database: Path) -> None:
    app = opened("study", question="weights-of-heads")
    next(field for field in app.text_input if "number" in str(field.key)).set_value("4 x")
    pressed(app, "commit")
    assert "found 'x' after it" in words(app)
    next(field for field in app.text_input if "number" in str(field.key)).set_value("1,048,576")
    pressed(app, "commit")
    assert "Right." in words(app)


def test_a_generated_number_is_graded_by_the_demo_for_the_drawn_parameters(database: Path) -> None:
    app = opened("study", question="cache-of-a-model")
    next(field for field in app.text_input if "number" in str(field.key)).set_value("1000")
    pressed(app, "commit")
    wait_for_demo(app)
    assert "Not right." in words(app)
    assert "It is " in words(app)


def test_ticked_key_points_propose_the_rating_of_an_open_question(database: Path) -> None:
    app = opened("study", question="separate-projections")
    app.text_area[0].set_value("They make scores one-sided.").run()
    pressed(app, "commit")
    assert "> They make scores one-sided." in words(app)
    assert next(button for button in app.button if "Again" in button.label).proto.type == "primary"
    for place in range(5):
        pressed(app, f"option-{place}")
    assert "5 of 5 key points." in words(app)
    assert next(button for button in app.button if "Good" in button.label).proto.type == "primary"


def test_a_reload_returns_to_the_same_question_answered_as_it_was(database: Path) -> None:
    app = opened("study")
    title = app.header[0].value
    session = app.query_params["session"]
    again = opened("study", session=session[0] if isinstance(session, list) else session)
    assert again.header[0].value == title


def test_the_same_rating_pressed_twice_is_stored_once(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    pressed(app, "option-0")
    session = app.query_params["session"]
    other = opened("study", session=session[0] if isinstance(session, list) else session)
    pressed(app, "rate-g")
    next(button for button in other.button if str(button.key).startswith("rate-e")).click()
    other.run()
    assert not other.exception
    assert stored(database) == [("scale-by-root", Rating.Good)]


def test_undo_takes_the_rating_back_and_shows_the_answer_again(database: Path) -> None:
    app = opened("study")
    title = app.header[0].value
    answer_anyhow(app)
    pressed(app, "rate-e")
    assert app.header[0].value != title
    pressed(app, "undo")
    assert app.header[0].value == title
    pressed(app, "rate-a")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT rating FROM answers").fetchall() == [(Rating.Again,)]
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (3,)


def answer_anyhow(app: AppTest) -> None:
    """Answers the question in front of the learner, rightly or not."""
    for field in app.text_input:
        if "number" in str(field.key):
            field.set_value("1")
    if any(str(button.key).startswith("option") for button in app.button):
        pressed(app, "option-0")
    if any(str(button.key).startswith("commit") for button in app.button):
        pressed(app, "commit")


def test_the_end_names_what_slipped_and_where_to_read(database: Path) -> None:
    app = opened("study", question="scale-by-root")
    pressed(app, "option-0")
    pressed(app, "rate-a")
    assert "Done for now." in words(app)
    assert "This one slipped" in words(app)
    assert "Attention Is All You Need" in words(app)
    assert "1 of" in words(pressed(app, "study-on"))


def test_the_list_of_keys_opens(database: Path) -> None:
    assert "rate: Again, Hard, Good, Easy" in words(pressed(opened("study"), "help"))


# What can go wrong


def test_an_answer_that_cannot_be_stored_is_said_so_and_can_be_tried_again(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened("study", question="scale-by-root")
    pressed(app, "option-0")
    monkeypatch.setenv("KB_DB", str(tmp_path))  # a folder where the database should be
    pressed(app, "rate-g")
    assert "This answer is not stored yet." in words(app)
    assert "found a folder" in words(app)
    monkeypatch.setenv("KB_DB", str(database))
    pressed(app, "rate-g")
    assert stored(database) == [("scale-by-root", Rating.Good)]


def test_a_question_that_vanishes_while_it_is_on_the_screen_has_a_way_on(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = tmp_path / "bank"
    shutil.copytree(BANK, bank)
    monkeypatch.setenv("KB_CONTENT", str(bank))
    app = opened("study", question="separate-projections")
    pressed(app, "commit")
    for file in (bank / "attention").glob("separate-projections*"):
        file.unlink()
    st.cache_data.clear()
    pressed(app, "rate-g")
    assert "This answer is not stored yet." in words(app)
    assert "there is none of that name" in words(app)
    pressed(app, "go-on")
    assert "separate projections" not in words(app)


def test_a_broken_file_is_told_quietly_and_the_rest_works(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = tmp_path / "bank"
    shutil.copytree(BANK, bank)
    (bank / "attention" / "scale-by-root.md").write_text("---\nkind: essay\n---\n# Why?\n", encoding="utf-8")
    monkeypatch.setenv("KB_CONTENT", str(bank))
    app = opened()
    assert any("problem" in expander.label for expander in app.expander)
    assert any("kind: expected one of" in code.value for code in app.code)
    assert "begin" in keys(app)


def test_a_demo_that_cannot_run_is_one_sentence_and_the_page_stays(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = tmp_path / "bank"
    shutil.copytree(BANK, bank)
    file = bank / "attention" / "exploding-softmax.md"
    file.write_text(
        file.read_text(encoding="utf-8").replace("params: {head_dim: 512", "params: {head_dim: 0"), encoding="utf-8"
    )
    monkeypatch.setenv("KB_CONTENT", str(bank))
    app = opened("study", question="exploding-softmax")
    pressed(app, "option-1")
    assert "head_dim: expected a whole number from 1 to 4096; found 0." in words(app)
    assert "rate" in keys(app)


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "not a database, or a damaged one"), ("zh", "保存进度的数据库已损坏")]
)
def test_a_damaged_database_is_a_sentence_on_every_page(database: Path, language: str, sentence: str) -> None:
    database.write_bytes(b"these are not the bytes of a database" * 200)
    for page in ("", "study", "settings"):
        assert sentence in words(opened(page, language))


def test_an_unknown_question_in_the_address_is_a_sentence_with_a_way_on(database: Path) -> None:
    app = opened("study", question="no-such-question")
    assert "there is none of that name" in words(app)
    assert "undo" in keys(pressed(app, "study-due"))


# Settings


def test_the_language_changes_at_once_and_stays(database: Path) -> None:
    app = opened("settings")
    app.segmented_control[0].set_value("zh").run()
    assert app.header[0].value == "设置"
    assert study.settings(Store(database)).language == "zh"
    assert "你先作答再看结果" in words(opened(language="en"))


def test_every_setting_is_stored_as_soon_as_it_changes(database: Path) -> None:
    app = opened("settings")
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    app.date_input[0].set_value(day).run()
    app.number_input(key="chosen-new").set_value(7).run()
    app.slider[0].set_value(85).run()
    app.selectbox(key="chosen-rollover").set_value(3).run()
    settings = study.settings(Store(database))
    assert (settings.interview_date, settings.new_per_day, settings.desired_retention) == (day, 7, 0.85)
    assert settings.rollover_hour == 3


def test_a_backup_is_made_on_demand(database: Path) -> None:
    app = pressed(opened("settings"), "back-up")
    assert "Copied to" in "\n".join(element.value for element in app.success)
    assert list((database.parent / "backups").glob("*.db"))


def test_the_app_never_imports_torch(database: Path) -> None:
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('app.py', default_timeout=30).run()\nassert not app.exception\n"
        "app.switch_page('kb/views/study.py').run()\nassert not app.exception\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
