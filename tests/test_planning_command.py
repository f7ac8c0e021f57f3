"""`kb plan` in a terminal."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from planned import DAY, MEMORY, TODAY, subjects_of

from kb import study
from kb.__main__ import main
from kb.planning import Effort, Interview
from kb.planning.forecast import outlooks
from kb.settings import Settings
from kb.store import Store


def in_days(days: int) -> str:
    """A day so far from that of the clock on the wall, which the command reads."""
    return (Settings().days.day(datetime.now(UTC)) + days * DAY).isoformat()


@pytest.fixture
def kb(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    content = str(Path(__file__).parent / "bank")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", str(tmp_path / "progress.db"), "--content", content, "--lang", "en", "plan", *arguments])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


def test_the_command_sets_date_and_effort_and_prints_what_the_function_gives(kb, tmp_path):
    code, out, _ = kb("--date", in_days(30), "--answers", "3", "--json")
    assert code == 0
    value = json.loads(out)
    assert (value["answers_per_day"], value["answered"], value["new"]) == (3, 0, 3)
    (interview,) = value["interviews"]
    assert interview["interview"] == {"date": in_days(30), "topics": []}
    assert set(interview) == set(asdict(outlooks(subjects_of(1), [Interview(TODAY)], TODAY, Effort(1), MEMORY)[0]))
    assert json.loads(kb("--json")[1]) == value
    settings = study.settings(Store(tmp_path / "progress.db"))
    assert (settings.interview_date, settings.answers_per_day) == (date.fromisoformat(in_days(30)), 3)
    assert json.loads(kb("--minutes", "10", "--json")[1])["answers_per_day"] == 15


def test_the_command_says_what_stays_unseen_and_how_to_choose_otherwise(kb):
    day = in_days(1)
    _, out, _ = kb("--date", day, "--answers", "4")
    assert f"Interview on {day} (days left: 1): 6 questions, 6 not seen yet\n" in out
    assert " with 4 more answers, 0% (0%–0%) without; in brackets 4 cases of 5\n" in out
    assert "  4 answers a day: " in out
    assert "2 stay unseen" in out
    assert "  6 answers a day: " in out
    assert f"  or leave out KV cache: kb plan --date {day} --without kv_cache" in out
    assert "Today: 0 of 4 answers given; 4 to come, 4 of them new, about 3 min" in out
    _, out, _ = kb("--date", day, "--without", "kv_cache", "--json")
    assert json.loads(out)["interviews"][0]["interview"]["topics"] == ["attention"]
    _, out, _ = kb("--also", day, "--json")
    assert [each["questions"] for each in json.loads(out)["interviews"]] == [6, 4]
    assert "No interview is ahead. To set one: kb plan --date" in kb("--clear")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--date", "2020-01-01"), "kb: --date: expected 2"),
        (("--also", "2020-01-01"), "kb: --also: expected 2"),
        (("--date", "soon"), "kb: interview_date: expected a date such as 2027-03-31; found 'soon'."),
        (("--date", "8999-01-01", "--topic", "poetry"), "kb: --topic: expected one of attention, kv_cache; found poetry."),
        (("--date", "8999-01-01", "--answers", "0"), "kb: answers_per_day: expected a whole number from 1 to 9999; found 0."),
        (("--date", "8999-01-01", "--clear"), "Error: give one of --date, --also and --clear."),
        (("--answers", "5", "--minutes", "5"), "Error: give --answers or --minutes, not both."),
        (("--topic", "attention"), "Error: --topic and --without say what an interview asks about: give its --date too."),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_stored(kb, tmp_path, options, message):
    code, out, err = kb(*options)
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1].startswith(message)
    assert study.settings(Store(tmp_path / "progress.db")) == Settings()
