"""Parameters of FSRS fitted to a log: what counts as a recall, how well it is predicted, the fit, and when it is kept."""

import math
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import learners
import pytest
from fsrs.scheduler import LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bank import NOON, bank_of, new_store, question, quick_folder

from kb import study
from kb.errors import UsageError
from kb.fitting import PULL, fit
from kb.memory import Memory
from kb.optimising import MIN_RECALLS, Finding, found, keep, reset, start
from kb.predicting import Answered, Predicted, Quality, chances, histories, loss, predicted, quality, recalled
from kb.rating import Rating
from kb.scheduling import DEFAULT_PARAMETERS, Scheduler
from kb.settings import checked_setting
from kb.store import Store

ROOT = Path(__file__).parents[1]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AGAIN, HARD, GOOD, EASY = Rating
OTHERS = (0.5, 1.0, 4.0, 20.0, *DEFAULT_PARAMETERS[4:20], 0.3)


def log_of(store: Store, parameters, count: int, seed: int = 0):
    learners.write(store, learners.answers(parameters, count, seed))
    with store.reading() as transaction:
        return histories(transaction.log)


# What counts, and how well it is predicted


def test_a_recall_is_an_answer_of_a_later_day_of_the_learner_and_renamed_questions_are_one(store):
    bank = bank_of(question("a"), question("b"))
    midnight = NOON.replace(hour=3, minute=50) + DAY  # still the day of NOON, which ends at 4
    for slug, at, rating in (("a", NOON, 3), ("b", NOON + MINUTE, 1), ("a", midnight, 1), ("a", midnight + DAY, 1)):
        study.submit(bank, store, study.start_attempt(bank.question(slug), at), Rating(rating), at)
    renamed = bank_of(question("new", formerly=("a",)), question("b"))
    later = midnight + 3 * DAY
    study.submit(renamed, store, study.start_attempt(renamed.question("new"), later), GOOD, later)
    study.know(renamed, store, "b", later + MINUTE)
    with store.reading() as transaction:
        log = sorted(histories(transaction.log), key=len)
    assert log == [
        [Answered(1, 0, AGAIN, None), Answered(5, 3, EASY, None)],
        [
            Answered(0, 0, GOOD, None),
            Answered(2, 0, AGAIN, None),
            Answered(3, 1, AGAIN, False),
            Answered(4, 2, GOOD, True),
        ],
    ]
    assert recalled(log) == [False, True]


def test_an_answer_from_before_the_last_one_counts_as_one_of_the_same_day(store):
    bank = bank_of(question("a"))
    for at in (NOON, NOON - 3 * DAY, NOON - DAY):  # the clock was set back
        study.submit(bank, store, study.start_attempt(bank.question("a"), at), GOOD, at)
    with store.reading() as transaction:
        (history,) = histories(transaction.log)
    assert [(answer.days, answer.recalled) for answer in history] == [(0, None), (0, None), (2, True)]


def test_the_chances_are_those_that_the_cards_of_the_scheduler_give(store):
    bank, scheduler = bank_of(question("a")), Scheduler(parameters=OTHERS)
    study.set_setting(store, "fsrs_parameters", OTHERS, NOON)
    expected, at = [], NOON
    for days, rating in ((0, 3), (0, 3), (4, 3), (9, 1), (0, 3), (2, 2), (30, 4)):
        at += days * DAY + MINUTE
        with store.reading() as transaction:
            card = transaction.cards.get("a")
        if card and days:
            expected.append(scheduler.retrievability(card, at.date()))
        study.submit(bank, store, study.start_attempt(bank.question("a"), at), Rating(rating), at)
    with store.reading() as transaction:
        log = histories(transaction.log)
    assert chances(Memory(OTHERS), log) == pytest.approx(expected)


def test_quality_is_log_loss_and_the_distance_of_what_was_expected_from_what_came():
    predictions = [Predicted(0, 0.9, True)] * 9 + [Predicted(0, 0.9, False)] + [Predicted(0, 0.5, True)] * 10
    found = quality(predictions)
    assert (found.recalls, found.recalled, found.expected) == (20, 0.95, pytest.approx(0.7))
    assert found.log_loss == pytest.approx(-(9 * math.log(0.9) + math.log(0.1) + 10 * math.log(0.5)) / 20)
    assert [size for _, _, size in found.curve] == [2] * 10
    assert found.calibration_error == pytest.approx(math.sqrt((5 * 0.25 + 4 * 0.01 + 0.16) / 10))
    assert quality([]) is None


