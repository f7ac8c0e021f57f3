"""Browse in AppTest: the list, search, filters, the page of a question and the map of the syllabus, in both languages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from app_pages import BANK, again, answered, links, opened, words
from streamlit.testing.v1 import AppTest

from kb import marks, study
from kb.bank import load_bank
from kb.rating import Rating
from kb.store import Store

pytestmark = pytest.mark.usefixtures("database", "workers")


def slugs(app: AppTest) -> list[str]:
    """The questions that the page links to, in order."""
    return [query.removeprefix("question=") for _label, query in links(app) if query.startswith("question=")]


def typed(app: AppTest, text: str) -> AppTest:
    app.text_input(key="browse-words").set_value(text)
    return again(app)


def chosen(app: AppTest, name: str, value: str) -> AppTest:
    app.selectbox(key=f"browse-{name}").set_value(value)
    return again(app)


def pressed(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
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
    assert told.index("**Good** ·") < told.index("**Again** ·")
    assert "Chance of recalling it now:" in told


def test_what_was_said_and_predicted_each_time_appears_with_the_answer(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    said = {
        "scale-by-root": (0, {"number": "0.2", "confidence": "certain", "close": False}),
        "exploding-softmax": ("depends", None),
        "smaller-cache": ([0, 99], {"confidence": "guess"}),
        "weights-of-heads": ("1048577", None),
        "separate-projections": ({"text": "Two roles, *one* input.", "points": [0]}, None),
    }
    for slug, (answer, prediction) in said.items():
        attempt = study.start_attempt(bank.questions[slug], now)
        study.submit(bank, store, attempt, Rating.Again, now, answer=answer, correct=False, prediction=prediction)
    told = {}
    for slug in said:
        app = opened("browse", question=slug)
        assert "You said:" not in words(app)
        assert "not right" in words(app)
        app.toggle(key=f"reveal-{slug}").set_value(True)
        told[slug] = words(again(app))
    assert "You said: To keep the gradient from exploding" in told["scale-by-root"]
    assert "Predicted: 0.2 · computed: 0.92 · off · How sure: certain" in told["scale-by-root"]
    assert "You said: It depends" in told["exploding-softmax"]
    assert "; an option that is gone" in told["smaller-cache"]
    assert "You said: 1048577" in told["weights-of-heads"]
    assert r"You said: Two roles, \*one\* input." in told["separate-projections"]
    assert "1 of 5 key points." in told["separate-projections"]


def test_the_drawn_parameters_of_an_older_answer_open_that_run_in_the_lab(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    attempt = study.start_attempt(bank.questions["cache-of-a-model"], now, seed=5)
    study.submit(bank, store, attempt, Rating.Good, now, answer="4", correct=True)
    app = opened("browse", question="cache-of-a-model")
    app.toggle(key="reveal-cache-of-a-model").set_value(True)
    layers = attempt.params["num_layers"]
    told = words(again(app))
    assert f"num_layers {layers}](lab?" in told.replace("\\", "")
    assert f"num_layers={layers}" in told


def test_after_many_answers_the_earlier_ones_are_a_press_away(database: Path) -> None:
    answered(database, *(("scale-by-root", Rating.Good, float(days)) for days in range(8, 0, -1)))
    app = opened("browse", question="scale-by-root")
    assert words(app).count("**Good** ·") == 5
    assert app.button(key="earlier").label == "3 earlier answers"
    assert words(pressed(app, "earlier")).count("**Good** ·") == 8


def test_the_marks_of_a_question_are_set_and_taken_away_on_its_page(database: Path) -> None:
    def marked() -> marks.Marks:
        found = marks.marks(load_bank(BANK), Store(database), datetime.now(UTC))
        return found.get("scale-by-root", marks.Marks())

    app = pressed(opened("browse", question="scale-by-root"), "mark-flag")
    assert marked().flagged
    assert ":material/flag: flagged" in words(app)
    pressed(app, "mark-flag")
    assert not marked().flagged
    app = pressed(app, "mark-bury")
    assert marked().buried
    assert "You put it off until tomorrow." in words(app)
    app = pressed(pressed(app, "mark-bury"), "mark-suspend")
    assert marked() == marks.Marks(suspended=True)
    assert "Suspended: it does not come back by itself." in words(app)
    pressed(app, "mark-suspend")
    assert marked() == marks.Marks()


def test_a_note_is_stored_when_its_field_is_left_and_shown_on_the_page(database: Path) -> None:
    app = pressed(opened("browse", question="scale-by-root"), "mark-note")
    app.text_area(key="note-scale-by-root").set_value("The root, not the width.\nTwice wrong.")
    again(app)
    found = marks.marks(load_bank(BANK), Store(database), datetime.now(UTC))
    assert found["scale-by-root"].note == "The root, not the width.\nTwice wrong."
    app = pressed(app, "mark-note")
    assert "The root, not the width.  \nTwice wrong." in words(app)
    assert not app.text_area


def test_what_is_known_already_is_told_as_such_and_comes_back_later(database: Path) -> None:
    app = pressed(opened("browse", question="scale-by-root"), "mark-know")
    assert "Known already" in words(app)
    assert "It comes back in" in words(app)
    assert study.progress(load_bank(BANK), Store(database), datetime.now(UTC)).last_days[-1][1] == 0


def test_a_leech_says_why_it_is_suspended(database: Path) -> None:
    marks.suspend(load_bank(BANK), Store(database), "scale-by-root", datetime.now(UTC), reason=marks.LEECH)
    assert "because it slipped too often" in words(opened("browse", question="scale-by-root"))


def test_marks_stand_in_the_list_and_narrow_it(database: Path) -> None:
    bank, store, now = load_bank(BANK), Store(database), datetime.now(UTC)
    marks.flag(bank, store, "scale-by-root", now)
    marks.set_note(bank, store, "smaller-cache", "Ask for the group size.", now)
    marks.suspend(bank, store, "weights-of-heads", now)
    marks.bury(bank, store, "cache-of-a-model", now)
    app = opened("browse", mine="flagged")
    assert slugs(app) == ["scale-by-root"]
    assert "new · :material/flag: flagged" in words(app)
    assert slugs(chosen(app, "mine", "note")) == ["smaller-cache"]
    assert slugs(chosen(app, "mine", "suspended")) == ["weights-of-heads"]
    assert slugs(chosen(app, "mine", "buried")) == ["cache-of-a-model"]
    assert app.query_params["mine"] == "buried"


def test_one_press_takes_all_filters_away() -> None:
    app = typed(chosen(opened("browse"), "kind", "claim"), "zzzz")
    assert slugs(app) == []
    app = pressed(app, "browse-clear")
    assert len(slugs(app)) == 6
    assert not app.query_params


def test_the_myths_are_judged_before_they_are_explained_and_nothing_is_stored(database: Path) -> None:
    app = opened("browse", view="myths")
    assert "explode in the softmax" in words(app)
    assert "The claim is false." not in words(app)
    assert "1 claim" in words(app)
    app = pressed(app, "depends-exploding-softmax")
    assert "Not right." in words(app)
    assert "**The claim is false.**" in words(app)
    assert "1 judged, 0 rightly" in words(app)
    assert "question=exploding-softmax" in [query for _label, query in links(app)]
    app = pressed(app, "false-exploding-softmax")
    assert "1 judged, 0 rightly" in words(app)
    assert "The claim is false." not in words(pressed(app, "look-exploding-softmax"))
    assert study.progress(load_bank(BANK), Store(database), datetime.now(UTC)).reviews == 0


def test_a_claim_that_is_looked_up_is_not_counted_as_judged() -> None:
    app = pressed(opened("browse", view="myths", topic="attention"), "look-exploding-softmax")
    assert "**The claim is false.**" in words(app)
    assert "judged" not in app.caption[1].value
    assert app.query_params["topic"] == "attention"


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
    assert "not met" in labels[1]
    assert "What an interview can touch:" in words(app)
    tiles = "".join(element.proto.body for element in app.get("html"))
    assert tiles.count("data-point=") == sum(len(topic.points) for topic in load_bank(BANK).syllabus.topics)
    assert 'class="tile-known"' in tiles


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
