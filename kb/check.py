"""What one file of the bank says of another, of the syllabus and of the demos; every problem at once, in file order.

The demos are given, since kb does not import them. Leaves out whether the figures are true (`kb.figures`).
"""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol

from kb.bank import Bank
from kb.errors import QuestionError
from kb.links import number, scalar_text
from kb.numbers import BYTE_UNITS, NON_FINITE_TEXTS, parse_printed
from kb.problems import Problem, Report, in_order, nearest, shown
from kb.questions import ChoiceQuestion, DemoLink, NumericQuestion, Question, Reference, Value

LONGEST_MIN_QUESTIONS = 12
LONGEST_MAX_SHARE = 1 / 3
_NUMBERS = ("int", "float")


class ParamSpec(Protocol):
    """A parameter of a demo; `type` is int, float, bool or str, bounds are included."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...
    @property
    def choices(self) -> tuple[Value, ...] | None: ...


class FieldSpec(Protocol):
    """A field of a demo's result; `type` is int, float, bool, str, or tuple[...] of these."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def measured(self) -> bool: ...


class DemoSpec(Protocol):
    """What is known of a demo without running it."""

    @property
    def params(self) -> Sequence[ParamSpec]: ...
    @property
    def fields(self) -> Sequence[FieldSpec]: ...


def check(bank: Bank, demos: Mapping[str, DemoSpec]) -> tuple[Problem, ...]:
    """Every problem of the bank: those of its files, and those that only show when they are read together."""
    problems = list(bank.problems)
    for question in bank.questions.values():
        report = Report(question.path)
        _check_points(bank, question, report)
        _check_references(bank, question, report)
        _check_former_slugs(bank, question, report)
        _check_changes(question, report)
        problems += report.problems
        problems += _Uses(question, demos).problems()
    problems += _cycles(bank)
    problems += _longest_choices(bank)
    return in_order(problems)


def uncovered(bank: Bank) -> tuple[str, ...]:
    """The points of the syllabus that no question covers, in teaching order."""
    covered = {point for question in bank.questions.values() for point in question.covers}
    return tuple(point for point in bank.syllabus.points if point not in covered)


def _check_points(bank: Bank, question: Question, report: Report) -> None:
    points = bank.syllabus.points
    for place, point in enumerate(question.covers):
        if points and point not in points:
            fix = nearest(point, points, "name a point of syllabus.yaml, or add it there in both languages.")
            report.add(_line(question, f"covers.{place}"), "covers", "a point of syllabus.yaml", shown(point), fix)


def _check_references(bank: Bank, question: Question, report: Report) -> None:
    """Reports slugs in the keys and links to questions that lead nowhere."""
    for key in ("requires", "follow_ups"):
        for place, slug in enumerate(getattr(question, key)):
            line = _line(question, f"{key}.{place}")
            if slug == question.slug:
                report.add(line, key, "other questions", "the question itself", "remove it.")
            elif slug not in bank.questions and slug not in bank.broken:
                report.add(line, key, "the slug of a question", shown(slug), _instead(bank, slug))
    for language, text in question.texts.items():
        translated = Report(question.path_in(language))
        for reference in text.references:
            _check_reference(bank, question, reference, translated)
        report.problems += translated.problems


def _check_reference(bank: Bank, question: Question, reference: Reference, report: Report) -> None:
    slug, other = reference.slug, bank.questions.get(reference.slug)
    if other is None:
        if slug not in bank.broken:
            report.add(reference.line, "link", "the slug of a question", shown(slug), _instead(bank, slug))
    elif reference.folder and other.topic != (question.topic if reference.folder == "." else reference.folder):
        found = f"'{reference.folder}'"
        fix = f"write `../{other.topic}/{slug}.md`."
        report.add(reference.line, "link", f"the topic {other.topic} of {slug}", found, fix)


def _instead(bank: Bank, slug: str) -> str:
    """What to do about the slug of no question."""
    renamed = next((each.slug for each in bank.questions.values() if slug in each.formerly), None)
    if renamed is not None:
        return f"write `{renamed}`, its present slug."
    return nearest(slug, bank.questions, "write the question, or remove the slug.")


def _check_changes(question: Question, report: Report) -> None:
    """Reports what changed in a revision and is not told in a language of the question."""
    for revision, texts in question.changes.items():
        for language in question.languages:
            if language not in texts:
                fix = f"say in {language} too what changed; the question has that language."
                line = _line(question, f"changes.{revision}")
                report.add(line, "changes", f"what changed in revision {revision}, in {language}", "nothing", fix)


