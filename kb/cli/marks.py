"""Commands that mark a question: suspend, flag, note, bury, and what takes each of them back; and know."""

from dataclasses import asdict

import click

from kb import marks, study
from kb.cli.progress import local_time, stored_answer
from kb.cli.session import Session, json_option, note, now, pass_session, print_json


def _told(session: Session, slug: str, as_json: bool, text: str) -> None:
    """Prints the marks that the question has now as JSON, or else this text."""
    if as_json:
        print_json({"question": session.bank.question(slug).slug, **asdict(_marks(session, slug))})
    else:
        click.echo(text)


def _marks(session: Session, slug: str) -> marks.Marks:
    found = marks.marks(session.bank, session.store, now())
    return found.get(session.bank.question(slug).slug, marks.Marks())


@click.command("know")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def know_command(session: Session, slug: str, as_json: bool) -> None:
    """Take a question as known already; it comes back for a check. `kb undo` takes it back."""
    reviewed = study.know(session.bank, session.store, slug, now())
    if as_json:
        print_json(stored_answer(reviewed))
        return
    due = local_time(reviewed.due)
    click.echo(session._("{question}: known already; a check comes {due}", question=reviewed.question, due=due))


@click.command("suspend")
@click.argument("slug", metavar="ID")
@click.option("--reason", help="Why, in your own words.")
@json_option
@pass_session
def suspend_command(session: Session, slug: str, reason: str | None, as_json: bool) -> None:
    """Suspend a question until you bring it back with `kb unsuspend`."""
    marks.suspend(session.bank, session.store, slug, now(), reason=reason)
    _told(session, slug, as_json, session._("{question}: suspended", question=slug))


@click.command("unsuspend")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def unsuspend_command(session: Session, slug: str, as_json: bool) -> None:
    """Bring back a question that was suspended."""
    marks.unsuspend(session.bank, session.store, slug, now())
    _told(session, slug, as_json, session._("{question}: is asked again", question=slug))


@click.command("flag")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def flag_command(session: Session, slug: str, as_json: bool) -> None:
    """Flag a question, to find it again with `kb list --flagged`."""
    marks.flag(session.bank, session.store, slug, now())
    _told(session, slug, as_json, session._("{question}: flagged", question=slug))


@click.command("unflag")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def unflag_command(session: Session, slug: str, as_json: bool) -> None:
    """Take the flag of a question away."""
    marks.unflag(session.bank, session.store, slug, now())
    _told(session, slug, as_json, session._("{question}: no flag", question=slug))


@click.command("note")
@click.argument("slug", metavar="ID")
@click.argument("text", required=False)
@click.option("--delete", is_flag=True, help="Take the note away.")
@json_option
@pass_session
def note_command(session: Session, slug: str, text: str | None, delete: bool, as_json: bool) -> None:
    """Note TEXT about a question in the place of the note before; without TEXT, print it."""
    if delete and text is not None:
        raise click.UsageError("give TEXT or --delete, not both.")
    if delete or text is not None:
        marks.set_note(session.bank, session.store, slug, text, now())
    found = _marks(session, slug).note
    if delete or (text is not None and found is None):
        _told(session, slug, as_json, session._("{question}: note taken away", question=slug))
    elif text is not None:
        _told(session, slug, as_json, session._("{question}: noted", question=slug))
    elif as_json or found is not None:
        _told(session, slug, as_json, found or "")
    else:
        note(session._("{question}: no note", question=slug))


@click.command("bury")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def bury_command(session: Session, slug: str, as_json: bool) -> None:
    """Put a question off until tomorrow."""
    marks.bury(session.bank, session.store, slug, now())
    _told(session, slug, as_json, session._("{question}: put off until tomorrow", question=slug))


@click.command("unbury")
@click.argument("slug", metavar="ID")
@json_option
@pass_session
def unbury_command(session: Session, slug: str, as_json: bool) -> None:
    """Bring a question that was put off back today."""
    marks.unbury(session.bank, session.store, slug, now())
    _told(session, slug, as_json, session._("{question}: may be asked today", question=slug))
