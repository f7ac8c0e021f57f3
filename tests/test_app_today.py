"""Today in each of its states, the placement quiz, sessions by time and number, the summary, and what can go wrong in Study."""

import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from app_pages import BANK, again, answered, environment, links, opened, words
from small_bank import question
from streamlit.testing.v1 import AppTest

from demos._runner import Runner
from kb import study
from kb.bank import load_bank
from kb.planning import Interview
from kb.questions import Choice, Text
from kb.rating import Rating
from kb.rendering import render
from kb.settings import Settings
from kb.store import Store
from kb.views import shell

FAULTY = Path(__file__).parent / "faulty_demos"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """Ends the workers that ran demos."""
    yield
    shell.runner().close()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database and a copy of the small bank, in the environment of the app."""
    return environment(tmp_path, monkeypatch)


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


def set_to(database: Path, **settings: object) -> None:
    for name, value in settings.items():
        study.set_setting(Store(database), name, value, datetime.now(UTC))


def settings_of(database: Path) -> Settings:
    return study.settings(Store(database))


def today(database: Path):
    return settings_of(database).days.day(datetime.now(UTC))


def pressed(app: AppTest, key: str) -> AppTest:
    """The app after the button whose key begins like this was pressed."""
    next(button for button in app.button if str(button.key).startswith(key)).click()
    return again(app)


def keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button]


def label(app: AppTest, key: str) -> str:
    return next(button.label for button in app.button if str(button.key).startswith(key))


def has(app: AppTest, key: str) -> bool:
    return any(each.startswith(key) for each in keys(app))


def stored(database: Path) -> list[tuple[str, int, str]]:
    """Question, rating and kind of every entry of the log."""
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT question, rating, kind FROM reviews ORDER BY rowid").fetchall()


def pick(app: AppTest, *texts: str) -> AppTest:
    """The app after the options that say these were pressed one after the other."""
    for text in texts:
        place = next(button for button in app.button if str(button.key).startswith("option") and text in button.label)
        place.click()
        again(app)
    return app


def write(bank: Path, slug: str, topic: str = "attention", difficulty: int = 3, **keys) -> None:
    """Adds a choice question to the bank, whose right option says so."""
    choices = (Choice("the right one", True), Choice("a wrong one", False), Choice("another wrong one", False))
    text = Text(title=f"What is {slug}?", choices=choices, answer="It is what it is.")
    made = question(slug, topic, difficulty, covers=("attn-qk-separate",), texts={"en": text}, **keys)
    (bank / topic / f"{slug}.md").write_text(render(made), encoding="utf-8")
    st.cache_data.clear()


# Today


def test_without_a_date_today_offers_to_set_one_and_names_what_needs_it_most(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    said = words(opened("today"))
    assert "to your interview" not in said
    assert "The plan then aims at what you will recall on that day." in said
    assert "What needs it most" in said
    assert "not begun · 2 not seen yet" in said


@pytest.mark.parametrize(
    ("language", "count", "share"),
    [
        ("en", "9 days to your interview on", r"you will recall about \d+% of 6 questions on that day \(\d+–\d+%\)"),
        ("zh", "还有 9 天", r"大约能答出 6 题中的 \d+%（\d+–\d+%）"),
    ],
)
def test_an_interview_ahead_has_its_days_and_the_expected_recall_with_its_range(
    database: Path, language: str, count: str, share: str
) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    set_to(database, interview_date=today(database) + 9 * DAY)
    said = words(opened("today", language))
    assert count in said
    assert re.search(share, said)


def test_the_weakest_topics_of_the_day_have_a_range_and_lead_to_their_questions(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    set_to(database, interview_date=today(database) + 9 * DAY)
    app = opened("today")
    assert "Weakest on that day" in words(app)
    assert re.search(r"about \d+% \(\d+–\d+%\) · 2 not seen yet", words(app))
    assert "KV cache · 1 of 2" in words(pressed(app, "study-kv_cache"))


def test_several_interviews_each_have_their_line_the_nearest_first(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    day = today(database)
    set_to(database, interview_date=day + 40 * DAY, interviews=[Interview(day + 5 * DAY, ("kv_cache",))])
    said = words(opened("today"))
    assert "5 days to your interview on" in said
    assert "of 2 questions on that day" in said
    assert re.search(r", in 40 days: about \d+% of 6 questions", said)
    assert "Left out: Attention." in said


def test_on_the_day_itself_today_says_what_is_known_now_and_offers_no_bargain(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    set_to(database, interview_date=today(database), answers_per_day=1)
    app = opened("today")
    assert "Your interview is today. You know about" in words(app)
    assert "Weakest today" in words(app)
    assert not has(app, "answer-more")
    assert has(app, "begin")


def test_after_the_interview_the_next_date_can_be_set_or_the_past_one_forgotten(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 12))
    set_to(database, interview_date=today(database) - 3 * DAY)
    app = opened("today")
    assert "is over. What you learnt comes back for the long term." in words(app)
    assert app.date_input[0].value == today(database) - 3 * DAY
    app = pressed(app, "forget-past")
    assert "is over" not in words(app)
    assert settings_of(database).all_interviews == ()


def test_a_next_date_set_on_the_page_is_planned_for_at_once(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 12))
    set_to(database, interview_date=today(database) - 3 * DAY)
    app = opened("today")
    app.date_input[0].set_value(today(database) + 20 * DAY).run()
    assert "20 days to your interview on" in words(again(app))


def short_of_time(database: Path, bank: Path) -> AppTest:
    """Today with two days and two answers a day for a dozen questions."""
    for number in range(6):
        write(bank, f"more-{number}", "kv_cache")
    answered(database, ("scale-by-root", Rating.Good, 1))
    set_to(database, interview_date=today(database) + 2 * DAY, answers_per_day=2)
    return opened("today")


def test_what_would_stay_unseen_is_said_and_more_answers_a_day_settle_it(database: Path, bank: Path) -> None:
    app = short_of_time(database, bank)
    assert re.search(r"At 2 answers a day, \d+ questions stay unseen\.", words(app))
    assert re.search(r"About \d+ minutes a day at your pace; about \d+% recalled", words(app))
    needed = int(label(app, "answer-more").split()[0])
    app = pressed(app, "answer-more")
    assert settings_of(database).answers_per_day == needed
    assert "stay unseen" not in words(app)


def test_topics_can_be_left_out_instead_and_asked_about_again(database: Path, bank: Path) -> None:
    app = short_of_time(database, bank)
    assert label(app, "leave-out") == "Leave out 1 topic"
    app = pressed(app, "leave-out")
    assert settings_of(database).all_interviews == (Interview(today(database) + 2 * DAY, ("attention",)),)
    assert "KV cache" in words(app)
    app = pressed(app, "ask-everything")
    assert settings_of(database).all_interviews == (Interview(today(database) + 2 * DAY),)
    assert has(app, "leave-out")


def test_the_time_it_takes_follows_the_learners_own_pace(database: Path) -> None:
    assert re.fullmatch(r"\d questions, about \d minutes", title_after_answers_of(database, 40.0))
    assert re.fullmatch(r"\d questions, about 1\d minutes", title_after_answers_of(database, 170.0))


def title_after_answers_of(database: Path, seconds: float) -> str:
    """The title of Today after many answers that took so long."""
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    for number in range(60):
        at = now - 3 * DAY + number * timedelta(minutes=1)
        attempt = study.start_attempt(bank.questions["scale-by-root"], at)
        study.submit(bank, store, attempt, Rating.Good, at, duration_s=seconds)
    return str(opened("today").title[0].value)


def test_a_session_by_time_is_announced_in_minutes_and_set_beside_begin(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 1))
    app = opened("today")
    next(control for control in app.segmented_control if control.label == "Length of a session").set_value("minutes")
    again(app)
    assert settings_of(database).session_minutes == 15
    next(field for field in app.number_input if field.label == "Minutes").set_value(1)
    again(app)
    assert settings_of(database).session_minutes == 1
    assert again(app).title[0].value == "1 minute, about 2 questions"


def test_when_the_day_is_done_today_says_so_and_going_beyond_is_said_to_be_beyond(database: Path) -> None:
    set_to(database, new_per_day=1)
    answered(database, ("weights-of-heads", Rating.Easy, 0))
    app = opened("today")
    assert app.title[0].value == "Done for today: 1 answer."
    assert "Your limit is 1 new question a day." in words(app)
    app = pressed(app, "learn-new")
    assert "1 of 5" in words(app)


@pytest.mark.parametrize(("language", "sentence"), [("en", "found a folder"), ("zh", "现在无法读写学习进度")])
def test_a_store_that_cannot_be_opened_is_a_sentence_and_a_way_on(
    database: Path, monkeypatch: pytest.MonkeyPatch, language: str, sentence: str
) -> None:
    monkeypatch.setenv("KB_DB", str(database.parent))
    app = opened("today", language)
    assert sentence in words(app)
    monkeypatch.setenv("KB_DB", str(database))
    assert has(pressed(app, "try-again"), "begin")


# First run and placement


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