def _check_former_slugs(bank: Bank, question: Question, report: Report) -> None:
    for place, slug in enumerate(question.formerly):
        others = [each for each in bank.questions.values() if slug in (each.slug, *each.formerly)]
        clash = next((each for each in others if each is not question or slug == question.slug), None)
        if clash is not None:
            found = f"'{slug}', {'the slug' if clash.slug == slug else 'a former slug'} of {clash.slug}"
            fix = "keep it in the one question whose progress it carries."
            report.add(_line(question, f"formerly.{place}"), "formerly", "slugs that no question has", found, fix)


def _cycles(bank: Bank) -> Iterator[Problem]:
    """A problem for each circle of questions that require one another."""
    graph = {slug: [each for each in question.requires if each != slug] for slug, question in bank.questions.items()}
    while True:
        try:
            TopologicalSorter(graph).prepare()
            return
        except CycleError as error:
            circle = error.args[1][::-1]  # each requires the next; the last is the first again
        start = circle.index(min(circle))
        circle = [*circle[start:-1], *circle[: start + 1]]
        question = bank.questions[circle[0]]
        report = Report(question.path)
        fix = "remove one of these from `requires`."
        line = _line(question, f"requires.{question.requires.index(circle[1])}")
        report.add(line, "requires", "no circle", " -> ".join(circle), fix)
        yield from report.problems
        graph[circle[0]].remove(circle[1])


def _longest_choices(bank: Bank) -> Iterator[Problem]:
    """A problem where the right choice is the longest so often that length gives it away."""
    questions = [question for question in bank.questions.values() if isinstance(question, ChoiceQuestion)]
    longest = [question.slug for question in questions if _right_is_longest(question)]
    if len(questions) >= LONGEST_MIN_QUESTIONS and len(longest) > LONGEST_MAX_SHARE * len(questions):
        report = Report(bank.root.name)
        expected = "the right choice to be the longest in at most a third of the choice questions"
        found = f"{len(longest)} of {len(questions)} ({len(longest) / len(questions):.0%}): {', '.join(longest)}"
        fix = "shorten right choices, or say more in wrong ones."
        report.add(0, "Choices", expected, found, fix)
        yield report.problems[0]


def _right_is_longest(question: Question) -> bool:
    choices = question.text("en").choices
    right = max(len(choice.text) for choice in choices if choice.correct)
    return all(len(choice.text) < right for choice in choices if not choice.correct)


def _line(question: Question, key: str) -> int:
    """The line of a key of the front matter, or of the nearest key around it."""
    while key and key not in question.lines:
        key = key.rpartition(".")[0]
    return question.lines.get(key, 1)


