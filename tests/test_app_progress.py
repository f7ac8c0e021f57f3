"""Progress in AppTest: nothing yet, and every section with its words, its charts and their data, in both languages."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from app_pages import BANK, again, answered, environment, links, opened, words
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from kb import marks, study
from kb.bank import load_bank
from kb.rating import Rating
from kb.store import Store

PAST = (
    ("scale-by-root", Rating.Easy, 25),
    ("smaller-cache", Rating.Good, 20),
    ("scale-by-root", Rating.Again, 12),
    ("smaller-cache", Rating.Good, 12),
    ("scale-by-root", Rating.Good, 11),
    ("weights-of-heads", Rating.Again, 1),
    ("separate-projections", Rating.Easy, 0),
)
SECTIONS = ("recall", "work", "known", "time")


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environment(tmp_path, monkeypatch)


def headings(app: AppTest) -> list[str]:
    return [each.value for each in app.subheader]


def rows(app: AppTest, chart: int = 0) -> list[dict[str, Any]]:
    """The data of a chart of the page."""
    table = convert_arrow_bytes_to_pandas_df(app.get("vega_lite_chart")[chart].proto.data.data)
    found: list[dict[str, Any]] = table.to_dict("records")
    return found


def judged(database: Path, *answers: tuple[str, str, bool]) -> None:
    """Stores answers of today, each with its confidence and whether it was right; they took half a minute each."""
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    for place, (slug, confidence, correct) in enumerate(answers):
        study.submit(
            bank,
            store,
            study.start_attempt(bank.questions[slug], now),
            Rating.Good if correct else Rating.Again,
            now + timedelta(milliseconds=place),
            answer=0,
            correct=correct,
            prediction={"confidence": confidence},
            duration_s=30,
        )


def test_without_an_answer_the_page_says_what_it_will_show_and_begins() -> None:
    app = opened("progress")
    assert "There is nothing to show yet." in words(app)
    assert app.button(key="progress-begin").label == "Study the first questions"
    assert not app.get("vega_lite_chart")


def test_two_sentences_stand_above_the_sections(database: Path) -> None:
    answered(database, *PAST)
    told = words(opened("progress"))
    assert "7 answers in the last 30 days." in told
    assert "You recalled 67% of what came back; the schedule aims at 90%." in told


def test_only_the_section_that_was_chosen_is_drawn_and_the_address_names_it(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress")
    assert headings(app) == ["Recall by week", "Recall by topic", "How far you can trust your confidence"]
    app.segmented_control(key="progress-section").set_value("work").run()
    assert headings(app) == ["Calendar", "What comes back", "What you will still know"]
    assert app.query_params["show"] == "work"
    assert headings(opened("progress", show="known")) == [
        "The syllabus, point by point",
        "Hardest for you",
        "Suspended",
    ]
    assert headings(opened("progress", show="time")) == ["Time by day", "Demos run"]


def test_a_section_that_does_not_exist_is_the_first_one(database: Path) -> None:
    answered(database, *PAST)
    assert headings(opened("progress", show="everything"))[0] == "Recall by week"


@pytest.mark.parametrize("section", SECTIONS)
def test_each_chart_is_said_in_words_describes_itself_and_has_its_data(database: Path, section: str) -> None:
    answered(database, *PAST)
    judged(database, ("weights-of-heads", "likely", True))
    app = opened("progress", show=section)
    charts = app.get("vega_lite_chart")
    assert charts
    assert [button.label for button in app.get("download_button")] == ["Data as CSV"] * len(charts)
    for chart in charts:
        spec = json.loads(chart.proto.spec)
        assert "layer" in spec or "encoding" in spec
        heading, _colon, said = chart.proto.alt.partition(": ")
        assert heading in headings(app)
        assert said in words(app)


def test_before_anything_came_back_recall_says_from_when_on(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 0))
    told = words(opened("progress"))
    assert "Nothing has come back yet. The schedule aims at 90%. The chart begins on " in told


def test_recall_by_topic_names_what_came_back_in_each(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress")
    assert [(row["name"], row["said"]) for row in rows(app, 1)] == [
        ("Attention", "50% of 2"),
        ("KV cache", "100% of 1"),
    ]
    assert "Least recalled: Attention, 50%." in words(app)


def test_the_curve_of_confidence_waits_for_twenty_answers(database: Path) -> None:
    judged(database, *[("scale-by-root", "certain", True)] * 19)
    assert "1 more answer for which you say how sure you are, and a curve appears here." in words(opened("progress"))


def test_calibration_says_in_a_sentence_how_often_certain_was_right(database: Path) -> None:
    judged(database, *[("scale-by-root", "certain", right) for right in [True] * 15 + [False] * 9])
    app = opened("progress")
    assert "When you say “certain”, you are right 62% of the time (24 answers): less often than it promises." in words(
        app
    )
    assert "Brier score 0.34, where 0 is perfect" in words(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_the_calendar_holds_what_was_answered_and_what_comes_back(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress", show="work")
    assert "7 answers on 6 days of the past year." in words(app)
    days = rows(app)
    assert sum(day["answers"] for day in days) == 7
    assert sum(day["due"] for day in days) == 4
    assert len([day for day in days if day["today"]]) == 1
    assert len(days) == 7 * (16 + 1 + 8)


def test_the_weeks_ahead_compare_going_on_with_stopping(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress", show="work")
    weeks = rows(app, 2)
    assert len(weeks) == 8
    assert all(week["stopped"] < week["recall"] for week in weeks)
    assert "in 8 weeks if you answer what comes back" in words(app)


def test_the_map_has_a_cell_for_each_point_of_a_topic_that_was_begun(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 0))
    app = opened("progress", show="known")
    topic = load_bank(BANK).syllabus.topics[0]
    assert [row["title"] for row in rows(app)] == [point.title["en"] for point in topic.points]
    assert "1 of 2 topics begun." in words(app)
    assert "Asked now, you would recall about 100% of the questions you have answered (1)." in words(app)


def test_the_hardest_questions_lead_to_their_pages(database: Path) -> None:
    answered(database, *PAST)
    queries = [query for _label, query in links(opened("progress", show="known"))]
    assert queries == ["view=syllabus", "question=scale-by-root", "question=weights-of-heads"]


def test_a_leech_says_why_it_is_suspended_and_what_to_read_and_can_be_brought_back(database: Path) -> None:
    answered(database, *PAST)
    bank, store = load_bank(BANK), Store(database)
    marks.suspend(bank, store, "scale-by-root", datetime.now(UTC), reason=marks.LEECH)
    app = opened("progress", show="known")
    told = words(app)
    assert "1 question slipped too often and was suspended. Read it up, then bring it back." in told
    assert "Attention · slipped 1 time · 3 answers" in told
    assert f"Read: [{bank.questions['scale-by-root'].sources[0].title}]" in told
    assert "question=scale-by-root" not in [query for _label, query in links(app)][:2]
    app.button(key="bring-back-scale-by-root").click()
    assert "Nothing is suspended." in words(again(app))
    assert not marks.marks(bank, store, datetime.now(UTC))


def test_many_suspended_questions_do_not_become_a_wall(database: Path) -> None:
    answered(database, *PAST)
    bank, store = load_bank(BANK), Store(database)
    for slug in bank.questions:
        marks.suspend(bank, store, slug, datetime.now(UTC))
    app = opened("progress", show="known")
    assert len([button for button in app.button if "bring-back" in (button.key or "")]) == 5
    assert "Suspended: it does not come back by itself." in words(app)
    app.session_state["more-suspended"] = True
    assert len([button for button in again(app).button if "bring-back" in (button.key or "")]) == len(bank.questions)


def test_time_is_told_by_day_and_by_topic(database: Path) -> None:
    judged(database, *[("scale-by-root", "likely", True)] * 6)
    app = opened("progress", show="time")
    assert "3 minutes on 1 of the last 30 days" in words(app)
    assert "Half of your answers take less than 30 s." in words(app)
    assert "Most went to Attention: 3 minutes." in words(app)


def test_without_a_timed_answer_time_says_from_when_on(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress", show="time")
    assert "The chart begins with your next answer in Study." in words(app)
    assert not app.get("vega_lite_chart")


def test_demos_run_in_the_lab_are_listed_with_the_last_day(database: Path) -> None:
    answered(database, *PAST)
    assert "You have not run a demo in the Lab yet." in words(opened("progress", show="time"))
    marks.note_demo_run(Store(database), "softmax_saturation", datetime.now(UTC))
    app = opened("progress", show="time")
    assert "demos run in the Lab." in words(app)
    assert [query for _label, query in links(app)] == ["demo=softmax_saturation"]
    assert "`softmax_saturation` · on 1 day · last on " in words(app)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("recall", ["每周回忆率", "各主题回忆率", "把握有多可信"]),
        ("work", ["日历", "将要到期", "以后还记得多少"]),
        ("known", ["考点逐项掌握情况", "最难的题", "已暂停的题"]),
        ("time", ["每日用时", "运行过的演示"]),
    ],
)
def test_the_page_speaks_chinese(database: Path, section: str, said: list[str]) -> None:
    answered(database, *PAST)
    app = opened("progress", "zh", show=section)
    assert app.header[0].value == "进度"
    assert headings(app) == said
    assert "到期题目回忆起 67%" in words(app)


def test_a_damaged_database_is_one_sentence(database: Path) -> None:
    database.write_bytes(b"no database at all, and long enough to be read as one" * 20)
    app = opened("progress")
    assert len(app.error) == 1
    assert "damaged" in app.error[0].value
