"""Today in each of its states: without an interview, before, on and after its day, short of time, done."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from app_pages import (
    BANK,
    again,
    answered,
    has,
    label,
    opened,
    pressed,
    set_to,
    settings_of,
    today,
    words,
    write,
)
from streamlit.testing.v1 import AppTest

from kb import study
from kb.bank import load_bank
from kb.planning import Interview
from kb.rating import Rating
from kb.store import Store

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
def bank(database: Path) -> Path:
    """The folder of the bank that the app reads."""
    return database.parent / "content"


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
