"""The three that are measured: a bare SQLite floor, the real Anki, and Livecards, each with the same learner in it."""

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.review.generated import PATTERNS, bank_of, history, pattern
from kb import study
from kb.bank import Bank
from kb.questions import LANGUAGES, Question, Text
from kb.rating import Rating
from kb.search import index_of
from kb.store import Store

DAY_S = 86400


class Floor:
    """A bare sqlite3 with the durability of the others."""

    def __init__(self, folder: Path, made: list[Question], now: datetime) -> None:
        self.path, self.now, self.count = folder / "floor.db", now, 0
        self.open()
        execute = self.connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute(
            "CREATE TABLE reviews (id TEXT PRIMARY KEY, question TEXT, revision, rating, reviewed_at, day, duration_ms, answer,"
            " correct, device, seed)"
        )
        execute(
            "CREATE TABLE cards (question TEXT PRIMARY KEY, state, stability, difficulty, due, last, reviews, lapses)"
        )
        execute("CREATE INDEX cards_due ON cards (due)")
        execute("BEGIN")
        for number, question in enumerate(made):
            given, due = history(number)
            rows = [(f"{number * 7919 % len(made):032}{k}", question.slug, 1, rating, "2026-01-01T00:00:00.000000+00:00",
                     "2026-01-01", 6000, "[1]", 1, "cpu", 7) for k, (_, rating) in enumerate(given)]  # fmt: skip
            self.connection.executemany(f"INSERT INTO reviews VALUES ({', '.join('?' * 11)})", rows)
            execute("INSERT INTO cards VALUES (?, 'review', 20.0, 5.0, ?, 0, 10, 1)", [question.slug, due])
        execute("COMMIT")
        self.close()
        self.open()

    def open(self) -> None:
        """Opens the database."""
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def close(self) -> None:
        """Closes it."""
        self.connection.close()

    def answer(self) -> None:
        """The next card, and its answer."""
        execute, self.count = self.connection.execute, self.count + 1
        (question,) = execute("SELECT question FROM cards WHERE due <= 0 ORDER BY due LIMIT 1").fetchone()
        at = f"2026-03-02T12:00:00.{self.count:06}+00:00"
        execute("BEGIN IMMEDIATE")
        row = [os.urandom(16).hex(), question, 1, 3, at, at[:10], 3000, "[1]", 1, "cpu", 7]
        execute(f"INSERT INTO reviews VALUES ({', '.join('?' * 11)})", row)
        execute(
            "UPDATE cards SET state = 'review', stability = ?, difficulty = 5.0, due = ?, last = ?, reviews = 11"
            " WHERE question = ?",
            [30.0 + self.count, 30 + self.count % 9, self.count, question],
        )
        execute("COMMIT")

    def read_rows(self) -> None:
        """Reads every review, which a rebuild cannot do without."""
        for _ in self.connection.execute(
            "SELECT question, rating, reviewed_at, day FROM reviews ORDER BY question, rowid"
        ):
            pass


