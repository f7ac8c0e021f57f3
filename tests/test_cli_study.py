"""`kb study` from outside: what can be typed beside an answer, what is told of a question that slipped, changed or is planned."""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_runner import ROOT, Done
from small_bank import bank_of

from kb import marks, study
from kb.__main__ import main
from kb.bank import Bank, load_bank
from kb.marks import Marks
from kb.rating import Rating
from kb.store import Store

Typed = Callable[..., Done]
DAY = timedelta(days=1)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """An open question, a fixed number, and a choice whose answer changed in its second revision."""
    folder = tmp_path / "content"
    (folder / "attention").mkdir(parents=True)
    shutil.copy(ROOT / "tests/bank/syllabus.yaml", folder)
    for name in ("separate-projections", "weights-of-heads", "scale-by-root"):
        for file in (ROOT / "tests/bank/attention").glob(f"{name}*.md"):
            shutil.copy(file, folder / "attention")
    return folder


@pytest.fixture
def questions(content: Path) -> Bank:
    return load_bank(content)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "progress.db")


@pytest.fixture
def typed(content: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs `kb study` with these lines typed."""

    def run(*lines: str, lang: str = "en") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        with pytest.raises(SystemExit) as ended:
            main(["--db", str(store.path), "--content", str(content), "--lang", lang, "study", "--device", "cpu"])
        printed = capsys.readouterr()
        assert ended.value.code == 0
        return Done(0, printed.out, printed.err)

    return run


def now() -> datetime:
    return datetime.now(UTC)


def only(slug: str, bank: Bank, store: Store) -> None:
    """Puts all other questions aside."""
    for other in bank.questions:
        if other != slug:
            marks.suspend(bank, store, other, now())


def test_enter_skips_an_open_question_and_s_says_that_the_answer_was_said(typed, questions, store):
    only("separate-projections", questions, store)
    skipped = typed("")
    assert "Nothing more to study now." in skipped.err
    assert study.progress(questions, store, now()).reviews == 0
    said = typed("s", "1", "", "q")
    assert "Recorded." in said.out
    assert study.progress(questions, store, now()).reviews == 1


def test_beside_an_answer_a_question_can_be_flagged_noted_put_off_and_put_aside(typed, questions, store):
    first, second, third = study.due(questions, store, now()).next
    done = typed(":", ":f", ":n", ":n why 与 how?", ":n", ":what", ":b", "：f", ":f", ":n x", ":n -", ":s", ":k")
    assert done.err.count("`:s` suspends this question") == 2
    for sentence in (
        "There is no note; `:n your text` writes one",
        "Noted.\nwhy 与 how?\n",
        "Put off until tomorrow.",
        "Flagged.\nThe flag is gone.\nNoted.\nThe note is gone.\n",
        f"Suspended; kb unsuspend {second} brings it back.",
        "Known already; a check comes 2",
        "Nothing more to study now.\n0 answered.\n",
    ):
        assert sentence in done.err
    assert marks.marks(questions, store, now()) == {
        first: Marks(flagged=True, note="why 与 how?", buried=True),
        second: Marks(suspended=True),
    }
    assert study.progress(questions, store, now()).reviews == 0
    assert study.undo(store, now()).question == third


def test_u_takes_back_what_was_done_last_be_it_an_answer_or_a_suspension(typed, questions, store):
    first, *others = study.due(questions, store, now()).next
    done = typed(":s", ":b", "u", "u", "q")
    assert done.err.count("Taken back: the question comes again.\n") == 1
    assert done.err.count("There is no answer to take back.\n") == 1
    assert marks.marks(questions, store, now()) == {first: Marks(suspended=True)}
    assert set(study.due(questions, store, now()).next) == set(others)


def test_u_takes_back_what_was_known_and_counts_no_answer_less(typed, questions, store):
    first, *_ = study.due(questions, store, now()).next
    done = typed(":k", "u", "q")
    assert f"Taken back: your answer to {first}" in done.err
    assert done.err.endswith("0 answered.\n")
    assert study.due(questions, store, now()).new == 3


def test_a_question_whose_answer_changed_says_so_first_and_what_changed_with_the_answer(typed, questions, store):
    only("scale-by-root", questions, store)
    before = bank_of(replace(questions.questions["scale-by-root"], revision=1))
    study.know(before, store, "scale-by-root", now() - 3 * DAY)
    done = typed("1", "0.9", "", "q")
    assert "The answer to this question has changed since you last gave it." in done.err
    asked, told = done.out.split("What changed", 1)
    assert "The reason is the variance of the scores, and not their size." not in asked
    assert told.index("The reason is the variance of the scores, and not their size.") < told.index("Answer")
    assert "原因是分数的方差，而不是分数的大小。" in typed("1", "0.9", "", "q", lang="zh").out


def test_a_leech_is_told_why_it_was_put_aside_and_what_to_read(typed, questions, store):
    study.set_setting(store, "leech_lapses", 1, now())
    only("weights-of-heads", questions, store)
    study.know(questions, store, "weights-of-heads", now() - 60 * DAY)
    done = typed("7", "", "a", "q")
    assert "This question has slipped too often and is suspended" in done.err
    assert questions.questions["weights-of-heads"].sources[0].title in done.out.split("Read first")[1]
    assert "Then kb show weights-of-heads shows it, and kb unsuspend weights-of-heads brings it back." in done.err
    assert marks.marks(questions, store, now())["weights-of-heads"] == Marks(suspended=True, reason="leech")


def test_with_an_interview_ahead_the_session_says_how_long_an_answer_should_hold(typed, questions, store):
    study.set_setting(store, "timezone", "UTC", now())
    only("weights-of-heads", questions, store)
    day = study.settings(store).days.day(now()) + 4 * DAY
    study.set_setting(store, "interview_date", day, now())
    done = typed("1048576", "", "e", "q")
    assert f"Recorded. It should hold until {day}; the plan says when it is asked." in done.out


@pytest.mark.parametrize("rating", Rating)
def test_towards_an_interview_the_preview_has_days_and_none_after_it(questions, store, rating):
    study.set_setting(store, "timezone", "UTC", now())
    at = now()
    today = study.settings(store).days.day(at)
    study.set_setting(store, "interview_date", today + 4 * DAY, at)
    previews = study.preview(questions, store, "weights-of-heads", at)
    assert [each.interval for each in previews.values()] == [DAY, DAY, 2 * DAY, 4 * DAY]
    assert all(each.planned for each in previews.values())
    attempt = study.start_attempt(questions.questions["weights-of-heads"], at)
    reviewed = study.submit(questions, store, attempt, rating, at)
    assert (reviewed.due, reviewed.planned) == (previews[rating].due, True)
    study.set_setting(store, "interview_date", today, at)  # from tomorrow on the long term decides
    assert study.preview(questions, store, "scale-by-root", at)[Rating.Again].interval == timedelta(minutes=1)
    study.set_setting(store, "interview_date", None, at)
    study.set_setting(store, "interviews", [{"date": str(today + DAY), "topics": ["kv_cache"]}], at)
    assert not study.preview(questions, store, "scale-by-root", at)[Rating.Again].planned
