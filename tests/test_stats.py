"""`kb stats` and what the settings say of demos in a terminal."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from kb import history, study
from kb.bank import load_bank
from kb.calibration import calibration
from kb.cli.session import Session
from kb.forecasting import expected_retention
from kb.grading import logged_prediction
from kb.predicting import quality_of_schedule
from kb.rating import Rating
from kb.retention import true_retention
from kb.store import Store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def studied(bank, tmp_path):
    """A bank of one question, answered on two days."""
    loaded, store = load_bank(bank), Store(tmp_path / "progress.db")
    slug = next(iter(loaded.questions))
    for days, correct in ((12, False), (2, True)):
        at = NOW - days * DAY
        attempt = study.start_attempt(loaded.question(slug), at)
        said = logged_prediction("", "likely")
        study.submit(loaded, store, attempt, Rating.Good, at, correct=correct, prediction=said, duration_s=30.0)
    return loaded, store


def test_the_numbers_of_the_command_are_those_of_the_functions(studied, kb, tmp_path):
    bank, store = studied
    value = kb("stats", "--json").json
    ((topic, retention),) = true_retention(bank, store, NOW).items()
    assert value["true_retention"] == {topic: {"recalls": 1, "recalled": 1, "share": retention.share}}
    sure = calibration(bank, store, NOW)
    assert value["calibration"]["bins"][1] == {"confidence": "likely", "expected": 0.7, "count": 2, "right": 1}
    assert (value["calibration"]["answers"], value["calibration"]["brier"]) == (sure.answers, None)
    spent = history.time_spent(bank, store, NOW)
    assert value["time_spent"]["by_topic"] == spent.by_topic == {topic: 60.0}
    assert value["time_spent"]["by_day"][-3] == [spent.by_day[-3][0].isoformat(), 30.0]
    weeks = expected_retention(bank, store, NOW)
    assert [week["recall"] for week in value["expected_retention"]] == [week.recall for week in weeks]
    assert len(weeks) == 8
    schedule = quality_of_schedule(bank, store, NOW)
    assert (schedule.recalls, schedule.recalled) == (1, 1.0)
    assert value["schedule"]["expected"] == schedule.expected
    assert value["schedule"]["log_loss"] == pytest.approx(-math.log(schedule.expected))


def test_the_command_says_them_in_words(studied, kb):
    out = kb("stats").out
    assert "(1/1)  1/1\n" in out
    assert "Said likely: 1 of 2 right, 50%; the word stands for 70%\n" in out
    assert "Time to answer in the last 30 days: 1 min, half of the answers within 30 s\n" in out
    assert out.count("Expected recall on ") == 2
    assert "of 1 recalls to succeed and 100.0% did; calibration error " in out
    assert "of what you have seen: " in kb("plan").out
    assert "答对" in kb("stats", lang="zh").out


def test_demos_run_on_the_device_and_within_the_limits_of_the_settings(tmp_path):
    session = Session(tmp_path / "progress.db")
    assert session.demo_limits() == {"device": "auto"}
    assert not session.store.path.exists()
    for name, value in (("device", "cpu"), ("demo_timeout_s", 7), ("demo_memory_mib", 512)):
        study.set_setting(session.store, name, value, NOW)
    assert session.demo_limits() == {"device": "cpu", "timeout_s": 7, "memory_bytes": 2**29}
    assert session.demo_limits("cuda")["device"] == "cuda"
    session.store.path.write_text("no database" * 1000)
    assert session.demo_limits() == {"device": "auto"}
