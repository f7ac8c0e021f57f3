"""`kb drafts`: the learner's own questions, what each of them lacks, and which are ready to be studied."""

import sys

import click

from kb.cli.session import Session, json_option, note, pass_session, print_json


@click.command("drafts")
@click.argument("slugs", metavar="[NAME]...", nargs=-1)
@click.option("--ready", "ready", flag_value="ready", help="Mark these as ready, so that they are studied.")
@click.option("--not-ready", "ready", flag_value="draft", help="Make drafts of these again.")
@json_option
@pass_session
def drafts_command(session: Session, slugs: tuple[str, ...], ready: str | None, as_json: bool) -> None:
    """List your own questions and what each of them lacks; with --ready, mark those named as ready to be studied.

    The exit code is 1 where something is wrong with one of those named.
    """
    import demos
    from kb.drafts import chosen, mark, read_drafts
    from kb.plaintext import plain

    if ready and not slugs:
        raise click.UsageError("name the drafts to mark.")
    specs, _ = demos.catalogue()
    drafts = read_drafts(session.shared_bank, session.drafts, specs)
    named = tuple(chosen(drafts, slug) for slug in slugs)
    lacking = [draft for draft in named if draft.problems]
    if ready == "draft" or (ready and not lacking):
        for draft in named:
            mark(draft, ready == "ready")
        drafts = read_drafts(session.shared_bank, session.drafts, specs)
        named = tuple(chosen(drafts, slug) for slug in slugs)
    listed = named or drafts
    if as_json:
        print_json(
            [
                {
                    "id": draft.slug,
                    "path": str(draft.path),
                    "title": plain(draft.title),
                    "ready": draft.ready,
                    "studied": draft.ready and not draft.problems,
                    "problems": [
                        {"line": each.line, "message": each.message, "fix": each.fix} for each in draft.problems
                    ],
                }
                for draft in listed
            ]
        )
    else:
        states = {True: session._("ready"), False: session._("draft")}
        for draft in listed:
            click.echo(f"{states[draft.ready]:6}  {draft.slug}  {plain(draft.title)}")
            if draft.problems and (named or draft.ready):
                for problem in draft.problems:
                    click.echo(f"    {problem}")
            elif draft.problems:
                click.echo("        " + session._("lacking: {count}", count=len(draft.problems)))
        if ready == "ready" and lacking:
            note(session._("None of them was marked: add what is missing first."))
        if not drafts:
            note(session._("There are no drafts in {folder}; `kb import` makes some.", folder=session.drafts))
    sys.exit(1 if named and any(draft.problems for draft in named) else 0)
