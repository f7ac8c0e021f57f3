"""The bank: the questions that can be used, and what is wrong with the others.

Leaves out reading it (`kb.loading`), what one file says of another (`kb.check`), and whether figures are true (`kb.figures`).
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kb.errors import UnknownQuestionError
from kb.problems import Problem
from kb.questions import Question
from kb.syllabus import Syllabus

__all__ = ["Bank", "Problem", "load_bank"]


@dataclass(frozen=True)
class Bank:
    """The questions that can be used, by slug, in teaching order; `broken` has the slugs of those that cannot."""

    questions: Mapping[str, Question]
    syllabus: Syllabus
    problems: tuple[Problem, ...]
    root: Path
    broken: frozenset[str] = field(default=frozenset())

    def question(self, slug: str) -> Question:
        """The question with this slug, or that had it formerly.

        Raises: UnknownQuestionError with the slugs most like it.
        """
        if slug in self.questions:
            return self.questions[slug]
        renamed = next((each for each in self.questions.values() if slug in each.formerly), None)
        if renamed is not None:
            return renamed
        if slug in self.broken:
            raise UnknownQuestionError(f"question '{slug}': its file has problems; `kb check` shows them.")
        near = difflib.get_close_matches(slug, self.questions, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`kb list` shows them all."
        raise UnknownQuestionError(f"question '{slug}': there is none of that name; {hint}")

    def file(self, path: str) -> Path:
        """Where the path of a question or a problem lies on disk."""
        return self.root.parent / path


def load_bank(root: Path | str) -> Bank:
    """Everything in the folder `root`; what cannot be used is left out and stands in `problems`."""
    from kb.loading import load  # brings the Markdown parser, which a bank from the cache does not need

    return load(Path(root).absolute())
