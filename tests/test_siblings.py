"""Siblings: what an answer of today gave away waits for another day, as long as there is anything else to ask."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from small_bank import NOON, bank_of, new_store, question, quick_folder
from studying import DAY, MINUTE, answer, asked, learn

from kb import study
from kb.bank import load_bank
from kb.rating import Rating
from kb.siblings import GivenAway
from kb.store import Store

FOLLOWED = bank_of(question("a", follow_ups=("b",)), question("b"), question("c"), question("d"))
POINT = bank_of(question("a", covers=("x",)), question("b", covers=("x", "y")), question("c"), question("d"))


def go_through(bank, store: Store, now=NOON, rating: Rating = Rating.Easy) -> list[str]:
    """What is asked until nothing is left."""
    found = []
    while slug := asked(bank, store, now):
        found.append(slug)
        answer(store, slug, rating, now, bank)
    return found


@pytest.mark.parametrize("bank", [FOLLOWED, POINT], ids=["follow-up", "same point"])
def test_a_new_question_that_was_given_away_comes_after_all_others(store, bank):
    assert study.due(bank, store, NOON).next == ("a", "c", "d", "b")
    assert go_through(bank, store) == ["a", "c", "d", "b"]


@pytest.mark.parametrize("bank", [FOLLOWED, POINT], ids=["follow-up", "same point"])
def test_on_another_day_it_comes_in_the_order_of_teaching(store, bank):
    learn(store, "a", NOON, bank)
    assert study.due(bank, store, NOON + DAY).next == ("b", "c", "d")


@pytest.mark.parametrize("bank", [FOLLOWED, POINT], ids=["follow-up", "same point"])
def test_a_review_that_was_given_away_comes_after_other_reviews_and_new_questions(store, bank):
    for slug in "bc":
        learn(store, slug, NOON - 30 * DAY, bank)
    assert study.due(bank, store, NOON).next[:2] == ("b", "c")
    answer(store, "a", Rating.Easy, NOON, bank)
    assert study.due(bank, store, NOON).next == ("c", "d", "b")
    assert study.due(bank, store, NOON + DAY).next[:2] == ("b", "c")


def test_the_parent_is_not_given_away_by_its_follow_up(store):
    answer(store, "b", Rating.Easy, NOON, FOLLOWED)
    assert asked(FOLLOWED, store) == "a"


def test_a_step_of_minutes_never_waits(store):
    answer(store, "b", Rating.Again, NOON, FOLLOWED)
    answer(store, "a", Rating.Easy, NOON, FOLLOWED)
    assert study.due(FOLLOWED, store, NOON + MINUTE).next == ("b", "c", "d")


def test_an_answer_that_was_taken_back_gives_nothing_away(store):
    answer(store, "a", Rating.Easy, NOON, FOLLOWED)
    study.undo(store, NOON)
    answer(store, "d", Rating.Easy, NOON, FOLLOWED)
    assert study.due(FOLLOWED, store, NOON).next == ("a", "c", "b")


def test_what_is_known_already_gives_nothing_away_since_its_answer_was_not_shown(store):
    study.know(FOLLOWED, store, "a", NOON)
    assert study.due(FOLLOWED, store, NOON).next == ("b", "c", "d")


def test_a_follow_up_may_be_named_by_its_former_slug(store):
    bank = bank_of(question("a", follow_ups=("old",)), question("b", formerly=("old",)), question("c"))
    assert study.due(bank, store, NOON).next == ("a", "c", "b")


def test_it_is_asked_today_rather_than_one_that_is_two_steps_harder(store):
    bank = bank_of(question("a", follow_ups=("b",)), question("b"), question("c", difficulty=3))
    assert go_through(bank, store) == ["a", "b", "c"]


def test_the_daily_limit_of_new_questions_holds_for_those_given_away_too(store):
    study.set_setting(store, "new_per_day", 2, NOON)
    assert go_through(FOLLOWED, store) == ["a", "c"]
    assert go_through(FOLLOWED, store, NOON + DAY) == ["b", "d"]


def test_a_course_in_which_each_question_requires_the_one_before_can_be_gone_through_on_one_day(store):
    chain = [
        question(
            f"q{place}", covers=("x",), follow_ups=(f"q{place + 1}",), requires=(f"q{place - 1}",) if place else ()
        )
        for place in range(8)
    ]
    bank = bank_of(*chain, question("q8"))
    assert go_through(bank, store) == ["q0", "q8", *(f"q{place}" for place in range(1, 8))]


slugs = "abcdefgh"
banks = st.builds(
    lambda points, follow_ups, requires: bank_of(
        *(
            question(
                slug,
                covers=tuple(f"p{point}" for point in points[place]),
                follow_ups=tuple(slugs[other] for other in follow_ups[place] if other != place),
                requires=tuple(slugs[other] for other in requires[place] if other < place),
            )
            for place, slug in enumerate(slugs)
        )
    ),
    *(
        st.lists(st.sets(st.integers(0, high), max_size=2), min_size=8, max_size=8)
        for high in (4, len(slugs) - 1, len(slugs) - 1)
    ),
)


@effort(max_examples=40, deadline=None)
@given(bank=banks, reviewed=st.sets(st.sampled_from(slugs)), planned=st.booleans())
def test_the_list_is_what_is_then_asked_and_nothing_is_lost(bank, reviewed, planned):
    with quick_folder() as folder:
        store = new_store(folder)
        study.set_setting(store, "timezone", "UTC", NOON)
        if planned:
            study.set_setting(store, "interview_date", NOON.date() + DAY, NOON)
        for slug in sorted(reviewed):
            learn(store, slug, NOON - 30 * DAY, bank)
        promised = study.due(bank, store, NOON).next
        assert sorted(promised) == sorted(slugs)
        found = go_through(bank, store)
        assert Counter(found) == Counter(promised)
        if (
            not planned and not reviewed
        ):  # the plan looks anew after each answer, and the one answered last comes second
            assert tuple(found) == promised


def test_towards_an_interview_others_worth_nearly_as_much_come_first(store):
    study.set_setting(store, "interview_date", NOON.date() + DAY, NOON)
    assert study.due(FOLLOWED, store, NOON).next == ("a", "c", "d", "b")
    assert go_through(FOLLOWED, store, rating=Rating.Good) == ["a", "c", "d", "b"]


def test_with_an_interview_tomorrow_an_unseen_question_given_away_is_worth_more_than_any_review(store):
    for slug in "cd":
        learn(store, slug, NOON - 3 * DAY, FOLLOWED)
    study.set_setting(store, "interview_date", NOON.date() + DAY, NOON)
    study.set_setting(store, "answers_per_day", 2, NOON)
    assert go_through(FOLLOWED, store) == ["a", "b"]


def test_towards_an_interview_what_can_wait_for_another_day_takes_the_place_of_what_was_given_away(store):
    covers = {slug: ("x",) if slug < "e" else (slug,) for slug in "abcdefgh"}
    bank = bank_of(*(question(slug, covers=points) for slug, points in covers.items()))
    study.set_setting(store, "interview_date", NOON.date() + 4 * DAY, NOON)
    study.set_setting(store, "answers_per_day", 3, NOON)
    days = [go_through(bank, store, NOON + offset * DAY, Rating.Good) for offset in range(4)]
    assert days[0] == ["a", "e", "f"]
    assert {slug for day in days for slug in day} == set(covers)


def test_in_the_real_bank_a_beginner_meets_everything_and_little_is_given_away_on_the_first_day():
    bank = load_bank(Path(__file__).parents[1] / "content")
    with quick_folder() as folder:
        store = new_store(folder)
        study.set_setting(store, "new_per_day", 40, NOON)
        first_day = go_through(bank, store)
        assert len(first_day) == 40
        assert sum(slug in GivenAway(bank.questions, first_day[:place]) for place, slug in enumerate(first_day)) <= 5
        seen = set(first_day)
        for day in range(1, 1 + len(bank.questions) // 40):
            seen.update(go_through(bank, store, NOON + timedelta(days=day)))
        assert seen == set(bank.questions)
