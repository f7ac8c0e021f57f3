"""`kb optimise`: the parameters of FSRS fitted to your own answers, kept only if they predict held-out answers better."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from kb import study
from kb.cli.session import Session, json_option, note, now, pass_session, print_json
from kb.errors import KbError

if TYPE_CHECKING:
    from kb.optimising import Finding, Optimising
    from kb.predicting import Quality


@click.command("optimise")
@click.option("--dry-run", is_flag=True, help="Only say what would be kept.")
@click.option("--reset", is_flag=True, help="Go back to the default parameters.")
@json_option
@pass_session
def optimise_command(session: Session, dry_run: bool, reset: bool, as_json: bool) -> None:
    """Fit the scheduler to your own answers; the result is kept only if it predicts held-out answers better."""
    from kb import optimising

    if reset and dry_run:
        raise click.UsageError("give --dry-run or --reset, not both.")
    if reset:
        optimising.reset(session.store, now())  # also where those that are stored cannot be read
        if as_json:
            print_json({"kept": False, "parameters": None})
        else:
            click.echo(session._("Back to the default parameters."))
        return
    had = study.settings(session.store).fsrs_parameters is not None
    finding = _watched(session, optimising.start(session.store.path), quiet=as_json)
    kept = finding.better and not dry_run
    if kept:
        optimising.keep(session.store, finding, now())
    if as_json:
        print_json(asdict(finding) | {"enough": finding.enough, "better": finding.better, "kept": kept})
    else:
        _show(session, finding, kept, had)
    click.get_current_context().exit(0 if finding.better else 1)


def _watched(session: Session, search: "Optimising", *, quiet: bool) -> "Finding":
    """What the search finds, with a bar on stderr that says how far it is.

    Raises: KbError with its complaint.
    """
    try:
        label = session._("Fitting")
        with click.progressbar(length=1000, label=label, file=sys.stderr, show_eta=False, hidden=quiet) as bar:
            while not search.wait(0.1):
                bar.update(round(1000 * search.share) - bar.pos)
            bar.update(1000 - bar.pos)
    except KeyboardInterrupt:
        search.cancel()
        raise click.Abort from None
    if search.finding is None:
        raise KbError(search.complaint or "")
    return search.finding


def _show(session: Session, finding: "Finding", kept: bool, had: bool) -> None:
    if not finding.enough:
        click.echo(
            session._(
                "Not enough to fit to yet: {recalls} of {needed} answers on a later day than the one before.",
                recalls=finding.recalls,
                needed=finding.needed,
            )
        )
        return
    if finding.before and finding.after:
        click.echo(
            session._(
                "{recalls} answers; the last {held_out} predicted from those before them:",
                recalls=finding.recalls,
                held_out=finding.before.recalls,
            )
        )
        for name, quality in ((session._("default"), finding.before), (session._("fitted"), finding.after)):
            _show_quality(session, name, quality)
    saved = session._(
        "Saved per answer: {gain} ± {error}", gain=f"{finding.gain:.4f}", error=f"{finding.gain_error:.4f}"
    )
    click.echo(saved)
    if kept:
        command = "kb optimise --reset"
        click.echo(session._("Kept; every interval is computed anew. To go back: {command}", command=command))
    elif finding.better:
        note(session._("The fitted parameters are better; run without --dry-run to keep them."))
    elif had:
        note(session._("Not better than the default beyond chance. The parameters you have stay."))
    else:
        note(session._("Not better than the default beyond chance. The default parameters stay."))


def _show_quality(session: Session, name: str, quality: "Quality") -> None:
    click.echo(
        session._(
            "  {name}: log loss {loss}, calibration error {error}, expected {expected}, recalled {recalled}",
            name=name,
            loss=f"{quality.log_loss:.4f}",
            error=f"{quality.calibration_error:.1%}",
            expected=f"{quality.expected:.1%}",
            recalled=f"{quality.recalled:.1%}",
        )
    )
