"""Writes a question as the files of the bank: what `kb.parsing` reads back is an equal question."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml

from kb.front_matter import core_resolvers
from kb.questions import ClaimQuestion, NumericQuestion, Predict, Question, Text


class _Dumper(yaml.CSafeDumper):
    yaml_implicit_resolvers = core_resolvers()


def render(question: Question, language: str = "en") -> str:
    """The file of the question in this language; only the English one has front matter."""
    body = render_text(question.texts[language])
    if language != "en":
        return body
    front = yaml.dump(
        _keys(question), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000
    )
    return f"---\n{front}---\n{body}"


def render_text(text: Text) -> str:
    """The body of a question file."""
    choices = []
    for choice in text.choices:
        mark = "x" if choice.correct else " "
        why = "\n" + _indented(choice.why) + "\n" if choice.why else ""
        choices.append(f"- [{mark}] {choice.text}\n{why}")
    parts = [f"# {text.title}\n"]
    if text.stem:
        parts.append(f"{text.stem}\n")
    for heading, content in (
        ("Choices", "".join(choices)),
        ("Predict", text.predict),
        ("Answer", text.answer),
        ("Key points", _bullets(text.key_points)),
        ("Pitfalls", _bullets(text.pitfalls)),
    ):
        if content:
            parts.append(f"## {heading}\n\n{content.rstrip()}\n")
    return "\n".join(parts)


def _keys(question: Question) -> dict[str, Any]:
    """The front matter, without the keys that are at their defaults."""
    keys: dict[str, Any] = {"kind": question.kind, "difficulty": question.difficulty}
    for name in ("covers", "tags", "demos", "requires", "follow_ups"):
        if getattr(question, name):
            keys[name] = list(getattr(question, name))
    if isinstance(question, NumericQuestion):
        keys |= _numeric(question)
    if isinstance(question, ClaimQuestion):
        keys["verdict"] = {"true": True, "false": False}.get(question.verdict, question.verdict)
    if question.predict is not None:
        keys["predict"] = _predict(question.predict)
    keys["sources"] = [
        {name: value for name, value in asdict(source).items() if value != ""} for source in question.sources
    ]
    keys["revision"] = question.revision
    if question.changes:
        keys["changes"] = {number: dict(texts) for number, texts in question.changes.items()}
    if question.formerly:
        keys["formerly"] = list(question.formerly)
    return keys


def _numeric(question: NumericQuestion) -> dict[str, Any]:
    keys: dict[str, Any] = {"unit": question.unit} if question.unit else {}
    keys["tolerance"] = question.tolerance
    if question.value is not None:
        return {"value": question.value, **keys}
    vary = {name: list(values) for name, values in question.vary.items()}
    params = {"params": dict(question.params)} if question.params else {}
    return {"demo": question.demo, **params, "vary": vary, "asks": question.asks, **keys}


def _predict(predict: Predict) -> dict[str, Any]:
    params: Mapping[str, Any] = {"params": dict(predict.params)} if predict.params else {}
    unit = {"unit": predict.unit} if predict.unit else {}
    return {"demo": predict.demo, **params, "asks": predict.asks, **unit, "tolerance": predict.tolerance}


def _bullets(items: tuple[str, ...]) -> str:
    return "".join(f"- {_indented(item)[2:]}\n" for item in items)


def _indented(markdown: str) -> str:
    """The Markdown as it stands inside a list item."""
    return re.sub(r"^(?=.)", "  ", markdown, flags=re.MULTILINE)
