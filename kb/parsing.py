"""Reads one question file: a pure function of its path and its text, so that a cache may be put in front.

Leaves out everything that needs another file: the translation (`kb.translation`), the rest of the bank (`kb.check`).
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from kb import links
from kb.errors import QuestionError
from kb.front_matter import NAME, SLUG, TAG, Keys, read_yaml, split
from kb.inline import Link, segments
from kb.markdown import Body, read_body
from kb.numbers import parse_printed
from kb.problems import Problem, Report, shown
from kb.questions import KINDS, LANGUAGES, VERDICTS, NumericQuestion, Predict, Question, Source, Value

COMMON_KEYS = (
    "kind",
    "difficulty",
    "covers",
    "tags",
    "demos",
    "requires",
    "follow_ups",
    "sources",
    "revision",
    "changes",
    "formerly",
    "predict",
)
KIND_KEYS: Mapping[str, tuple[str, ...]] = {
    "numeric": ("value", "demo", "params", "vary", "asks", "unit", "tolerance"),
    "claim": ("verdict",),
}
PREDICT_KEYS = ("demo", "params", "asks", "unit", "tolerance")
SOURCE_KEYS = ("title", "year", "where", "url")
OWN_KEYS = ("ready", "topic")  # of a learner's own question alone


@dataclass(frozen=True)
class Parsed:
    """What one file holds; the question is None where the file has problems, the body where it cannot be read at all."""

    question: Question | None
    body: Body | None
    problems: tuple[Problem, ...]


def parse_question(path: str, text: str, own: bool = False) -> Parsed:
    """The question in the English file at `path` (`content/<topic>/<slug>.md`), with every problem of the file.

    A learner's `own` question needs no sources, no points covered and no key points, and names its topic itself.
    """
    report = Report(path)
    if not text.strip():
        report.add(1, "file", "a question", "an empty file", "write the question; content/README.md has an example.")
        return Parsed(None, None, tuple(report.problems))
    parts = split(text)
    if parts is None:
        found = shown(text.split("\n", 1)[0].strip())
        fix = "begin the file with `---`, the keys, and `---` again."
        report.add(1, "front matter", "keys between two lines `---`", found, fix)
        body = read_body(text, report)
        return Parsed(None, body, tuple(report.problems))
    front, markdown, first_line = parts
    keys = read_yaml(front, report, first_line=2)
    body = read_body(markdown, report, first_line)
    question = _question(PurePosixPath(path), keys, body, own) if keys else None
    return Parsed(None if report.problems else question, body, tuple(report.problems))


def _question(path: PurePosixPath, keys: Keys, body: Body, own_rules: bool) -> Question | None:
    """The question that keys and body make; None where its kind is not one of ours."""
    kind = keys.value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1) or ["choice"]
        fix = f"write `kind: {near[0]}`. A new kind begins in kb/questions.py."
        keys.wrong("kind", f"one of {', '.join(KINDS)}", fix)
        keys.unknown((*COMMON_KEYS, *(key for more in KIND_KEYS.values() for key in more)))
        kind = ""
    else:
        keys.unknown((*COMMON_KEYS, *KIND_KEYS.get(kind, ()), *(OWN_KEYS if own_rules else ())))
    if not SLUG.fullmatch(path.stem):
        fix = "rename the file; its name is the id of the question."
        keys.report.add(0, "slug", "lower-case words joined by hyphens", shown(path.stem), fix)
    if own_rules and not isinstance(keys.value.get("ready", False), bool):
        keys.wrong("ready", "true or false", "write `ready: true` where the question is to be studied.")
    common: dict[str, Any] = {
        "slug": path.stem,
        "topic": (keys.text("topic", default="") if own_rules else "") or path.parent.name,
        "difficulty": keys.integer("difficulty", 1, 5),
        "covers": keys.words("covers", SLUG, "points of content/syllabus.yaml", required=not own_rules),
        "tags": keys.words("tags", TAG, "tags"),
        "demos": keys.words("demos", NAME, "demos"),
        "requires": keys.words("requires", SLUG, "questions"),
        "follow_ups": keys.words("follow_ups", SLUG, "questions"),
        "sources": _sources(keys, own_rules),
        "revision": (revision := keys.integer("revision", 1, default=1)),
        "changes": _changes(keys, revision),
        "formerly": keys.words("formerly", SLUG, "former slugs"),
        "predict": _predict(keys, body),
        "texts": {"en": body.text},
        "path": str(path),
        "lines": keys.lines,
    }
    own = _numeric(keys) if kind == "numeric" else _claim(keys) if kind == "claim" else {}
    _check_headings(kind, keys, body, own_rules)
    question = KINDS[kind](**common, **own) if kind else None
    _check_drawn(keys, body, own.get("vary", {}))
    return question


def _sources(keys: Keys, own_rules: bool) -> tuple[Source, ...]:
    """Where the answer can be verified; one of a learner's own question may be without its year, which is 0 then."""
    if own_rules and not keys.has("sources"):
        return ()
    fix = "write `sources: [{title: Attention Is All You Need, year: 2017}]`."
    return keys.each(
        "sources",
        partial(_source, year=0 if own_rules else None),
        "a list of at least one source with title and year",
        fix,
    )


