"""A short quiz that places the learner in each topic, so that what is known already need not be answered one by one.

A topic opens with a question of middle difficulty that much else in it rests on. A wrong answer leads to the next topic, a right
one to a harder question, and where that is wrong, to one more like the first: two right answers are hardly guessed.
What may be skipped is decided with care, since a guess can be right:
- one right answer skips what it requires, in its topic; two skip all that is easier than the harder of them;
- nothing above `MAX_SKIPPED`, and no open question: to recognise an answer is less than to give one;
- nothing that rests on a question answered wrong.
What is skipped comes back for a check (`study.know`), so a mistake costs days and not the interview.

Leaves out asking, and storing the answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kb.bank import Bank
from kb.choosing import Course, course_of, reading
from kb.questions import ChoiceQuestion, ClaimQuestion, NumericQuestion, OpenQuestion, Question
from kb.store import Store
from kb.towards import interviews_ahead

ROUND = 12  # questions, about three minutes
MIDDLE = 3
OPENING = (MIDDLE, MIDDLE - 1)
HARDEST = 4  # beyond it, a wrong answer says little of the basics
MAX_SKIPPED = 2
WRONG_IN_A_ROW = 3  # then the start is the right place, and more questions would only discourage


@dataclass(frozen=True)
class Answered:
    """A question of the quiz; "not sure" counts as wrong."""

    question: str
    correct: bool


@dataclass(frozen=True)
class Place:
    """Where the learner stands in a topic: what was asked, and the questions that may be skipped, in teaching order."""

    topic: str
    answers: tuple[Answered, ...]
    skipped: tuple[str, ...]

    @property
    def right(self) -> int:
        """How many answers were right."""
        return sum(each.correct for each in self.answers)


@dataclass
class Quiz:
    """The quiz as far as it has come: `topics` in the order to ask about them, `seen` is never asked and never skipped."""

    course: Course
    topics: tuple[str, ...]
    seen: frozenset[str] = frozenset()
    answers: list[Answered] = field(default_factory=list)
    limit: int = ROUND

    def next(self) -> str | None:
        """The question to ask now; None at the end."""
        return None if len(self.answers) >= self.limit or self._lost() else self._following()

    def more(self) -> bool:
        """Whether the quiz could go on with another round."""
        return not self._lost() and self._following() is not None

    def answer(self, question: str, correct: bool) -> None:
        """Notes an answer; a second one to the same question is ignored."""
        if all(each.question != question for each in self.answers):
            self.answers.append(Answered(question, correct))

    def places(self) -> tuple[Place, ...]:
        """The topics that were asked about, in the order of asking."""
        return tuple(Place(topic, found, self._skipped(topic, found)) for topic, found in self._by_topic().items())

    def _lost(self) -> bool:
        last = self.answers[-WRONG_IN_A_ROW:]
        return len(last) == WRONG_IN_A_ROW and not any(each.correct for each in last)

    def _following(self) -> str | None:
        """The question after those answered, however many they were."""
        asked = self._by_topic()
        if self.answers:
            topic = self.course.questions[self.answers[-1].question].topic
            another = self._another(topic, asked[topic])
            if another is not None:
                return another
        openings = (self._opening(topic) for topic in self.topics if topic not in asked)
        return next((slug for slug in openings if slug is not None), None)

    def _opening(self, topic: str) -> str | None:
        return self._best(topic, OPENING)

    def _another(self, topic: str, answers: Sequence[Answered]) -> str | None:
        """After a right answer a harder question, or one as hard where there is none; after right and wrong one as the first."""
        first = self.course.questions[answers[0].question].difficulty
        match [each.correct for each in answers]:
            case [True]:
                return self._best(topic, (*range(first + 1, HARDEST + 1), first))
            case [True, False]:
                return self._best(topic, (first,))
        return None

    def _askable(self, topic: str) -> Iterator[Question]:
        """The questions of the topic that are graded at once, without a demo."""
        taken = self.seen.union(each.question for each in self.answers)
        for slug in self.course.slugs(topic):
            question = self.course.questions[slug]
            quick = isinstance(question, ChoiceQuestion | ClaimQuestion) or (
                isinstance(question, NumericQuestion) and not question.generated
            )
            if quick and slug not in taken:
                yield question

    def _best(self, topic: str, levels: Sequence[int]) -> str | None:
        """Of the first level that has any: a choice, as a claim is easily guessed; what most rests on; what is short to read."""
        found = min(
            (each for each in self._askable(topic) if each.difficulty in levels),
            key=lambda each: (
                levels.index(each.difficulty),
                isinstance(each, ClaimQuestion),
                -self._ties(each),
                _length(each),
                each.slug,
            ),
            default=None,
        )
        return None if found is None else found.slug

    def _ties(self, question: Question) -> int:
        """How many questions of its topic rest on it or it rests on."""
        behind = self._behind(question.slug)
        return sum(slug in behind or question.slug in self._behind(slug) for slug in self.course.slugs(question.topic))

    def _by_topic(self) -> dict[str, tuple[Answered, ...]]:
        found: dict[str, tuple[Answered, ...]] = {}
        for each in self.answers:
            topic = self.course.questions[each.question].topic
            found[topic] = (*found.get(topic, ()), each)
        return found

    def _skipped(self, topic: str, answers: Sequence[Answered]) -> tuple[str, ...]:
        right = [each.question for each in answers if each.correct]
        known = {required for slug in right for required in self._behind(slug)}
        if len(right) > 1:
            hardest = max(self.course.questions[slug].difficulty for slug in right)
            known |= {slug for slug in self.course.slugs(topic) if self.course.questions[slug].difficulty < hardest}
        wrong = {each.question for each in self.answers if not each.correct}
        asked = {each.question for each in self.answers}
        return tuple(
            slug
            for slug in self.course.slugs(topic)
            if slug in known
            and slug not in self.seen | asked
            and self.course.questions[slug].difficulty <= MAX_SKIPPED
            and not isinstance(self.course.questions[slug], OpenQuestion)
            and not wrong & self._behind(slug)
        )

    def _behind(self, slug: str) -> set[str]:
        """All that the question requires, and what that requires."""
        found: set[str] = set()
        ahead = [slug]
        while ahead:
            for required in self.course.requirements(ahead.pop()):
                if required.slug not in found:
                    found.add(required.slug)
                    ahead.append(required.slug)
        return found


def begin_quiz(bank: Bank, store: Store, now: datetime) -> Quiz:
    """A quiz on the topics that the interviews ahead ask about, or on all; never about what the learner has answered before."""
    course = course_of(bank)
    with reading(bank, store, now) as desk:
        interviews = interviews_ahead(desk, course)
        seen = frozenset({card.question for card in desk.cards.all()} | desk.log.suspended())
    topics = tuple(
        topic for topic in course.topics if not interviews or any(interview.covers(topic) for interview in interviews)
    )
    return Quiz(course, topics, seen)


def _length(question: Question) -> int:
    """How much there is to read before answering."""
    text = question.text("en")
    return len(text.title) + len(text.stem) + sum(len(choice.text) for choice in text.choices)
