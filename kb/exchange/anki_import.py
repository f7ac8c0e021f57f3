"""Reads an Anki package: its notes as drafts, and the history of those that are questions of ours as reviews.

All of it or nothing: the reviews are one transaction, and the drafts, written aside before, are placed just before it ends.
"""

from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kb.bank import Bank
from kb.choosing import writing
from kb.exchange.anki_drafts import AnkiDraft, LeftOut, LeftOutKind, draft_of
from kb.exchange.anki_reviews import Given, Match, Ours, Skipped, add, given
from kb.exchange.collection import Collection
from kb.exchange.drafts import Slugs, placed, staging
from kb.exchange.package import Package, opened
from kb.store import Store

MEDIA = "media"  # the folder beside the drafts


@dataclass(frozen=True)
class Imported:
    """What a package brought. `drafts` and `media` are the files written, or in a dry run those that would be.

    `matched` counts the notes of each question of ours; `added` and `known` the reviews that were new and that were there.
    """

    notes: int
    drafts: tuple[Path, ...]
    media: tuple[Path, ...]
    unanswered: int
    matched: Mapping[str, int]
    added: int
    known: int
    skipped: Mapping[Skipped, int]
    left_out: tuple[LeftOut, ...]


@dataclass
class _Read:
    """What was found so far."""

    files: dict[Path, None] = field(default_factory=dict)  # in order, each once
    unanswered: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    cards: dict[int, Match] = field(default_factory=dict)
    further: list[int] = field(default_factory=list)
    skipped: Counter[Skipped] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)


def import_package(
    bank: Bank, store: Store, path: Path, into: Path, now: datetime, *, taken: Some[str] = (), dry_run: bool = False
) -> Imported:
    """What the package brought; drafts go to the folder `into`, under slugs that are not taken.

    `bank` has the learner's own questions too, whose slugs are not among those taken: the same draft comes again.

    Raises: UsageError where the package cannot be used, and the errors of the store; nothing was changed then.
    """
    with ExitStack() as stack:
        package = stack.enter_context(opened(path))
        collection = Collection(package)
        staged = None if dry_run else stack.enter_context(staging(into))
        read = _Read()
        for draft in _drafts(collection, Ours(bank), path.name, Slugs(taken), read):
            _stage(draft, package, staged, into, read)
        answers = list(given(collection.answers(sorted(read.cards)), read.cards, now, path, read.skipped))
        read.skipped[Skipped.CARD] += sum(1 for _ in collection.answers(sorted(read.further)))
        if staged is None:
            files = tuple(read.files)
            added, known = _counted(store, answers)
        else:
            files = stack.enter_context(placed(read.files, staged, into))
            added, known = 0, 0
            if answers:
                with writing(bank, store, now) as desk:
                    added, known = add(desk, answers)
                store.back_up(desk.today)
    media = tuple(file for file in files if file.parent == into / MEDIA)
    return Imported(
        notes=collection.notes_count,
        drafts=tuple(file for file in files if file.parent != into / MEDIA),
        media=media,
        unanswered=read.unanswered,
        matched=dict(read.matched),
        added=added,
        known=known,
        skipped={kind: count for kind, count in read.skipped.items() if count},
        left_out=tuple(read.left_out),
    )


def _drafts(collection: Collection, ours: Ours, name: str, slugs: Slugs, read: _Read) -> Iterator[AnkiDraft]:
    """The drafts of the notes that are no questions of ours; the cards of those that are stand in `read`."""
    for note in collection.notes():
        match = ours.exported(note)
        if match is None:
            draft, left_out = draft_of(note, name, slugs)
            match = ours.asking(draft.title) if draft else None
            if match is None:
                read.left_out += left_out
                if draft is not None:
                    read.unanswered += not draft.answered
                    yield draft
                continue
        read.matched[match.slug] += 1
        for place, card in enumerate(note.cards):
            if place == 0:
                read.cards[card.card_id] = match
            else:
                read.further.append(card.card_id)


def _stage(draft: AnkiDraft, package: Package, staged: Path | None, into: Path, read: _Read) -> None:
    """Writes a draft and its media aside; in a dry run it notes where they would go."""
    root = into if staged is None else staged
    file = root / f"{draft.slug}.md"
    read.files[file] = None
    if staged is not None:
        file.write_text(draft.markdown, encoding="utf-8")
    for name in draft.media:
        medium = root / MEDIA / name
        if name not in package.media:
            read.left_out.append(LeftOut(draft.note_id, LeftOutKind.MEDIUM, name))
        elif medium not in read.files:
            read.files[medium] = None
            if staged is not None:
                medium.parent.mkdir(exist_ok=True)
                medium.write_bytes(package.medium(name))


def _counted(store: Store, answers: list[Given]) -> tuple[int, int]:
    """How many of the answers would be new to the log, and how many it has; a database is not made for that."""
    if not store.path.is_file():
        return len(answers), 0
    with store.reading() as transaction:
        known = sum(transaction.log.find(each.review_id) is not None for each in answers)
    return len(answers) - known, known
