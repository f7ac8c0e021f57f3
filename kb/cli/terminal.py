"""Questions and answers as text in a terminal: Markdown by rich, formulas in Unicode, figures as footnotes.

A footnote of a figure is the command that computes it.
"""

import shlex
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding

from kb.inline import Link, segments
from kb.links import demo_link, reference, scalar_text
from kb.plaintext import formula
from kb.questions import DemoLink

if TYPE_CHECKING:
    from kb.cli.session import Session
    from kb.questions import Question, Text

WIDTH = 88


def command(link: DemoLink) -> str:
    """The command that computes a figure."""
    words = ["kb", "demo", "run", link.demo]
    for name, value in link.params.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", scalar_text(value)]
    return shlex.join(words)


class Terminal:
    """Prints questions to stdout, in the width of the terminal up to what reads well."""

    def __init__(self, session: "Session"):
        self._session = session
        self._commands: list[str] = []

    @cached_property
    def console(self) -> Console:
        """Where it is printed; plain text when stdout is not a terminal."""
        console = Console(file=sys.stdout, highlight=False)
        console.width = min(console.width, WIDTH)
        return console

    def show(self, question: "Question", *, answer: bool = True) -> None:
        """Prints a question with its choices and, if wanted, the answer with everything that belongs to it."""
        text = question.text(self._session.language)
        self.heading(text.title)
        self.markdown(text.stem)
        for number, choice in enumerate(text.choices, 1):
            mark = ("✓ " if choice.correct else "  ") if answer else ""
            self.markdown(f"{mark}{number}  {choice.text}")
        if answer:
            self.answer(question, text)

    def heading(self, markdown: str) -> None:
        """Prints a title."""
        self.console.print()
        self.console.print(Markdown(self._prepare(markdown)), style="bold")
        self.console.print()

    def markdown(self, markdown: str, indent: int = 0) -> None:
        """Prints a part of a question; nothing when it is empty."""
        if markdown:
            self.console.print(Padding(Markdown(self._prepare(markdown)), (0, 0, 0, indent)))

    def answer(self, question: "Question", text: "Text") -> None:
        """Prints answer, key points, pitfalls, sources, and the commands that compute the figures."""
        session = self._session
        self.section(session._("Answer"), text.answer)
        self.section(session._("Key points"), "\n".join(f"- {point}" for point in text.key_points))
        self.section(session._("Pitfalls"), "\n".join(f"- {pitfall}" for pitfall in text.pitfalls))
        titles = [
            bank_question.text(session.language).title
            for slug in question.follow_ups
            if (bank_question := session.bank.questions.get(slug))
        ]
        self.section(session._("They will ask next"), "\n".join(f"- {title}" for title in titles))
        sources = (
            source.title
            + (f" ({source.year})" if source.year else "")
            + (f", {source.where}" if source.where else "")
            + (f" {source.url}" if source.url else "")
            for source in question.sources
        )
        self.section(session._("Sources"), "\n".join(f"- {source}" for source in sources))
        self.footnotes()

    def section(self, name: str, markdown: str) -> None:
        """Prints a part under its name; nothing when it is empty."""
        if markdown:
            self.console.print()
            self.console.print(name, style="bold underline")
            self.markdown(markdown)

    def footnotes(self) -> None:
        """Prints the commands that compute the figures shown so far, and forgets them."""
        if self._commands:
            self.console.print()
        for number, text in enumerate(self._commands, 1):
            self.console.print(f"[{number}] {text}", style="dim", markup=False, soft_wrap=True)
        self._commands.clear()

    def _prepare(self, markdown: str) -> str:
        """The Markdown with formulas as code in Unicode and figures with the number of their footnote."""
        parts, position = [], 0
        for segment in segments(markdown):
            source = markdown[segment.start : segment.end]
            parts.append(markdown[position : segment.start])
            if isinstance(segment, Link):
                parts.append(self._footnote(segment))
            elif segment.kind == "math":
                parts.append(_formula(source))
            else:
                parts.append(source)
            position = segment.end
        return "".join([*parts, markdown[position:]]).replace("\\$", "$")

    def _footnote(self, link: Link) -> str:
        if link.target.startswith("demo:"):
            text = command(demo_link(link.text, link.target))
            if text not in self._commands:
                self._commands.append(text)
            return f"{link.text} [{self._commands.index(text) + 1}]"
        named = reference(link.target)
        return f"{link.text} (`{named.slug}`)" if named else link.text


def _formula(source: str) -> str:
    if source.lstrip().startswith("$$"):
        return f"```\n{formula(source.strip().strip('$'))}\n```\n"
    return f"`{formula(source.strip('$'))}`"
