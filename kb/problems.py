"""What is wrong with a file of the bank: where, what was expected, what was found, and how to fix it."""

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from kb.errors import QuestionError


@dataclass(frozen=True)
class Problem:
    """One thing wrong; `path` is relative to the folder that holds the bank, `line` is 0 for a file or folder as a whole."""

    path: str
    line: int
    message: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message}\n    Fix: {self.fix}"


class Report:
    """Collects the problems of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def add(self, line: int, what: str, expected: str, found: str, fix: str) -> None:
        """Notes a problem at a line of the file: what it concerns, what belongs there, what is there, what to do."""
        self.problems.append(Problem(self.path, line, f"{what}: expected {expected}; found {found}.", fix))

    def add_error(self, line: int, what: str, error: QuestionError, fix: str) -> None:
        """Notes a problem whose message already says what was expected and found."""
        self.problems.append(Problem(self.path, line, f"{what}: {error}.", fix))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file and line, each once; those of one line stay in the order in which they were found."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.path, problem.line)))


def shown(value: Any) -> str:
    """A value as a message names it."""
    match value:
        case None | "":
            return "nothing"
        case bool():
            return "true" if value else "false"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case str():
            line = " ".join(value.split())
            return f"'{line}'" if len(line) <= 60 else f"'{line[:57]}...'"
    return str(value)


def nearest(word: str, known: Collection[str], otherwise: str) -> str:
    """What to write instead of an unknown word: the known word most like it, or `otherwise` where none is like it."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"write `{near[0]}`." if near else otherwise
