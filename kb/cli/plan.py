"""`kb plan`: what to expect of the day of the interview, what to do today, and the dates and the effort it is made for."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from kb import study
from kb.choosing import course_of
from kb.cli.progress import show_ahead
from kb.cli.session import Session, json_option, now, pass_session, print_json
from kb.errors import UsageError
from kb.forecasting import expected_retention
from kb.planning import Interview
from kb.settings import checked_setting

if TYPE_CHECKING:
    from kb.planning.forecast import Estimate, Outlook


@click.command("plan")
@click.option("--date", "day", metavar="DATE", help="The day of the interview, in the place of all set before.")
@click.option("--also", metavar="DATE", help="The day of one more interview.")
@click.option(
    "--topic", "topics", multiple=True, help="What that interview asks about (may be repeated; else everything)."
)
@click.option("--without", multiple=True, help="What it does not ask about (may be repeated).")
@click.option("--clear", is_flag=True, help="No interview.")
@click.option("--answers", type=int, help="How many answers you give a day.")
@click.option("--minutes", type=int, help="How many minutes you study a day; the answers follow from your pace.")
@json_option
@pass_session
def plan_command(
    session: Session,
    day: str | None,
    also: str | None,
    topics: tuple[str, ...],
    without: tuple[str, ...],
    clear: bool,
    answers: int | None,
    minutes: int | None,
    as_json: bool,
) -> None:
    """Show what you will recall on the day of the interview, and set its date and your effort."""
    if (day is not None) + (also is not None) + clear > 1:
        raise click.UsageError("give one of --date, --also and --clear.")
    if answers is not None and minutes is not None:
        raise click.UsageError("give --answers or --minutes, not both.")
    if (topics or without) and day is None and also is None:
        raise click.UsageError("--topic and --without say what an interview asks about: give its --date too.")
    changes: dict[str, Any] = {}
    if clear:
        changes = {"interviews": None, "interview_date": None}
    elif day is not None:
        interview = _interview(session, "--date", day, topics, without)
        everything = not interview.topics
        changes = {
            "interviews": None if everything else [interview],
            "interview_date": interview.date if everything else None,
        }
    elif also is not None:
        changes = {
            "interviews": [
                *study.settings(session.store).interviews,
                _interview(session, "--also", also, topics, without),
            ]
        }
    if answers is not None:
        changes |= {"answers_per_day": answers, "minutes_per_day": None}
    if minutes is not None:
        changes["minutes_per_day"] = minutes
    for name, value in changes.items():
        checked_setting(name, value)  # all of them before the first is stored
    for name, value in changes.items():
        study.set_setting(session.store, name, value, now())
    plan = study.plan(session.bank, session.store, now())
    if as_json:
        print_json(_json(plan))
    else:
        _show(session, plan)


def _interview(session: Session, option: str, day: str, topics: Collection[str], without: Collection[str]) -> Interview:
    """The interview that the options describe; `option` is the one that names its day.

    Raises: UsageError for a day that is over, and for a topic that the bank does not have.
    """
    today = study.settings(session.store).days.day(now())
    on = date.fromisoformat(checked_setting("interview_date", day))
    if on < today:
        raise UsageError(f"{option}: expected {today} or a later day; found {on}.")
    known = course_of(session.bank).topics
    unknown = sorted({*topics, *without}.difference(known))
    if unknown:
        raise UsageError(f"--topic: expected one of {', '.join(known)}; found {', '.join(unknown)}.")
    asked = [topic for topic in known if topic not in without and (not topics or topic in topics)]
    if not asked:
        raise UsageError("--without: expected a topic to remain; found none.")
    return Interview(on, tuple(asked) if topics or without else ())


def _json(plan: study.Plan) -> dict[str, Any]:
    """The plan as JSON holds it, its dates as text."""
    value = asdict(plan) | {"today": plan.today.isoformat()}
    for interview in value["interviews"]:
        interview["interview"]["date"] = interview["interview"]["date"].isoformat()
    return value


def _show(session: Session, plan: study.Plan) -> None:
    for outlook in plan.interviews:
        _show_interview(session, outlook)
    if not plan.interviews:
        command = "kb plan --date 2027-03-31 --answers 40"
        click.echo(session._("No interview is ahead. To set one: {command}", command=command))
        show_ahead(session, expected_retention(session.bank, session.store, now()))
    click.echo(
        session._(
            "Today: {answered} of {per_day} answers given; {left} to come, {new} of them new, about {minutes} min",
            answered=plan.answered,
            per_day=plan.answers_per_day,
            left=len(plan.next),
            new=plan.new,
            minutes=round(len(plan.next) * plan.seconds_per_answer / 60),
        )
    )


def _show_interview(session: Session, outlook: "Outlook") -> None:
    click.echo(
        session._(
            "Interview on {date} (days left: {days}): {questions} questions, {unseen} not seen yet",
            date=outlook.interview.date,
            days=outlook.days,
            questions=outlook.questions,
            unseen=outlook.unseen,
        )
    )
    click.echo(
        session._(
            "Recall on the day: {recall} with {answers} more answers, {stopped} without; in brackets 4 cases of 5",
            recall=_share(outlook.recall),
            answers=outlook.answers_possible,
            stopped=_share(outlook.if_stopped),
        )
    )
    for choice in outlook.choices:
        click.echo(
            session._(
                "  {per_day} answers a day: {recall}, {unseen} stay unseen",
                per_day=choice.answers_per_day,
                recall=_share(choice.recall),
                unseen=choice.left_unseen,
            )
        )
    titles = {topic.id: topic.title[session.language] for topic in session.bank.syllabus.topics}
    if outlook.leave_out:
        topics = ", ".join(titles.get(topic, topic) for topic in outlook.leave_out)
        click.echo(session._("  or leave out {topics}: {command}", topics=topics, command=_without(outlook)))
    for topic in outlook.topics:
        bar = "█" * round(topic.recall.mean * 20)
        name = titles.get(topic.topic, topic.topic)
        click.echo(f"  {bar:20} {_share(topic.recall):14}  {name} ({topic.questions - topic.unseen}/{topic.questions})")


def _without(outlook: "Outlook") -> str:
    """The command that leaves out the topics for which there is no time."""
    if outlook.interview.topics:
        options = [f"--topic {topic.topic}" for topic in outlook.topics if topic.topic not in outlook.leave_out]
    else:
        options = [f"--without {topic}" for topic in outlook.leave_out]
    return f"kb plan --date {outlook.interview.date} {' '.join(options)}"


def _share(estimate: "Estimate") -> str:
    return f"{estimate.mean:.0%} ({estimate.low:.0%}–{estimate.high:.0%})"
