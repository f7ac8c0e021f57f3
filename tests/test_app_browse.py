"""Browse in AppTest: the list, search, filters, the page of a question and the map of the syllabus, in both languages."""

from pathlib import Path

import pytest
from app_pages import again, answered, environment, links, opened, words
from streamlit.testing.v1 import AppTest

from kb.rating import Rating


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environment(tmp_path, monkeypatch)


def slugs(app: AppTest) -> list[str]:
    """The questions that the page links to, in order."""
    return [query.removeprefix("question=") for _label, query in links(app) if query.startswith("question=")]


def typed(app: AppTest, text: str) -> AppTest:
    app.text_input(key="browse-words").set_value(text)
    return again(app)


def chosen(app: AppTest, name: str, value: str) -> AppTest:
    app.selectbox(key=f"browse-{name}").set_value(value)
    return again(app)


def test_every_question_is_listed_by_topic() -> None:
    app = opened("browse")
    assert len(slugs(app)) == 6
    assert [each.value for each in app.subheader] == ["Attention", "KV cache"]
    assert "6 questions" in words(app)
    assert "one choice · ●●○○○ · new" in words(app)


def test_search_finds_in_both_languages_and_marks_the_hit() -> None:
    app = typed(opened("browse"), '"stays soft"')
    assert slugs(app) == ["scale-by-root"]
    assert "**stays soft**" in words(app)
    assert app.query_params["words"] == '"stays soft"'
    app = typed(app, "缓存")
    assert set(slugs(app)) == {"cache-of-a-model", "smaller-cache"}
    app = typed(app, "zzzz")
    assert slugs(app) == []
    assert "No question fits." in words(app)


def test_filters_narrow_the_list_and_stand_in_the_address() -> None:
    app = chosen(opened("browse"), "kind", "claim")
    assert slugs(app) == ["exploding-softmax"]
    assert app.query_params["kind"] == "claim"
    app = chosen(chosen(app, "kind", ""), "topic", "kv_cache")
    assert len(slugs(app)) == 2
    app = chosen(chosen(app, "topic", ""), "difficulty", "2")
    assert "scale-by-root" in slugs(app)


def test_an_address_with_filters_is_taken_over_and_wrong_ones_are_ignored() -> None:
    app = opened("browse", kind="claim", topic="nowhere", difficulty="9")
    assert slugs(app) == ["exploding-softmax"]
    assert app.selectbox(key="browse-kind").value == "claim"
    assert app.selectbox(key="browse-topic").value == ""


def test_mine_shows_what_slipped_what_is_due_and_what_is_new(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Again, 2), ("smaller-cache", Rating.Easy, 0))
    app = opened("browse")
    assert "slipped last time · due" in words(app)
    assert slugs(chosen(app, "mine", "failed")) == ["scale-by-root"]
    assert slugs(chosen(app, "mine", "due")) == ["scale-by-root"]
    assert len(slugs(chosen(app, "mine", "new"))) == 4


def test_the_page_of_a_question_keeps_the_answer_until_it_is_wanted() -> None:
    app = opened("browse", question="scale-by-root")
    assert app.header[0].value == r"Why are attention scores divided by $\sqrt{d_k}$?"
    assert "so that the softmax stays soft" in words(app)
    assert "near-zero" not in words(app)
    assert "Key points" not in words(app)
    assert "You have not answered this question yet." in words(app)
    assert "attention/scale-by-root.md" in words(app)
    app.toggle(key="reveal-scale-by-root").set_value(True)
    again(app)
    assert "Key points" in words(app)
    assert ":green[✓] 2\\. " in words(app)
    assert "lab?demo=softmax_saturation" in words(app)


def test_the_page_of_a_question_links_to_runs_and_to_other_questions() -> None:
    app = opened("browse", question="scale-by-root")
    queries = [query for _label, query in links(app)]
    assert "demo=softmax_saturation&head_dim=512&num_keys=128" in queries
    assert "question=weights-of-heads" in queries
    assert "question=exploding-softmax" in queries


@pytest.mark.parametrize(
    "slug", ["exploding-softmax", "cache-of-a-model", "smaller-cache", "separate-projections", "weights-of-heads"]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_question_shows_its_answer(slug: str, language: str) -> None:
    app = opened("browse", language, question=slug)
    app.toggle(key=f"reveal-{slug}").set_value(True)
    again(app)
    assert {"en": "Answer", "zh": "答案"}[language] in words(app)


def test_the_history_of_answers_is_told_the_latest_first(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Again, 9), ("scale-by-root", Rating.Good, 3))
    told = words(opened("browse", question="scale-by-root"))
    assert told.index("Good ·") < told.index("Again ·")
    assert "Chance of recalling it now:" in told


def test_an_unknown_question_is_one_sentence_with_a_way_on() -> None:
    app = opened("browse", question="scale-by-rot")
    assert app.header[0].value == "There is no such question."
    assert "did you mean scale-by-root?" in app.error[0].value
    assert links(app)[0][0] == "All questions"


def test_the_syllabus_shows_how_much_is_known_and_what_was_never_seen(database: Path) -> None:
    answered(database, ("scale-by-root", Rating.Easy, 0))
    app = opened("browse", view="syllabus")
    labels = [expander.label for expander in app.expander]
    assert labels[0].startswith("**Attention** ")
    assert "never seen" in labels[1]
    assert "What an interview can touch:" in words(app)


def test_a_file_broken_while_the_app_runs_is_told_and_the_rest_is_listed(tmp_path: Path) -> None:
    (tmp_path / "content" / "attention" / "scale-by-root.md").write_text("---\nkind: nonsense\n---\n", encoding="utf-8")
    app = opened("browse")
    assert "scale-by-root" not in slugs(app)
    assert len(slugs(app)) == 5
    assert any("problem" in expander.label for expander in app.expander)


def test_the_page_speaks_chinese() -> None:
    app = opened("browse", "zh")
    assert app.header[0].value == "浏览"
    assert "6 题" in words(app)
    assert app.text_input(key="browse-words").label == "搜索题目和答案"