# The fit

days = st.integers(0, 3) | st.integers(0, 1000)
logs = st.lists(st.lists(st.tuples(days, st.sampled_from(Rating)), min_size=1, max_size=8), min_size=1, max_size=5)


@settings(max_examples=25)
@given(logs)
def test_whatever_the_log_the_fit_is_possible_and_never_worse_than_the_defaults(log):
    found = [
        [
            Answered(0, 0 if place == 0 else days, rating, rating > 1 if place and days else None)
            for place, (days, rating) in enumerate(history)
        ]
        for history in log
    ]

    def total(parameters) -> float:
        return sum(map(loss, chances(Memory(parameters), found), recalled(found)))

    fitted = fit(found)
    assert checked_setting("fsrs_parameters", fitted) == list(fitted)
    assert total(fitted) <= total(DEFAULT_PARAMETERS) + 1e-9


def test_without_a_recall_the_fit_is_the_defaults():
    assert fit([[Answered(0, 0, GOOD, None)]]) == pytest.approx(DEFAULT_PARAMETERS)


def test_no_parameter_can_be_moved_to_lower_what_is_minimised(store):
    log = log_of(store, learners.steeper(), 1500)
    fitted = fit(log)

    def objective(parameters) -> float:
        from kb.fitting import _scaled

        pairs = zip(_scaled(parameters), _scaled(DEFAULT_PARAMETERS), strict=True)
        distance = sum((value - default) ** 2 for value, default in pairs)
        return sum(map(loss, chances(Memory(parameters), log), recalled(log))) + PULL * distance / 2

    least = objective(fitted)
    assert least < objective(DEFAULT_PARAMETERS) - 5
    for place, (low, high) in enumerate(zip(LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, strict=True)):
        for factor in (0.9, 0.99, 1.01, 1.1):
            moved = min(max(fitted[place] * factor, low), high)
            assert objective((*fitted[:place], moved, *fitted[place + 1 :])) > least - 0.05


# The judgement


def test_with_too_few_recalls_there_is_only_their_number(store):
    finding = found(log_of(store, DEFAULT_PARAMETERS, 400))
    assert (finding.enough, finding.better, finding.parameters, finding.before) == (False, False, None, None)
    assert 0 < finding.recalls < MIN_RECALLS == finding.needed
    with pytest.raises(UsageError, match=r"^fsrs_parameters: expected parameters that predict held-out answers better"):
        keep(store, finding, NOON)


