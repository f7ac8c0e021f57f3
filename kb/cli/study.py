"""`kb study`: questions one after another in the terminal. Commit to an answer first, then see the answer and the figures."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import click

import demos
from demos._runner import DEVICES, shared
from demos._text import format_value
from kb import study
from kb.cli.marking import LeftError, mark, tell_changes, tell_leech
from kb.cli.session import Session, note, now, pass_session
from kb.cli.terminal import Terminal, command
from kb.errors import AnswerError
from kb.grading import (
    Answer,
    Confidence,
    Grade,
    Prediction,
    grade,
    judge_prediction,
    logged_answer,
    logged_prediction,
    numeric_truth,
)
from kb.links import fill_text
from kb.numbers import read_number
from kb.questions import (
    VERDICTS,
    ChoiceQuestion,
    ClaimQuestion,
    DemoLink,
    MultipleQuestion,
    NumericQuestion,
    OpenQuestion,
    Predict,
    Question,
    Text,
    Value,
)
from kb.rating import Rating

KEYS = {"a": Rating.Again, "h": Rating.Hard, "g": Rating.Good, "e": Rating.Easy}
CONFIDENCES = {"g": "guess", "l": "likely", "c": "certain"}


class Quit(Exception):
    """The learner ends the session."""


class NoTruth(Exception):
    """The demo that computes the right answer gave no result, so the answer cannot be judged now."""


@click.command("study")
@click.option("--count", type=click.IntRange(1), help="Questions at most; else a session is as long as you set it.")
@click.option("--topic", "topics", multiple=True, help="Only this topic (may be repeated).")
@click.option("--device", type=click.Choice(DEVICES), help="Where demos run (else your setting).")
@click.option("--placement", is_flag=True, help="A short quiz instead, to skip what you know.")
@pass_session
def study_command(
    session: Session, count: int | None, topics: tuple[str, ...], device: str | None, placement: bool
) -> None:
    """Be asked what is due, then what is new. `q` ends, `u` takes the last answer back, Enter skips, `:` lists more."""
    if placement:
        from kb.cli.placement import run_quiz

        run_quiz(session)
        return
    quiz = Quiz(session, device)
    skipped: set[str] = set()
    settings, begun = study.settings(session.store), time.monotonic()
    minutes, most = settings.session_minutes if count is None else None, count or settings.session_size
    shared().warm_up()
    note(
        session._(
            "Enter skips a question, u takes the last answer back, q ends; : lists what else can be done with it."
        )
    )
    try:
        while (time.monotonic() - begun < 60 * minutes) if minutes else quiz.answered < most:
            attempt = study.next_attempt(session.bank, session.store, now(), topics=topics, skip=skipped)
            if attempt is None:
                note(session._("Nothing more to study now."))
                break
            place = f"{quiz.answered + 1}" if minutes else f"{quiz.answered + 1}/{most}"
            click.echo(f"\n── {place} " + "─" * 60)
            try:
                recorded = quiz.ask(attempt)
            except LeftError as left:
                quiz.take_back = left.take_back
                continue
            if not recorded:
                skipped.add(attempt.question_id)
    except Quit:
        pass
    note(session._("{count} answered.", count=quiz.answered))


class Quiz:
    """Asks one question after another and records the answers."""

    def __init__(self, session: Session, device: str | None = None):
        self._session = session
        self._limits = session.demo_limits(device)
        self._terminal = Terminal(session)
        self._question: Question | None = None
        self.take_back: Callable[[], None] | None = None  # what was done last, where that was no answer
        self._recorded: list[str] = []

    @property
    def answered(self) -> int:
        """How many answers were recorded, without those taken back."""
        return len(self._recorded)

    def ask(self, attempt: study.Attempt) -> bool:
        """Asks one question; True when its answer was recorded, False when it was skipped.

        Raises: Quit when the learner ends the session, LeftError when the question is put aside, put off or known.
        """
        session, terminal = self._session, self._terminal
        question = self._question = session.bank.question(attempt.question_id)
        text = fill_text(question.text(session.language), attempt.params)
        started = time.monotonic()
        terminal.heading(text.title)
        terminal.markdown(text.stem)
        if attempt.changed:
            note(session._("The answer to this question has changed since you last gave it."))
        answer = self._answer(question, text, attempt)
        if answer is None:
            return False
        predicted = self._prediction(question.predict, text)
        said = self._confidence(question)
        confidence: Confidence = "guess" if said == "guess" else "sure"
        duration_s = time.monotonic() - started
        try:
            graded = self._verdict(question, text, attempt, answer, confidence)
        except NoTruth:
            note(session._("Not recorded: the right answer could not be computed. The question stays due."))
            return False
        judged = self._compare(question.predict, predicted)
        self._figures(text.links)
        tell_changes(session, terminal, attempt)
        terminal.answer(question, text)
        written = ""
        if graded is None:
            written, answer = str(answer).strip(), self._ticked(text)
            graded = grade(question, answer)
        rating = self._rating(question, graded)
        reviewed = study.submit(
            session.bank,
            session.store,
            attempt,
            rating,
            now(),
            answer=logged_answer(question, answer, attempt.order, written),
            correct=graded.correct,
            prediction=logged_prediction(predicted, said, judged),
            duration_s=duration_s,
            device=self._limits["device"],
        )
        self._recorded.append(reviewed.review_id)
        self.take_back = None
        due = reviewed.due.astimezone()
        if reviewed.leech:
            tell_leech(session, terminal, question)
        elif reviewed.planned:
            click.echo(
                session._(
                    "Recorded. It should hold until {day}; the plan says when it is asked.", day=f"{due:%Y-%m-%d}"
                )
            )
        else:
            click.echo(session._("Recorded. Due again {due}.", due=f"{due:%Y-%m-%d %H:%M}"))
        return True

    def _answer(self, question: Question, text: Text, attempt: study.Attempt) -> Answer | None:
        """What the learner commits to: places for choices, text for the rest; None when the question is skipped."""
        _ = self._session._
        match question:
            case ChoiceQuestion() | MultipleQuestion():
                for number, place in enumerate(attempt.order, 1):
                    self._terminal.markdown(f"{number}\\.  {text.choices[place].text}", indent=2)
                several = isinstance(question, MultipleQuestion)
                label = _("Numbers, several may be right") if several else _("Number")
                return self._places(label, len(attempt.order), several)
            case ClaimQuestion():
                verdict: str | None = self._read(_("t true, f false, d it depends"), _verdict, _("Expected t, f or d"))
                return verdict
            case NumericQuestion():
                label = _("Number") + (f" ({question.unit})" if question.unit else "")
                return self._number(label, question.unit)
            case _:
                typed = self._line(_("Write your answer, or s when you have said it; Enter skips"))
                return " " if typed == "s" else typed or None

    def _read(self, label: str, parse: Callable[[str], Any], expected: str) -> Any:
        """What `parse` makes of the line typed, asked again until it can, with what it `expected`; None for an empty line."""
        while typed := self._line(label):
            try:
                return parse(typed)
            except AnswerError:
                note(self._session._("{expected}; found '{typed}'.", expected=expected, typed=typed))
        return None

    def _places(self, label: str, count: int, several: bool) -> list[int] | None:
        """The places of the options or key points that are named by their numbers."""
        _ = self._session._
        expected = (
            _("Expected numbers from 1 to {count}", count=count)
            if several
            else _("Expected a number from 1 to {count}", count=count)
        )
        places: list[int] | None = self._read(label, lambda typed: _places(typed, count, several), expected)
        return places

    def _number(self, label: str, unit: str) -> str | None:
        """A number as it was typed, which can be read in this unit."""

        def readable(typed: str) -> str:
            read_number(typed, unit)
            return typed

        number: str | None = self._read(
            label, readable, self._session._("Expected a number such as 1,024, 1.5e3, 3/4 or 12 %")
        )
        return number

    def _line(self, label: str) -> str:
        """A line typed by the learner. Raises: Quit for `q`, Ctrl-C or the end of the input."""
        try:
            typed = input(f"{label} › ").strip()
        except (EOFError, KeyboardInterrupt):
            click.echo()
            raise Quit from None
        if typed == "q":
            raise Quit
        if typed == "u":
            self._undo()
            return self._line(label)
        if typed.startswith((":", "：")) and self._question is not None:
            mark(self._session, self._question, typed)
            return self._line(label)
        return typed

    def _undo(self) -> None:
        if self.take_back is not None:
            self.take_back()
            self.take_back = None
            note(self._session._("Taken back: the question comes again."))
            return
        undone = study.undo(self._session.store, now())
        if undone is None:
            note(self._session._("There is no answer to take back."))
            return
        if undone.review_id in self._recorded:
            self._recorded.remove(undone.review_id)
        note(self._session._("Taken back: your answer to {question}", question=undone.question))

    def _confidence(self, question: Question) -> str | None:
        """How sure the learner is before the answer is told; None where they do not say."""
        if isinstance(question, OpenQuestion):
            return None
        _ = self._session._
        label = _("How sure? g a guess, l likely, c certain, Enter says nothing")
        said: str | None = self._read(label, _confidence, _("Expected g, l, c or only Enter"))
        return said

    def _prediction(self, predict: Predict | None, text: Text) -> str:
        if predict is None or not text.predict:
            return ""
        self._terminal.markdown(text.predict)
        return self._number(self._session._("Your prediction"), predict.unit) or ""

    def _compare(self, predict: Predict | None, typed: str) -> Prediction | None:
        """The prediction beside what the demo computes, shown; None where there is nothing to compare."""
        result = self._run(predict.demo, predict.params) if predict is not None and typed else None
        if predict is None or result is None:
            return None
        try:
            judged = judge_prediction(predict, typed, result[predict.asks])
        except AnswerError as error:
            note(str(error))
            return None
        click.echo(
            self._session._(
                "{mark} You predicted {given}; computed here: {truth}",
                mark="✓" if judged.close else "✗",
                given=format_value(judged.given),
                truth=format_value(judged.truth),
            )
        )
        return judged

    def _verdict(
        self, question: Question, text: Text, attempt: study.Attempt, answer: Answer, confidence: Confidence
    ) -> Grade | None:
        """The grade, told with what was right; None for an open question, which the learner grades."""
        session = self._session
        if isinstance(question, OpenQuestion):
            return None
        truth = None
        if isinstance(question, NumericQuestion) and question.demo and question.asks:
            result = self._run(question.demo, attempt.params)
            if result is None:
                raise NoTruth
            truth = result[question.asks]
        graded = grade(question, answer, truth, attempt.order, confidence)
        click.echo()
        click.secho(session._("✓ Right.") if graded.correct else session._("✗ Not right."), bold=True)
        if text.choices:
            for number, place in enumerate(attempt.order, 1):
                choice = text.choices[place]
                self._terminal.markdown(f"{'✓' if choice.correct else '✗'} {number}\\.  {choice.text}", indent=2)
                self._terminal.markdown(choice.why, indent=6)
        elif isinstance(question, ClaimQuestion):
            verdicts = {"true": session._("true"), "false": session._("false"), "depends": session._("it depends")}
            click.echo(session._("The claim: {verdict}", verdict=verdicts[question.verdict]))
        elif isinstance(question, NumericQuestion):
            value = format_value(numeric_truth(question, truth))
            click.echo(session._("The number: {value} {unit}", value=value, unit=question.unit))
        return graded

    def _figures(self, links: tuple[DemoLink, ...]) -> None:
        """Computes the figures of the answer on this machine, each with the command that does so."""
        for link in dict.fromkeys((link.demo, tuple(link.params.items())) for link in links):
            asked = [each for each in links if (each.demo, tuple(each.params.items())) == link]
            result = self._run(link[0], dict(link[1]))
            if result is None:
                continue
            click.secho(command(asked[0]), dim=True)
            for field in dict.fromkeys(each.field for each in asked):
                click.echo(f"    {field} = {format_value(result[field])}")

    def _run(self, demo: str, params: Mapping[str, Value]) -> dict[str, Any] | None:
        """The result of a demo, computed here; None, with the reason told, when it gave none."""
        try:
            return shared().run(demo, params, **self._limits).result
        except demos.DemoError as error:
            note(str(error))
            return None

    def _ticked(self, text: Text) -> list[int]:
        for number, point in enumerate(text.key_points, 1):
            self._terminal.markdown(f"{number}\\.  {point}", indent=2)
        label = self._session._("Which of these did you have? Numbers, or Enter for none")
        return self._places(label, len(text.key_points), several=True) or []

    def _rating(self, question: Question, graded: Grade) -> Rating:
        """The rating that the learner gives; Enter takes the proposed one."""
        session = self._session
        from kb.i18n import format_interval

        previews = study.preview(session.bank, session.store, question.slug, now())
        shown = "   ".join(
            f"{key} {session._(rating.name)} {format_interval(previews[rating].interval, session.language)}"
            for key, rating in KEYS.items()
        )
        default = next(key for key, rating in KEYS.items() if rating == graded.proposed)
        while True:
            typed = self._line(f"{shown}  [{default}]").lower() or default
            if typed in KEYS:
                return KEYS[typed]
            note(session._("Expected one of a, h, g, e."))


def _places(typed: str, count: int, several: bool) -> list[int]:
    """The places that "1 3" or "1,3" names, counted from 0."""
    words = typed.replace(",", " ").replace("，", " ").split()
    numbers = {int(word) for word in words if word.isdecimal()}
    if not words or not all(word.isdecimal() for word in words) or not numbers <= set(range(1, count + 1)):
        raise AnswerError(f"expected numbers from 1 to {count}; found '{typed}'.")
    if len(words) > 1 and not several:
        raise AnswerError(f"expected one number; found '{typed}'.")
    return sorted(number - 1 for number in numbers)


def _verdict(typed: str) -> str:
    for verdict in VERDICTS:
        if verdict.startswith(typed.lower()):
            return verdict
    raise AnswerError(f"expected t, f or d; found '{typed}'.")


def _confidence(typed: str) -> str:
    if typed.lower() not in CONFIDENCES:
        raise AnswerError(f"expected g, l or c; found '{typed}'.")
    return CONFIDENCES[typed.lower()]
