"""The first run and the placement quiz, left and found again, and what can go wrong in it."""

from pathlib import Path

import pytest
import streamlit as st
from app_pages import again, answered, has, keys, label, links, opened, pick, pressed, stored, words, write
from streamlit.testing.v1 import AppTest

from kb.rating import Rating

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
def bank(database: Path) -> Path:
    """The folder of the bank that the app reads."""
    return database.parent / "content"


def ladder(bank: Path) -> None:
    """Adds to each topic of the bank questions of every difficulty."""
    for topic in ("attention", "kv_cache"):
        for level in range(1, 5):
            for letter in "ab":
                write(bank, f"{topic.replace('_', '-')}-{level}{letter}", topic, level)


def answer_quiz(app: AppTest, option: str, times: int) -> AppTest:
    for _time in range(times):
        pick(app, option)
    return app


def test_the_first_run_offers_the_first_question_and_a_placement_quiz(database: Path) -> None:
    app = opened("today")
    assert {"begin", "place"} <= set(keys(app))
    assert "of at most 12" in words(pressed(app, "place"))


def test_right_answers_place_the_learner_and_the_easier_questions_are_skipped_on_agreement(
    database: Path, bank: Path
) -> None:
    ladder(bank)
    app = answer_quiz(opened("placement"), "the right one", 4)
    assert "Attention**: you know the basics;" in words(app)
    assert [rating for _slug, rating, kind in stored(database) if kind == "review"] == [Rating.Good] * 4
    assert not any(kind == "known" for _slug, _rating, kind in stored(database))
    skipped = int(label(app, "begin").split()[1])
    app = pressed(app, "begin")
    known = {slug for slug, rating, kind in stored(database) if kind == "known" and rating == Rating.Easy}
    assert len(known) == skipped >= 8
    assert {"attention-1a", "attention-2b", "kv-cache-1b"} <= known
    assert not {"separate-projections", "attention-3b"} & known
    assert "1 of" in words(app)


def test_one_right_answer_offers_to_skip_only_what_it_rests_on(database: Path, bank: Path) -> None:
    ladder(bank)
    write(bank, "attention-3a", requires=("attention-1b",))
    app = pressed(pick(opened("placement"), "the right one", "a wrong one", "a wrong one"), "end")
    assert "you know some of it; 1 question that it rests on can be skipped." in words(app)


def test_nothing_is_skipped_where_the_learner_does_not_agree(database: Path, bank: Path) -> None:
    ladder(bank)
    app = answer_quiz(opened("placement"), "the right one", 4)
    app = pressed(app, "begin-all")
    assert {kind for _slug, _rating, kind in stored(database)} == {"review"}
    assert "1 of" in words(app)


def test_wrong_answers_are_stored_and_the_start_is_the_place(database: Path, bank: Path) -> None:
    ladder(bank)
    app = answer_quiz(opened("placement"), "a wrong one", 2)
    assert "Attention**: from the start." in words(app)
    assert [rating for _slug, rating, _kind in stored(database)] == [Rating.Again] * 2
    assert ":red[" in words(app)
    assert label(app, "begin").startswith("Begin")


def test_not_sure_stores_nothing_and_leads_to_the_next_topic(database: Path, bank: Path) -> None:
    ladder(bank)
    app = opened("placement")
    assert "Attention · " in words(app)
    app = pressed(app, "not-sure")
    assert "KV cache · " in words(app)
    assert stored(database) == []


def test_the_quiz_can_be_left_at_any_point_and_a_reload_finds_it_again(database: Path, bank: Path) -> None:
    ladder(bank)
    app = answer_quiz(opened("placement"), "the right one", 1)
    title = app.header[0].value
    name = app.query_params["quiz"]
    same = opened("placement", quiz=name[0] if isinstance(name, list) else name)
    assert same.header[0].value == title
    ended = pressed(same, "end")
    assert "nothing is skipped on one right answer alone" in words(ended)
    assert len(stored(database)) == 1


def test_a_quiz_that_is_left_at_once_can_be_gone_on_with(database: Path, bank: Path) -> None:
    ladder(bank)
    app = pressed(opened("placement"), "end")
    assert "You answered no question, so every topic begins from the start." in words(app)
    assert "What is" in pressed(app, "more").header[0].value


def test_an_option_pressed_twice_counts_once(database: Path, bank: Path) -> None:
    ladder(bank)
    app = opened("placement")
    name = app.query_params["quiz"]
    other = opened("placement", quiz=name[0] if isinstance(name, list) else name)
    pick(app, "the right one")
    pick(other, "a wrong one")
    assert [rating for _slug, rating, _kind in stored(database)] == [Rating.Good]


def test_an_answer_of_the_quiz_that_cannot_be_stored_stays_on_the_page(
    database: Path, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ladder(bank)
    app = opened("placement")
    monkeypatch.setenv("KB_DB", str(database.parent))
    pick(app, "the right one")
    assert "found a folder" in words(app)
    monkeypatch.setenv("KB_DB", str(database))
    pick(app, "the right one")
    assert len(stored(database)) == 1


def test_a_question_of_the_quiz_that_vanishes_gives_way_to_the_next(database: Path, bank: Path) -> None:
    ladder(bank)
    app = opened("placement")
    title = app.header[0].value
    slug = str(title).removeprefix("What is ").removesuffix("?")
    (bank / "attention" / f"{slug}.md").unlink()
    st.cache_data.clear()
    again(app)
    assert app.header[0].value != title
    assert has(app, "option")


def test_today_leads_to_the_quiz_while_a_topic_is_not_begun(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    assert any("placement quiz" in said for said, _query in links(opened("today")))
    answered(database, ("smaller-cache", Rating.Good, 1))
    assert not any("placement quiz" in said for said, _query in links(opened("today")))


def test_where_nothing_can_be_asked_the_quiz_says_so(database: Path, bank: Path) -> None:
    for file in bank.glob("*/*.md"):
        if not file.name.startswith("separate"):
            file.unlink()
    app = opened("placement")
    assert "There is nothing to place." in words(app)
    assert has(app, "begin")
