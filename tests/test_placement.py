"""Placement: which questions the quiz asks, and what it lets the learner skip."""

from dataclasses import replace
from datetime import timedelta

import pytest
from small_bank import NOON, bank_of, numeric_question, question
from studying import DAY, answer

from kb import study
from kb.bank import load_bank
from kb.choosing import Course
from kb.paths import content_path
from kb.placement import Answered, Quiz, begin_quiz
from kb.planning import Interview
from kb.questions import ClaimQuestion, OpenQuestion, Question, Source, Text


def of_kind(kind: type[Question], slug: str, topic: str = "attention", difficulty: int = 1, **keys) -> Question:
    texts = {"en": Text(title=f"About {slug}.", answer="So it is.", key_points=("one",))}
    fields = {"covers": (), "sources": (Source("A paper", 2017),), "texts": texts, **keys}
    return kind(slug=slug, topic=topic, difficulty=difficulty, **fields)


def claim(slug: str, topic: str = "attention", difficulty: int = 1, **keys) -> Question:
    return of_kind(ClaimQuestion, slug, topic, difficulty, verdict="false", **keys)


def ladder(topic: str, *, prefix: str = "") -> list[Question]:
    """Two questions of each difficulty from 1 to 5."""
    return [question(f"{prefix}{level}{letter}", topic, level) for level in range(1, 6) for letter in "ab"]


def quiz_on(*questions: Question, **keys) -> Quiz:
    course = Course(bank_of(*questions))
    return Quiz(course, course.topics, **keys)


def taken(quiz: Quiz, *answers: bool) -> list[str]:
    """The questions asked while these answers were given."""
    asked = []
    for correct in answers:
        slug = quiz.next()
        assert slug is not None
        asked.append(slug)
        quiz.answer(slug, correct)
    return asked


TWO = (*ladder("attention"), *ladder("masks", prefix="m"))


# What is asked


def test_a_topic_opens_in_the_middle_and_a_right_answer_is_followed_by_a_harder_question():
    quiz = quiz_on(*TWO)
    assert taken(quiz, True, True) == ["3a", "4a"]
    assert quiz.next() == "m3a"


def test_a_wrong_answer_leads_to_the_next_topic():
    assert taken(quiz_on(*TWO), False, False) == ["3a", "m3a"]


def test_right_and_wrong_is_settled_by_one_more_like_the_first():
    quiz = quiz_on(*TWO)
    assert taken(quiz, True, False, True) == ["3a", "4a", "3b"]
    assert quiz.next() == "m3a"


def test_a_topic_without_middle_questions_opens_one_lower_and_one_without_those_is_left_out():
    easier = quiz_on(question("2a", difficulty=2), question("m1", "masks", 1))
    assert taken(easier, True) == ["2a"]
    assert easier.next() is None


def test_where_nothing_is_harder_one_as_hard_follows():
    assert taken(quiz_on(question("3a", difficulty=3), question("3b", difficulty=3)), True, True) == ["3a", "3b"]


def test_only_what_is_graded_at_once_is_asked():
    kinds = (of_kind(OpenQuestion, "open", difficulty=3), numeric_question("drawn", difficulty=3))
    assert quiz_on(*kinds).next() is None
    fixed = replace(numeric_question("fixed", difficulty=3), demo=None, asks=None, vary={}, params={}, value=4)
    assert quiz_on(*kinds, fixed).next() == "fixed"


def test_a_claim_is_asked_only_where_there_is_no_choice_as_it_is_easily_guessed():
    assert quiz_on(claim("a", difficulty=3), question("b", difficulty=3)).next() == "b"
    assert quiz_on(claim("a", difficulty=3), question("b", difficulty=4)).next() == "a"


def test_the_question_that_most_in_its_topic_rests_on_is_asked_first():
    rests = (question("4a", difficulty=4, requires=("3b",)), question("4b", difficulty=4, requires=("4a",)))
    assert quiz_on(question("3a", difficulty=3), question("3b", difficulty=3), *rests).next() == "3b"


def test_what_was_answered_before_is_neither_asked_nor_skipped():
    quiz = quiz_on(*TWO, seen=frozenset({"3a", "1a"}))
    assert taken(quiz, True, True) == ["3b", "4a"]
    assert quiz.places()[0].skipped == ("1b", "2a", "2b")


def test_three_wrong_answers_in_a_row_end_the_quiz():
    quiz = quiz_on(*(question(f"{topic}{level}", topic, level) for topic in "abcde" for level in (2, 3)))
    quiz.topics = tuple("abcde")
    taken(quiz, False, False, False)
    assert quiz.next() is None
    assert not quiz.more()


