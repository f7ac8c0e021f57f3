"""Leeches: a question that slips again and again is put aside, and said so."""

import pytest
from small_bank import NOON, bank_of, question
from studying import BANK, DAY, answer, asked, learn

from kb import marks, study
from kb.marks import Marks
from kb.rating import Rating
from kb.store import Store


def slip(store: Store, times: int, start: int = 0) -> list[bool]:
    """Whether each of so many lapses made the question a leech; it is brought back each time."""
    found = []
    for lapse in range(start, start + times):
        at = NOON + 60 * lapse * DAY
        learn(store, "a", at)
        found.append(answer(store, "a", Rating.Again, at + 30 * DAY).leech)
        marks.unsuspend(BANK, store, "a", at + 30 * DAY)
    return found


@pytest.mark.parametrize(
    ("limit", "leeches"),
    [(0, []), (1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]), (3, [3, 5, 7, 9, 11, 13]), (8, [8, 12])],
)
def test_a_question_becomes_a_leech_at_the_limit_and_at_every_half_of_it_after(store, limit, leeches):
    study.set_setting(store, "leech_lapses", limit, NOON)
    assert [count for count, leech in enumerate(slip(store, 13), 1) if leech] == leeches


def test_a_leech_is_suspended_and_says_why(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    assert answer(store, "a", Rating.Again, NOON + 30 * DAY).leech
    assert marks.marks(BANK, store, NOON) == {"a": Marks(suspended=True, reason=marks.LEECH)}
    assert "a" not in study.due(BANK, store, NOON + 90 * DAY).next


def test_only_a_lapse_counts_and_not_a_step_that_failed(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    assert not any(answer(store, "a", Rating.Again, NOON).leech for _ in range(5))


def test_an_answer_stored_twice_says_the_same(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    attempt = study.start_attempt(BANK.question("a"), NOON + 30 * DAY)
    given = [study.submit(BANK, store, attempt, Rating.Again, NOON + 30 * DAY) for _ in range(2)]
    assert [(each.leech, each.duplicate) for each in given] == [(True, False), (True, True)]


def test_undoing_the_answer_brings_the_question_back(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    answer(store, "a", Rating.Again, NOON + 30 * DAY)
    study.undo(store, NOON + 30 * DAY)
    assert marks.marks(BANK, store, NOON + 30 * DAY) == {}
    assert asked(BANK, store, NOON + 30 * DAY, skip=tuple("bcdef")) == "a"
    assert answer(store, "a", Rating.Again, NOON + 30 * DAY).leech


def test_undoing_the_answer_leaves_what_the_learner_decided_after_it(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    answer(store, "a", Rating.Again, NOON + 30 * DAY)
    marks.suspend(BANK, store, "a", NOON + 30 * DAY, reason="mine")
    study.undo(store, NOON + 30 * DAY)
    assert marks.marks(BANK, store, NOON) == {"a": Marks(suspended=True, reason="mine")}


def test_a_question_that_the_learner_put_aside_keeps_the_learners_reason(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    marks.suspend(BANK, store, "a", NOON, reason="mine")
    assert not answer(store, "a", Rating.Again, NOON + 30 * DAY).leech
    study.undo(store, NOON + 30 * DAY)
    assert marks.marks(BANK, store, NOON)["a"].reason == "mine"


def test_undo_finds_the_leech_under_its_new_name(store):
    study.set_setting(store, "leech_lapses", 1, NOON)
    learn(store, "a")
    answer(store, "a", Rating.Again, NOON + 30 * DAY)
    renamed = bank_of(question("z", formerly=("a",)))
    assert marks.marks(renamed, store, NOON)["z"].suspended
    study.undo(store, NOON + 30 * DAY)
    assert marks.marks(renamed, store, NOON) == {}
