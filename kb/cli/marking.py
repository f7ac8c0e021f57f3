"""What can be typed beside an answer in `kb study`: `:s` suspends the question, `:b` puts it off until tomorrow, and so on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kb import marks, study
from kb.cli.session import Session, note, now

if TYPE_CHECKING:
    from kb.cli.terminal import Terminal
    from kb.questions import Question, Text


class LeftError(Exception):
    """The question on the screen is not to be answered now: it was suspended, put off, or taken as known.

    `take_back` undoes that; None where it is the last entry of the log, which `study.undo` takes back.
    """

    def __init__(self, take_back: Callable[[], None] | None) -> None:
        self.take_back = take_back


def mark(session: Session, question: "Question", typed: str) -> None:
    """Does what was typed, which begins with a colon, and says so.

    Raises: LeftError where the session goes on with another question.
    """
    _, bank, store, slug = session._, session.bank, session.store, question.slug
    command, _space, text = typed.removeprefix(":").removeprefix("：").strip().partition(" ")
    found = marks.marks(bank, store, now()).get(slug, marks.Marks())
    if command == "s":
        marks.suspend(bank, store, slug, now())
        note(_("Suspended; {command} brings it back.", command=f"kb unsuspend {slug}"))
        raise LeftError(lambda: marks.unsuspend(bank, store, slug, now()))
    if command == "b":
        marks.bury(bank, store, slug, now())
        note(_("Put off until tomorrow."))
        raise LeftError(lambda: marks.unbury(bank, store, slug, now()))
    if command == "k":
        known = study.know(bank, store, slug, now())
        note(_("Known already; a check comes {day}. `u` takes it back.", day=f"{known.due.astimezone():%Y-%m-%d}"))
        raise LeftError(None)
    if command == "f":
        (marks.unflag if found.flagged else marks.flag)(bank, store, slug, now())
        note(_("The flag is gone.") if found.flagged else _("Flagged."))
    elif command == "n" and text.strip():
        marks.set_note(bank, store, slug, "" if text.strip() == "-" else text, now())
        note(_("The note is gone.") if text.strip() == "-" else _("Noted."))
    elif command == "n":
        note(found.note or _("There is no note; `:n your text` writes one, and `:n -` takes it away."))
    else:
        note(
            _(
                "`:s` suspends this question, `:b` puts it off until tomorrow, `:k` says that you know it already,"
                " `:f` flags it or takes the flag away, `:n your text` notes something about it."
            )
        )


def tell_changes(session: Session, terminal: "Terminal", attempt: study.Attempt) -> None:
    """Prints what changed in the answer since the learner last gave it; nothing where nothing did."""
    texts = (each.get(session.language) or each.get("en", "") for each in attempt.changes)
    terminal.section(session._("What changed"), "\n".join(f"- {text}" for text in texts if text))


def tell_leech(session: Session, terminal: "Terminal", question: "Question") -> None:
    """Prints why a question was suspended that slipped too often, and what to read before it is brought back."""
    _ = session._
    note(_("This question has slipped too often and is suspended: to learn it anew takes less time than more reviews."))
    required: list[Text] = [
        session.bank.question(slug).text(session.language)
        for slug in question.requires
        if slug in session.bank.questions
    ]
    reading = [*(text.title for text in required), *(source.title for source in question.sources)]
    terminal.section(_("Read first"), "\n".join(f"- {title}" for title in reading))
    note(
        _(
            "Then {show} shows it, and {command} brings it back.",
            show=f"kb show {question.slug}",
            command=f"kb unsuspend {question.slug}",
        )
    )
