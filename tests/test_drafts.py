"""The learner's own questions: studied once they are marked ready and nothing is wrong with them, and never before."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.__main__ import main
from kb.bank import Bank, load_bank
from kb.drafts import chosen, load_own, mark, read_drafts
from kb.errors import UnknownQuestionError, UsageError
from kb.history import syllabus_mastery
from kb.own import OWN_TOPIC, of_the_bank, own_questions, with_own
from kb.syllabus import Syllabus

BANK = load_bank(Path(__file__).parent / "bank")
DRAFT = "---\nready: {ready}\nkind: open\ndifficulty: 2\n{more}---\n# What is a {slug}?\n\n## Answer\n\nA matrix.\n"


def draft(folder: Path, slug: str, ready: str = "false", more: str = "") -> Path:
    path = folder / f"{slug}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(DRAFT.format(ready=ready, slug=path.stem, more=more), encoding="utf-8")
    return path


def studied(folder: Path) -> dict[str, str]:
    """The learner's own questions that are studied, with their topics."""
    bank = with_own(BANK, own_questions(folder))
    return {slug: question.topic for slug, question in bank.questions.items() if slug not in BANK.questions}


def problems(folder: Path, slug: str) -> list[str]:
    return [each.message for each in chosen(read_drafts(BANK, folder, {}), slug).problems]


def test_only_what_is_marked_ready_is_studied(tmp_path: Path) -> None:
    draft(tmp_path, "mask")
    draft(tmp_path, "logit", ready="true")
    draft(tmp_path, "attention/head", ready="true")
    draft(tmp_path, "token", ready="true", more="topic: kv_cache\n")
    assert studied(tmp_path) == {"head": "attention", "logit": OWN_TOPIC, "token": "kv_cache"}
    assert studied(tmp_path / "none") == {}


def test_the_topic_of_own_questions_has_a_title_in_both_languages(tmp_path: Path) -> None:
    draft(tmp_path, "logit", ready="true")
    bank = with_own(BANK, own_questions(tmp_path))
    assert bank.syllabus.topics[:-1] == BANK.syllabus.topics
    assert (bank.syllabus.topics[-1].id, set(bank.syllabus.topics[-1].title)) == (OWN_TOPIC, {"en", "zh"})
    assert with_own(BANK, own_questions(tmp_path / "none")) is BANK
    assert [each.topic for each in syllabus_mastery(bank, {})] == list(BANK.syllabus.topic_ids)


def test_the_slugs_of_the_bank_are_told_from_those_of_own_questions(tmp_path: Path) -> None:
    draft(tmp_path, "mask", ready="true")
    assert of_the_bank(with_own(BANK, own_questions(tmp_path))) == {*BANK.questions, *BANK.broken}


def test_a_ready_question_with_something_wrong_is_not_studied(tmp_path: Path) -> None:
    path = draft(tmp_path, "mask", ready="true")
    assert list(studied(tmp_path)) == ["mask"]
    path.write_text(path.read_text(encoding="utf-8").replace("A matrix.", ""), encoding="utf-8")
    assert studied(tmp_path) == {}
    assert problems(tmp_path, "mask") == ["Answer: expected text; found nothing."]


def test_a_question_of_the_bank_keeps_its_name(tmp_path: Path) -> None:
    draft(tmp_path, "scale-by-root", ready="true")
    assert studied(tmp_path) == {}
    assert problems(tmp_path, "scale-by-root") == [
        "slug: expected a name that no question of the bank has; found 'scale-by-root'."
    ]


def test_what_each_draft_lacks_is_told_with_its_line(tmp_path: Path) -> None:
    draft(tmp_path, "mask", more="requires: [logit]\nfollow_ups: [nowhere]\ntopic: cooking\ndemos: [none_such]\n")
    draft(tmp_path, "logit", ready="yes")
    found = chosen(read_drafts(BANK, tmp_path, {}), "mask").problems
    assert [(each.line, each.message.split(":")[0]) for each in found] == [
        (7, "topic"),
        (6, "follow_ups"),
        (8, "demos"),
    ]
    assert problems(tmp_path, "logit") == ["ready: expected true or false; found 'yes'."]
    with pytest.raises(UnknownQuestionError, match="draft 'x': there is none of that name"):
        chosen((), "x")


