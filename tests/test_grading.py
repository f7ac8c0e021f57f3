"""kb.grading: what an answer of each kind is worth, and the rating it proposes."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import AnswerError
from kb.grading import Grade, Prediction, grade, judge_prediction, numeric_truth
from kb.questions import (
    Choice,
    ChoiceQuestion,
    ClaimQuestion,
    MultipleQuestion,
    NumericQuestion,
    OpenQuestion,
    Predict,
    Source,
    Text,
    Verdict,
)
from kb.rating import Rating

COMMON = {"slug": "q", "topic": "attention", "difficulty": 2, "covers": ("attn-what",), "sources": (Source("A", 2017),)}
RIGHT, WRONG = Grade(True, 1.0, Rating.Good), Grade(False, 0.0, Rating.Again)


def choices(*correct: bool) -> dict[str, Text]:
    return {
        "en": Text("Which?", choices=tuple(Choice(f"choice {place}", right) for place, right in enumerate(correct)))
    }


CHOICE = ChoiceQuestion(texts=choices(False, True, False), **COMMON)
MULTIPLE = MultipleQuestion(texts=choices(True, True, False, False), **COMMON)
OPEN = OpenQuestion(texts={"en": Text("Why?", key_points=("a", "b", "c", "d", "e"))}, **COMMON)
NUMERIC = NumericQuestion(texts={"en": Text("How many?")}, value=1048576, unit="weights", **COMMON)
CACHE = NumericQuestion(
    texts={"en": Text("How large?")}, demo="kv_cache_bytes", asks="cache_bytes", unit="GiB", tolerance=0.01, **COMMON
)


@pytest.mark.parametrize(("answer", "expected"), [(1, RIGHT), (0, WRONG), (2, WRONG), ([1], RIGHT)])
def test_the_one_right_choice_is_right(answer: int | list[int], expected: Grade) -> None:
    assert grade(CHOICE, answer) == expected


@pytest.mark.parametrize(("shown_at", "expected"), [(0, WRONG), (1, WRONG), (2, RIGHT)])
def test_a_choice_is_named_by_the_place_where_it_was_shown(shown_at: int, expected: Grade) -> None:
    assert grade(CHOICE, shown_at, order=(2, 0, 1)) == expected


@pytest.mark.parametrize(
    ("ticked", "expected"),
    [
        ({0, 1}, RIGHT),
        ({0}, Grade(False, 0.75, Rating.Again)),
        ({0, 1, 2}, Grade(False, 0.75, Rating.Again)),
        (set(), Grade(False, 0.5, Rating.Again)),
        ({2, 3}, WRONG),
    ],
)
def test_several_choices_count_only_when_each_is_judged_rightly(ticked: set[int], expected: Grade) -> None:
    assert grade(MULTIPLE, ticked) == expected


@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_the_order_in_which_choices_are_shown_changes_nothing(order: Sequence[int], ticked: set[int]) -> None:
    shown = {order.index(place) for place in ticked}
    assert grade(MULTIPLE, shown, order=order) == grade(MULTIPLE, ticked)


@pytest.mark.parametrize("answer", [3, -1, True, "1", [0, 1], []])
def test_a_choice_that_is_not_there_is_an_error(answer: int | str | Collection[int]) -> None:
    with pytest.raises(AnswerError):
        grade(CHOICE, answer)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("1,048,576", RIGHT), ("2^20", RIGHT), ("1048576 weights", RIGHT), ("1048577", WRONG), ("1M", WRONG)],
)
def test_a_number_without_tolerance_must_be_exact(typed: str, expected: Grade) -> None:
    assert grade(NUMERIC, typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"), [("4", RIGHT), ("4.03", RIGHT), ("4 GiB", RIGHT), ("4096 MiB", RIGHT), ("4 GB", WRONG)]
)
def test_the_field_of_the_demo_is_counted_in_the_unit_of_the_question(typed: str, expected: Grade) -> None:
    assert grade(CACHE, typed, truth=2**32) == expected


@pytest.mark.parametrize("field", [None, "NaN", True])
def test_a_generated_question_needs_the_result_of_its_demo(field: float | None) -> None:
    with pytest.raises(AnswerError, match="expected the number that kv_cache_bytes computes"):
        numeric_truth(CACHE, field)


def test_a_number_that_cannot_be_read_is_an_error_and_not_a_wrong_answer() -> None:
    with pytest.raises(AnswerError, match="expected a number such as"):
        grade(NUMERIC, "about a million")


@pytest.mark.parametrize("verdict", ["true", "false", "depends"])
@pytest.mark.parametrize("answer", ["true", "false", "depends", " True ", False])
def test_a_claim_is_right_when_the_verdict_is_the_same(verdict: Verdict, answer: str | bool) -> None:
    claim = ClaimQuestion(texts={"en": Text("So it is.")}, verdict=verdict, **COMMON)
    assert grade(claim, answer) == (RIGHT if str(answer).strip().lower() == verdict else WRONG)


def test_a_verdict_that_is_none_of_the_three_is_an_error() -> None:
    claim = ClaimQuestion(texts={"en": Text("So it is.")}, verdict="true", **COMMON)
    with pytest.raises(AnswerError) as error:
        grade(claim, "maybe")
    assert str(error.value) == "expected one of true, false, depends; found 'maybe'."


@pytest.mark.parametrize(
    ("ticked", "expected"),
    [
        ([], Grade(False, 0.0, Rating.Again)),
        ([0, 1], Grade(False, 0.4, Rating.Again)),
        ([0, 1, 2], Grade(True, 0.6, Rating.Hard)),
        ([0, 1, 2, 4], Grade(True, 0.8, Rating.Good)),
        ([0, 1, 2, 3, 4], Grade(True, 1.0, Rating.Good)),
        ([0, 0, 0], Grade(False, 0.2, Rating.Again)),
    ],
)
def test_the_share_of_key_points_proposes_the_rating(ticked: list[int], expected: Grade) -> None:
    assert grade(OPEN, ticked) == expected


@pytest.mark.parametrize(("answer", "proposed"), [(1, Rating.Hard), (0, Rating.Again)])
def test_a_right_guess_is_hard_and_a_wrong_one_again(answer: int, proposed: Rating) -> None:
    assert grade(CHOICE, answer, confidence="guess").proposed == proposed


def test_a_prediction_is_compared_in_the_unit_asked_for() -> None:
    predict = Predict("softmax_saturation", "max_weight_unscaled", unit="%", tolerance=0.1)
    assert judge_prediction(predict, "95", 0.9222) == Prediction(True, 95, pytest.approx(92.22))
    assert judge_prediction(predict, "50 %", 0.9222) == Prediction(False, 50, pytest.approx(92.22))
