"""What an answer is worth: right or wrong, the share that was right, and the rating to propose. Pure.

Leaves out what the learner finally chooses: the grade only proposes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kb.errors import AnswerError
from kb.numbers import in_unit, read_number, within
from kb.questions import (
    VERDICTS,
    ChoiceQuestion,
    ClaimQuestion,
    MultipleQuestion,
    NumericQuestion,
    OpenQuestion,
    Predict,
    Question,
)
from kb.rating import Rating

Answer = int | str | bool | Collection[int]
Confidence = Literal["sure", "guess"]

HARD_FROM = 0.5
GOOD_FROM = 0.8


@dataclass(frozen=True)
class Grade:
    """`share` is 0 to 1: of the options judged rightly, of the key points ticked, else 0 or 1."""

    correct: bool
    share: float
    proposed: Rating


@dataclass(frozen=True)
class Prediction:
    """A predicted number beside the true one, both counted in the unit that was asked for."""

    close: bool
    given: float
    truth: float


def grade(
    question: Question,
    answer: Answer,
    truth: float | None = None,
    order: Sequence[int] | None = None,
    confidence: Confidence = "sure",
) -> Grade:
    """The grade of an answer.

    choice: the place of the chosen option; multiple: the places of all ticked ones; numeric: the number as typed;
    claim: the verdict; open: the places of the ticked key points. `order[place]` is the option shown at that place;
    without it options stand as in the file. `truth` is the field that the demo computed for a generated question, as
    the demo gave it; the unit of the question is applied here.
    Raises: AnswerError where the answer cannot be read.
    """
    if isinstance(question, OpenQuestion):
        return _open(question, _places(answer, len(question.text("en").key_points)))
    if isinstance(question, ChoiceQuestion):
        chosen = _places(answer, len(question.text("en").choices), order)
        if len(chosen) != 1:
            raise AnswerError(f"expected one choice; found {len(chosen)}.")
        return _grade(all(question.text("en").choices[place].correct for place in chosen), confidence)
    if isinstance(question, MultipleQuestion):
        choices = question.text("en").choices
        ticked = _places(answer, len(choices), order)
        right = sum(choice.correct == (place in ticked) for place, choice in enumerate(choices))
        return _grade(right == len(choices), confidence, share=right / len(choices))
    if isinstance(question, ClaimQuestion):
        verdict = str(answer).strip().lower()
        if verdict not in VERDICTS:
            raise AnswerError(f"expected one of {', '.join(VERDICTS)}; found '{answer}'.")
        return _grade(verdict == question.verdict, confidence)
    if isinstance(question, NumericQuestion):
        given = read_number(str(answer), question.unit)
        return _grade(within(given, numeric_truth(question, truth), question.tolerance), confidence)
    raise TypeError(f"no way to grade a question of kind {question.kind}")


def numeric_truth(question: NumericQuestion, field: float | None = None) -> float:
    """The right number in the question's unit: its fixed value, or what the demo gave for the field it asks.

    Raises: AnswerError where the demo has not been run, or gave no number.
    """
    if question.value is not None:
        return float(question.value)
    if isinstance(field, bool) or not isinstance(field, int | float):
        raise AnswerError(f"expected the number that {question.demo} computes; found {field!r}.")
    return in_unit(field, question.unit)


def judge_prediction(predict: Predict, typed: str, field: float) -> Prediction:
    """The predicted number beside what the demo gave for the field asked; predictions are never graded.

    Raises: AnswerError where the prediction cannot be read.
    """
    given, truth = read_number(typed, predict.unit), in_unit(field, predict.unit)
    return Prediction(within(given, truth, predict.tolerance), given, truth)


def logged_answer(question: Question, answer: Answer, order: Sequence[int] | None = None, written: str = "") -> Any:
    """An answer, in the form that `grade` takes, as the log keeps it: options by their place in the file.

    For an open question the text that was written and the places of the ticked key points.
    """
    if isinstance(question, OpenQuestion):
        return {"text": written, "points": sorted(_places(answer, len(question.text("en").key_points)))}
    if isinstance(question, ChoiceQuestion | MultipleQuestion):
        places = sorted(_places(answer, len(question.text("en").choices), order))
        return places[0] if isinstance(question, ChoiceQuestion) else places
    return answer


def logged_prediction(number: str, confidence: str | None, judged: Prediction | None = None) -> dict[str, Any] | None:
    """A predicted number as typed, whether it was close, and how sure the learner was, as the log keeps them.

    None where neither was given; without `close` where the prediction was not compared with a demo.
    """
    said = {"number": number, "confidence": confidence}
    kept: dict[str, Any] = {name: value for name, value in said.items() if value}
    if number and judged is not None:
        kept["close"] = judged.close
    return kept or None


def _grade(correct: bool, confidence: Confidence, share: float | None = None) -> Grade:
    proposed = Rating.Again if not correct else Rating.Hard if confidence == "guess" else Rating.Good
    return Grade(correct, float(correct) if share is None else share, proposed)


def _open(question: OpenQuestion, ticked: frozenset[int]) -> Grade:
    share = len(ticked) / len(question.text("en").key_points)
    proposed = Rating.Again if share < HARD_FROM else Rating.Hard if share < GOOD_FROM else Rating.Good
    return Grade(share >= HARD_FROM, share, proposed)


def _places(answer: Answer, count: int, order: Sequence[int] | None = None) -> frozenset[int]:
    """The options that an answer names, by their place in the file."""
    shown = [answer] if isinstance(answer, int | str) else list(answer)
    if any(isinstance(place, bool | str) or not 0 <= place < count for place in shown):
        raise AnswerError(f"expected places from 0 to {count - 1}; found {', '.join(map(str, shown))}.")
    return frozenset(place if order is None else order[place] for place in shown if isinstance(place, int))
