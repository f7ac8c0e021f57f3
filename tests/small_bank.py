"""What the tests of progress share: a bank of real questions without files, and new databases that cost little."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from kb.bank import Bank
from kb.questions import Choice, ChoiceQuestion, NumericQuestion, Question, Source, Text
from kb.store import Store
from kb.syllabus import Syllabus, Topic

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TOPICS = ("attention", "masks")


def question(slug: str, topic: str = "attention", difficulty: int = 1, **keys) -> Question:
    """A choice question with four choices; `keys` are fields of Question."""
    choices = tuple(Choice(f"choice {index}", index == 0) for index in range(4))
    texts = {"en": Text(title=f"What is {slug}?", choices=choices, answer="It is what it is.")}
    sources = (Source("A paper", 2017),)
    fields = {"covers": (), "sources": sources, "texts": texts, **keys}
    return ChoiceQuestion(slug=slug, topic=topic, difficulty=difficulty, **fields)


def numeric_question(slug: str, **keys) -> NumericQuestion:
    """A generated question that draws the number of layers."""
    texts = {"en": Text(title="How many bytes?", answer="So many.")}
    vary = {"num_layers": (16, 32, 80)}
    fields = {"difficulty": 1, "covers": (), "sources": (Source("A paper", 2017),), "texts": texts, **keys}
    return NumericQuestion(
        slug=slug, topic="attention", demo="cache", asks="cache_bytes", params={"batch": 2}, vary=vary, **fields
    )


def bank_of(*questions: Question, topics: tuple[str, ...] = TOPICS, broken: frozenset[str] = frozenset()) -> Bank:
    """A bank of these questions under a syllabus of these topics."""
    syllabus = Syllabus(tuple(Topic(topic, {"en": topic, "zh": topic}, ()) for topic in topics))
    return Bank({each.slug: each for each in questions}, syllabus, (), Path("content"), broken)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder to make stores in: in memory where the system has such a place, as waiting for the disk takes long."""
    in_memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=in_memory if os.access(in_memory, os.W_OK) else None) as folder:
        yield Path(folder)


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "progress.db")
        with store.reading():
            pass
        return store.path.read_bytes()


def new_store(folder: Path) -> Store:
    """A store with nothing in it and an origin of its own; copied, as migrating each time takes long."""
    name = uuid.uuid4().hex
    store = Store(folder / name / "progress.db")
    store.path.parent.mkdir()
    store.path.write_bytes(_empty_database())
    with store.writing() as transaction:
        transaction.log.set_meta("origin", name)
    return store