def test_each_part_of_the_later_half_is_judged_by_what_came_before_it(store):
    log, shares = log_of(store, learners.steeper(), 2500), []
    finding = found(log, shares.append)
    assert finding.before.recalls == finding.after.recalls == finding.recalls - finding.recalls // 2
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1 < 0.9 < shares[-1] <= 1
    places = sorted(answer.place for history in log for answer in history if answer.recalled is not None)
    held_out = [each for each in predicted(Memory(DEFAULT_PARAMETERS), log) if each.place >= places[len(places) // 2]]
    assert finding.before == quality(held_out)
    assert finding.gain == pytest.approx(finding.before.log_loss - finding.after.log_loss)


def test_a_gain_within_its_error_is_not_enough_to_keep_the_fitted_parameters():
    quality = Quality(200, 0.9, 0.9, 0.3, 0.02, ((0.9, 0.9, 200),))
    assert Finding(400, 400, quality, quality, 0.011, 0.01, OTHERS).better
    assert not Finding(400, 400, quality, quality, 0.009, 0.01, OTHERS).better
    assert not Finding(400, 400, quality, quality, 0.01, 0.01, None).better


def test_what_is_kept_folds_every_card_anew_and_one_step_takes_it_back(store):
    bank = bank_of(question("a"))
    study.submit(bank, store, study.start_attempt(bank.question("a"), NOON), EASY, NOON)

    def stability() -> float:
        study.due(bank, store, NOON)
        with store.reading() as transaction:
            return transaction.cards.get("a").stability

    assert stability() == DEFAULT_PARAMETERS[3]
    keep(store, Finding(400, gain=1.0, gain_error=0.1, parameters=OTHERS), NOON)
    assert study.settings(store).fsrs_parameters == OTHERS
    assert stability() == 20.0
    reset(store, NOON)
    assert study.settings(store).fsrs_parameters is None
    assert stability() == DEFAULT_PARAMETERS[3]


# The process


def test_the_search_runs_in_a_process_of_its_own_and_reports_how_far_it_is(store):
    log = log_of(store, learners.steeper(), 2000)
    content = store.path.read_bytes()
    search = start(store.path)
    shares = [search.share]
    while not search.wait(0.02):
        shares.append(search.share)
    assert shares == sorted(shares)
    assert search.complaint is None
    assert search.finding == found(log)
    assert store.path.read_bytes() == content


def test_a_search_that_is_cancelled_ends_and_says_so(store):
    log_of(store, DEFAULT_PARAMETERS, 5000)
    search = start(store.path)
    search.cancel()
    assert (search.done, search.finding) == (True, None)
    assert search.complaint.startswith("The search for parameters was ended before it was done (exit code ")


def test_a_database_that_is_missing_or_none_is_a_sentence(tmp_path):
    missing, other = tmp_path / "no.db", tmp_path / "notes.txt"
    other.write_text("Attention is all you need.\n" * 100)
    for path, words in ((missing, "expected a database; found no file."), (other, "not a database, or a damaged one")):
        search = start(path)
        assert search.wait(60)
        assert search.complaint.startswith(f"{path}: {words}")
    assert not missing.exists()


def test_nothing_heavy_is_loaded_for_it():
    code = "import sys, kb.optimising; print({'torch', 'pandas', 'numpy', 'click', 'streamlit'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# The command


def test_the_command_keeps_what_is_better_and_resets_it(store, kb):
    log_of(store, learners.steeper(), 3000)
    path = store.path.absolute()
    dry = kb("optimise", "--dry-run", db=path)
    assert (dry.code, study.settings(store).fsrs_parameters) == (0, None)
    assert dry.out.splitlines()[0].endswith("predicted from those before them:")
    assert "run without --dry-run to keep them" in dry.err
    done = kb("optimise", "--json", db=path)
    assert (done.code, done.json["kept"], done.json["better"], done.json["enough"]) == (0, True, True, True)
    assert study.settings(store).fsrs_parameters == tuple(done.json["parameters"])
    assert set(done.json) >= {*asdict(Finding(0)), "kept"}
    assert kb("optimise", "--reset", db=path).out == "Back to the default parameters.\n"
    assert study.settings(store).fsrs_parameters is None


def test_parameters_that_cannot_be_used_are_told_and_can_be_reset(store, kb):
    with store.writing() as transaction:
        transaction.log.add_event("setting", NOON, name="fsrs_parameters", value=[9.9] * 21)
    path = store.path.absolute()
    refused = kb("due", db=path)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("kb: fsrs_parameters: expected w5 from 0.001 to 4, found 9.9; w6 from")
    assert kb("optimise", "--reset", db=path).code == 0
    assert kb("due", db=path).code == 0


def test_the_command_says_how_much_is_missing(store, kb):
    log_of(store, DEFAULT_PARAMETERS, 300)
    done = kb("optimise", db=store.path.absolute())
    assert done.code == 1
    assert done.out == "Not enough to fit to yet: 81 of 400 answers on a later day than the one before.\n"
    assert kb("optimise", "--reset", "--dry-run", db=store.path.absolute()).code == 2


# On many simulated learners


@pytest.mark.slow
def test_a_learner_who_forgets_otherwise_is_told_from_one_with_the_default_parameters():
    kept = {DEFAULT_PARAMETERS: 0, learners.steeper(): 0}
    for seed in range(6):
        for parameters in kept:
            with quick_folder() as folder:
                kept[parameters] += found(log_of(new_store(folder), parameters, 3000, seed)).better
    assert kept[DEFAULT_PARAMETERS] == 0
    assert kept[learners.steeper()] >= 3


@pytest.mark.slow
def test_the_fitted_parameters_come_nearer_to_the_true_chances_the_longer_the_log(store):
    truth = learners.steeper()
    log = log_of(store, truth, 6000)

    def distance(count: int) -> float:
        """The mean divergence of what a fit to so many answers predicts from the true chances."""
        known = [[answer for answer in history if answer.place < count] for history in log]
        fitted = fit([history for history in known if history]) if count else DEFAULT_PARAMETERS
        pairs = zip(chances(Memory(truth), log), chances(Memory(fitted), log), strict=True)
        divergences = [p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)) for p, q in pairs]
        return sum(divergences) / len(divergences)

    assert distance(0) > 2 * distance(1500) > 4 * distance(6000)
