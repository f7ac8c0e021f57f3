"""`kb study --placement`: a few quick questions, and at the end what of the bank need not be answered one by one."""

import time

import click

from kb import study
from kb.cli.session import Session, note, now
from kb.cli.terminal import Terminal
from kb.errors import AnswerError
from kb.grading import Answer, grade, logged_answer
from kb.placement import Place, Quiz, begin_quiz
from kb.questions import VERDICTS, ClaimQuestion, NumericQuestion, Question
from kb.rating import Rating

END = "q"


def run_quiz(session: Session) -> None:
    """Asks until the quiz is over or the learner ends it, tells what it found, and skips what may be skipped if they agree."""
    quiz = begin_quiz(session.bank, session.store, now())
    terminal = Terminal(session)
    note(session._("Enter if you are not sure, q ends. No explanations now: what was wrong comes back when you study."))
    while (slug := quiz.next()) is not None:
        click.echo(f"\n── {len(quiz.answers) + 1}/{quiz.limit} " + "─" * 60)
        if not _ask(session, terminal, quiz, session.bank.question(slug)):
            break
    _tell(session, quiz)


def _ask(session: Session, terminal: Terminal, quiz: Quiz, question: Question) -> bool:
    """Asks one question and stores the answer, if one is given; False when the learner ends the quiz."""
    attempt = study.start_attempt(question, now())
    text = question.text(session.language)
    started = time.monotonic()
    terminal.heading(text.title)
    terminal.markdown(text.stem)
    for number, shown in enumerate(attempt.order, 1):
        terminal.markdown(f"{number}\\.  {text.choices[shown].text}", indent=2)
    while True:
        typed = _line(_label(session, question))
        if typed == END:
            return False
        if not typed:
            quiz.answer(question.slug, False)
            return True
        try:
            answer = _answer(question, typed, len(attempt.order))
            correct = grade(question, answer, order=attempt.order or None).correct
        except AnswerError as error:
            note(str(error))
            continue
        study.submit(
            session.bank,
            session.store,
            attempt,
            Rating.Good if correct else Rating.Again,
            now(),
            answer=logged_answer(question, answer, attempt.order),
            correct=correct,
            duration_s=time.monotonic() - started,
        )
        quiz.answer(question.slug, correct)
        return True


def _label(session: Session, question: Question) -> str:
    if isinstance(question, ClaimQuestion):
        return session._("t true, f false, d it depends")
    if isinstance(question, NumericQuestion):
        return session._("Number") + (f" ({question.unit})" if question.unit else "")
    return session._("Number")


def _answer(question: Question, typed: str, options: int) -> Answer:
    """What was typed, as `grade` takes it. Raises: AnswerError."""
    if isinstance(question, ClaimQuestion):
        return next((verdict for verdict in VERDICTS if verdict.startswith(typed.lower())), typed)
    if isinstance(question, NumericQuestion):
        return typed
    if not typed.isdecimal() or not 1 <= int(typed) <= options:
        raise AnswerError(f"expected a number from 1 to {options}; found '{typed}'.")
    return int(typed) - 1


def _tell(session: Session, quiz: Quiz) -> None:
    """Where the learner stands, and the offer to skip."""
    places = quiz.places()
    click.echo()
    for found in places:
        click.echo(_words(session, found))
    skipped = [slug for found in places for slug in found.skipped]
    if not skipped:
        click.echo(session._("Nothing is skipped: the start is the right place."))
        return
    question = session._("Skip {count} easier questions? They come back once, as a check. y or n", count=len(skipped))
    if _line(question).lower() != "y":
        click.echo(session._("Nothing is skipped."))
        return
    for slug in skipped:
        study.know(session.bank, session.store, slug, now())
    click.echo(session._("Skipped: {count} questions.", count=len(skipped)))


def _words(session: Session, found: Place) -> str:
    titles = {topic.id: topic.title[session.language] for topic in session.bank.syllabus.topics}
    return session._(
        "{topic}: {right} of {asked} right, {skipped} to skip",
        topic=titles.get(found.topic, found.topic),
        right=found.right,
        asked=len(found.answers),
        skipped=len(found.skipped),
    )


def _line(label: str) -> str:
    """A line typed by the learner; the end of the input ends the quiz."""
    try:
        return input(f"{label} › ").strip()
    except (EOFError, KeyboardInterrupt):
        click.echo()
        return END
