"""`kb export` and `kb import`: reviews and questions in the formats of other programs."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

import demos
from demos._figures import config
from demos._runner import shared
from kb.cli.session import Session, note, now, pass_session
from kb.errors import FigureError, UsageError
from kb.questions import Value
from kb.store import Store

if TYPE_CHECKING:
    from kb.exchange.anki import Compute, Computed

out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write (else the result goes to stdout)."
)


@click.group("import")
def import_command() -> None:
    """Read what you have from other programs, as drafts."""


@import_command.command("notes")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into", type=click.Path(path_type=Path), default=Path("drafts"), show_default=True, help="The folder for drafts."
)
@pass_session
def notes_command(session: Session, file: Path, into: Path) -> None:
    """Make drafts of the questions of a Markdown page; lines that no draft has are listed."""
    from kb.exchange.files import page_text
    from kb.exchange.notes import Reason, read_notes, write_drafts

    bank = session.bank
    if into.resolve().is_relative_to(bank.root.resolve()):
        raise UsageError(f"--into: expected a folder outside the bank, as drafts are no part of it; found {into}.")
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
    note(
        session._("Drafts are no part of the bank: move one there, with its Chinese or English twin, when it is ready.")
    )


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

    exported = export(session.bank.questions.values(), out, now(), _computing(pictures), pictures=pictures)
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
