"""The bank: the questions that can be used, and what is wrong with the others.

Leaves out reading it (`kb.loading`), what one file says of another (`kb.check`), and whether figures are true (`kb.figures`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from kb.errors import UnknownQuestionError
from kb.problems import Problem
from kb.questions import Question
from kb.syllabus import Syllabus

__all__ = ["Bank", "Outline", "Problem", "Shelf", "load_bank", "outline_of"]


class Outline(NamedTuple):
    """What a list or a plan needs of a question; `titles` are Markdown, by language."""

    slug: str
    topic: str
    kind: str
    difficulty: int
    covers: tuple[str, ...]
    demos: tuple[str, ...]
    requires: tuple[str, ...]
    follow_ups: tuple[str, ...]
    formerly: tuple[str, ...]
    revision: int
    titles: dict[str, str]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages the question can be read in, English first."""
        return tuple(self.titles)

    def title(self, language: str) -> str:
        """The title in this language, or in English where there is no translation."""
        return self.titles.get(language) or self.titles["en"]


class Shelf(Mapping[str, Question]):
    """Questions of which only the outlines are in memory; each is read when it is first asked for."""

    def __init__(self, outlines: Iterable[Outline], read: Callable[[int, str], Question]) -> None:
        self.outlines = tuple(outlines)
        self._read = read
        self._places = {each.slug: place for place, each in enumerate(self.outlines)}
        self._taken: dict[str, Question] = {}

    def __getitem__(self, slug: str) -> Question:
        question = self._taken.get(slug)
        if question is None:
            question = self._taken.setdefault(slug, self._read(self._places[slug], slug))
        return question

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, slug: object) -> bool:
        return slug in self._places


@dataclass(frozen=True)
class Bank:
    """The questions that can be used, by slug, in teaching order; `broken` has the slugs of those that cannot."""

    questions: Mapping[str, Question]
    syllabus: Syllabus
    problems: tuple[Problem, ...]
    root: Path
    broken: frozenset[str] = field(default=frozenset())

    @cached_property
    def outlines(self) -> tuple[Outline, ...]:
        """The outline of every question, in teaching order."""
        if isinstance(self.questions, Shelf):
            return self.questions.outlines
        return tuple(map(outline_of, self.questions.values()))

    def question(self, slug: str) -> Question:
        """The question with this slug, or that had it formerly.

        Raises: UnknownQuestionError with the slugs most like it.
        """
        if slug in self.questions:
            return self.questions[slug]
        renamed = next((each.slug for each in self.outlines if slug in each.formerly), None)
        if renamed is not None:
            return self.questions[renamed]
        if slug in self.broken:
            raise UnknownQuestionError(f"question '{slug}': its file has problems; `kb check` shows them.")
        import difflib  # only here, as most slugs are right

        near = difflib.get_close_matches(slug, self.questions, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`kb list` shows them all."
        raise UnknownQuestionError(f"question '{slug}': there is none of that name; {hint}")

    def file(self, path: str) -> Path:
        """Where the path of a question or a problem lies on disk."""
        return self.root.parent / path


def outline_of(question: Question) -> Outline:
    """What a list or a plan needs of this question."""
    return Outline(
        slug=question.slug,
        topic=question.topic,
        kind=question.kind,
        difficulty=question.difficulty,
        covers=question.covers,
        demos=question.demos,
        requires=question.requires,
        follow_ups=question.follow_ups,
        formerly=question.formerly,
        revision=question.revision,
        titles={language: question.texts[language].title for language in question.languages},
    )


def load_bank(root: Path | str) -> Bank:
    """Everything in the folder `root`; what cannot be used is left out and stands in `problems`."""
    from kb.loading import load  # brings the Markdown parser, which a bank from the cache does not need

    return load(Path(root).absolute())
