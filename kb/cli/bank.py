"""Commands that read the bank: list, show, search, check."""

from typing import TYPE_CHECKING, Any

import click

from kb.cli.session import Session, json_option, note, now, pass_session, print_json
from kb.errors import UsageError
from kb.questions import KINDS

if TYPE_CHECKING:
    from kb.bank import Outline


@click.command("list")
@click.option("--topic", help="Only this topic.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only this kind.")
@click.option("--suspended", "wanted", flag_value="suspended", help="Only those that are suspended.")
@click.option("--flagged", "wanted", flag_value="flagged", help="Only those with a flag.")
@click.option("--noted", "wanted", flag_value="note", help="Only those with a note.")
@json_option
@pass_session
def list_command(session: Session, topic: str | None, kind: str | None, wanted: str | None, as_json: bool) -> None:
    """List the questions of the bank."""
    topics = [each.id for each in session.bank.syllabus.topics]
    if topic is not None and topic not in topics:
        raise UsageError(f"--topic: expected one of {', '.join(topics)}; found '{topic}'.")
    questions = [
        question
        for question in session.bank.outlines
        if topic in (None, question.topic) and kind in (None, question.kind)
    ]
    if wanted is not None:
        from kb.marks import marks

        found = marks(session.bank, session.store, now())
        questions = [each for each in questions if each.slug in found and getattr(found[each.slug], wanted)]
    if as_json:
        print_json([_row(question) for question in questions])
        return
    from kb.plaintext import plain

    width = max((len(question.slug) for question in questions), default=0)
    for question in questions:
        title = plain(question.title(session.language))
        click.echo(f"{question.slug:{width}}  {question.kind:8}  {question.difficulty}  {title}")
    note(session._("{count} questions", count=len(questions)))


def _row(question: "Outline") -> dict[str, Any]:
    return {
        "id": question.slug,
        "topic": question.topic,
        "kind": question.kind,
        "difficulty": question.difficulty,
        "title": question.title("en"),
        "languages": list(question.languages),
        "covers": list(question.covers),
        "demos": list(question.demos),
    }


@click.command("show")
@click.argument("slug", metavar="ID")
@click.option("--answer/--no-answer", default=True, help="With the answer, or only the question.")
@json_option
@pass_session
def show_command(session: Session, slug: str, answer: bool, as_json: bool) -> None:
    """Show one question and its answer."""
    from kb.bank import outline_of

    question = session.bank.question(slug)
    if as_json:
        text = question.text(session.language)
        row = _row(outline_of(question)) | {
            "title": text.title,
            "stem": text.stem,
            "choices": [{"text": choice.text, "correct": choice.correct, "why": choice.why} for choice in text.choices],
            "answer": text.answer,
            "key_points": list(text.key_points),
            "pitfalls": list(text.pitfalls),
            "requires": list(question.requires),
            "follow_ups": list(question.follow_ups),
            "sources": [vars(source) for source in question.sources],
            "revision": question.revision,
            "path": question.path,
        }
        print_json(row)
        return
    from kb.cli.terminal import Terminal

    Terminal(session).show(question, answer=answer)


@click.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many at most.")
@json_option
@pass_session
def search_command(session: Session, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Search all questions and answers, in both languages."""
    from kb.search import Index

    hits = Index(session.bank).search(" ".join(words), limit=limit)
    if as_json:
        print_json(
            [{"id": hit.slug, "language": hit.language, "title": hit.title, "snippet": hit.snippet} for hit in hits]
        )
        return
    from kb.plaintext import plain

    for hit in hits:
        click.echo(f"{hit.slug}\n    {plain(hit.title)}")
    if not hits:
        note(session._("Nothing found."))


@click.command("check")
@click.option("--run", is_flag=True, help="Compute every figure of the bank anew and compare.")
@click.option("--fix", is_flag=True, help="With --run: rewrite figures that have drifted.")
@json_option
@pass_session
@click.pass_context
def check_command(ctx: click.Context, session: Session, run: bool, fix: bool, as_json: bool) -> None:
    """Find what is wrong in the bank; exit 1 if anything."""
    if fix and not run:
        raise click.UsageError("--fix rewrites figures that were computed anew: give it together with --run.")
    from kb.cli.checking import check_bank

    report = check_bank(session, run=run, fix=fix)
    if as_json:
        print_json(report.to_json())
    else:
        for problem in report.problems:
            click.echo(str(problem))
        note(report.summary())
    ctx.exit(1 if report.problems else 0)
