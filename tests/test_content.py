"""What the bank promises as a whole, checked on the real questions; the figures themselves are computed by `kb check --run`."""

from collections import Counter
from pathlib import Path

import pytest

import demos
from kb.bank import Bank, load_bank
from kb.check import check
from kb.questions import LANGUAGES, ChoiceQuestion, ClaimQuestion

CONTENT = Path(__file__).parents[1] / "content"


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load_bank(CONTENT)


def test_the_bank_has_no_problems(bank: Bank) -> None:
    specs, broken = demos.catalogue()
    assert broken == ()
    assert [str(problem) for problem in check(bank, specs)] == []


def test_every_question_speaks_both_languages_and_leads_on(bank: Bank) -> None:
    assert [slug for slug, question in bank.questions.items() if question.languages != LANGUAGES] == []
    assert [slug for slug, question in bank.questions.items() if not question.follow_ups] == []


def test_learning_begins_with_the_easiest_and_nothing_requires_something_harder(bank: Bank) -> None:
    questions = bank.questions
    assert {question.difficulty for question in questions.values() if not question.requires} == {1}
    harder = [
        (slug, required)
        for slug, question in questions.items()
        for required in question.requires
        if questions[required].difficulty > question.difficulty
    ]
    assert harder == []


def test_three_of_four_questions_are_tied_to_a_demo_and_every_demo_serves_one(bank: Bank) -> None:
    tied = [question for question in bank.questions.values() if question.demos]
    assert len(tied) >= 0.75 * len(bank.questions)
    assert set(demos.names()) == {name for question in tied for name in question.demos}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("pick", [max, min], ids=["longest", "shortest"])
def test_the_length_of_a_choice_gives_nothing_away(bank: Bank, language: str, pick: object) -> None:
    assert callable(pick)
    choices = [
        question.text(language).choices for question in bank.questions.values() if isinstance(question, ChoiceQuestion)
    ]
    right = sum(pick(each, key=lambda choice: len(choice.text)).correct for each in choices)
    assert right <= len(choices) / 3


def test_no_verdict_is_right_so_often_that_it_could_be_guessed(bank: Bank) -> None:
    verdicts = Counter(question.verdict for question in bank.questions.values() if isinstance(question, ClaimQuestion))
    assert set(verdicts) == {"true", "false", "depends"}
    assert max(verdicts.values()) <= 0.55 * verdicts.total()
