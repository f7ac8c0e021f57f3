"""Progress in AppTest: nothing yet, and every chart with its words and its data, in both languages."""

import json
from pathlib import Path

import pytest
from app_pages import answered, environment, links, opened, words

from kb.rating import Rating

PAST = (
    ("scale-by-root", Rating.Easy, 25),
    ("smaller-cache", Rating.Good, 20),
    ("scale-by-root", Rating.Again, 12),
    ("smaller-cache", Rating.Good, 12),
    ("scale-by-root", Rating.Good, 11),
    ("weights-of-heads", Rating.Again, 1),
    ("separate-projections", Rating.Easy, 0),
)


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environment(tmp_path, monkeypatch)


def test_without_an_answer_the_page_says_what_it_will_show_and_begins() -> None:
    app = opened("progress")
    assert "There is nothing to show yet." in words(app)
    assert app.button(key="progress-begin").label == "Study the first questions"
    assert not app.get("vega_lite_chart")


def test_each_chart_is_said_in_words_and_has_its_data(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress")
    headings = [each.value for each in app.subheader]
    assert headings == ["Reviews", "Recall", "What comes back", "Known by topic", "Hardest for you"]
    told = words(app)
    assert "7 answers in the last 30 days." in told
    assert "In the last 30 days you recalled 67% of what came back; the schedule aims at 90%." in told
    assert "within two weeks." in told
    assert "2 of 2 topics begun." in told
    assert [button.label for button in app.get("download_button")] == ["Data as CSV"] * 4


def test_each_chart_describes_itself(database: Path) -> None:
    answered(database, *PAST)
    charts = opened("progress").get("vega_lite_chart")
    assert len(charts) == 4
    for chart in charts:
        assert json.loads(chart.proto.spec)["encoding" if "layer" not in chart.proto.spec else "layer"]
        assert len(chart.proto.alt) > 20


def test_the_hardest_questions_lead_to_their_pages(database: Path) -> None:
    answered(database, *PAST)
    queries = [query for _label, query in links(opened("progress"))]
    assert queries == ["question=scale-by-root", "question=weights-of-heads"]


def test_before_anything_came_back_recall_says_so(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Good, 0))
    assert "Nothing has come back yet. The schedule aims at 90%." in words(opened("progress"))


def test_the_page_speaks_chinese(database: Path) -> None:
    answered(database, *PAST)
    app = opened("progress", "zh")
    assert app.header[0].value == "进度"
    assert [each.value for each in app.subheader] == ["复习", "回忆", "将要到期", "各主题掌握情况", "最难的题"]
    assert "近 30 天回忆起 67%" in words(app)


def test_a_damaged_database_is_one_sentence(database: Path) -> None:
    database.write_bytes(b"no database at all, and long enough to be read as one" * 20)
    app = opened("progress")
    assert len(app.error) == 1
    assert "damaged" in app.error[0].value
