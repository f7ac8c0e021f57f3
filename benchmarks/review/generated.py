"""A generated bank of any size, and the histories of a learner of it: the same each time."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from kb.bank import Bank
from kb.questions import LANGUAGES, Choice, ChoiceQuestion, Question, Source, Text
from kb.rating import Rating
from kb.rendering import render
from kb.scheduling import Review, Scheduler
from kb.syllabus import Point, Syllabus, Topic

REVIEWS_EACH = 10
PATTERNS = 499  # different histories; a prime, so that they do not follow the other cycles
TOPICS = tuple(f"topic_{index}" for index in range(20))
RARE = {"en": "perplexity", "zh": "困惑度"}  # in one question of a thousand
COMMON = {"en": "attention", "zh": "注意力"}  # in nearly every one
VOCABULARY = {
    "en": [
        "the",
        "model",
        "learns",
        "attention",
        "gradient",
        "layer",
        "token",
        "cache",
        "memory",
        "scale",
        "batch",
        "weight",
    ],
    "zh": ["模型", "学习", "注意力", "梯度", "网络层", "词元", "缓存", "内存", "缩放", "批次", "权重", "的"],
}


def questions(count: int) -> Iterator[Question]:
    """Choice questions in both languages; some were revised, some renamed, and one in a thousand has a rare word."""
    for number in range(count):
        source = random.Random(number)
        texts = {}
        for language, words in VOCABULARY.items():
            join = " ".join if language == "en" else "".join
            said = [join(source.choices(words, k=12)) for _ in range(8)]
            title = f"{said[0]} {RARE[language] if number % 1000 == 7 else ''} {number}?"
            choices = tuple(Choice(each, index == 0) for index, each in enumerate(said[1:5]))
            texts[language] = Text(
                title=title, choices=choices, answer=f"{said[5]}, $d_{{{number}}}$.", key_points=(said[6],)
            )
        slug, topic = f"question-{number:06}", TOPICS[number % len(TOPICS)]
        yield ChoiceQuestion(
            slug=slug,
            topic=topic,
            path=f"content/{topic}/{slug}.md",
            difficulty=1 + number % 3,
            covers=(_point(number),),
            sources=(Source("A paper", 2017),),
            texts=texts,
            revision=2 if number % 100 == 3 else 1,
            changes={2: dict.fromkeys(LANGUAGES, "It says more.")} if number % 100 == 3 else {},
            formerly=(f"former-{number}",) if number % 100 == 5 else (),
        )


def _point(number: int) -> str:
    return f"point-{number % len(TOPICS)}-{number // (3 * len(TOPICS))}"


def syllabus_of(count: int) -> Syllabus:
    """The topics of so many questions, three of which touch the same point."""
    points: dict[str, dict[str, Point]] = {topic: {} for topic in TOPICS}
    for number in range(count):
        slug = _point(number)
        points[TOPICS[number % len(TOPICS)]][slug] = Point(slug, dict.fromkeys(LANGUAGES, slug))
    return Syllabus(tuple(Topic(each, dict.fromkeys(LANGUAGES, each), tuple(points[each].values())) for each in TOPICS))


def bank_of(made: list[Question]) -> Bank:
    """A bank of these questions, without files."""
    return Bank({each.slug: each for each in made}, syllabus_of(len(made)), (), Path("content"))


@cache
def pattern(number: int) -> tuple[tuple[tuple[int, Rating], ...], int]:
    """One history: the day and the rating of each review, and the interval after the last."""
    source = random.Random(number)
    scheduler, card, day, given = Scheduler(), None, 0, []
    start = datetime(2020, 1, 1, 12, tzinfo=UTC)
    for count in range(REVIEWS_EACH):
        last = count >= REVIEWS_EACH - 2  # a card on its steps would be due in minutes
        rating = Rating.Good if last else source.choices(list(Rating), (15, 10, 65, 10))[0]
        at = start + timedelta(days=day)
        card = scheduler.review(
            "q", card, Review(rating=rating, reviewed_at=at, day=at.date(), ordered_at=at, revision=2)
        )
        given.append((day, rating))
        ahead = 0 if card.due_on is None else (card.due_on - at.date()).days
        day += ahead if count < REVIEWS_EACH - 1 else 0
    return tuple(given), max(ahead, 1)


def history(number: int) -> tuple[list[tuple[int, Rating]], int]:
    """How many days ago this card had each of its reviews and how it was rated, and in how many days it comes back."""
    given, interval = pattern(number % PATTERNS)
    # whichever way a few days are added to the interval, so that not all come back together
    ago = interval + interval // 4 + 1 + number % 60 if number % 3 == 0 else 1 + number % max(3 * interval // 4, 1)
    last = given[-1][0]
    return [(ago + last - day, rating) for day, rating in given], interval - ago


def write_bank(folder: Path, count: int) -> None:
    """Writes a bank of so many questions as files."""
    for question in questions(count):
        (folder / question.topic).mkdir(parents=True, exist_ok=True)
        for language in LANGUAGES:
            (folder.parent / question.path_in(language)).write_text(render(question, language), encoding="utf-8")
    lines = ["topics:"]
    for topic in syllabus_of(count).topics:
        lines += [f"  - id: {topic.id}", f"    title: {_title(topic)}", "    points:"]
        for point in topic.points:
            lines += [f"      - id: {point.id}", f"        title: {_title(point)}"]
    (folder / "syllabus.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _title(of: Topic | Point) -> str:
    return f"{{en: {of.id}, zh: {of.id}}}"