def test_a_round_ends_at_its_limit_and_another_goes_on_where_it_stopped():
    quiz = quiz_on(*TWO, limit=2)
    taken(quiz, True, True)
    assert quiz.next() is None
    assert quiz.more()
    quiz.limit += 2
    assert taken(quiz, True, True) == ["m3a", "m4a"]
    assert not quiz.more()


def test_an_answer_to_a_question_answered_already_changes_nothing():
    quiz = quiz_on(*TWO)
    quiz.answer("3a", True)
    quiz.answer("3a", False)
    assert quiz.answers == [Answered("3a", True)]


# What is skipped


def test_two_right_answers_skip_the_easy_questions_and_nothing_harder():
    quiz = quiz_on(*TWO)
    taken(quiz, True, True)
    (place,) = quiz.places()
    assert (place.topic, place.right, place.skipped) == ("attention", 2, ("1a", "1b", "2a", "2b"))


def test_one_right_answer_skips_only_what_it_requires():
    chain = (
        question("1a"),
        question("1b"),
        question("2a", difficulty=2, requires=("1a",)),
        question("3a", difficulty=3, requires=("2a",)),
        question("4a", difficulty=4),
    )
    quiz = quiz_on(*chain)
    taken(quiz, True, False)
    assert quiz.places()[0].skipped == ("1a", "2a")


def test_a_requirement_in_another_topic_or_above_the_easy_ones_is_not_skipped():
    quiz = quiz_on(
        question("m1", "masks", 1),
        question("3b", difficulty=3),
        question("3a", difficulty=3, requires=("m1",)),
        question("4a", difficulty=4, requires=("3b",)),
    )
    quiz.answer("4a", True)
    quiz.answer("3a", True)
    assert quiz.places()[0].skipped == ()


def test_a_wrong_answer_skips_nothing():
    quiz = quiz_on(*TWO)
    taken(quiz, False)
    assert quiz.places()[0].skipped == ()


def test_an_open_question_is_never_skipped_as_to_recognise_is_less_than_to_tell():
    quiz = quiz_on(*TWO, of_kind(OpenQuestion, "1open"))
    taken(quiz, True, True)
    assert "1open" not in quiz.places()[0].skipped


def test_what_rests_on_a_question_answered_wrong_is_not_skipped():
    quiz = quiz_on(
        *TWO, question("2c", difficulty=2, requires=("m3a",)), question("2d", difficulty=2, requires=("2c",))
    )
    taken(quiz, True, True, False)
    assert quiz.places()[0].skipped == ("1a", "1b", "2a", "2b")


@pytest.mark.parametrize("limit", [1, 5, 12, 200])
def test_over_the_whole_bank_only_easy_questions_of_topics_with_a_right_answer_are_skipped(limit):
    bank = load_bank(content_path())
    course = Course(bank)
    quiz = Quiz(course, course.topics, limit=limit)
    for place in range(limit):
        slug = quiz.next()
        if slug is None:
            break
        quiz.answer(slug, place % 4 != 2)
    assert 0 < len(quiz.answers) <= limit
    for found in quiz.places():
        assert found.right or not found.skipped
        for slug in found.skipped:
            skipped = bank.questions[slug]
            assert (skipped.topic, skipped.difficulty <= 2, skipped.kind != "open") == (found.topic, True, True)


# Beginning one


def test_the_quiz_keeps_to_the_topics_of_the_interviews_ahead_and_to_what_is_unseen(store):
    bank = bank_of(*TWO)
    answer(store, "m3a", now=NOON - DAY, bank=bank)
    assert begin_quiz(bank, store, NOON).topics == ("attention", "masks")
    study.set_setting(store, "interviews", [Interview((NOON + 9 * DAY).date(), ("masks",))], NOON)
    quiz = begin_quiz(bank, store, NOON)
    assert (quiz.topics, quiz.seen, quiz.next()) == (("masks",), {"m3a"}, "m3b")


def test_what_is_skipped_counts_as_no_new_question_of_the_day_and_comes_back_for_a_check(store):
    bank = bank_of(*TWO)
    quiz = begin_quiz(bank, store, NOON)
    taken(quiz, True, True)
    before = study.due(bank, store, NOON)
    for slug in quiz.places()[0].skipped:
        known = study.know(bank, store, slug, NOON)
        assert timedelta(days=3) < known.due - NOON < timedelta(days=30)
    after = study.due(bank, store, NOON)
    assert after.new == before.new == 10
    assert not {"1a", "1b", "2a", "2b"} & set(after.next)
