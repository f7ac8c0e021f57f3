"""Writes the bank as an Anki package: a note for each question and language, which a second import updates.

Whoever calls hands over what runs a demo and what draws its figure. Leaves out the learner's reviews, and reading decks.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import genanki

from kb.errors import AnswerError, FigureError
from kb.exchange.anki_notes import FIELDS, REVISION_TAG, deck, note_type
from kb.exchange.files import replacing
from kb.exchange.html import to_html, to_inline_html
from kb.grading import numeric_truth
from kb.i18n import format_number, format_share, translator
from kb.links import fill_text
from kb.numbers import in_unit
from kb.questions import ClaimQuestion, NumericQuestion, Question, Source, Text, Value

EXAMPLE_SEED = 0  # one drawn example stands for a generated question


@dataclass(frozen=True)
class Computed:
    """What a run of a demo gave: its result fields, and its figure as a PNG picture where it has one."""

    result: Mapping[str, Any]
    picture: bytes | None = None


Compute = Callable[[str, Mapping[str, Value]], Computed]


@dataclass(frozen=True)
class Exported:
    """How many notes and pictures a package holds; `left_out` says in one sentence each what it lacks, and why."""

    notes: int
    pictures: int
    left_out: tuple[str, ...]


def export(questions: Iterable[Question], path: Path, now: datetime, compute: Compute, *, pictures: bool) -> Exported:
    """What was written to `path`; Anki takes the notes of a later `now` for newer.

    `compute` raises FigureError where a demo gives no result: a picture or a prediction is then left out, and so is
    a generated question, which has no answer without its demo.
    """
    writer = _Writer(_once(compute), pictures)
    for question in questions:
        writer.add(question)
    with replacing(path) as written, tempfile.TemporaryDirectory() as folder:
        media = []
        for name, picture in writer.media.items():
            file = Path(folder) / name
            file.write_bytes(picture)
            media.append(str(file))
        genanki.Package(list(writer.decks.values()), media).write_to_file(str(written), timestamp=now.timestamp())
    return Exported(writer.notes, len(media), tuple(dict.fromkeys(writer.left_out)))


def _once(compute: Compute) -> Compute:
    """The same function, which runs each demo once for the same parameters, also where it fails."""
    known: dict[tuple[Any, ...], Computed | FigureError] = {}

    def run(demo: str, params: Mapping[str, Value]) -> Computed:
        key = (demo, *sorted(params.items()))
        if key not in known:
            try:
                known[key] = compute(demo, params)
            except FigureError as error:
                known[key] = error
        found = known[key]
        if isinstance(found, FigureError):
            raise found
        return found

    return run


class _Writer:
    def __init__(self, compute: Compute, pictures: bool) -> None:
        self.decks = {language: deck(language) for language in ("en", "zh")}
        self.media: dict[str, bytes] = {}
        self.left_out: list[str] = []
        self.notes = 0
        self._compute = compute
        self._pictures = pictures

    def add(self, question: Question) -> None:
        """Adds the question in each of its languages."""
        try:
            drawn, truth = self._truth(question)
        except (FigureError, AnswerError) as error:
            self.left_out.append(f"{question.slug}: {error}")
            return
        predicted = self._predicted(question)
        images = self._images(question, drawn) if self._pictures else ""
        for language in question.languages:
            text = fill_text(question.text(language), drawn)
            fields = {
                **_text_fields(text),
                "Id": f"{question.slug} ({language})",
                "Right": _right(question, text, language, truth),
                "Predicted": "" if predicted is None else _number(predicted, question.predict, language),
                "Pictures": images,
                "Sources": _list(map(_source, question.sources)),
            }
            self.decks[language].add_note(
                genanki.Note(
                    model=note_type(question.kind, language),
                    fields=[fields[name] for name in FIELDS],
                    guid=genanki.guid_for(question.slug, language),
                    tags=_tags(question),
                )
            )
            self.notes += 1

    def _truth(self, question: Question) -> tuple[Mapping[str, Value], float | None]:
        """The drawn parameters and the right number, where the question has them."""
        if not isinstance(question, NumericQuestion):
            return {}, None
        if question.demo is None or question.asks is None:
            return {}, numeric_truth(question)
        drawn = question.draw(EXAMPLE_SEED)
        return drawn, numeric_truth(question, self._compute(question.demo, drawn).result[question.asks])

    def _predicted(self, question: Question) -> float | None:
        """The number that the learner is asked to predict."""
        predict = question.predict
        if predict is None:
            return None
        try:
            field = self._compute(predict.demo, predict.params).result[predict.asks]
        except FigureError as error:
            self.left_out.append(f"{question.slug}: {error}")
            return None
        return in_unit(field, predict.unit) if isinstance(field, int | float) else None

    def _images(self, question: Question, drawn: Mapping[str, Value]) -> str:
        """The figures of the demos, each for the parameters that the question speaks of first."""
        images = []
        for demo, params in _runs(question, drawn).items():
            try:
                picture = self._compute(demo, params).picture
            except FigureError as error:
                self.left_out.append(f"{question.slug}: {error}")
                continue
            if picture is not None:
                name = f"livecards-{demo}-{hashlib.sha256(picture).hexdigest()[:12]}.png"
                self.media[name] = picture
                images.append(f'<p><img src="{name}" alt="{escape(demo)}"></p>')
        return "".join(images)


def _runs(question: Question, drawn: Mapping[str, Value]) -> dict[str, Mapping[str, Value]]:
    """The demos of the question, each with the parameters it is drawn for."""
    runs: dict[str, Mapping[str, Value]] = {}
    if isinstance(question, NumericQuestion) and question.demo is not None:
        runs[question.demo] = drawn
    if question.predict is not None:
        runs.setdefault(question.predict.demo, question.predict.params)
    for link in question.text("en").links:
        runs.setdefault(link.demo, link.params)
    for demo in question.demos:
        runs.setdefault(demo, {})
    return runs


def _text_fields(text: Text) -> dict[str, str]:
    return {
        "Question": to_inline_html(text.title),
        "Context": to_html(text.stem),
        "Choices": _list((to_html(choice.text) for choice in text.choices), "ol"),
        "Predict": to_html(text.predict),
        "Answer": to_html(text.answer),
        "Key points": _list(map(to_html, text.key_points)),
        "Pitfalls": _list(map(to_html, text.pitfalls)),
    }


def _right(question: Question, text: Text, language: str, truth: float | None) -> str:
    """What is right, for the kinds that have one right answer."""
    _ = translator(language).gettext
    if isinstance(question, ClaimQuestion):
        verdicts = {"true": _("True"), "false": _("False"), "depends": _("It depends")}
        return f"<p><b>{verdicts[question.verdict]}</b></p>"
    if isinstance(question, NumericQuestion) and truth is not None:
        tolerance = f" ± {format_share(question.tolerance, language)}" if question.tolerance else ""
        return f"<p><b>{_number(truth, question, language)}</b>{tolerance}</p>"
    marked = (
        f"{'✓' if choice.correct else '✗'} {to_html(choice.text)}{to_html(choice.why)}" for choice in text.choices
    )
    return _list(marked, "ol")


def _number(value: float, asked: Any, language: str) -> str:
    return escape(f"{format_number(value, language)} {asked.unit}".rstrip())


def _list(items: Iterable[str], tag: str = "ul") -> str:
    content = "".join(f"<li>{item}</li>" for item in items)
    return f"<{tag}>{content}</{tag}>" if content else ""


def _source(source: Source) -> str:
    title = escape(source.title)
    linked = f'<a href="{escape(source.url)}">{title}</a>' if source.url else title
    return f"{linked} ({source.year}){', ' if source.where else ''}{escape(source.where)}"


def _tags(question: Question) -> list[str]:
    """Tags of Anki, which have no spaces; `::` makes a tree of them. `kb import anki` reads the revision."""
    named = (f"topic::{question.topic}", f"kind::{question.kind}", f"difficulty::{question.difficulty}")
    revision = (f"{REVISION_TAG}{question.revision}",) if question.revision > 1 else ()
    return ["_".join(tag.split()) for tag in (*named, *revision, *question.tags)]
