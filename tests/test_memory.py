"""The memory model in plain arithmetic: equal to py-fsrs, whatever the parameters."""

from datetime import UTC, datetime, timedelta

import fsrs
import pytest
from fsrs.scheduler import DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st

from kb import memory
from kb.memory import Memory
from kb.rating import Rating

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
answers = st.lists(st.tuples(st.just(0) | st.integers(0, 400), st.sampled_from(Rating)), min_size=1, max_size=10)
shares = st.lists(st.floats(0, 1), min_size=21, max_size=21)


def between_the_bounds(drawn: list[float]) -> tuple[float, ...]:
    """Parameters that FSRS-6 accepts."""
    bounds = zip(LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, drawn, strict=True)
    return tuple(low + share * (high - low) for low, high, share in bounds)


@given(st.just(DEFAULT_PARAMETERS) | shares.map(between_the_bounds), answers)
def test_answers_and_waits_give_what_py_fsrs_gives(parameters, given_answers):
    memory, theirs = Memory(parameters), fsrs.Scheduler(parameters, enable_fuzzing=False)
    card, at, state = fsrs.Card(card_id=1, due=MIDNIGHT), MIDNIGHT, None
    for days, rating in given_answers:
        at += timedelta(days=days)
        if state is not None:
            assert memory.recall(state[0], days) == pytest.approx(theirs.get_card_retrievability(card, at))
        card, _ = theirs.review_card(card, fsrs.Rating(rating), at)
        state = memory.first(rating) if state is None else memory.after(*state, days, rating)
        assert state == pytest.approx((card.stability, card.difficulty), rel=1e-9)


def test_a_varied_memory_stays_within_the_bounds_of_fsrs():
    memory = Memory(DEFAULT_PARAMETERS)
    assert memory.varied(1.0, 1.0).parameters == pytest.approx(DEFAULT_PARAMETERS)
    for decay, growth in ((1e-9, 1e-9), (1e9, 1e9)):
        varied = memory.varied(decay, growth)
        fsrs.Scheduler(varied.parameters)
        assert varied.recall(3.0, 3.0) == pytest.approx(0.9)


def test_the_default_parameters_and_their_bounds_are_those_of_py_fsrs():
    assert memory.DEFAULT_PARAMETERS == DEFAULT_PARAMETERS
    assert memory.LOWER_BOUNDS == LOWER_BOUNDS_PARAMETERS
    assert memory.UPPER_BOUNDS == UPPER_BOUNDS_PARAMETERS
