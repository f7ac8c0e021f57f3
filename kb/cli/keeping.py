"""Commands that keep the progress: backup, restore, merge, doctor, sync."""

import sys
from pathlib import Path

import click

from kb.cli.session import Session, json_option, note, now, pass_session, print_json

PATH = click.Path(path_type=Path)


def _choose_language(session: Session) -> None:
    """Has messages in the language of the locale where the database, and so the setting, cannot be read."""
    from kb.errors import KbError
    from kb.i18n import choose_language

    try:
        _ = session.language
    except KbError:
        session.language = choose_language()


@click.command("backup")
@click.argument("file", type=PATH, required=False)
@click.option("--list", "listing", is_flag=True, help="List the copies there are instead of making one.")
@json_option
@pass_session
def backup_command(session: Session, file: Path | None, listing: bool, as_json: bool) -> None:
    """Copy your progress to FILE, or else to the folder `backups` beside it; the copy is checked."""
    from kb.backups import copies

    if listing and file is not None:
        raise click.UsageError("give FILE or --list, not both.")
    if not listing:
        made = session.store.back_up_by_hand(now(), file)
        if as_json:
            print_json({"file": str(made)})
        else:
            click.echo(session._("Copied and checked: {file}", file=made))
        return
    found = copies(session.store.path)
    if as_json:
        print_json(
            [
                {
                    "file": str(copy.path),
                    "kind": copy.kind,
                    "made_at": copy.made_at.isoformat(),
                    "answers": copy.answers,
                }
                for copy in found
            ]
        )
        return
    _choose_language(session)
    kinds = {"day": session._("of the day"), "hour": session._("of the hour"), "hand": session._("made by hand")}
    for copy in found:
        answers = session._("damaged") if copy.answers is None else session._("answers: {count}", count=copy.answers)
        click.echo(f"{copy.made_at.astimezone():%Y-%m-%d %H:%M}  {kinds[copy.kind]}  {answers}  {copy.path}")
    if not found:
        note(session._("There are no copies yet; the first answer of a day makes one."))


@click.command("restore")
@click.argument("file", type=PATH)
@json_option
@pass_session
def restore_command(session: Session, file: Path, as_json: bool) -> None:
    """Put the copy FILE in the place of your progress; what is there now is kept beside it under a dated name."""
    from kb.restoring import restore

    restored = restore(session.store, file, now())
    if as_json:
        print_json({"answers": restored.answers, "kept": None if restored.kept is None else str(restored.kept)})
        return
    click.echo(session._("Back from {file}; answers: {count}", count=restored.answers, file=file))
    if restored.kept is not None:
        click.echo(session._("What was there before is kept: {file}", file=restored.kept))


@click.command("doctor")
@click.option(
    "--repair", is_flag=True, help="Make anew what follows from the log: the cards, and missing triggers and indexes."
)
@json_option
@pass_session
def doctor_command(session: Session, repair: bool, as_json: bool) -> None:
    """Look for every kind of fault in your progress; the exit code is 1 where something is wrong."""
    from kb import doctor

    report = doctor.examine(session.bank, session.store, now())
    repaired = repair and bool(report.repairable)
    if repaired:
        doctor.repair(session.bank, session.store)
        report = doctor.examine(session.bank, session.store, now())
    if as_json:
        print_json({"sound": report.sound, "repaired": repaired, "answers": report.answers, "counts": report.counts})
    else:
        if report.damage is not None:
            note(str(report.damage))
        _choose_language(session)
        names = {
            "integrity": session._("faults that SQLite finds in the file"),
            "foreign_keys": session._("rows that refer to none"),
            "missing_triggers": session._("triggers, views and indexes that are missing or different"),
            "impossible_ratings": session._("answers with an impossible rating"),
            "dated_in_the_future": session._("entries dated in the future"),
            "unreadable_reviews": session._("answers that cannot be read"),
            "unreadable_events": session._("settings and other events that cannot be read"),
            "undos_of_unknown_reviews": session._("withdrawals of unknown answers"),
            "wrong_cards": session._("cards that do not follow from their answers"),
            "stale_cards": session._("cards to be made anew at the next use"),
            "answers_to_unknown_questions": session._("answers to questions that the bank does not have"),
        }
        for kind, count in report.counts.items():
            if count:
                click.echo(f"{count:6}  {names[kind]}")
        if repaired:
            click.echo(session._("What follows from the log was made anew."))
        if report.sound:
            click.echo(session._("Nothing is wrong; answers: {count}", count=report.answers))
        elif report.repairable:
            click.echo(session._("To make anew what follows from the log: {command}", command="kb doctor --repair"))
        elif report.wrong:
            click.echo(session._("To go back to a copy: {command}", command="kb backup --list, kb restore FILE"))
    sys.exit(0 if report.sound else 1)


@click.command("merge")
@click.argument("other", metavar="OTHER.db", type=PATH)
@json_option
@pass_session
def merge_command(session: Session, other: Path, as_json: bool) -> None:
    """Add what another database holds and yours does not: answers, withdrawals and settings of another computer."""
    from kb.merging import merge

    added = merge(session.store, other, now(), session.bank)
    if as_json:
        print_json({"added": added})
    else:
        click.echo(session._("Entries that were new here: {count}", count=added))


@click.command("sync")
@click.argument("folder", type=PATH)
@json_option
@pass_session
def sync_command(session: Session, folder: Path, as_json: bool) -> None:
    """Exchange progress with your other computers through FOLDER, which a sync service copies between them.

    Each computer writes only its own file there, and takes what is new from the others.
    """
    from kb.sync import sync

    synced = sync(session.store, folder, now())
    if as_json:
        skipped = {str(path): why for path, why in synced.skipped.items()}
        print_json({"added": synced.added, "read": synced.read, "skipped": skipped, "file": str(synced.file)})
        return
    for why in synced.skipped.values():
        note(session._("Left out, and tried again next time: {why}", why=why))
    click.echo(
        session._("Entries that were new here: {count}; files read: {files}", count=synced.added, files=synced.read)
    )