class _Uses:
    """Checks every demo, parameter and field that one question names."""

    def __init__(self, question: Question, demos: Mapping[str, DemoSpec]) -> None:
        self.question = question
        self.demos = demos
        self.path = question.path
        self.missing: set[str] = set()
        self.found: list[Problem] = []

    def problems(self) -> list[Problem]:
        question = self.question
        for place, name in enumerate(question.demos):
            self._demo(name, _line(question, f"demos.{place}"), "demos")
        if question.predict is not None:
            predict = question.predict
            self._demo(predict.demo, _line(question, "predict.demo"), "predict: demo")
            self._asked("predict.asks", predict.demo, predict.asks, predict.unit)
            self._params("predict.params", predict.demo, predict.params)
        if isinstance(question, NumericQuestion) and question.demo is not None:
            self._demo(question.demo, _line(question, "demo"), "demo")
            self._asked("asks", question.demo, question.asks or "", question.unit)
            self._params("params", question.demo, question.params)
            for name, values in question.vary.items():
                for place, value in enumerate(values):
                    self._param(question.demo, name, value, _line(question, f"vary.{name}.{place}"), "vary")
        for language, text in question.texts.items():
            self.path = question.path_in(language)
            for link in text.links:
                self._demo(link.demo, link.line, "link")
                self._link(link)
        return self.found

    def _add(self, line: int, what: str, expected: str, found: str, fix: str) -> None:
        report = Report(self.path)
        report.add(line, what, expected, found, fix)
        self.found += report.problems

    def _demo(self, name: str, line: int, what: str) -> None:
        """Reports a demo that is not there, or, once, that the question does not list."""
        listed = self.question.demos
        if name not in self.demos:
            fix = nearest(name, self.demos, "write the demo first; demos/README.md says how.")
            self._add(line, what, "the name of a demo", shown(name), fix)
        elif name not in listed and name not in self.missing:
            self.missing.add(name)
            fix = f"write `demos: [{', '.join([*listed, name])}]`."
            self._add(line, what, "a demo that `demos` lists", shown(name), fix)

    def _params(self, key: str, demo: str, params: Mapping[str, Value]) -> None:
        for name, value in params.items():
            self._param(demo, name, value, _line(self.question, f"{key}.{name}"), "params")

    def _param(self, demo: str, name: str, value: Value, line: int, what: str) -> None:
        if demo not in self.demos:
            return
        specs = {param.name: param for param in self.demos[demo].params}
        if name not in specs:
            fix = nearest(name, specs, f"it takes {', '.join(specs) or 'none'}.")
            self._add(line, what, f"a parameter of {demo}", shown(name), fix)
        elif not _accepts(specs[name], value):
            expected, fix = _expected(specs[name]), f"`kb demo show {demo}` lists the parameters with their bounds."
            self._add(line, f"{what}: {name}", expected, shown(value), fix)

    def _asked(self, key: str, demo: str, asks: str, unit: str) -> None:
        """Checks the field that a learner is asked for: one computed number."""
        line = _line(self.question, key)
        what = key.replace(".", ": ")
        field = self._field(demo, asks, line, what)
        if field is None:
            return
        if field.measured or field.type not in _NUMBERS:
            found = f"{asks}, which is {'measured' if field.measured else field.type}"
            fix = "ask for a field that is one computed number."
            self._add(line, what, "a computed number", found, fix)
        elif unit in BYTE_UNITS and field.unit != "bytes":
            self._unit(line, "unit", unit, field)

    def _unit(self, line: int, what: str, unit: str, field: FieldSpec) -> None:
        found = f"{field.name}, which is {f'in {field.unit}' if field.unit else 'a plain number'}"
        self._add(line, what, f"a field of bytes beside {unit}", found, "leave the unit out, or name another field.")

    def _field(self, demo: str, name: str, line: int, what: str) -> FieldSpec | None:
        if demo not in self.demos:
            return None
        fields = {field.name: field for field in self.demos[demo].fields}
        if name not in fields:
            fix = nearest(name, fields, f"`kb demo show {demo}` lists the fields.")
            self._add(line, what, f"a field of {demo}", shown(name), fix)
        return fields.get(name)

    def _link(self, link: DemoLink) -> None:
        for name, value in link.params.items():
            self._param(link.demo, name, value, link.line, "link")
        field = self._field(link.demo, link.field, link.line, "link")
        if field is None:
            return
        element = field.type.removeprefix("tuple[").removesuffix("]").split(",")[0]
        if (link.index is not None) != (element != field.type):
            one = link.index is None
            expected = f"#{field.name}[0], an element of the tuple" if one else f"#{field.name} without an index"
            found = f"#{field.name}" if one else f"#{field.name}[{link.index}]"
            self._add(link.line, "link", expected, found, "name one value." if one else "remove the index.")
        elif link.op:
            if element not in _NUMBERS:
                found, fix = f"{field.name}, which is {element}", "name a number, or remove the bound."
                self._add(link.line, "link", f"a number beside {link.op}", found, fix)
        elif field.measured:
            found, fix = f"#{field.name}", f"write a bound that any machine keeps, `#{field.name}>1.5`."
            self._add(link.line, "link", "a bound, since the field is measured", found, fix)
        elif element in _NUMBERS:
            self._number(link, field)
        elif element == "bool" and link.text not in ("true", "false"):
            self._add(link.line, "link", "true or false as its text", shown(link.text), "write what the demo gives.")

    def _number(self, link: DemoLink, field: FieldSpec) -> None:
        if any(link.text in texts for texts in NON_FINITE_TEXTS.values()):
            return
        try:
            suffix = parse_printed(link.text).suffix
        except QuestionError as error:
            report = Report(self.path)
            report.add_error(link.line, "link", error, "write the number alone, or state a bound: `#field>1.5`.")
            self.found += report.problems
            return
        if suffix in BYTE_UNITS and field.unit != "bytes":
            self._unit(link.line, "link", suffix, field)


def _accepts(spec: ParamSpec, value: Value) -> bool:
    """Whether a parameter takes this value; text may stand for a number, and a number for the choice of that name."""
    if spec.type in _NUMBERS:
        value = number(value) if isinstance(value, str) else value
        if isinstance(value, bool | str) or (spec.type == "int" and not float(value).is_integer()):
            return False
        below = spec.minimum is not None and value < spec.minimum
        above = spec.maximum is not None and value > spec.maximum
        if below or above:
            return False
    elif spec.type == "str" and not isinstance(value, bool):
        value = scalar_text(value)
    elif type(value).__name__ != spec.type:
        return False
    return spec.choices is None or value in spec.choices


def _expected(spec: ParamSpec) -> str:
    if spec.choices is not None:
        return f"one of {', '.join(str(choice) for choice in spec.choices)}"
    kind = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(spec.type, "text")
    if spec.type not in _NUMBERS:
        return kind
    bounds = [
        f"{word} {bound:g}" for word, bound in (("from", spec.minimum), ("to", spec.maximum)) if bound is not None
    ]
    return " ".join([kind, *bounds])
