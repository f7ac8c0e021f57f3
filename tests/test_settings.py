"""Settings of the app, of sessions and of the scheduler: their defaults, what they refuse, and what a change of them does."""

from datetime import UTC, datetime, timedelta

import fsrs
import pytest
from fsrs.scheduler import LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st
from small_bank import NOON, bank_of, question

from kb import study
from kb.errors import SchedulingError, UsageError
from kb.rating import Rating
from kb.scheduling import DEFAULT_PARAMETERS, Review, Scheduler, fuzzed
from kb.settings import DEFAULTS, Settings, checked_setting

DAY = timedelta(days=1)
BANK = bank_of(*(question(slug) for slug in "abcd"))
OTHERS = (0.5, 1.0, 4.0, 20.0, *DEFAULT_PARAMETERS[4:20], 0.3)


def with_one_changed(place: int, value: object) -> list[object]:
    return [*DEFAULT_PARAMETERS[:place], value, *DEFAULT_PARAMETERS[place + 1 :]]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("theme", "dark", "dark"),
        ("session_size", "500", 500),
        ("session_minutes", "25", 25),
        ("device", "cuda", "cuda"),
        ("demo_timeout_s", "60", 60),
        ("demo_memory_mib", "8192", 8192),
        ("leech_lapses", "0", 0),
        ("fsrs_parameters", ", ".join(map(str, OTHERS)), OTHERS),
        ("fsrs_parameters", str(list(OTHERS)), OTHERS),
        ("fsrs_parameters", list(OTHERS), OTHERS),
    ],
)
def test_a_setting_is_read_from_text_stored_and_brought_back_to_its_default(store, name, text, value):
    study.set_setting(store, name, text, NOON)
    assert getattr(study.settings(store), name) == value
    study.set_setting(store, name, None, NOON)
    assert getattr(study.settings(store), name) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("theme", "blue", "theme: expected one of auto, light, dark; found 'blue'."),
        ("theme", ["dark"], "theme: expected one of auto, light, dark; found ['dark']."),
        ("session_size", 0, "session_size: expected a whole number from 1 to 500; found 0."),
        ("session_minutes", 241, "session_minutes: expected a whole number from 1 to 240; found 241."),
        ("device", "tpu", "device: expected one of auto, cpu, cuda, mps; found 'tpu'."),
        ("demo_timeout_s", "soon", "demo_timeout_s: expected a whole number from 1 to 3600; found 'soon'."),
        ("demo_memory_mib", 1, "demo_memory_mib: expected a whole number from 256 to 1048576; found 1."),
        ("leech_lapses", -1, "leech_lapses: expected a whole number from 0 to 99; found -1."),
        ("fsrs_parameters", "many", "fsrs_parameters: expected a list of numbers; found 'many'."),
        ("fsrs_parameters", 21, "fsrs_parameters: expected a list of numbers; found 21."),
        ("fsrs_parameters", OTHERS[:19], "fsrs_parameters: expected 21 numbers, w0 to w20; found 19."),
        ("fsrs_parameters", with_one_changed(20, 3), "fsrs_parameters: expected w20 from 0.1 to 0.8, found 3."),
        (
            "fsrs_parameters",
            [float("nan"), True, *DEFAULT_PARAMETERS[2:]],
            "fsrs_parameters: expected w0 from 0.001 to 100, found nan; w1 from 0.001 to 100, found True.",
        ),
        ("fsrs_parameters", with_one_changed(4, "6"), "fsrs_parameters: expected w4 from 1 to 10, found '6'."),
    ],
)
def test_an_impossible_value_is_refused_in_one_sentence_and_nothing_is_stored(store, name, value, message):
    with pytest.raises(UsageError) as refused:
        study.set_setting(store, name, value, NOON)
    assert str(refused.value) == message
    assert study.settings(store) == Settings(timezone="UTC")


@pytest.mark.parametrize("bounds", [LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS])
def test_the_bounds_of_py_fsrs_are_possible_parameters_and_just_beyond_them_is_not(bounds):
    assert checked_setting("fsrs_parameters", bounds) == list(bounds)
    for place, bound in enumerate(bounds):
        beyond = bound + (1e-6 if bounds is UPPER_BOUNDS_PARAMETERS else -1e-6)
        with pytest.raises(UsageError, match=f"^fsrs_parameters: expected w{place} from "):
            checked_setting("fsrs_parameters", [*bounds[:place], beyond, *bounds[place + 1 :]])


