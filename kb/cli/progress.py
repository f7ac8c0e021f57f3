"""Commands about progress: due, answer, undo, stats, rebuild."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from kb import study
from kb.cli.session import Session, json_option, note, now, pass_session, print_json
from kb.rating import Rating

if TYPE_CHECKING:
    from kb.calibration import Calibration
    from kb.forecasting import WeekAhead

RATINGS = [rating.name.lower() for rating in Rating]


@click.command("due")
@json_option
@pass_session
def due_command(session: Session, as_json: bool) -> None:
    """Say what can be studied now."""
    due = study.due(session.bank, session.store, now())
    if as_json:
        print_json({"due": due.due, "new": due.new, "learning": due.learning, "next": list(due.next)})
        return
    click.echo(
        session._(
            "{due} due, {learning} being learnt, {new} new today", due=due.due, learning=due.learning, new=due.new
        )
    )
    from kb.plaintext import plain

    for slug in due.next[:10]:
        click.echo(f"  {slug}  {plain(session.bank.question(slug).text(session.language).title)}")


@click.command("answer")
@click.argument("slug", metavar="ID")
@click.option("--rating", required=True, type=click.Choice(RATINGS, case_sensitive=False))
@json_option
@pass_session
def answer_command(session: Session, slug: str, rating: str, as_json: bool) -> None:
    """Record your own rating of a question."""
    question = session.bank.question(slug)
    attempt = study.start_attempt(question, now())
    reviewed = study.submit(session.bank, session.store, attempt, Rating[rating.capitalize()], now())
    if as_json:
        print_json(stored_answer(reviewed))
        return
    if reviewed.leech:
        note(
            session._(
                "This question has slipped too often and is suspended: to learn it anew takes less time than more reviews."
            )
        )
        return
    click.echo(session._("{question}: due again {due}", question=reviewed.question, due=local_time(reviewed.due)))


def stored_answer(reviewed: study.Reviewed) -> dict[str, Any]:
    """A stored answer and the card after it, as JSON holds them."""
    return {
        "question": reviewed.question,
        "rating": reviewed.rating.name.lower(),
        "review_id": reviewed.review_id,
        "due": reviewed.due.isoformat(),
        "stability": reviewed.stability,
        "difficulty": reviewed.difficulty,
        "state": reviewed.state,
        "leech": reviewed.leech,
    }


def local_time(moment: datetime) -> str:
    """The time to the minute, as the clock of this computer has it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


@click.command("undo")
@json_option
@pass_session
def undo_command(session: Session, as_json: bool) -> None:
    """Take back your last answer."""
    undone = study.undo(session.store, now())
    if as_json:
        print_json(None if undone is None else {"question": undone.question, "review_id": undone.review_id})
    elif undone is None:
        note(session._("There is no answer to take back."))
    else:
        click.echo(session._("Taken back: your answer to {question}", question=undone.question))
    click.get_current_context().exit(1 if undone is None else 0)


