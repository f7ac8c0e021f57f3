"""Commands about progress: due, answer, undo, stats, rebuild."""

from typing import Any

import click

from kb import study
from kb.cli.session import Session, json_option, note, now, pass_session, print_json
from kb.rating import Rating

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
        print_json(
            {
                "question": reviewed.question,
                "rating": reviewed.rating.name.lower(),
                "review_id": reviewed.review_id,
                "due": reviewed.due.isoformat(),
                "stability": reviewed.stability,
                "difficulty": reviewed.difficulty,
                "state": reviewed.state,
            }
        )
        return
    click.echo(session._("{question}: due again {due}", question=reviewed.question, due=_local(reviewed.due)))


def _local(moment: Any) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


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

        counted = inventory(session.bank)
        if as_json:
            print_json(counted.to_json())
        else:
            click.echo(counted.to_markdown())
        return
    progress = study.progress(session.bank, session.store, now())
    if as_json:
        print_json(
            {
                "reviews": progress.reviews,
                "retention": progress.retention,
                "streak_days": progress.streak_days,
                "topics": [vars(topic) for topic in progress.topics],
                "forecast": [[day.isoformat(), count] for day, count in progress.forecast],
                "last_days": [[day.isoformat(), count] for day, count in progress.last_days],
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
            click.echo(f"  {bar:20} {topic.mastery:4.0%}  {name} ({topic.seen}/{topic.questions})")
    days = "  ".join(f"{day:%a} {count}" for day, count in progress.forecast[:7])
    click.echo(session._("Coming due: {days}", days=days))


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
