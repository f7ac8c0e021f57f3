"""Settings in AppTest: every setting is stored as soon as it changes, and used; the page speaks both languages."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from app_pages import BANK, answered, environment, opened, words
from settings_page import ANSWERS, part, pressed, successes
from streamlit import config
from streamlit.testing.v1 import AppTest

from kb import marks, study
from kb.bank import load_bank
from kb.rating import Rating
from kb.settings import Settings
from kb.store import Store
from kb.views import shell, theme


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield environment(tmp_path, monkeypatch)
    theme.choose(theme.AUTO)  # which belongs to the process


def stored(database: Path) -> Settings:
    return study.settings(Store(database))


# Settings


@pytest.mark.parametrize(
    ("widget", "key", "value", "setting", "expected"),
    [
        ("segmented_control", "theme", "dark", "theme", "dark"),
        ("segmented_control", "budget-kind", "minutes", "minutes_per_day", 30),
        ("number_input", "answers_per_day", 25, "answers_per_day", 25),
        ("number_input", "new", 4, "new_per_day", 4),
        ("segmented_control", "session-kind", "minutes", "session_minutes", 15),
        ("number_input", "session-size", 12, "session_size", 12),
        ("slider", "retention", 85, "desired_retention", 0.85),
        ("number_input", "leeches", 5, "leech_lapses", 5),
        ("selectbox", "rollover", 3, "rollover_hour", 3),
        ("selectbox", "timezone", "Asia/Shanghai", "timezone", "Asia/Shanghai"),
        ("segmented_control", "device", "cpu", "device", "cpu"),
        ("number_input", "demo_timeout_s", 40, "demo_timeout_s", 40),
        ("number_input", "demo_memory_mib", 1024, "demo_memory_mib", 1024),
    ],
)
def test_each_setting_is_stored_as_soon_as_it_changes(
    database: Path, widget: str, key: str, value: object, setting: str, expected: object
) -> None:
    app = opened("settings")
    getattr(app, widget)(key=f"chosen-{key}").set_value(value).run()
    assert not app.exception
    assert not app.error
    assert getattr(stored(database), setting) == expected


def test_a_day_counted_in_minutes_goes_back_to_answers(database: Path) -> None:
    study.set_setting(Store(database), "minutes_per_day", 45, datetime.now(UTC))
    app = opened("settings")
    assert app.number_input(key="chosen-minutes_per_day").value == 45
    app.segmented_control(key="chosen-budget-kind").set_value("answers").run()
    assert stored(database).minutes_per_day is None
    assert app.number_input(key="chosen-answers_per_day").value == 40


def test_an_empty_limit_is_the_limit_of_the_program(database: Path) -> None:
    study.set_setting(Store(database), "demo_timeout_s", 40, datetime.now(UTC))
    app = opened("settings")
    app.number_input(key="chosen-demo_timeout_s").set_value(None).run()
    assert stored(database).demo_timeout_s is None


def test_an_interview_on_some_topics_is_added_and_taken_away(database: Path) -> None:
    app = opened("settings")
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    app.date_input(key="chosen-another-day").set_value(day).run()
    app.multiselect(key="chosen-another-topics").set_value(["attention"]).run()
    pressed(app, "add-interview")
    (interview,) = stored(database).interviews
    assert (interview.date, interview.topics) == (day, ("attention",))
    assert "· Attention" in words(app)
    assert app.date_input(key="chosen-another-day").value is None
    pressed(app, "forget-interview-0")
    assert stored(database).interviews == ()


def test_desired_retention_says_what_it_costs_once_something_is_known(database: Path) -> None:
    assert "reviews a day" not in words(opened("settings"))
    answered(database, *((slug, Rating.Good, 2) for slug, _rating, _days in ANSWERS))
    assert "costs about so many reviews a day: " in words(opened("settings"))


def test_demos_run_within_the_limits_and_on_the_device_of_the_settings(database: Path) -> None:
    store, now = Store(database), datetime.now(UTC)
    for name, value in (("device", "cpu"), ("demo_timeout_s", 77), ("demo_memory_mib", 3000)):
        study.set_setting(store, name, value, now)
    run = shell.submit("softmax_saturation", {})
    try:
        assert run.timeout_s == 77
        assert run.result().device == "cpu"
    finally:
        shell.runner().close()


def test_a_demo_in_the_lab_is_noted_once(database: Path) -> None:
    app = opened("lab", demo="softmax_saturation")
    try:
        for _try in range(100):
            if marks.demos_run(Store(database)):
                break
            app.run()
        assert {name: each.days for name, each in marks.demos_run(Store(database)).items()} == {"softmax_saturation": 1}
    finally:
        shell.runner().close()


# The schedule fitted to the learner


def fitted(app: AppTest) -> AppTest:
    """The page after a fit, which runs in a process of its own."""
    pressed(app, "fit")
    assert app.session_state["fitting"].wait(120)
    app.run()
    assert not app.exception, app.exception
    return app


def test_too_few_recalls_are_counted_and_nothing_is_offered(database: Path) -> None:
    answered(database, *ANSWERS, ("scale-by-root", Rating.Good, 10))
    app = fitted(part("fit"))
    assert "1 recall so far; a fit needs 400." in words(app)
    assert "fit-keep" not in [button.key for button in app.button]


def test_a_fit_says_what_it_gains_on_answers_it_has_not_seen_and_can_be_kept_and_reset(database: Path) -> None:
    slugs = list(load_bank(BANK).questions)
    # a learner who recalls far more than FSRS expects: everything, every other week, for years
    past = [
        (slug, Rating.Again if day == 14 else Rating.Good, 15 * 130 - day)
        for day in range(0, 15 * 130, 15)
        for slug in slugs
    ]
    answered(database, *past[: 450 + len(slugs)])
    app = fitted(part("fit"))
    assert "log loss" in words(app)
    assert "with the usual parameters" in words(app)
    pressed(app, "fit-keep")
    assert "Kept." in successes(app)
    assert len(stored(database).fsrs_parameters or ()) == 21
    pressed(app, "fit-reset")
    assert "The usual parameters hold again." in successes(app)
    assert stored(database).fsrs_parameters is None


def test_a_fit_can_be_cancelled(database: Path) -> None:
    answered(database, *ANSWERS)
    app = pressed(part("fit"), "fit")
    running = app.session_state["fitting"]
    if not running.done:
        pressed(app, "fit-cancel")
        assert "fitting" not in app.session_state
    assert running.wait(20)


# Theme


def test_a_theme_leaves_one_side_of_the_colours_and_the_system_brings_both_back() -> None:
    both = config.get_option("theme.light.textColor"), config.get_option("theme.dark.textColor")
    assert all(both)
    assert theme.choose("dark")
    assert not theme.choose("dark")
    assert config.get_option("theme.base") == "dark"
    assert config.get_option("theme.textColor") == both[1]
    assert config.get_option("theme.dark.textColor") is None
    assert theme.choose("light")
    assert config.get_option("theme.textColor") == both[0]
    assert theme.choose(theme.AUTO)
    assert (config.get_option("theme.light.textColor"), config.get_option("theme.dark.textColor")) == both
    assert config.get_option("theme.textColor") is None
    assert config.get_option("theme.baseFontSize") == 17


def test_a_stored_theme_holds_from_the_first_page_of_a_new_server(database: Path) -> None:
    study.set_setting(Store(database), "theme", "dark", datetime.now(UTC))
    opened("progress")
    assert theme.chosen() == "dark"


# Chinese


def test_every_part_of_the_page_speaks_chinese(database: Path) -> None:
    answered(database, *ANSWERS)
    app = opened("settings", "zh")
    for key in ("fit", "anki", "import", "drafts", "copies", "merge", "restore"):
        app.session_state[f"part-{key}"] = True
    app.run()
    assert not app.exception
    assert [each.value for each in app.subheader] == [
        "面试",
        "学习量",
        "复习安排",
        "演示",
        "与其他程序互通",
        "学习进度",
    ]
    labels = [
        each.label for each in (*app.number_input, *app.selectbox, *app.button, *app.file_uploader, *app.expander)
    ]
    assert all(any("一" <= sign <= "鿿" for sign in label) for label in labels), labels


def test_the_day_of_an_interview_may_be_in_the_past_once_it_is_over(database: Path) -> None:
    study.set_setting(Store(database), "interview_date", date(2020, 1, 1), datetime.now(UTC))
    assert opened("settings").date_input(key="chosen-interview").value == date(2020, 1, 1)