class Anki:
    """The real package."""

    def __init__(self, folder: Path, made: list[Question], now: datetime) -> None:
        from anki.collection import AddNoteRequest
        from anki.deck_config_pb2 import UpdateDeckConfigsRequest

        self.path = folder / "collection.anki2"
        self.open()
        collection = self.collection
        assert collection.db is not None
        assert collection.v3_scheduler()
        assert collection.db.scalar("PRAGMA synchronous") == 2
        assert collection.db.scalar("PRAGMA journal_mode") == "wal"
        kind = collection.models.by_name("Basic")
        assert kind is not None
        requests = []
        for question in made:
            note = collection.new_note(kind)
            note["Front"] = "<br>".join(question.text(language).title for language in LANGUAGES)
            note["Back"] = "<br>".join(_whole(question.text(language)) for language in LANGUAGES)
            requests.append(AddNoteRequest(note, collection.decks.get_current_id()))
        collection.add_notes(requests)
        cards = collection.db.list("SELECT id FROM cards ORDER BY id")
        today = collection.sched.today
        collection.close()
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:  # Anki's own way takes minutes
            connection.execute("BEGIN")
            self._fill(connection, cards, today, now)
            connection.execute("COMMIT")
        self.open()
        update = self.collection._backend.get_deck_configs_for_update(self.collection.decks.get_current_id())
        config = update.all_config[0].config
        config.config.reviews_per_day, config.config.new_per_day = 9999, 0
        self._request = UpdateDeckConfigsRequest(
            target_deck_id=self.collection.decks.get_current_id(), configs=[config], limits=update.current_deck.limits
        )
        self.fsrs(True)
        assert '"s":' in self.collection.db.scalar("SELECT data FROM cards WHERE type = 2 LIMIT 1")  # type: ignore[union-attr]

    def _fill(self, connection: sqlite3.Connection, cards: list[int], today: int, now: datetime) -> None:
        """Gives the cards their histories."""
        noon = int(now.timestamp())
        used: set[int] = set()
        for number, card in enumerate(cards):
            if number % 10 == 9:
                continue
            given, due = history(number)
            for k, (ago, rating) in enumerate(given):
                at = (noon - ago * DAY_S) * 1000 - number * 37 % 20_000_000
                while at in used:
                    at -= 1
                used.add(at)
                row = [at, card, -1, rating, 9, 9, 2500, 6000, 0 if k == 0 else 1]
                connection.execute("INSERT INTO revlog VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            interval = pattern(number % PATTERNS)[1]
            connection.execute(
                "UPDATE cards SET type = 2, queue = 2, due = ?, ivl = ?, factor = 2500, reps = 10, lapses = 1 WHERE id = ?",
                [today + due, interval, card],
            )

    def fsrs(self, on: bool) -> None:
        """Turns FSRS on or off; on, it computes the memory state of every card from its reviews."""
        self._request.fsrs = on
        self.collection._backend.update_deck_configs_raw(self._request.SerializeToString())

    def open(self) -> None:
        """Opens the collection."""
        from anki.collection import Collection

        self.collection = Collection(str(self.path))

    def close(self) -> None:
        """Closes it."""
        self.collection.close()

    def first(self) -> None:
        """The first card after opening."""
        assert self.collection.sched.get_queued_cards().cards

    def answer(self, shown: bool = False) -> None:
        """The next card, and its answer."""
        from anki.cards import Card

        scheduler = self.collection.sched
        queued = scheduler.get_queued_cards().cards[0]
        card = Card(self.collection, backend_card=queued.card)
        card.start_timer()
        if shown:
            assert all((card.question(), card.answer(), scheduler.describe_next_states(queued.states)))
        again = random.random() < 0.1
        scheduler.answer_card(scheduler.build_answer(card=card, states=queued.states, rating=0 if again else 2))

    def search(self, word: str) -> int:
        """How many notes hold the word."""
        return len(self.collection.find_notes(word))

    def statistics(self) -> None:
        """What the page of statistics is drawn from: the deck, the last year."""
        self.collection._backend.graphs(search="deck:current", days=365)


class Livecards:
    """Our own."""

    def __init__(self, folder: Path, made: list[Question], now: datetime) -> None:
        self.path, self.bank = folder / "progress.db", bank_of(made)
        self.open()
        with self.store.writing() as transaction:
            log = transaction.log
            origin = log.meta("origin")
            columns = (
                "id, kind, question, revision, rating, reviewed_at, ordered_at, day, duration_ms, answer, correct, device, seed,"
                " origin"
            )
            log._connection.executemany(
                f"INSERT INTO reviews ({columns}) VALUES ({', '.join('?' * 14)})", self._rows(made, now, origin)
            )
        started = time.perf_counter()
        self.rebuild()
        self.rebuilt_s = time.perf_counter() - started

    def _rows(self, made: list[Question], now: datetime, origin: str | None) -> Iterator[tuple[Any, ...]]:
        for number, question in enumerate(made):
            if number % 10 == 9:
                continue
            for ago, rating in history(number)[0]:
                at = now - timedelta(days=ago, milliseconds=number * 37 % 20_000_000)
                text = at.isoformat(timespec="microseconds")
                yield (os.urandom(16).hex(), "review", question.slug, 2, int(rating), text, text, text[:10], 6000, "[1]", 1,
                       "cpu", 7, origin)  # fmt: skip

    def open(self) -> None:
        """Opens the database, as far as one operation needs it."""
        self.store = Store(self.path, keep_open=True)
        study.settings(self.store)

    def close(self) -> None:
        """Closes it."""
        self.store.close()

    def first(self) -> None:
        """The first question after opening, by a program that has read the bank and nothing else."""
        bank = Bank(self.bank.questions, self.bank.syllabus, (), self.bank.root)
        assert study.next_attempt(bank, self.store, datetime.now(UTC))

    def answer(self, shown: bool = False) -> None:
        """The next question, and its answer."""
        attempt = study.next_attempt(self.bank, self.store, datetime.now(UTC))
        assert attempt is not None
        if shown:
            assert self.bank.question(attempt.question_id).text("en").answer
            assert study.preview(self.bank, self.store, attempt.question_id, datetime.now(UTC))
        rating = Rating.Again if random.random() < 0.1 else Rating.Good
        study.submit(
            self.bank,
            self.store,
            attempt,
            rating,
            datetime.now(UTC),
            answer=[1],
            correct=True,
            duration_s=3.0,
            device="cpu",
        )

    def search(self, word: str) -> int:
        """How many questions hold the word."""
        return len(index_of(self.bank).find(word))

    def statistics(self) -> None:
        """What the page of progress is drawn from."""
        study.progress(self.bank, self.store, datetime.now(UTC))

    def rebuild(self) -> None:
        """Makes every card anew from the log."""
        study.rebuild(self.bank, self.store)


def _whole(text: Text) -> str:
    return "<br>".join((*(choice.text for choice in text.choices), text.answer, *text.key_points))
