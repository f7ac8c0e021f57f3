"""Anki's log of reviews as reviews of our questions: which cards are ours, and what each row of the log becomes.

Anki's four buttons are our four ratings, in the steps of learning too. Left out and counted: answers in filtered decks, cards
moved by hand, and times from before there was Anki.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import genanki

from kb.bank import Bank
from kb.choosing import Desk
from kb.errors import UsageError
from kb.exchange.anki_notes import REVISION_TAG
from kb.exchange.collection import AnkiNote, Answered
from kb.log import Details
from kb.log_faults import CLOCKS_DIFFER
from kb.plaintext import plain
from kb.questions import LANGUAGES
from kb.rating import Rating
from kb.scheduling import Review

ORIGIN = "anki"  # of imported reviews, so that `kb undo` takes back none of them
FIRST_ANSWER = datetime(2006, 1, 1, tzinfo=UTC)  # Anki is of that year
_FILTERED, _MOVED = 3, (4, 5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # of the year 9999
_SILENT = re.compile(r"[\s?？!！.。:：]+")


class Skipped(StrEnum):
    """Why a row of Anki's log is no review of ours."""

    FILTERED = "answers in filtered decks"
    MOVED = "cards moved by hand"
    TOO_EARLY = "dated before 2006"
    CARD = "answers to further cards of a note"


@dataclass(frozen=True)
class Match:
    """The question of a note, and the revision of it that the note has; `exact` where the note came from us."""

    slug: str
    revision: int
    exact: bool


@dataclass(frozen=True)
class Given:
    """An answer given in Anki to one of our questions."""

    review_id: str
    match: Match
    rating: Rating
    at: datetime
    duration_ms: int | None


class Ours:
    """Which notes are questions of ours: those that we exported, in any language, and those that ask the same."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._guids = {
            genanki.guid_for(slug, language): question.slug
            for question in bank.questions.values()
            for slug in (*question.formerly, question.slug)
            for language in LANGUAGES
        }
        titles: dict[str, set[str]] = {}
        for question in bank.questions.values():
            for text in question.texts.values():
                titles.setdefault(_normal(text.title), set()).add(question.slug)
        self._titles = {title: slugs.pop() for title, slugs in titles.items() if title and len(slugs) == 1}

    def exported(self, note: AnkiNote) -> Match | None:
        """The question that this note was made of."""
        slug = self._guids.get(note.guid)
        if slug is None:
            return None
        present = self._bank.questions[slug].revision
        numbers = [tag.removeprefix(REVISION_TAG) for tag in note.tags if tag.startswith(REVISION_TAG)]
        revision = min((int(number) for number in numbers if number.isdecimal()), default=1)
        return Match(slug, min(max(revision, 1), present), exact=True)

    def asking(self, title: str) -> Match | None:
        """The one question with this title, in whichever language, but for case, spaces and the last mark."""
        slug = self._titles.get(_normal(title))
        return None if slug is None else Match(slug, self._bank.questions[slug].revision, exact=False)


def given(
    rows: Iterable[Answered], matches: Mapping[int, Match], now: datetime, path: Path, skipped: Counter[Skipped]
) -> Iterator[Given]:
    """The answers of these rows; those that are none are counted in `skipped`. `matches` are the questions of the cards.

    Raises: UsageError for an answer dated in the future, or with a rating that Anki has no button for.
    """
    latest = now.astimezone(UTC) + CLOCKS_DIFFER
    for row in rows:
        if row.kind in _MOVED or row.ease == 0:
            skipped[Skipped.MOVED] += 1
            continue
        if not 1 <= row.ease <= 4:
            raise UsageError(
                f"{path}: review {row.row_id}: expected a rating from 1 to 4; found {row.ease}, so nothing was imported."
            )
        at = _EPOCH + timedelta(milliseconds=min(max(row.row_id, 0), _LAST_MS))
        if at > latest:
            raise UsageError(
                f"{path}: review {row.row_id}: expected a time that is past; found {at:%Y-%m-%d %H:%M} UTC, so nothing was"
                " imported. See that the clock is right here, or export from Anki without scheduling, for the questions alone."
            )
        if row.kind == _FILTERED:
            skipped[Skipped.FILTERED] += 1
        elif at < FIRST_ANSWER:
            skipped[Skipped.TOO_EARLY] += 1
        else:
            duration_ms = row.duration_ms if 0 < row.duration_ms < 10**9 else None
            review_id = f"anki-{row.row_id}-{row.card_id}"
            yield Given(review_id, matches[row.card_id], Rating(row.ease), at, duration_ms)


def add(desk: Desk, answers: Iterable[Given]) -> tuple[int, int]:
    """How many of the answers were new to the log, and how many it had already; the cards of the new ones are made anew."""
    added = known = 0
    changed: set[str] = set()
    for each in answers:
        if desk.log.find(each.review_id) is not None:
            known += 1
            continue
        review = Review(each.rating, each.at, desk.days.day(each.at), each.at, each.match.revision)
        desk.log.add_review(each.review_id, each.match.slug, review, Details(duration_ms=each.duration_ms), ORIGIN)
        changed.add(each.match.slug)
        added += 1
    for slug in sorted(changed):
        desk.cards.refold(slug, desk.scheduler)
    return added, known


def _normal(title: str) -> str:
    return _SILENT.sub("", unicodedata.normalize("NFKC", plain(title)).casefold())
