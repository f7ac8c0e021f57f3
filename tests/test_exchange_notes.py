"""Pages of questions and answers, as people keep them, become drafts; nothing of a page is dropped."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.__main__ import main
from kb.exchange.notes import Draft, Notes, Reason, Unplaced, read_notes, write_drafts
from kb.parsing import parse_question

MISSING = (
    "covers: expected a list",
    "sources: expected a list",
    "sources: year: expected a whole number",
    "heading: expected '## Key points'",
    "heading: expected '## Answer'",
)

HEADINGS = r"""
# Notes

## 1. Why divide by \(\sqrt{d_k}\)?

The variance grows with \(d_k\); it costs $5.

\[
\mathrm{Var}(q \cdot k) = d_k
\]

> [!NOTE]
> Not $d_{model}$.

### Derivation

| a | b |
|---|---|
| \(x\) | <br>2 |

## 2. What is a mask?
"""
NOTION = """
1. **What is attention?**

    A weighted mean:

    $$ \\sum_i w_i v_i $$

    <aside>
    💡

    The weights sum to 1.

    </aside>

    1. Why softmax?

        It is smooth.

        - smooth enough?
    2. Why not linear?
2. What is a token?
    A piece of text.
"""
CONCEPTS = """
# Transformers

## Attention

Looks back.

### Heads

Several of them.

#### Width

$d/h$ each.

## Masks
"""
CHINESE = """
## 一、注意力

**1. 什么是注意力？**
加权平均。

**为什么要缩放？** 因为方差。

