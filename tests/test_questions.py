"""kb.questions: what a question gives without its files; drawn parameters are the same on every machine."""

import dataclasses

import pytest

from kb.questions import KINDS, ClaimQuestion, NumericQuestion, OpenQuestion, Source, Text

SOURCE = Source("Attention Is All You Need", 2017)
COMMON = {
    "topic": "attention",
    "difficulty": 2,
    "covers": ("attn-what",),
    "sources": (SOURCE,),
    "path": "content/attention/q.md",
}


def generated(**changes: object) -> NumericQuestion:
    question = NumericQuestion(
        slug="cache",
        topic="kv_cache",
        difficulty=2,
        covers=("kv-cache-memory",),
        sources=(SOURCE,),
        texts={"en": Text("How large is the cache of [32](param:num_layers) layers?", answer="It depends.")},
        demo="kv_cache_bytes",
        asks="cache_bytes",
        params={"head_dim": 128},
        vary={"num_layers": (16, 32, 80), "num_kv_heads": (1, 8, 32)},
        path="content/kv_cache/cache.md",
    )
    return dataclasses.replace(question, **changes)


def test_drawn_parameters_are_the_same_on_every_machine() -> None:
    assert [generated().draw(seed) for seed in (0, 1, 2024)] == [
        {"head_dim": 128, "num_kv_heads": 32, "num_layers": 80},
        {"head_dim": 128, "num_kv_heads": 1, "num_layers": 80},
        {"head_dim": 128, "num_kv_heads": 8, "num_layers": 80},
    ]


def test_the_order_of_the_keys_in_the_file_does_not_change_what_is_drawn() -> None:
    swapped = generated(vary={"num_kv_heads": (1, 8, 32), "num_layers": (16, 32, 80)})
    assert all(generated().draw(seed) == swapped.draw(seed) for seed in range(50))


def test_every_value_is_drawn_about_as_often_as_the_others() -> None:
    drawn = [generated().draw(seed)["num_layers"] for seed in range(900)]
    assert all(240 < drawn.count(value) < 360 for value in (16, 32, 80))


def test_a_text_that_is_not_translated_is_read_in_english() -> None:
    question = generated(texts={"en": Text("English"), "zh": Text("中文")})
    assert (question.text("zh").title, question.text("fr").title) == ("中文", "English")
    assert question.languages == ("en", "zh")
    assert generated().languages == ("en",)


def test_each_language_has_its_file() -> None:
    assert generated().path_in("en") == "content/kv_cache/cache.md"
    assert generated().path_in("zh") == "content/kv_cache/cache.zh.md"


def test_every_kind_has_its_class() -> None:
    assert list(KINDS) == ["choice", "multiple", "numeric", "open", "claim"]
    assert OpenQuestion(slug="why", texts={"en": Text("Why?")}, **COMMON).kind == "open"
    assert ClaimQuestion(slug="so", texts={"en": Text("So.")}, verdict="depends", **COMMON).kind == "claim"


def test_a_question_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        generated().slug = "other"  # type: ignore[misc]