def _changes(keys: Keys, revision: int) -> dict[int, dict[str, str]]:
    """What changed in each revision above 1, by language."""
    value = keys.value.get("changes") or {}

    def fix(number: int) -> str:
        return f'write `changes: {{{number}: {{en: "what the answer says now", zh: 现在的答案是什么}}}}`.'

    if not isinstance(value, dict):
        keys.wrong("changes", "a mapping of revisions to what changed", fix(max(revision, 2)))
        return {}
    for number in range(2, revision + 1):
        if number not in value:
            at = "changes" if keys.has("changes") else "revision"
            keys.wrong("changes", f"what changed in revision {number}", fix(number), "nothing", at)
    changes = {}
    for number, texts in value.items():
        key = f"changes.{number}"
        if type(number) is not int or not 2 <= number <= revision:
            expected = f"revisions from 2 to {revision}" if revision > 1 else "no such key in revision 1"
            keys.wrong(key, expected, "raise `revision` to it, or remove it.", shown(number))
        elif inner := keys.inside(key, texts, "a mapping of languages to what changed", fix(number)):
            inner.unknown(LANGUAGES)
            changes[number] = {each: inner.text(each) for each in LANGUAGES if each == "en" or inner.has(each)}
            for language, text in changes[number].items():
                if any(isinstance(segment, Link) for segment in segments(text)):
                    inner.wrong(
                        language, "text without links", "name the figure alone; the answer has the link.", "one"
                    )
    return changes


def _source(keys: Keys, year: int | None) -> Source:
    keys.unknown(SOURCE_KEYS)
    url = keys.text("url", default="")
    if url and not url.startswith(("https://", "http://")):
        keys.wrong("url", "an address that begins with https://", "write the whole address, or leave it out.")
    return Source(
        title=keys.text("title"),
        year=keys.integer("year", 1700, 2100, default=year, example=2017),
        where=keys.text("where", default=""),
        url=url,
    )


def _predict(keys: Keys, body: Body) -> Predict | None:
    line = body.headings.get("Predict")
    if not keys.has("predict"):
        if line is not None:
            fix = "write `predict: {demo: name, asks: field}`, or remove the part."
            keys.report.add(line, "Predict", "the key predict in the front matter", "none", fix)
        return None
    fix = "write `predict: {demo: name, params: {head_dim: 64}, asks: field, tolerance: 0.1}`."
    inner = keys.inside("predict", keys.value["predict"], "a mapping with demo and asks", fix)
    if line is None:
        keys.wrong("predict", "a part '## Predict' that asks for the number", "add it before `## Answer`.", "none")
    elif not body.text.predict:
        keys.report.add(line, "Predict", "text that asks for the number", "nothing", "write it under the heading.")
    if inner is None:
        return None
    inner.unknown(PREDICT_KEYS)
    return Predict(
        demo=inner.name("demo"),
        asks=inner.name("asks"),
        params=inner.params("params"),
        unit=inner.text("unit", default=""),
        tolerance=inner.number("tolerance", default=0.1, minimum=0),
    )


def _claim(keys: Keys) -> dict[str, Any]:
    verdict = keys.value.get("verdict")
    verdict = {True: "true", False: "false"}.get(verdict, verdict) if isinstance(verdict, bool) else verdict
    if verdict not in VERDICTS:
        keys.wrong("verdict", "one of true, false, depends", "write `verdict: depends`, for example.")
    return {"verdict": verdict}


def _numeric(keys: Keys) -> dict[str, Any]:
    unit, tolerance = keys.text("unit", default=""), keys.number("tolerance", default=0.0, minimum=0)
    if keys.has("value") == keys.has("demo"):
        found = "both" if keys.has("value") else "neither"
        fix = "keep `value` for a fixed number; `demo`, `vary` and `asks` where a demo computes it."
        keys.wrong("value", "either value or demo", fix, found)
        return {"vary": _vary(keys)} if keys.has("vary") else {}
    if keys.has("value"):
        for key in ("params", "vary", "asks"):
            if keys.has(key):
                keys.wrong(key, "no such key beside value", f"remove `{key}`, or replace `value` by `demo`.", "one")
        return {"value": keys.number("value"), "unit": unit, "tolerance": tolerance}
    return {
        "demo": keys.name("demo"),
        "asks": keys.name("asks"),
        "params": keys.params("params"),
        "vary": _vary(keys),
        "unit": unit,
        "tolerance": tolerance,
    }