3、什么是掩码？
把未来挡住。
"""


def read(page: str) -> Notes:
    return read_notes(page, "page.md")


def draft(notes: Notes, slug: str) -> Draft:
    return next(each for each in notes.drafts if each.slug == slug)


def problems(each: Draft) -> list[str]:
    """What the bank says of a draft, beyond what only its author can add."""
    found = parse_question(f"drafts/{each.slug}.md", each.markdown, own=True).problems
    return [problem.message for problem in found if not problem.message.startswith(MISSING)]


def test_numbered_headings_keep_prose_formulas_tables_and_call_outs() -> None:
    notes = read(HEADINGS)
    assert [each.slug for each in notes.drafts] == ["why-divide-by-d-k", "what-is-a-mask"]
    first = notes.drafts[0]
    assert first.text.title == r"Why divide by $\sqrt{d_k}$?"
    assert first.text.answer == (
        "The variance grows with $d_k$; it costs \\$5.\n\n$$\n\\mathrm{Var}(q \\cdot k) = d_k\n$$\n\n"
        "> **Note**\n> Not $d_{model}$.\n\n**Derivation**\n\n| a | b |\n|---|---|\n| $x$ | \\<br>2 |"
    )
    assert first.markdown.startswith(
        "---\n# page.md, lines 4 to 19\nready: false\nkind: open\ndifficulty: 2\ntags: [Notes]\n---\n# Why"
    )
    assert notes.drafts[1].text.answer == ""
    assert [problems(each) for each in notes.drafts] == [[], []]
    assert notes.unplaced == ()


def test_nested_items_become_questions_of_their_own_and_follow_ups() -> None:
    notes = read(NOTION)
    assert [each.slug for each in notes.drafts] == [
        "what-is-attention",
        "why-softmax",
        "why-not-linear",
        "what-is-a-token",
    ]
    first = notes.drafts[0]
    assert first.text.answer == ("A weighted mean:\n\n$$\n\\sum_i w_i v_i\n$$\n\n> 💡\n>\n> The weights sum to 1.")
    assert "follow_ups: [why-softmax, why-not-linear]" in first.markdown
    assert draft(notes, "why-softmax").text.answer == "It is smooth.\n\n- smooth enough?"
    assert draft(notes, "why-not-linear").text.answer == ""
    assert draft(notes, "what-is-a-token").text.answer == "A piece of text."
    assert [problems(each) for each in notes.drafts] == [[], [], [], []]
    assert notes.unplaced == ()


def test_headings_that_are_names_make_drafts_of_the_text_under_them() -> None:
    notes = read(CONCEPTS)
    assert [(each.text.title, each.text.answer) for each in notes.drafts] == [
        ("Attention", "Looks back."),
        ("Attention: Heads", "Several of them."),
        ("Heads: Width", "$d/h$ each."),
    ]
    assert "tags: [Transformers, Attention, Heads]" in notes.drafts[2].markdown
    assert notes.unplaced == (Unplaced(16, 16, Reason.NO_TEXT, "## Masks"),)


def test_chinese_questions_in_bold_or_numbered_are_found() -> None:
    notes = read(CHINESE)
    assert [(each.text.title, each.text.answer) for each in notes.drafts] == [
        ("什么是注意力？", "加权平均。"),
        ("为什么要缩放？", "因为方差。"),
        ("什么是掩码？", "把未来挡住。"),
    ]
    assert [each.slug for each in notes.drafts] == ["line-4", "line-7", "line-9"]
    assert [problems(each) for each in notes.drafts] == [[], [], []]


def test_pictures_and_lines_under_no_question_are_listed_with_their_numbers() -> None:
    notes = read("Kept since 2024.\nBy me.\n\n## Why?\n\n![scores](C:\\me\\a b.png) and `![x](y)`\n")
    assert notes.unplaced == (
        Unplaced(1, 2, Reason.BEFORE, "Kept since 2024."),
        Unplaced(6, 6, Reason.PICTURE, "C:\\me\\a b.png"),
    )
    assert notes.drafts[0].text.answer == "`![scores](C:\\me\\a b.png)` and `![x](y)`"
    assert problems(notes.drafts[0]) == []


def test_addresses_become_sources_and_other_links_text() -> None:
    notes = read("## Why?\n\nSee [the *paper*](https://arxiv.org/abs/1), <https://b.org> and [mine](Page%20b.md).\n")
    assert notes.drafts[0].text.answer == "See the *paper*, https://b.org and mine (`Page%20b.md`)."
    assert "{title: the paper, url: 'https://arxiv.org/abs/1'}" in notes.drafts[0].markdown
    assert "url: 'https://b.org'" in notes.drafts[0].markdown


def test_code_is_left_alone_and_indented_formulas_are_moved_back() -> None:
    page = "## Why?\n\n```python\n# Really?\nx = '\\(a\\) $ <br>'\n```\n\n    $$\n    x\n    $$\n\n    indented = 1\n"
    (only,) = read(page).drafts
    assert only.text.answer == (
        "```python\n# Really?\nx = '\\(a\\) $ <br>'\n```\n\n$$\nx\n$$\n\n```\nindented = 1\n```"
    )
    assert problems(only) == []


def test_what_nothing_closes_costs_no_line() -> None:
    for page in ("## Why?\n\n```\nx\n\n## Not?\n", "## Why?\n\n$$\nx\n\n## So?\n", "## Why?\n\n<aside>\nx\n\n## So?\n"):
        notes = read(page)
        assert [problems(each) for each in notes.drafts] == [[]] * len(notes.drafts)
        assert "x" in notes.drafts[0].text.answer
        assert notes.unplaced == ()


def test_a_formula_without_an_end_or_without_content_is_text() -> None:
    notes = read("## Why?\n\n$$\n![a](b) [c](https://c.org)\n\n## So?\n\n$$\n$$\n")
    assert [each.text.answer for each in notes.drafts] == ["\\$\\$\n`![a](b)` c", "\\$\\$\n\\$\\$"]
    assert [problems(each) for each in notes.drafts] == [[], []]


def test_a_page_of_thousands_of_lines_is_read_in_seconds() -> None:
    answer = "word\n" * 20 + "\n    $$\n    x\n    $$\n\n1. a?\n    1. b\n"
    notes = read("".join(f"## Why {number}?\n\n{answer}\n" for number in range(200)) + "long\n" * 5000)
    assert len(notes.drafts) == 400  # the item with something under it is a question too
    assert notes.unplaced == ()


def test_front_matter_of_the_page_is_listed() -> None:
    notes = read("---\ntitle: x\n---\n## Why?\n\nSo.\n")
    assert notes.unplaced == (Unplaced(1, 3, Reason.FRONT_MATTER, "---"),)
    assert notes.drafts[0].first == 4


def test_slugs_are_unique_and_avoid_those_of_the_bank() -> None:
    notes = read_notes("## Why?\n\na\n\n## Why?\n\nb\n", "page.md", taken={"why"})
    assert [each.slug for each in notes.drafts] == ["why-2", "why-3"]


LINES = st.sampled_from(
    ["", "# Name", "## Why word?", "### Part", "word word", "**Why word?**", "1. Why word?", "    word", "- word", "\tword",
     "        - word?", "> word", "$$", "\\[", "\\]", "<aside>", "</aside>", "word $word", "```", "---", "![word](word)",
     "<b>word", "2. word", "    1. Is word?", "| word | word |", "|---|---|", "[word]: https://word.org", "\\(word\\) word",
     "====", "Q: word?", "3、word？", "[word](https://word.org)", "~~~", "**word", "word\\", "`word"]
)  # fmt: skip


@given(st.lists(LINES, max_size=14))
@settings(max_examples=150)
def test_every_word_of_any_page_is_in_a_draft_or_listed(rows: list[str]) -> None:
    numbered = [row.replace("word", f"word{number}x") for number, row in enumerate(rows, 1)]
    notes = read("\n".join(numbered))
    listed = {number for part in notes.unplaced for number in range(part.first, part.last + 1)}
    kept = "".join(each.markdown for each in notes.drafts)
    for number, row in enumerate(numbered, 1):
        assert f"word{number}x" not in row or number in listed or f"word{number}x" in kept


def run(tmp_path: Path, *arguments: str) -> int:
    content = Path(__file__).parent / "bank"
    with pytest.raises(SystemExit) as ended:
        main(["--db", str(tmp_path / "p.db"), "--content", str(content), "--lang", "en", "import", "notes", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_writes_drafts_and_lists_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, folder = tmp_path / "page.md", tmp_path / "drafts"
    page.write_text("﻿Mine.\n\n## What is weights of heads?\n\nSo.\n\n## And?\n", encoding="utf-8")
    assert run(tmp_path, str(page), "--into", str(folder)) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{folder / 'what-is-weights-of-heads.md'}\n{folder / 'and.md'}\n"
    assert printed.err == (
        f"{page}:1: not placed, before the first question or heading: Mine.\n2 drafts, 1 of them unanswered\n"
        "Drafts are studied once they are marked ready: kb drafts --ready NAME\n"
    )


def test_a_draft_that_was_changed_is_never_written_over(tmp_path: Path) -> None:
    notes = read("## Why?\n\nSo.\n")
    assert write_drafts(notes, tmp_path) == (tmp_path / "why.md",)
    assert write_drafts(notes, tmp_path) == ()
    (tmp_path / "why.md").write_text("mine", encoding="utf-8")
    assert write_drafts(notes, tmp_path) == (tmp_path / "why-again-2.md",)
    assert (tmp_path / "why.md").read_text(encoding="utf-8") == "mine"


def test_a_page_that_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, binary, empty = tmp_path / "no.md", tmp_path / "binary.md", tmp_path / "empty.md"
    binary.write_bytes(b"PK\xff\xfe")
    empty.write_text("Only prose.\n", encoding="utf-8")
    folder = str(tmp_path / "drafts")
    for page, sentence in (
        (missing, f"{missing}: it cannot be read: No such file or directory."),
        (tmp_path, f"{tmp_path}: it cannot be read: Is a directory."),
        (binary, f"{binary}: expected text in UTF-8; found another byte at 2."),
        (empty, f"{empty}: expected questions under headings, in bold or in a list; found none."),
    ):
        assert run(tmp_path, str(page), "--into", folder) == 2
        assert capsys.readouterr() == ("", f"kb: {sentence}\n")
    inside = Path(__file__).parent / "bank" / "drafts"
    assert run(tmp_path, str(empty), "--into", str(inside)) == 2
    assert capsys.readouterr().err.startswith("kb: --into: expected a folder outside the bank")
    assert not Path(folder).exists()
