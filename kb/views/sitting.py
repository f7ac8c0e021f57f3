"""A sitting: the questions of one session in front of the learner, and what became of each. Leaves out drawing it.

The sitting is kept in this process under an id that stands in the address, so that a reload finds it as it was; after a restart
of the server the queue begins with the same question again. What was rated is in the store by then. An attempt is stored
under its own id, so that a double click, a second tab and the back button record nothing twice.
"""

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from demos import DemoError, Outcome
from demos._runner import Run
from kb import study
from kb.bank import Bank
from kb.errors import AnswerError, KbError
from kb.grading import Grade, Prediction, grade, judge_prediction, logged_answer, logged_prediction
from kb.questions import NumericQuestion, Question
from kb.rating import Rating
from kb.settings import Settings
from kb.store import Store
from kb.study import Attempt
from kb.views.evidence import Evidence, outcome_of, start

CONFIDENCES = ("guess", "likely", "certain")
KEPT = 256


@dataclass
class Turn:
    """One question put to the learner: what they said so far, and the run behind its answer.

    `answer` has the form that `kb.grading.grade` takes: places of options as shown, a number or a verdict as text, for an open
    question the places of the ticked key points; `committed_at` is set when it may no longer change (for open: when the
    answer is shown).
    """

    question: Question
    attempt: Attempt
    answer: Any = None
    written: str = ""
    predicted: str = ""
    confidence: str | None = None
    committed_at: datetime | None = None
    complaint: AnswerError | None = None
    evidence: Evidence | None = None
    run: Run | DemoError | None = None
    run_since: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        """The id under which the answer is stored."""
        return self.attempt.attempt_id

    def prepare(self, evidence: Evidence | None) -> None:
        """Starts the run behind the answer, again if it was started before."""
        self.evidence = evidence
        self.run = None if evidence is None else start(evidence)
        self.run_since = time.monotonic()

    @property
    def untouched(self) -> bool:
        """Whether the learner has said nothing yet."""
        return self.committed_at is None and not (self.answer or self.written or self.predicted or self.confidence)

    def toggle(self, place: int) -> None:
        """Ticks an option or a key point, or takes the tick back."""
        ticked = set(self.answer or ())
        self.answer = tuple(sorted(ticked ^ {place}))

    def commit(self, now: datetime) -> None:
        """Ends the part in which the answer can change, unless a number in it cannot be read."""
        if self.committed_at is not None:
            return
        try:
            if self.question.predict is not None and self.predicted:
                judge_prediction(self.question.predict, self.predicted, 0.0)
            if isinstance(self.question, NumericQuestion):
                grade(self.question, self.answer, truth=0.0)
        except AnswerError as error:
            self.complaint = error
            return
        self.complaint = None
        self.committed_at = now

    @property
    def outcome(self) -> Outcome | DemoError | None:
        """What the run behind the answer gave, or why it gave nothing; None while it goes on, and without one."""
        return outcome_of(self.run)

    @property
    def truth(self) -> Any:
        """The value of the field that the question asks about; None until the demo has given it."""
        outcome = self.outcome
        asked = self.evidence.asked if self.evidence else None
        return outcome.result.get(asked) if asked and isinstance(outcome, Outcome) else None

    def grade(self) -> Grade | None:
        """The grade of the answer; None while a generated question waits for its demo, or gets no number from it."""
        generated = isinstance(self.question, NumericQuestion) and self.question.generated
        if generated and not isinstance(self.truth, int | float):
            return None
        return grade(
            self.question,
            self.given,
            self.truth,
            self.attempt.order or None,
            "guess" if self.confidence == "guess" else "sure",
        )

    def prediction(self) -> Prediction | None:
        """The prediction beside the truth; None without a prediction and while there is no truth."""
        if self.question.predict is None or not self.predicted or not isinstance(self.truth, int | float):
            return None
        return judge_prediction(self.question.predict, self.predicted, self.truth)

    @property
    def given(self) -> Any:
        """The answer; no key points where none was ticked."""
        return () if self.answer is None else self.answer

    def leave(self) -> None:
        """Ends the run behind the question, which nobody waits for any more."""
        if isinstance(self.run, Run) and not self.run.done():
            self.run.cancel()


@dataclass(frozen=True)
class Rated:
    """A stored answer of this sitting, with the turn it ended; `leech` says that its question was put aside by it."""

    turn: Turn
    rating: Rating
    correct: bool | None
    at: datetime
    due: datetime
    leech: bool = False


@dataclass(frozen=True)
class Aside:
    """A question that a mark took out of a sitting after so many ratings; `review` is what "known" stored."""

    turn: Turn
    mark: str
    rated: int
    review: str | None = None


@dataclass(frozen=True)
class Length:
    """How long a sitting is: so many questions, or where `minutes` are given, until the first rating after them."""

    size: int
    minutes: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Length":
        """The length that the learner set."""
        return cls(settings.session_size, settings.session_minutes)


