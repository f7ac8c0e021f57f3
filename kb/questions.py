"""Questions as frozen dataclasses, one for each kind. Leaves out reading them (`bank`) and writing them (`rendering`)."""

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

Value = int | float | bool | str
Verdict = Literal["true", "false", "depends"]

LANGUAGES = ("en", "zh")
VERDICTS: tuple[Verdict, ...] = ("true", "false", "depends")


@dataclass(frozen=True)
class Source:
    """Where an answer can be verified; `where` names the section, `url` may be empty."""

    title: str
    year: int
    where: str = ""
    url: str = ""


@dataclass(frozen=True)
class Choice:
    """One option of a choice or multiple question; `why` is the Markdown that explains it, or empty."""

    text: str
    correct: bool
    why: str = ""


@dataclass(frozen=True)
class DemoLink:
    """A figure in a text: `text` is the value as printed, the rest says which run of which demo gives it.

    `index` picks an element of a tuple field. `op` is "" for equality at the printed precision, or one of
    ">", "<", ">=", "<=" with its `bound`; then the text is free. `line` counts from 1 in the file of the language.
    """

    text: str
    demo: str
    params: Mapping[str, Value]
    field: str
    index: int | None = None
    op: str = ""
    bound: float | None = None
    line: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True)
class Reference:
    """A link in a text to another question; `folder` is its topic, "." for the same one, or "" where none is written."""

    slug: str
    folder: str = ""
    line: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True)
class Predict:
    """The number that the learner predicts before the demo runs; `tolerance` is relative."""

    demo: str
    asks: str
    params: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    unit: str = ""
    tolerance: float = 0.1


@dataclass(frozen=True)
class Text:
    """A question in one language; every part is Markdown, and empty when the file has none."""

    title: str
    stem: str = ""
    choices: tuple[Choice, ...] = ()
    predict: str = ""
    answer: str = ""
    key_points: tuple[str, ...] = ()
    pitfalls: tuple[str, ...] = ()
    links: tuple[DemoLink, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Question:
    """What every kind has; `path` is relative to the folder that holds the bank, with forward slashes.

    `changes` says, for each revision from 2 on and in each language, what its answer says that the one before did not.
    `lines` maps keys of the front matter, such as "requires" or "vary.num_layers", to the line they stand on.
    """

    kind: ClassVar[str]

    slug: str
    topic: str
    difficulty: int
    covers: tuple[str, ...]
    sources: tuple[Source, ...]
    texts: Mapping[str, Text]
    tags: tuple[str, ...] = ()
    demos: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()
    revision: int = 1
    changes: Mapping[int, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    formerly: tuple[str, ...] = ()
    predict: Predict | None = None
    path: str = ""
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages the question can be read in, English first."""
        return tuple(language for language in LANGUAGES if language in self.texts)

    def text(self, language: str) -> Text:
        """The text in this language, or in English where there is no translation."""
        return self.texts.get(language) or self.texts["en"]

    def changed_since(self, revision: int) -> tuple[Mapping[str, str], ...]:
        """What changed after this revision, the earliest first, each in every language."""
        return tuple(self.changes[each] for each in sorted(self.changes) if each > revision)

    def with_texts(self, texts: Mapping[str, Text]) -> Self:
        """The same question in these languages."""
        return dataclasses.replace(self, texts=texts)

    def path_in(self, language: str) -> str:
        """The path of the file that holds this language."""
        return self.path if language == "en" else f"{self.path.removesuffix('.md')}.{language}.md"


@dataclass(frozen=True, kw_only=True)
class ChoiceQuestion(Question):
    """Exactly one of `Text.choices` is right."""

    kind: ClassVar[str] = "choice"


@dataclass(frozen=True, kw_only=True)
class MultipleQuestion(Question):
    """At least one of `Text.choices` is right and at least one is wrong."""

    kind: ClassVar[str] = "multiple"


@dataclass(frozen=True, kw_only=True)
class NumericQuestion(Question):
    """Asks for a number: a fixed `value`, or the field `asks` of `demo` for parameters drawn at each review.

    `unit` is a label, except that KiB, MiB, GiB, KB, MB, GB divide a field of bytes and % multiplies it by 100.
    `tolerance` is relative; 0 is exact. `vary` holds the values that each drawn parameter can take.
    """

    kind: ClassVar[str] = "numeric"

    value: int | float | None = None
    unit: str = ""
    tolerance: float = 0.0
    demo: str | None = None
    asks: str | None = None
    params: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    vary: Mapping[str, tuple[Value, ...]] = dataclasses.field(default_factory=dict)

    @property
    def generated(self) -> bool:
        """Whether a demo computes the truth for drawn parameters."""
        return self.demo is not None

    def draw(self, seed: int) -> dict[str, Value]:
        """All parameters of the demo for this seed: the fixed ones and one value for each that varies.

        Only `random()` is used, the one method whose sequence Python promises to keep.
        """
        source = random.Random(seed)
        drawn = {name: self.vary[name][int(source.random() * len(self.vary[name]))] for name in sorted(self.vary)}
        return {**self.params, **drawn}


@dataclass(frozen=True, kw_only=True)
class OpenQuestion(Question):
    """The learner writes or says an answer and ticks the key points it had."""

    kind: ClassVar[str] = "open"


@dataclass(frozen=True, kw_only=True)
class ClaimQuestion(Question):
    """The title is a claim as widely repeated; the learner judges it."""

    kind: ClassVar[str] = "claim"

    verdict: Verdict


KINDS: dict[str, type[Question]] = {
    each.kind: each for each in (ChoiceQuestion, MultipleQuestion, NumericQuestion, OpenQuestion, ClaimQuestion)
}
