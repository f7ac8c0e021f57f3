"""Recomputes every figure that the bank quotes, and rewrites those that have drifted.

The demos are reached through a function that is given, since kb does not import them.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb import links
from kb.bank import Bank
from kb.errors import FigureError, QuestionError
from kb.inline import Link, replace_links
from kb.numbers import NON_FINITE, NON_FINITE_TEXTS, parse_printed
from kb.problems import Problem, Report
from kb.questions import DemoLink, NumericQuestion, Question, Value

Run = Callable[[str, Mapping[str, Value]], Mapping[str, Any]]
"""Gives the result fields of one run of a demo. Raises: FigureError with a sentence where there is no result."""


@dataclass(frozen=True)
class Drift:
    """A figure that is not what its demo gives; `correct` is the text to print, or None where no text can mend it."""

    file: Path
    problem: Problem
    link: DemoLink | None = None
    correct: str | None = None


def recompute(bank: Bank, run: Run) -> tuple[Drift, ...]:
    """The figures of the bank that have drifted, in file order; identical runs are asked for once."""
    known = _Results(run)
    drifts = [drift for question in bank.questions.values() for drift in _of_question(bank, question, known)]
    return tuple(sorted(drifts, key=lambda drift: (drift.problem.path, drift.problem.line)))


def fix(drifts: Sequence[Drift]) -> tuple[Drift, ...]:
    """Rewrites in place each figure that has a correct text; gives back the drifts that remain.

    Raises: FigureError where a file cannot be written.
    """
    mended: dict[Path, list[Drift]] = {}
    for drift in drifts:
        if drift.correct is not None:
            mended.setdefault(drift.file, []).append(drift)
    for file, wanted in mended.items():
        _rewrite(file, wanted)
    return tuple(drift for drift in drifts if drift.correct is None)


class _Results:
    """Results of runs, each asked for once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.known: dict[tuple[str, tuple[tuple[str, str], ...]], Mapping[str, Any] | FigureError] = {}

    def of(self, demo: str, params: Mapping[str, Value]) -> Mapping[str, Any]:
        key = demo, tuple(sorted((name, repr(value)) for name, value in params.items()))
        if key not in self.known:
            try:
                self.known[key] = self.run(demo, params)
            except FigureError as error:
                self.known[key] = error
        result = self.known[key]
        if isinstance(result, FigureError):
            raise result
        return result

    def value(self, demo: str, params: Mapping[str, Value], field: str, index: int | None = None) -> Any:
        """One value of a result. Raises: FigureError where the demo gives none."""
        result = self.of(demo, params)
        if field not in result:
            raise FigureError(f"no field {field} in its result")
        value = result[field]
        if isinstance(value, list | tuple) != (index is not None):
            raise FigureError(f"{'a tuple' if index is None else 'a single value'} in {field}")
        if index is None:
            return value
        if index >= len(value):
            raise FigureError(f"only {len(value)} elements in {field}")
        return value[index]


def _of_question(bank: Bank, question: Question, known: _Results) -> Iterator[Drift]:
    for language, text in question.texts.items():
        path = question.path_in(language)
        for link in text.links:
            found = _compare(link, path, known)
            if found is not None:
                yield Drift(bank.file(path), found[0], link, found[1])
    for what, line, demo, params, field in _asked(question):
        report = Report(question.path)
        try:
            value = known.value(demo, params, field)
        except FigureError as error:
            report.add(line, what, f"a number from {demo}", str(error).rstrip("."), _again(demo, params))
        else:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                report.add(line, what, f"a number from {demo}", f"{value}", _again(demo, params))
        for problem in report.problems:
            yield Drift(bank.file(question.path), problem)