def test_a_scheduler_refuses_impossible_parameters_and_its_signature_tells_possible_ones_apart():
    with pytest.raises(SchedulingError, match=r"^expected w20 from 0.1 to 0.8, found 0.9\.$"):
        Scheduler(parameters=(*OTHERS[:20], 0.9))
    assert Scheduler(parameters=OTHERS).signature == Scheduler(0.9, list(OTHERS)).signature
    assert Scheduler(parameters=OTHERS).signature != Scheduler().signature
    assert Scheduler(parameters=DEFAULT_PARAMETERS).signature == Scheduler().signature


shares = st.lists(st.floats(0, 1), min_size=21, max_size=21)
answers = st.lists(st.tuples(st.just(0) | st.integers(0, 400), st.sampled_from(Rating)), min_size=1, max_size=8)


@given(shares, answers, st.sampled_from([0.7, 0.9, 0.99]))
def test_a_scheduler_with_any_possible_parameters_does_as_py_fsrs(shares, answers, retention):
    bounds = zip(LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, shares, strict=True)
    parameters = checked_setting("fsrs_parameters", [low + share * (high - low) for low, high, share in bounds])
    ours, theirs = Scheduler(retention, parameters), fsrs.Scheduler(parameters, retention, enable_fuzzing=False)
    at = datetime(2026, 1, 5, tzinfo=UTC)
    card, expected = None, fsrs.Card(card_id=1, due=at)
    for days, rating in answers:
        at += days * DAY
        card = ours.review("q", card, Review(rating, at, at.date(), at, spread=0.5))
        expected, _ = theirs.review_card(expected, fsrs.Rating(rating), at)
        assert (card.stability, card.difficulty) == pytest.approx((expected.stability, expected.difficulty), rel=1e-9)
        assert (card.state.name, card.step) == (expected.state.name.upper(), expected.step)
        if card.due_at:
            assert card.due_at == expected.due
        else:
            days = fuzzed((expected.due - at).days, "q", card.reviews - 1, 0.5)
            assert card.due_on == at.date() + days * DAY


@pytest.mark.parametrize(
    ("setting", "other"),
    [({"fsrs_parameters": OTHERS}, Scheduler(0.9, OTHERS)), ({"desired_retention": 0.8}, Scheduler(0.8))],
)
def test_every_card_is_folded_anew_after_a_change_and_again_after_the_change_back(store, setting, other):
    for day, slug, rating in (
        (0, "a", 3),
        (0, "b", 1),
        (0, "c", 4),
        (4, "a", 3),
        (4, "b", 2),
        (5, "b", 1),
        (12, "a", 1),
    ):
        now = NOON + day * DAY
        study.submit(BANK, store, study.start_attempt(BANK.question(slug), now), Rating(rating), now)
    later = NOON + 13 * DAY

    def cards() -> dict[str, object]:
        study.due(BANK, store, later)
        with store.reading() as transaction:
            return {card.question: card for card in transaction.cards.all()}

    def folded(scheduler: Scheduler) -> dict[str, object]:
        with store.reading() as transaction:
            return {slug: scheduler.fold(slug, transaction.log.reviews([slug])) for slug in "abc"}

    before = cards()
    assert before == folded(Scheduler())
    for name, value in setting.items():
        study.set_setting(store, name, value, later)
    assert cards() == folded(other) != before
    study.set_setting(store, next(iter(setting)), None, later)
    assert cards() == before


def test_the_plan_expects_what_the_parameters_of_the_learner_say(store):
    for slug in "abcd":
        study.submit(BANK, store, study.start_attempt(BANK.question(slug), NOON), Rating.Good, NOON)
    study.set_setting(store, "interview_date", NOON.date() + 9 * DAY, NOON)
    (before,) = study.plan(BANK, store, NOON).interviews
    study.set_setting(store, "fsrs_parameters", (*OTHERS[:2], 60.0, 80.0, *OTHERS[4:]), NOON)
    (after,) = study.plan(BANK, store, NOON).interviews
    assert after.if_stopped.mean > before.if_stopped.mean + 0.1