@dataclass
class Sitting:
    """The questions of one session; `turn` is the one in front of the learner, None when there is no other.

    With `beyond`, the limits of the day do not hold.
    """

    id: str
    length: Length
    topics: tuple[str, ...] = ()
    beyond: bool = False
    begun_at: datetime | None = None
    rated: list[Rated] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    turn: Turn | None = None
    left: int = 0
    unsaved: KbError | None = None
    undone_elsewhere: str | None = None

    @property
    def total(self) -> int:
        """How many questions it will have been, as far as known: an answer that slipped comes back and adds one."""
        return len(self.rated) + self.left

    def minutes_spent(self, now: datetime) -> float:
        """The minutes since its first question appeared."""
        return 0.0 if self.begun_at is None else max((now - self.begun_at).total_seconds() / 60, 0.0)

    def share_done(self, now: datetime) -> float:
        """How much of it is behind the learner, 0 to 1: of its minutes where it has any, else of its questions."""
        of_questions = len(self.rated) / max(self.total, 1)
        return min(of_questions if self.length.minutes is None else self.minutes_spent(now) / self.length.minutes, 1.0)

    def ask(self, bank: Bank, store: Store, slug: str, now: datetime) -> None:
        """Puts this question to the learner, whether it is due or not.

        Raises: UnknownQuestionError.
        """
        self.turn = Turn(bank.question(slug), study.attempt_at(bank, store, slug, now))
        self.left, self.begun_at = 1, now

    def advance(self, bank: Bank, store: Store, now: datetime) -> None:
        """Puts the next question to the learner, if there is one and the sitting is not over."""
        self.turn = None
        self.begun_at = self.begun_at or now
        places = max(0, self._places_left(now))
        self.left = len(study.due(bank, store, now, topics=self.topics, beyond=self.beyond, n=places).next)
        if self.left:
            attempt = study.next_attempt(bank, store, now, topics=self.topics, beyond=self.beyond)
            self.turn = None if attempt is None else Turn(bank.questions[attempt.question_id], attempt)

    def _places_left(self, now: datetime) -> int:
        """How many questions more fit into it; one by time has room for another until its minutes are over."""
        if self.length.minutes is None:
            return self.length.size - len(self.rated)
        return 1 if self.minutes_spent(now) < self.length.minutes else 0

    def follow(self, bank: Bank, now: datetime) -> None:
        """Brings the question in front of the learner up to date with its file; one that was answered stays as it was.

        Raises: UnknownQuestionError where its file is gone. One whose file broke stays, as its answer can be stored.
        """
        turn = self.turn
        if turn is None or turn.question.slug in bank.broken:
            return
        question = bank.question(turn.question.slug)
        if turn.untouched and question != turn.question:
            turn.leave()
            self.turn = Turn(question, study.start_attempt(question, now))

    def skip(self, bank: Bank, store: Store, now: datetime) -> None:
        """Goes on without an answer to the question in front of the learner."""
        if self.turn is not None:
            self.turn.leave()
        self.advance(bank, store, now)

    def end(self) -> None:
        """Puts no further question."""
        if self.turn is not None:
            self.turn.leave()
        self.turn, self.left = None, 0

    def rate(self, bank: Bank, store: Store, attempt_id: str, rating: Rating, now: datetime) -> None:
        """Stores the answer and goes on; where it could not be stored, `unsaved` says why and the question stays.

        A rating for another attempt than the one in front of the learner was pressed twice, and is ignored.
        """
        turn = self.turn
        if turn is None or turn.id != attempt_id or turn.committed_at is None:
            return
        graded = turn.grade()
        correct = None if graded is None else graded.correct
        seconds = max((turn.committed_at - turn.attempt.shown_at).total_seconds(), 0.0)
        outcome = turn.outcome
        try:
            reviewed = study.submit(
                bank,
                store,
                turn.attempt,
                rating,
                now,
                answer=logged_answer(turn.question, turn.given, turn.attempt.order, turn.written),
                correct=correct,
                prediction=logged_prediction(turn.predicted, turn.confidence, turn.prediction()),
                duration_s=seconds,
                device=outcome.device if isinstance(outcome, Outcome) else None,
            )
        except KbError as error:
            self.unsaved = error
            return
        self.unsaved = None
        self.rated.append(Rated(turn, reviewed.rating, correct, now, reviewed.due, reviewed.leech))
        turn.leave()
        self.advance(bank, store, now)

    def undo(self, store: Store, now: datetime) -> None:
        """Takes back the last rating and shows its question again, answered as it was.

        Where the last rating was given elsewhere, in another tab or a terminal, `undone_elsewhere` names its question.
        """
        undone = study.undo(store, now) if self.rated else None
        if undone is None:
            return
        last = self.rated[-1].turn
        if undone.review_id != last.id:
            self.undone_elsewhere = undone.question
            return
        self.rated.pop()
        self.turn, self.left = last, max(self.left, 1)
        again = study.start_attempt(last.question, now, seed=last.attempt.seed)
        last.attempt = replace(again, shown_at=last.attempt.shown_at)


class Sittings:
    """The sittings of this process, the ones used last; safe to share between the threads of sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Sitting] = OrderedDict()

    def find(self, sitting_id: str) -> Sitting | None:
        """The sitting with this id, if it is still known."""
        with self._lock:
            if sitting_id in self._kept:
                self._kept.move_to_end(sitting_id)
            return self._kept.get(sitting_id)

    def begin(
        self, length: Length, topics: Collection[str] = (), sitting_id: str | None = None, *, beyond: bool = False
    ) -> Sitting:
        """A new sitting without a question yet."""
        sitting = Sitting(sitting_id or uuid.uuid4().hex[:12], length, tuple(topics), beyond)
        with self._lock:
            self._kept[sitting.id] = sitting
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return sitting
