"""Search finds what one types: words, their beginnings, formulas and Chinese of any length, and never fails."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.bank import Bank
from kb.questions import Choice, ChoiceQuestion, OpenQuestion, Question, Source, Text
from kb.search import Index
from kb.syllabus import Point, Syllabus, Topic

SYLLABUS = Syllabus(
    (
        Topic(
            "attention",
            {"en": "Attention", "zh": "注意力"},
            (Point("attn-scaling-why", {"en": "Why divide: saturation", "zh": "为什么缩放：怕饱和"}),),
        ),
    )
)


def question(slug: str, en: Text, zh: Text | None = None, **more: object) -> Question:
    texts = {"en": en} | ({"zh": zh} if zh else {})
    source = Source("Attention Is All You Need", 2017)
    given = {"topic": "attention", "difficulty": 2, "covers": (), "sources": (source,), "texts": texts} | more
    kind = ChoiceQuestion if en.choices else OpenQuestion
    return kind(slug=slug, **given)


QUESTIONS = (
    question(
        "scaling",
        Text(
            r"Why are scores divided by $\sqrt{d_k}$?",
            answer=r"The softmax would saturate: $q \cdot k$ has variance $d_k$, and [0.93](demo:softmax_saturation#x) is left.",
            key_points=("Large scores make the softmax nearly one-hot",),
        ),
        Text(
            r"注意力分数为什么要除以 $\sqrt{d_k}$？",
            answer="为了不让 softmax 饱和。",
            key_points=("分数过大时 softmax 接近 one-hot",),
        ),
        covers=("attn-scaling-why",),
        tags=("initialisation",),
    ),
    question(
        "kv-cache",
        Text("How large is the KV cache?", answer="It grows with every token; a mask does not change that."),
        Text("KV 缓存有多大？", answer="每个头、每一层都存键和值，与掩码无关。"),
    ),
    question(
        "norm-place",
        Text(
            "Where does LayerNorm stand?",
            choices=(Choice("Pre-norm, before the sublayer", True, "Normalisation first."), Choice("After it", False)),
            answer="Pre-norm trains without warm-up. Its softmax is not special.",
        ),
    ),
)


@pytest.fixture(scope="module")
def index() -> Index:
    bank = Bank({each.slug: each for each in QUESTIONS}, SYLLABUS, (), Path("content"))
    return Index(bank)


def found(index: Index, words: str, **options: object) -> list[str]:
    return [hit.slug for hit in index.search(words, **options)]


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("saturate", "scaling"),
        ("satur", "scaling"),
        ("DIVIDED scores", "scaling"),
        ("sqrt", "scaling"),
        (r"\sqrt", "scaling"),
        ("√", "scaling"),
        ("d_k", "scaling"),
        ("d_k 方差 variance", "scaling"),
        ("cdot", "scaling"),
        ("0.93", "scaling"),
        ("initialization", "scaling"),
        ("saturation", "scaling"),
        ("除以", "scaling"),
        ("饱", "scaling"),
        ("softmax 饱和", "scaling"),
        ("softmax饱和", "scaling"),
        ("ｓｏｆｔｍａｘ 饱和", "scaling"),
        ("KV 缓存", "kv-cache"),
        ("kv缓存", "kv-cache"),
        ("头", "kv-cache"),
        ("掩码", "kv-cache"),
        ("masks", "kv-cache"),
        ("pre-norm", "norm-place"),
        ("Pre-Normalisation first", "norm-place"),
        ("layer norm", "norm-place"),
        ('"before the sublayer"', "norm-place"),
    ],
)
def test_it_finds(index: Index, words: str, slug: str) -> None:
    assert found(index, words)[0] == slug


@pytest.mark.parametrize("words", ["", "   ", "*", "-", '"', '""', "😀", "()", "^", "\\", "。", "\x00", "zzzz", "龘"])
def test_nothing_to_look_for_and_nothing_found_are_both_empty(index: Index, words: str) -> None:
    assert found(index, words) == []


def test_a_title_counts_more_than_a_key_point_and_that_more_than_an_answer() -> None:
    filler = Text("Something else entirely", answer="Unrelated words")
    questions = (
        question("in-answer", Text("One", answer="The router decides", key_points=("Nothing",))),
        question("in-points", Text("Two", answer="Nothing here", key_points=("The router decides",))),
        question("in-title", Text("The router decides", answer="Nothing here", key_points=("Nothing",))),
        *(question(f"other-{number}", filler) for number in range(8)),
    )
    index = Index(Bank({each.slug: each for each in questions}, SYLLABUS, (), Path("content")))
    assert found(index, "router") == ["in-title", "in-points", "in-answer"]


def test_a_question_comes_once_in_the_first_language_it_was_found_in(index: Index) -> None:
    assert [(hit.slug, hit.language) for hit in index.search("one-hot", ("zh", "en"))] == [("scaling", "zh")]
    assert [(hit.slug, hit.language) for hit in index.search("one-hot", ("en", "zh"))] == [("scaling", "en")]
    assert found(index, "饱和", languages=("en",)) == []


def test_questions_with_all_words_hide_those_with_some(index: Index) -> None:
    assert found(index, "softmax warm") == ["norm-place"]
    assert set(found(index, "softmax zzzz")) == {"scaling", "norm-place"}
    assert found(index, "为什么要除以根号")[0] == "scaling"


def test_chinese_in_one_run_is_also_found_apart_after_where_it_stands_so() -> None:
    apart, row = (
        question(slug, Text(slug), Text("显存", answer=answer))
        for slug, answer in (("apart", "大小取决于缓存。"), ("row", "先算缓存大小，再算别的，又长又慢，缓存并不唯一。"))
    )
    other = question("other", Text("other"), Text("缓存"))
    index = Index(Bank({each.slug: each for each in (apart, row, other)}, SYLLABUS, (), Path("content")))
    assert found(index, "缓存大小") == ["row", "apart"]
    assert set(found(index, "大小缓存")) == {"apart", "row"}
    assert found(index, '"缓存大小"') == ["row"]


def test_the_snippet_marks_what_was_looked_for(index: Index) -> None:
    (hit,) = index.search("saturate")
    assert hit.marked("[", "]") == "The softmax would [saturate]: q · k has variance d_k, and 0.93 is left."
    (hit,) = index.search("softmax 饱和")
    assert hit.marked("**", "**") == "为了不让 **softmax** **饱和**。"


def test_a_long_text_is_cut_around_the_hit() -> None:
    long = Text("A title", answer=" ".join(f"word{number}" for number in range(200)) + " needle " + "hay " * 100)
    index = Index(Bank({"long": question("long", long)}, SYLLABUS, (), Path("content")))
    (hit,) = index.search("needle")
    assert hit.snippet.startswith("… word")
    assert hit.snippet.endswith(" …")
    assert "[needle]" in hit.marked("[", "]")
    assert len(hit.snippet) < 160


def test_limit_keeps_the_best(index: Index) -> None:
    assert found(index, "softmax", limit=1) == found(index, "softmax")[:1]
    assert found(index, "softmax", limit=0) == []


@given(st.text(max_size=60) | st.text(alphabet='"*-+:^()ANDORNEAR\\{}$ 头a', max_size=40))
def test_whatever_is_typed_is_no_error(index: Index, words: str) -> None:
    for hit in index.search(words):
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)
