"""What the answers say of each question, each point of the syllabus and each week."""

from datetime import timedelta
from pathlib import Path

import pytest
from small_bank import NOON, bank_of, question

from kb import history, study
from kb.bank import Bank
from kb.history import Standing
from kb.rating import Rating
from kb.store import Store
from kb.syllabus import Point, Syllabus, Topic

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "progress.db")


def answered(bank: Bank, store: Store, slug: str, rating: Rating, after: timedelta = timedelta()) -> None:
    at = NOON + after
    study.submit(bank, store, study.start_attempt(bank.questions[slug], at), rating, at)


def test_a_question_never_answered_is_new(store: Store) -> None:
    bank = bank_of(question("one"))
    memory = history.memories(bank, store, NOON)["one"]
    assert memory.standings == {Standing.NEW}
    assert (memory.reviews, memory.recall, memory.due) == (0, 0.0, None)


def test_a_question_answered_again_is_failed_and_counts_as_not_recalled(store: Store) -> None:
    bank = bank_of(question("one"), question("two"))
    answered(bank, store, "one", Rating.Again)
    answered(bank, store, "two", Rating.Easy)
    found = history.memories(bank, store, NOON + timedelta(minutes=30))
    assert found["one"].standings == {Standing.FAILED, Standing.DUE}
    assert found["one"].recall == 0.0
    assert found["two"].standings == {Standing.KNOWN}
    assert found["two"].recall > 0.9


def test_a_question_whose_day_has_come_is_due(store: Store) -> None:
    bank = bank_of(question("one"))
    answered(bank, store, "one", Rating.Easy)
    assert history.memories(bank, store, NOON + 60 * DAY)["one"].standings == {Standing.DUE}


def test_answers_come_latest_first_and_survive_a_rename(store: Store) -> None:
    before = bank_of(question("old"))
    answered(before, store, "old", Rating.Again)
    answered(before, store, "old", Rating.Good, DAY)
    bank = bank_of(question("new", formerly=("old",)))
    found = history.answers(bank, store, "new", NOON + 2 * DAY)
    assert [answer.rating for answer in found] == [Rating.Good, Rating.Again]
    assert history.answers(bank, store, "never", NOON) == ()


def test_mastery_of_a_topic_is_the_mean_over_its_points(store: Store) -> None:
    points = tuple(Point(name, {"en": name, "zh": name}) for name in ("p-one", "p-two", "p-three"))
    questions = (question("one", covers=("p-one",)), question("two", covers=("p-one", "p-two")))
    syllabus = Syllabus((Topic("attention", {"en": "Attention", "zh": "注意力"}, points),))
    bank = Bank({each.slug: each for each in questions}, syllabus, (), Path("content"))
    answered(bank, store, "one", Rating.Easy)
    remembered = history.memories(bank, store, NOON)
    (topic,) = history.syllabus_mastery(bank, remembered)
    half = remembered["one"].recall / 2
    assert [point.mastery for point in topic.points] == pytest.approx([half, 0, 0])
    assert [(point.questions, point.seen) for point in topic.points] == [(2, 1), (1, 0), (0, 0)]
    assert topic.unseen == 2
    assert topic.mastery == pytest.approx(half / 3)


def test_the_hardest_are_those_that_slipped(store: Store) -> None:
    bank = bank_of(question("steady"), question("slipped"), question("failed"), question("new"))
    answered(bank, store, "steady", Rating.Easy)
    answered(bank, store, "slipped", Rating.Easy)
    answered(bank, store, "slipped", Rating.Again, 20 * DAY)
    answered(bank, store, "failed", Rating.Again, 20 * DAY)
    found = history.hardest(history.memories(bank, store, NOON + 20 * DAY))
    assert [memory.question for memory in found] == ["slipped", "failed"]
    assert history.hardest(history.memories(bank, store, NOON + 20 * DAY), limit=1) == found[:1]


def test_a_week_counts_first_recalls_of_a_day_and_not_first_sights(store: Store) -> None:
    bank = bank_of(question("one"), question("two"))
    answered(bank, store, "one", Rating.Good)
    answered(bank, store, "two", Rating.Good)
    answered(bank, store, "one", Rating.Again, 10 * DAY)
    answered(bank, store, "one", Rating.Good, 10 * DAY + timedelta(minutes=20))
    answered(bank, store, "two", Rating.Good, 10 * DAY)
    weeks = history.weekly_recall(bank, store, NOON + 14 * DAY)
    assert len(weeks) == history.WEEKS
    assert [(week.recalls, week.recalled) for week in weeks[-2:]] == [(0, 0), (2, 1)]
    assert sum(week.recalls for week in weeks) == 2
    assert weeks[-1].first + 6 * DAY == study.settings(store).days.day(NOON + 14 * DAY)
