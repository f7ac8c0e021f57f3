"""kb.rendering: a question that is written and read again is the same question."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.bank import load_bank
from kb.links import demo_target
from kb.parsing import parse_question
from kb.questions import (
    KINDS,
    VERDICTS,
    Choice,
    DemoLink,
    Predict,
    Question,
    Source,
    Text,
)
from kb.rendering import render, render_text
from kb.translation import parse_translation

SLUGS = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
WORDS = st.sampled_from(
    [
        "scores",
        "softmax",
        "注意力",
        "分数，",
        "the: root",
        "$\\sqrt{d_k}$",
        "`[MASK]`",
        "**wide**",
        "\\$ 5",
        "“why”",
        "C#",
        "a & b",
        "1e3",
        "yes",
        "'",
    ]
)
LINES = st.lists(WORDS, min_size=1, max_size=6).map(lambda words: " ".join(["It", *words]))
FIGURES = st.builds(
    DemoLink,
    text=st.just("0.93"),
    demo=NAMES,
    params=st.dictionaries(
        NAMES, st.integers(0, 9) | st.booleans() | NAMES.filter(lambda n: n not in ("true", "false")), max_size=2
    ),
    field=NAMES,
    index=st.none() | st.integers(0, 9),
)
BLOCKS = (
    LINES
    | st.builds("{}:\n\n$$\n{}\n$$".format, LINES, st.just(r"\frac{a}{b}"))
    | st.builds("{}:\n\n- {}\n- {}".format, LINES, LINES, LINES)
)
PARTS = st.lists(BLOCKS, min_size=1, max_size=3).map("\n\n".join)
LISTS = st.lists(LINES | st.builds("{}\n\n{}".format, LINES, BLOCKS), min_size=1, max_size=4).map(tuple)
PARAMS = st.dictionaries(
    NAMES,
    st.integers() | st.floats(-1e9, 1e9) | st.booleans() | st.sampled_from(["1e3", "yes", "a: b", "null"]),
    max_size=3,
)
TEXTS_OF_KEYS = st.sampled_from(
    ["Attention: All", "2017", "1e3", "yes", "no # comment", "null", "它", "- a", "[x]", "'quoted'"]
)
SOURCES = st.builds(
    Source,
    TEXTS_OF_KEYS,
    st.integers(1700, 2100),
    TEXTS_OF_KEYS | st.just(""),
    st.sampled_from(["", "https://a.b/c?d=1#e"]),
)
PREDICTIONS = st.builds(Predict, NAMES, NAMES, PARAMS, st.sampled_from(["", "%", "GiB"]), st.floats(0, 1))


@st.composite
def texts(draw: st.DrawFn, kind: str, predict: bool, drawn: str = "") -> Text:
    figures = draw(st.lists(FIGURES, max_size=2))
    links = " ".join(f"[{figure.text}]({demo_target(figure)})" for figure in figures)
    answer = draw(PARTS) + (f"\n\nIt is {links}" if links else "")
    choices: tuple[Choice, ...] = ()
    if kind in ("choice", "multiple"):
        right = draw(st.lists(st.booleans(), min_size=1, max_size=3)) if kind == "multiple" else []
        why = st.just("") | BLOCKS
        choices = tuple(
            Choice(f"{draw(LINES)} {place}", mark, draw(why)) for place, mark in enumerate((True, *right, False))
        )
    return Text(
        title=draw(LINES) + drawn,
        stem=draw(st.just("") | PARTS),
        choices=choices,
        predict=draw(PARTS) if predict else "",
        answer=answer,
        key_points=draw(LISTS),
        pitfalls=draw(st.just(()) | LISTS),
        links=tuple(figures),
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    kind = draw(st.sampled_from(list(KINDS)))
    predict = draw(st.none() | PREDICTIONS)
    own: dict[str, Any] = {}
    drawn = ""
    if kind == "claim":
        own["verdict"] = draw(st.sampled_from(VERDICTS))
    elif kind == "numeric":
        own = {"unit": draw(st.sampled_from(["", "%", "weights", "1e3"])), "tolerance": draw(st.floats(0, 1))}
        if draw(st.booleans()):
            own["value"] = draw(st.integers() | st.floats(-1e9, 1e9))
        else:
            own |= {"demo": draw(NAMES), "asks": draw(NAMES), "params": {"fixed__": 1}, "vary": {"size": (16, 32)}}
            drawn = " [32](param:size)"
    slug, topic = draw(SLUGS), draw(NAMES)
    return KINDS[kind](
        slug=slug,
        topic=topic,
        difficulty=draw(st.integers(1, 5)),
        covers=tuple(draw(st.lists(SLUGS, min_size=1, max_size=3, unique=True))),
        tags=tuple(draw(st.lists(TEXTS_OF_KEYS, max_size=2, unique=True))),
        demos=tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        requires=tuple(draw(st.lists(SLUGS, max_size=2, unique=True))),
        sources=tuple(draw(st.lists(SOURCES, min_size=1, max_size=2))),
        revision=(revision := draw(st.integers(1, 4))),
        changes={
            number: {"en": draw(TEXTS_OF_KEYS), **draw(st.sampled_from([{}, {"zh": "变了"}]))}
            for number in range(2, revision + 1)
        },
        formerly=tuple(draw(st.lists(SLUGS, max_size=2, unique=True))),
        predict=predict,
        texts={"en": draw(texts(kind, predict is not None, drawn))},
        path=f"content/{topic}/{slug}.md",
        **own,
    )


@given(questions())
def test_a_question_that_is_written_and_read_again_is_equal(question: Question) -> None:
    parsed = parse_question(question.path, render(question))
    assert parsed.problems == ()
    assert parsed.question == question


@pytest.mark.parametrize(
    "question", load_bank(Path(__file__).parent / "bank").questions.values(), ids=lambda question: question.slug
)
def test_the_questions_of_the_small_bank_survive_in_both_languages(question: Question) -> None:
    parsed = parse_question(question.path, render(question))
    translation, problems = parse_translation(question.path_in("zh"), render(question, "zh"), parsed)
    assert (parsed.problems, problems) == ((), ())
    assert parsed.question is not None
    assert translation is not None
    assert parsed.question.with_texts({**parsed.question.texts, "zh": translation}) == question


def test_a_text_is_written_as_the_documentation_shows_it() -> None:
    text = Text(
        title="Why?",
        choices=(Choice("Because", True, "It is so."), Choice("For fun", False)),
        answer="So.",
        key_points=("One", "Two\n\nmore"),
    )
    assert render_text(text) == (
        "# Why?\n\n## Choices\n\n- [x] Because\n\n  It is so.\n- [ ] For fun\n\n## Answer\n\nSo.\n\n"
        "## Key points\n\n- One\n- Two\n\n  more\n"
    )
