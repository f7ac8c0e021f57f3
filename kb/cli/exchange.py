"""`kb export` and `kb import`: reviews and questions in the formats of other programs."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

import demos
from demos._figures import config
from demos._runner import shared
from kb.cli.session import Session, json_option, note, now, pass_session, print_json
from kb.errors import FigureError, UsageError
from kb.questions import Value
from kb.store import Store

if TYPE_CHECKING:
    from kb.exchange.anki import Compute, Computed
    from kb.exchange.anki_import import Imported

out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write (else the result goes to stdout)."
)

into_option = click.option(
    "--into", type=click.Path(path_type=Path), help="The folder for drafts (else that of your own questions)."
)


@click.group("import")
def import_command() -> None:
    """Read what you have from other programs, as drafts."""


@import_command.command("notes")
@click.argument("file", type=click.Path(path_type=Path))
@into_option
@pass_session
def notes_command(session: Session, file: Path, into: Path | None) -> None:
    """Make drafts of the questions of a Markdown page; lines that no draft has are listed."""
    from kb.exchange.files import page_text
    from kb.exchange.notes import Reason, read_notes, write_drafts

    bank, into = session.shared_bank, _folder(session, into)
    notes = read_notes(page_text(file), file.name, {*bank.questions, *bank.broken})
    if not notes.drafts:
        raise UsageError(f"{file}: expected questions under headings, in bold or in a list; found none.")
    for path in write_drafts(notes, into):
        click.echo(path)
    reasons = {
        Reason.PICTURE: session._("a picture, kept as its address"),
        Reason.FRONT_MATTER: session._("front matter of the page"),
        Reason.BEFORE: session._("before the first question or heading"),
        Reason.NO_TEXT: session._("a heading without text"),
        Reason.OUTSIDE: session._("outside every question"),
    }
    for part in notes.unplaced:
        place = f"{file}:{part.first}" if part.first == part.last else f"{file}:{part.first}-{part.last}"
        reason, text = reasons[part.reason], part.text[:80]
        note(session._("{place}: not placed, {reason}: {text}", place=place, reason=reason, text=text))
    unanswered = sum(not draft.text.answer for draft in notes.drafts)
    note(session._("{count} drafts, {unanswered} of them unanswered", count=len(notes.drafts), unanswered=unanswered))
    _say_how_to_go_on(session, into)


@import_command.command("anki")
@click.argument("file", type=click.Path(path_type=Path))
@into_option
@click.option("--dry-run", is_flag=True, help="Say what would come in, and write nothing.")
@json_option
@pass_session
def import_anki_command(session: Session, file: Path, into: Path | None, dry_run: bool, as_json: bool) -> None:
    """Make drafts of the notes of an Anki package (.apkg, .colpkg); what you answered there to questions of ours is kept.

    A note that asks what a question of ours does, or was exported from it, becomes no draft: its history of reviews comes into
    yours, in whichever language it was answered. Importing again adds nothing twice.
    """
    from kb.exchange.anki_import import import_package

    into, shared = _folder(session, into), session.shared_bank
    taken = {*shared.questions, *shared.broken}
    imported = import_package(session.bank, session.store, file, into, now(), taken=taken, dry_run=dry_run)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "notes": imported.notes,
                "drafts": [str(path) for path in imported.drafts],
                "media": [str(path) for path in imported.media],
                "unanswered": imported.unanswered,
                "matched": dict(imported.matched),
                "added": imported.added,
                "known": imported.known,
                "skipped": {kind.name.lower(): count for kind, count in imported.skipped.items()},
                "left_out": [
                    {"note": each.note_id, "kind": each.kind.name.lower(), "text": each.text}
                    for each in imported.left_out
                ],
            }
        )
        return
    for path in imported.drafts:
        click.echo(path)
    _say_what_anki_brought(session, file, imported)
    if imported.drafts:
        _say_how_to_go_on(session, into)


def _say_what_anki_brought(session: Session, file: Path, imported: "Imported") -> None:
    from kb.exchange.anki_drafts import LeftOutKind
    from kb.exchange.anki_reviews import Skipped

    kinds = {
        LeftOutKind.EMPTY: session._("a note without text"),
        LeftOutKind.CARD: session._("a further card, whose fields are in the draft"),
        LeftOutKind.PROGRAM: session._("a program or style within a field"),
        LeftOutKind.MEDIUM: session._("a picture or sound that the package does not have"),
    }
    for each in imported.left_out:
        place, text = f"{file}: {each.note_id}", " ".join(each.text.split())[:80]
        note(session._("{place}: not placed, {reason}: {text}", place=place, reason=kinds[each.kind], text=text))
    reasons = {
        Skipped.FILTERED: session._("answered in a filtered deck"),
        Skipped.MOVED: session._("moved by hand and not answered"),
        Skipped.TOO_EARLY: session._("dated before 2006"),
        Skipped.CARD: session._("answers to a further card of a note"),
    }
    for kind, count in imported.skipped.items():
        note(session._("Reviews left out, {reason}: {count}", reason=reasons[kind], count=count))
    note(
        session._(
            "{notes} notes: {drafts} new drafts with {media} pictures or sounds, {matched} that are questions of the bank",
            notes=imported.notes,
            drafts=len(imported.drafts),
            media=len(imported.media),
            matched=sum(imported.matched.values()),
        )
    )
    note(
        session._(
            "Answers that were new here: {added}; that were here already: {known}",
            added=imported.added,
            known=imported.known,
        )
    )


def _folder(session: Session, into: Path | None) -> Path:
    """The folder for drafts, which must not be one of the bank."""
    if into is None:
        return session.drafts
    if into.resolve().is_relative_to(session.shared_bank.root.resolve()):
        raise UsageError(f"--into: expected a folder outside the bank, as drafts are no part of it; found {into}.")
    return into


def _say_how_to_go_on(session: Session, into: Path) -> None:
    if into.resolve() != session.drafts.resolve():
        note(session._("Drafts are studied only where they lie in {folder}.", folder=session.drafts))
    note(session._("Drafts are studied once they are marked ready: {command}", command="kb drafts --ready NAME"))


@click.group("export")
def export_command() -> None:
    """Write your reviews, or the bank, for other programs."""


@export_command.command("csv")
@out_option
@pass_session
def csv_command(session: Session, out: Path | None) -> None:
    """Write every review as a row of a table; kb/exchange/README.md names the columns."""
    from kb.exchange.reviews import write_csv

    _write_reviews(session, write_csv, out)


@export_command.command("json")
@out_option
@pass_session
def json_command(session: Session, out: Path | None) -> None:
    """Write every review as an object of one JSON list; kb/exchange/README.md names the keys."""
    from kb.exchange.reviews import write_json

    _write_reviews(session, write_json, out)


def _write_reviews(session: Session, write: Callable[[Store, TextIO], int], out: Path | None) -> None:
    from kb.exchange.files import replacing

    if out is None:
        write(session.store, sys.stdout)
        return
    with replacing(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        count = write(session.store, file)
    note(session._("{count} reviews written to {path}", count=count, path=out))


@export_command.command("anki")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .apkg file to write.")
@click.option(
    "--pictures/--no-pictures", default=True, help="With the figures of the demos, which takes a minute or more."
)
@pass_session
def anki_command(session: Session, out: Path, pictures: bool) -> None:
    """Write the bank as an Anki package; importing it again updates the notes."""
    from kb.exchange.anki import export

    exported = export(session.shared_bank.questions.values(), out, now(), _computing(pictures), pictures=pictures)
    for sentence in exported.left_out:
        note(session._("left out: {sentence}", sentence=sentence))
    note(
        session._(
            "{notes} notes and {pictures} pictures written to {path}",
            notes=exported.notes,
            pictures=exported.pictures,
            path=out,
        )
    )


def _computing(pictures: bool) -> "Compute":
    """What runs demos for a package: on the CPU, with the seed of the bank."""
    from kb.exchange.anki import Computed

    def compute(demo: str, params: Mapping[str, Value]) -> "Computed":
        try:
            outcome = shared().run(demo, params, "cpu")
        except demos.DemoError as error:
            raise FigureError(str(error)) from error
        if not pictures or outcome.figure is None:
            return Computed(outcome.result)
        from kb.exchange.pictures import png

        return Computed(outcome.result, png(outcome.figure, config()))

    return compute
