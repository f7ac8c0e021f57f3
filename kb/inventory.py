"""What the bank holds: questions by topic, kind, difficulty and language, figures, and the points still to be covered."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from kb.bank import Bank
from kb.check import uncovered
from kb.questions import KINDS


@dataclass(frozen=True)
class TopicCount:
    """One topic of the bank; `kinds` and `difficulties` count its questions, `links` the figures in its English texts."""

    topic: str
    title: str
    questions: int
    kinds: dict[str, int]
    difficulties: dict[int, int]
    chinese: int
    links: int
    points: int
    covered: int


@dataclass(frozen=True)
class Inventory:
    """The bank by topic, and the points of the syllabus that no question covers yet."""

    topics: tuple[TopicCount, ...]
    uncovered: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The form that `kb stats --bank --json` prints."""
        return {"topics": [vars(topic) for topic in self.topics], "uncovered": list(self.uncovered)}

    def to_markdown(self) -> str:
        """A table with a line for each topic that has questions, and the totals."""
        kinds = list(KINDS)
        lines = [
            f"| topic | questions | {' | '.join(kinds)} | difficulty 1–5 | figures | points covered |",
            "|---|" + "--:|" * (len(kinds) + 4),
        ]
        shown = [topic for topic in self.topics if topic.questions]
        lines += [_line(topic, topic.title, kinds) for topic in shown]
        lines.append(_line(_sum(self.topics), "**all**", kinds))
        return "\n".join(lines)


def inventory(bank: Bank) -> Inventory:
    """The counts of this bank."""
    missing = uncovered(bank)
    rows = []
    for topic in bank.syllabus.topics:
        questions = [question for question in bank.questions.values() if question.topic == topic.id]
        points = [point.id for point in topic.points]
        rows.append(
            TopicCount(
                topic=topic.id,
                title=topic.title["en"],
                questions=len(questions),
                kinds=dict(Counter(question.kind for question in questions)),
                difficulties=dict(Counter(question.difficulty for question in questions)),
                chinese=sum("zh" in question.texts for question in questions),
                links=sum(len(question.texts["en"].links) for question in questions),
                points=len(points),
                covered=sum(point not in missing for point in points),
            )
        )
    return Inventory(tuple(rows), missing)


def _sum(topics: tuple[TopicCount, ...]) -> TopicCount:
    kinds: Counter[str] = Counter()
    difficulties: Counter[int] = Counter()
    for topic in topics:
        kinds.update(topic.kinds)
        difficulties.update(topic.difficulties)
    totals = {
        name: sum(getattr(topic, name) for topic in topics)
        for name in ("questions", "chinese", "links", "points", "covered")
    }
    return TopicCount(topic="", title="", kinds=dict(kinds), difficulties=dict(difficulties), **totals)


def _line(count: TopicCount, title: str, kinds: list[str]) -> str:
    by_kind = " | ".join(str(count.kinds.get(kind, 0)) for kind in kinds)
    by_level = " ".join(str(count.difficulties.get(level, 0)) for level in range(1, 6))
    return (
        f"| {title} | {count.questions} | {by_kind} | {by_level} | {count.links} | {count.covered} of {count.points} |"
    )