def test_own_questions_need_no_sources_but_keep_those_they_have(tmp_path: Path) -> None:
    draft(tmp_path, "mask", ready="true", more='sources: [{title: Notes, url: "https://example.org"}]\n')
    (question,) = load_own(tmp_path).questions.values()
    assert (question.sources[0].title, question.sources[0].year, question.covers) == ("Notes", 0, ())
    assert question.text("en").key_points == ("What the answer says",)


def test_a_translation_beside_an_own_question_is_read(tmp_path: Path) -> None:
    path = draft(tmp_path, "mask", ready="true")
    path.with_name("mask.zh.md").write_text("# 什么是掩码？\n\n## Answer\n\n一个矩阵。\n", encoding="utf-8")
    (question,) = load_own(tmp_path).questions.values()
    assert question.languages == ("en", "zh")
    assert question.text("zh").key_points == ("答案所说的内容",)


@given(st.sampled_from(["ready: false\n", "ready: true\n", "", "ready: # later\n"]), st.booleans())
def test_marking_changes_nothing_but_the_mark(before: str, ready: bool) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mask.md"
        rest = "# from my notes\nkind: open\ndifficulty: 2\n---\n# Why?\n\n## Answer\n\nready: so.\n\n---\n"
        path.write_text(f"---\n{before}{rest}", encoding="utf-8")
        mark(read_drafts(BANK, path.parent, {})[0], ready)
        assert path.read_text(encoding="utf-8") == f"---\nready: {'true' if ready else 'false'}\n{rest}"
        assert read_drafts(BANK, path.parent, {})[0].ready is ready


def test_a_file_without_keys_cannot_be_marked(tmp_path: Path) -> None:
    (tmp_path / "mask.md").write_text("# Why?\n", encoding="utf-8")
    (found,) = read_drafts(BANK, tmp_path, {})
    with pytest.raises(UsageError, match="expected keys between two lines `---`; found none"):
        mark(found, True)


def test_files_that_cannot_be_read_are_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "mask.md").write_bytes(b"---\nready: true\n\xff")
    assert load_own(tmp_path) == Bank({}, Syllabus(), (), tmp_path)
    assert problems(tmp_path, "mask") == ["expected text in UTF-8; found another byte at 16."]


def command(tmp_path: Path, *arguments: str) -> int:
    where = ["--db", str(tmp_path / "progress.db"), "--content", str(BANK.root), "--lang", "en"]
    with pytest.raises(SystemExit) as ended:
        main([*where, *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_page_of_notes_is_imported_marked_ready_and_studied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("## What is a mask?\n\nA matrix.\n\n## What is a logit?\n", encoding="utf-8")
    assert command(tmp_path, "import", "notes", str(page)) == 0
    assert command(tmp_path, "answer", "what-is-a-mask", "--rating", "good") == 2
    capsys.readouterr()
    assert command(tmp_path, "drafts") == 0
    assert capsys.readouterr().out == (
        "draft   what-is-a-logit  What is a logit?\n        lacking: 1\ndraft   what-is-a-mask  What is a mask?\n"
    )
    assert command(tmp_path, "drafts", "--ready", "what-is-a-logit", "what-is-a-mask") == 1
    captured = capsys.readouterr()
    assert "heading: expected '## Answer' in a question of kind open; found none." in captured.out
    assert captured.err == "None of them was marked: add what is missing first.\n"
    assert command(tmp_path, "drafts", "--ready", "what-is-a-mask") == 0
    assert capsys.readouterr().out == "ready   what-is-a-mask  What is a mask?\n"
    assert command(tmp_path, "answer", "what-is-a-mask", "--rating", "good") == 0
    capsys.readouterr()
    assert command(tmp_path, "list", "--json") == 0
    assert [each["topic"] for each in json.loads(capsys.readouterr().out)][-1] == OWN_TOPIC
    assert command(tmp_path, "check", "--json") == 0
    assert json.loads(capsys.readouterr().out)["questions"] == len(BANK.questions)
    assert command(tmp_path, "drafts", "--json", "what-is-a-mask") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["ready"], listed["studied"], listed["problems"]) == (True, True, [])
    assert command(tmp_path, "drafts", "--not-ready", "what-is-a-mask") == 0
    assert command(tmp_path, "answer", "what-is-a-mask", "--rating", "good") == 2
