"""Looks for every kind of fault in the learner's database, counts them, and makes anew what is a fold of the log.

The log itself is never changed: what is wrong there is counted, and a backup is the remedy.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter

from kb.bank import Bank
from kb.choosing import Fold, course_of
from kb.errors import CorruptDatabaseError, StoreUnavailableError
from kb.log import Log
from kb.log_faults import LogFault, log_faults
from kb.scheduling import Card
from kb.store import Store, Transaction

HARMLESS = frozenset({"stale_cards", "answers_to_unknown_questions"})  # a change of scheduler, a question taken out
REPAIRABLE = frozenset({"missing_triggers", "wrong_cards", "stale_cards"})
FOLDED_FROM = (LogFault.RATINGS, LogFault.REVIEWS, LogFault.EVENTS)  # with these the log gives no cards to compare with
KINDS = (
    "integrity",
    "foreign_keys",
    "missing_triggers",
    *(str(kind) for kind in LogFault),
    "wrong_cards",
    "stale_cards",
    "answers_to_unknown_questions",
)


@dataclass(frozen=True)
class Report:
    """How many answers stand, and how often each kind of fault was found.

    `damage` is what stopped the search in a file that cannot be read.
    """

    answers: int
    counts: Mapping[str, int]
    damage: CorruptDatabaseError | None = None

    @property
    def wrong(self) -> list[str]:
        """The kinds of fault found that do harm."""
        return [kind for kind, count in self.counts.items() if count and kind not in HARMLESS]

    @property
    def sound(self) -> bool:
        """Whether nothing does harm."""
        return not self.wrong

    @property
    def repairable(self) -> list[str]:
        """The kinds found that can be repaired; none while the log or the file itself is at fault."""
        beyond = {"integrity", *FOLDED_FROM}
        if any(self.counts[kind] for kind in beyond):
            return []
        return [kind for kind, count in self.counts.items() if count and kind in REPAIRABLE]


def examine(bank: Bank, store: Store, now: datetime) -> Report:
    """What is wrong with the database; looking changes nothing in it."""
    counts = dict.fromkeys(KINDS, 0)
    if not store.path.exists():
        raise StoreUnavailableError(f"{store.path}: expected a database to examine; found no file.")
    try:
        with store.reading() as transaction:
            answers = _examine(transaction, bank, now, counts)
    except CorruptDatabaseError as error:
        return _stopped(counts, error)
    except sqlite3.OperationalError as error:
        return _stopped(counts, CorruptDatabaseError(f"{store.path}: a table is missing or different ({error})."))
    return Report(answers, counts)


def _stopped(counts: Mapping[str, int], error: CorruptDatabaseError) -> Report:
    """The report on a file in which the search came to an end."""
    return Report(0, {**counts, "integrity": max(counts["integrity"], 1)}, error)


def repair(bank: Bank, store: Store) -> None:
    """Makes anew the triggers, views and indexes that are missing or different, and every card, in one transaction."""
    with store.writing() as transaction:
        present = _schema(transaction.log)
        for (kind, name), statement in _expected_schema().items():
            if present.get((kind, name)) != statement:
                transaction.log.execute_schema(f"DROP {kind} IF EXISTS {name}")
                transaction.log.execute_schema(statement)
        Fold(transaction, course_of(bank)).rebuild()


def _examine(transaction: Transaction, bank: Bank, now: datetime, counts: dict[str, int]) -> int:
    """How many answers there are, after counting every fault."""
    log = transaction.log
    counts["integrity"] = sum(line != "ok" for (line,) in log.raw("PRAGMA integrity_check"))
    counts["foreign_keys"] = sum(1 for _row in log.raw("PRAGMA foreign_key_check"))
    present = _schema(log)
    counts["missing_triggers"] = sum(present.get(key) != statement for key, statement in _expected_schema().items())
    counts.update({str(kind): count for kind, count in log_faults(log, now).items()})
    by_question = dict(log.raw("SELECT question, count(*) FROM reviews WHERE kind = 'review' GROUP BY question"))
    answers = sum(by_question.values())
    if ("VIEW", "answers") in present and not any(counts[kind] for kind in FOLDED_FROM):
        fold = Fold(transaction, course_of(bank))
        (answers,) = next(log.raw("SELECT count(*) FROM answers WHERE kind = 'review'"))
        known = {*bank.questions, *bank.broken}
        counts["answers_to_unknown_questions"] = sum(
            count for question, count in by_question.items() if fold.present_slug(question) not in known
        )
        if fold.is_current():
            counts["wrong_cards"] = _wrong_cards(fold)
        else:
            (counts["stale_cards"],) = next(log.raw("SELECT count(*) FROM cards"))
    return answers


def _wrong_cards(fold: Fold) -> int:
    """How many questions have another card than their reviews add up to, one too many, or none."""
    present = {card.question: card for card in fold.cards.all()}
    renamed = set(fold.aliases.values())
    former = renamed.union(fold.aliases)
    expected: dict[str, Card | None] = {
        question: fold.scheduler.fold(question, (review for _, review in group))
        for question, group in groupby(fold.log.all_reviews(), key=itemgetter(0))
        if question not in former
    }
    for question in renamed:
        names = [question, *(old for old, new in fold.aliases.items() if new == question)]
        expected[question] = fold.scheduler.fold(question, fold.log.reviews(names))
    return sum(present.get(question) != expected.get(question) for question in {*present, *expected})


def _schema(log: Log) -> dict[tuple[str, str], str]:
    """The statements that made the triggers, views and indexes, by kind and name."""
    rows = log.raw("SELECT upper(type), name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL")
    return {(kind, name): sql for kind, name, sql in rows}


@cache
def _expected_schema() -> dict[tuple[str, str], str]:
    """The same in a database made now."""
    from sqlite_utils import Database

    from kb.migrations import migrations

    database = Database(memory=True)
    try:
        migrations.apply(database)
        return _schema(Log(database.conn))
    finally:
        database.close()