def _vary(keys: Keys) -> dict[str, tuple[Value, ...]]:
    fix = "write `vary: {num_layers: [16, 32, 80]}`."
    value = keys.value.get("vary")
    if not isinstance(value, dict) or not value:
        keys.wrong("vary", "a mapping of parameters to lists of values", fix)
        return {}
    vary = {}
    fixed = keys.value.get("params")
    for name, values in value.items():
        if not isinstance(values, list) or len(values) < 2:
            found = f"a list of {len(values)}" if isinstance(values, list) else shown(values)
            keys.wrong(f"vary.{name}", "a list of at least two values", fix, found)
        elif len(set(map(str, values))) < len(values):
            keys.wrong(f"vary.{name}", "each value once", fix, "one of them twice")
        elif not all(isinstance(item, int | float | str) for item in values):
            keys.wrong(f"vary.{name}", "numbers, true, false or text", fix, "something else")
        elif isinstance(fixed, dict) and name in fixed:
            keys.wrong(
                f"vary.{name}", "a parameter that params does not fix", "remove it from `params`.", "one it fixes"
            )
        vary[str(name)] = tuple(values) if isinstance(values, list) else (values,)
    return vary


def _check_headings(kind: str, keys: Keys, body: Body, own_rules: bool) -> None:
    """Reports the parts that this kind needs and does not have, or has and must not."""
    text, report = body.text, keys.report
    needed = {"Answer": text.answer}
    if kind in ("choice", "multiple"):
        needed["Choices"] = "there" if text.choices else ""
    if kind == "open" and not own_rules:
        needed["Key points"] = "there" if text.key_points else ""
    for heading, content in needed.items():
        if heading not in body.headings:
            fix = f"add the part `## {heading}`."
            report.add(body.title_line, "heading", f"'## {heading}' in a question of kind {kind or 'any'}", "none", fix)
        elif not content and heading == "Answer":
            report.add(body.headings[heading], heading, "text", "nothing", "write the answer.")
    if kind and "Choices" in body.headings and "Choices" not in needed:
        fix = "remove the part, or write `kind: choice`."
        report.add(body.headings["Choices"], "heading", f"no '## Choices' in a question of kind {kind}", "one", fix)
    if len({choice.text for choice in text.choices}) < len(text.choices):
        report.add(
            body.headings["Choices"], "Choices", "each choice once", "one of them twice", "change one of the two."
        )
    if "Choices" in needed and text.choices:
        right = sum(choice.correct for choice in text.choices)
        if kind == "choice" and (right != 1 or len(text.choices) < 2):
            found = f"{right} of {len(text.choices)}"
            fix = "mark the right one `[x]` and every other `[ ]`; several right ones are `kind: multiple`."
            report.add(body.headings["Choices"], "Choices", "exactly one right choice among two or more", found, fix)
        elif kind == "multiple" and right in (0, len(text.choices)):
            fix = "mark the right ones `[x]` and the wrong ones `[ ]`."
            found = f"{right} of {len(text.choices)} right"
            report.add(body.headings["Choices"], "Choices", "at least one right and one wrong choice", found, fix)


def _check_drawn(keys: Keys, body: Body, vary: Mapping[str, tuple[Value, ...]]) -> None:
    """Reports `param:` links that name no drawn parameter or show no value of it, and drawn parameters that nobody sees."""
    check_drawn(keys.report, body, vary)
    visible = {links.parameter(link.target) for link in body.links if link.part in ("title", "stem")}
    for name in vary:
        if name not in visible:
            fix = f"write `[{vary[name][0]}](param:{name})` where the question names the value."
            keys.wrong(f"vary.{name}", f"a link param:{name} in the title or the text under it", fix, "none")


def check_drawn(report: Report, body: Body, vary: Mapping[str, tuple[Value, ...]]) -> None:
    """Reports the `param:` links of a body that name no drawn parameter, or whose text is not one of its values."""
    for link in body.links:
        name = links.parameter(link.target)
        if name is None:
            continue
        if name not in vary:
            fix = "write the number without a link, or add the parameter to `vary`."
            expected = f"one of {', '.join(vary)} after param:" if vary else "no drawn parameter, since nothing varies"
            report.add(link.line, "link", expected, shown(name), fix)
        elif not any(_is_printed(link.text, value) for value in vary[name]):
            values = ", ".join(links.scalar_text(value) for value in vary[name])
            fix = f"write `[{links.drawn_text(vary[name][0], '')}](param:{name})`."
            report.add(link.line, "link", f"one of the values {values} of {name} as its text", shown(link.text), fix)


def _is_printed(text: str, value: Value) -> bool:
    """Whether a text shows this value."""
    if text == links.scalar_text(value):
        return True
    try:
        return not isinstance(value, bool | str) and parse_printed(text).value == value
    except QuestionError:
        return False


def vary_of(question: Question | None) -> Mapping[str, tuple[Value, ...]]:
    """The drawn parameters of a question, if it has any."""
    return question.vary if isinstance(question, NumericQuestion) else {}