def _asked(question: Question) -> Iterator[tuple[str, int, str, Mapping[str, Value], str]]:
    """What a learner is asked for: the prediction, and a generated question with each value of `vary` at least once."""
    if question.predict is not None:
        predict = question.predict
        yield "predict", question.lines.get("predict", 1), predict.demo, predict.params, predict.asks
    if isinstance(question, NumericQuestion) and question.demo is not None and question.asks is not None:
        for row in range(max((len(values) for values in question.vary.values()), default=1)):
            drawn = {name: values[row % len(values)] for name, values in question.vary.items()}
            yield "asks", question.lines.get("asks", 1), question.demo, {**question.params, **drawn}, question.asks


def _compare(link: DemoLink, path: str, known: _Results) -> tuple[Problem, str | None] | None:
    """What is wrong with a figure, and the text that mends it; None where the demo still gives what is printed."""
    report = Report(path)
    target = links.demo_target(link)
    correct = None
    try:
        value = known.value(link.demo, link.params, link.field, link.index)
        if not link.op:
            correct = reprint(link.text, value)
    except FigureError as error:
        report.add(link.line, "figure", f"a value for {target}", str(error).rstrip("."), _again(link.demo, link.params))
    except QuestionError as error:
        report.add_error(link.line, "figure", error, "write `[0.00]` there, then `kb check --run --fix`.")
    else:
        if link.op and not holds(link, value):
            report.add(link.line, "figure", target, str(value), "change the sentence; its bound does not hold.")
        elif correct is not None and correct != link.text:
            report.add(link.line, "figure", f"{correct} for {target}", link.text, "run `kb check --run --fix`.")
    return (report.problems[0], correct) if report.problems else None


def holds(link: DemoLink, value: Any) -> bool:
    """Whether a computed value keeps the bound that a link states; NaN keeps none."""
    number = NON_FINITE.get(value, math.nan) if isinstance(value, str) else float(value)
    bound = math.nan if link.bound is None else link.bound
    return {">": number > bound, "<": number < bound, ">=": number >= bound, "<=": number <= bound}[link.op]


def reprint(text: str, value: Any) -> str:
    """The value in the form in which the text prints it: the text itself where it is true at its precision.

    Raises: QuestionError where the value is a number and the text is not.
    """
    if isinstance(value, bool):
        return links.scalar_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value in NON_FINITE_TEXTS:
        return text if text in NON_FINITE_TEXTS[value] else NON_FINITE_TEXTS[value][0]
    if isinstance(value, str):
        literal = text[1:-1] if text.startswith("`") else re.sub(r"\\(?=[^\w\s])", "", text)
        return text if literal == value else f"`{value}`"
    was_finite = not any(text in names for names in NON_FINITE_TEXTS.values())
    printed = parse_printed(text if was_finite else "0.00")
    return text if was_finite and printed.agrees(value) else printed.reprint(value)


def _again(demo: str, params: Mapping[str, Value]) -> str:
    options = []
    for name, value in params.items():
        option = name.replace("_", "-")
        switch = f"--{option}" if value is True else f"--no-{option}"
        options.append(switch if isinstance(value, bool) else f"--{option} {value}")
    return f"`{' '.join(['kb demo run', demo, *options])}` shows the run."


def _rewrite(file: Path, drifts: Sequence[Drift]) -> None:
    """Prints the correct texts in a file and leaves every other byte of it alone."""
    correct = {
        (drift.problem.line, drift.link.text, links.demo_target(drift.link)): drift.correct
        for drift in drifts
        if drift.link
    }

    def mended(link: Link) -> str:
        line = markdown.count("\n", 0, link.start) + 1
        text = None
        if links.is_demo(link.target):
            text = correct.get((line, link.text, links.demo_target(links.demo_link(link.text, link.target))))
        return f"[{link.text if text is None else text}]({link.target})"

    try:
        markdown = file.read_bytes().decode("utf-8")
        file.write_bytes(replace_links(markdown, mended).encode("utf-8"))
    except OSError as error:
        raise FigureError(f"{file}: the figures could not be rewritten: {error.strerror}.") from error