@click.command("stats")
@click.option(
    "--bank", "of_bank", is_flag=True, help="Count what the bank holds instead: by topic, kind and difficulty."
)
@json_option
@pass_session
def stats_command(session: Session, of_bank: bool, as_json: bool) -> None:
    """Show how it goes: by topic, by day, and what comes due."""
    if of_bank:
        from kb.inventory import inventory

        counted = inventory(session.shared_bank)
        if as_json:
            print_json(counted.to_json())
        else:
            click.echo(counted.to_markdown())
        return
    from kb.calibration import calibration
    from kb.forecasting import expected_retention
    from kb.history import time_spent
    from kb.i18n import format_weekday
    from kb.predicting import quality_of_schedule
    from kb.retention import true_retention

    bank, store, at = session.bank, session.store, now()
    progress = study.progress(bank, store, at)
    recalled, sure = true_retention(bank, store, at), calibration(bank, store, at)
    spent, ahead = time_spent(bank, store, at), expected_retention(bank, store, at)
    schedule = quality_of_schedule(bank, store, at)
    if as_json:
        print_json(
            {
                "reviews": progress.reviews,
                "retention": progress.retention,
                "streak_days": progress.streak_days,
                "topics": [vars(topic) for topic in progress.topics],
                "forecast": [[day.isoformat(), count] for day, count in progress.forecast],
                "last_days": [[day.isoformat(), count] for day, count in progress.last_days],
                "true_retention": {topic: vars(each) | {"share": each.share} for topic, each in recalled.items()},
                "schedule": None if schedule is None else asdict(schedule),
                "calibration": asdict(sure),
                "time_spent": asdict(spent) | {"by_day": [[day.isoformat(), seconds] for day, seconds in spent.by_day]},
                "expected_retention": [vars(week) | {"day": week.day.isoformat()} for week in ahead],
            }
        )
        return
    retention = "–" if progress.retention is None else f"{progress.retention:.0%}"
    click.echo(
        session._(
            "{reviews} answers, {retention} remembered in the last 30 days, {days} days in a row",
            reviews=progress.reviews,
            retention=retention,
            days=progress.streak_days,
        )
    )
    titles = {topic.id: topic.title for topic in session.bank.syllabus.topics}
    for topic in progress.topics:
        if topic.questions:
            name = titles[topic.topic][session.language]
            bar = "█" * round(topic.mastery * 20)
            tried = recalled.get(topic.topic)
            came_back = f"  {tried.recalled}/{tried.recalls}" if tried else ""
            click.echo(f"  {bar:20} {topic.mastery:4.0%}  {name} ({topic.seen}/{topic.questions}){came_back}")
    if recalled:
        note(session._("The last two numbers of a topic: recalled of what came back in the last 30 days."))
    weekdays = (f"{format_weekday(day, session.language)} {count}" for day, count in progress.forecast[:7])
    days = "  ".join(weekdays)
    click.echo(session._("Coming due: {days}", days=days))
    show_ahead(session, ahead)
    if schedule is not None:
        click.echo(
            session._(
                "The schedule expected {expected} of {count} recalls to succeed and {recalled} did;"
                " calibration error {error}, log loss {loss}",
                expected=f"{schedule.expected:.1%}",
                count=schedule.recalls,
                recalled=f"{schedule.recalled:.1%}",
                error=f"{schedule.calibration_error:.1%}",
                loss=f"{schedule.log_loss:.3f}",
            )
        )
    _show_calibration(session, sure)
    minutes = round(sum(seconds for _, seconds in spent.by_day) / 60)
    if spent.median_s is not None:
        click.echo(
            session._(
                "Time to answer in the last 30 days: {minutes} min, half of the answers within {median} s",
                minutes=minutes,
                median=round(spent.median_s),
            )
        )


def show_ahead(session: Session, ahead: "tuple[WeekAhead, ...]") -> None:
    """Prints what will be recalled in four weeks and in eight of what was seen so far."""
    for week in ahead[3::4]:
        click.echo(
            session._(
                "Expected recall on {day} of what you have seen: {recall} with your reviews, {stopped} without",
                day=week.day,
                recall=f"{week.recall:.0%}",
                stopped=f"{week.if_stopped:.0%}",
            )
        )


def _show_calibration(session: Session, sure: "Calibration") -> None:
    names = {"guess": session._("guess"), "likely": session._("likely"), "certain": session._("certain")}
    for each in sure.bins:
        if each.share is not None:
            click.echo(
                session._(
                    "Said {confidence}: {right} of {count} right, {share}; the word stands for {expected}",
                    confidence=names[each.confidence],
                    right=each.right,
                    count=each.count,
                    share=f"{each.share:.0%}",
                    expected=f"{each.expected:.0%}",
                )
            )
    if sure.brier is not None and sure.always_same is not None:
        click.echo(
            session._(
                "Brier score of your confidence: {brier}; always saying the same would give {same}, and 0 is perfect",
                brier=f"{sure.brier:.3f}",
                same=f"{sure.always_same:.3f}",
            )
        )
    if sure.predictions:
        click.echo(session._("Predicted figures: {close} of {count} close", close=sure.close, count=sure.predictions))


@click.command("rebuild")
@json_option
@pass_session
def rebuild_command(session: Session, as_json: bool) -> None:
    """Compute all cards anew from the log of reviews."""
    cards = study.rebuild(session.bank, session.store)
    if as_json:
        print_json({"cards": cards})
    else:
        click.echo(session._("{count} cards computed from the log", count=cards))
