"""The command line from outside: what scripts read, exit codes, and one sentence for every mistake.

The bank is the complete example of content/README.md, so that the example stays true as well.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import ROOT, SLUG, Kb

from kb.cli import COMMANDS


def test_the_example_of_the_readme_passes_every_check_and_its_figures_are_true(kb: Kb) -> None:
    done = kb("check", "--run", "--json")
    assert done.json["problems"] == []
    assert {key: done.json[key] for key in ("questions", "syllabus_points", "uncovered")} == {
        "questions": 1,
        "syllabus_points": 2,
        "uncovered": [],
    }
    assert done.json["links"] > 10
    assert done.code == 0


def test_list_gives_the_form_that_scripts_read(kb: Kb) -> None:
    assert kb("list", "--json").json == [
        {
            "id": SLUG,
            "topic": "attention",
            "kind": "choice",
            "difficulty": 2,
            "title": r"Why are attention scores divided by $\sqrt{d_k}$?",
            "languages": ["en", "zh"],
            "covers": ["attn-scaling-why", "attn-scaling-derivation"],
            "demos": ["softmax_saturation"],
        }
    ]


def test_an_answer_is_recorded_due_later_and_can_be_taken_back(kb: Kb) -> None:
    assert kb("due", "--json").json == {"due": 0, "new": 1, "learning": 0, "next": [SLUG]}
    answered = kb("answer", SLUG, "--rating", "good", "--json").json
    assert set(answered) == {"question", "rating", "review_id", "due", "stability", "difficulty", "state", "leech"}
    assert (answered["question"], answered["rating"], answered["state"]) == (SLUG, "good", "learning")
    assert kb("due", "--json").json["new"] == 0
    assert kb("stats", "--json").json["reviews"] == 1
    assert kb("undo", "--json").json["review_id"] == answered["review_id"]
    assert kb("due", "--json").json["new"] == 1
    again = kb("undo")
    assert (again.code, again.err) == (1, "There is no answer to take back.\n")


def test_rebuild_gives_the_same_cards(kb: Kb) -> None:
    kb("answer", SLUG, "--rating", "easy")
    before = kb("due", "--json").json
    assert kb("rebuild", "--json").json == {"cards": 1}
    assert kb("due", "--json").json == before


def test_demo_list_gives_parameters_with_bounds_and_fields_with_units(kb: Kb) -> None:
    rows = {row["name"]: row for row in kb("demo", "list", "--json").json}
    row = rows["softmax_saturation"]
    assert set(row) == {"name", "topic", "title", "params", "fields"}
    assert row["params"][0] == {
        "name": "head_dim",
        "type": "int",
        "default": 512,
        "minimum": 1,
        "maximum": 4096,
        "choices": None,
        "help": "width of one head",
    }
    assert row["fields"][0] == {"name": "max_weight_unscaled", "unit": "", "measured": False}


def test_a_demo_runs_with_its_parameters_as_options(kb: Kb) -> None:
    done = kb("demo", "run", "softmax_saturation", "--head-dim", "64", "--device", "cpu", "--json")
    assert done.code == 0
    assert set(done.json) >= {"name", "params", "device", "torch", "seed", "result", "claims", "figure", "seconds"}
    assert done.json["params"]["head_dim"] == 64
    assert done.json["device"] == "cpu"
    assert all(claim["holds"] for claim in done.json["claims"])
    assert done.json["figure"]["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "scale-by-root"), f"kb: question 'scale-by-root': there is none of that name; did you mean {SLUG}?"),
        (("answer", "nope", "--rating", "good"), "kb: question 'nope': there is none of that name; `kb list` shows them all."),
        (
            ("demo", "run", "softmax_saturate"),
            "kb: demo 'softmax_saturate': there is no demo of that name; did you mean 'softmax_saturation'?",
        ),
        (
            ("demo", "run", "softmax_saturation", "--head-dim", "0"),
            "kb: demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found '0'.",
        ),
        (
            ("demo", "run", "softmax_saturation", "--memory-gib", "inf"),
            "Error: Invalid value for '--memory-gib': inf is not a finite number.",
        ),
        (("demo", "check", "--seeds", "0"), "Error: Invalid value for '--seeds': 0 is not in the range x>=1."),
        (("list", "--topic", "x"), "kb: --topic: expected one of attention; found 'x'."),
        (("check", "--fix"), "Error: --fix rewrites figures that were computed anew: give it together with --run."),
        (
            ("new", "question", "Bad Slug", "--topic", "attention"),
            "kb: ID: expected lower-case words joined by hyphens; found 'Bad Slug'.",
        ),
        (("new", "question", "good-slug", "--topic", "x"), "kb: --topic: expected one of attention; found 'x'."),
        (("new", "question", SLUG, "--topic", "attention"), f"kb: ID: '{SLUG}' is taken; `kb show {SLUG}` shows it."),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence_and_exit_code_2(kb: Kb, arguments: tuple[str, ...], message: str) -> None:
    done = kb(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.strip().splitlines()[-1] == message


def test_a_new_question_of_each_kind_is_read_back_without_problems(kb: Kb) -> None:
    for kind in ("choice", "multiple", "numeric", "open", "claim"):
        assert kb("new", "question", f"a-new-{kind}", "--topic", "attention", "--kind", kind).code == 0
    done = kb("check", "--json")
    assert done.json["problems"] == []
    assert done.json["questions"] == 6


def test_a_drifted_figure_is_found_and_mended_in_both_languages(kb: Kb, bank: Path) -> None:
    files = [bank / "attention" / f"{SLUG}{suffix}" for suffix in (".md", ".zh.md")]
    before = [file.read_text(encoding="utf-8") for file in files]
    for file, text in zip(files, before, strict=True):
        assert "[0.92](demo:softmax_saturation" in text
        file.write_text(
            text.replace("[0.92](demo:softmax_saturation", "[0.29](demo:softmax_saturation"), encoding="utf-8"
        )
    found = kb("check", "--run")
    assert found.code == 1
    assert found.out.count("figure: expected 0.92") == 2
    assert kb("check", "--run", "--fix").code == 0
    assert [file.read_text(encoding="utf-8") for file in files] == before


def study(bank: Path, db: Path, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kb", "--db", str(db), "--content", str(bank), "--lang", "en", "study", *options]
    return subprocess.run(
        command, input=typed, capture_output=True, text=True, cwd=ROOT, check=True, env=dict(os.environ)
    )


def test_study_asks_computes_the_figures_here_and_records_the_rating(kb: Kb, bank: Path, tmp_path: Path) -> None:
    typed = "9\n2\nmuch\n0.8\nmaybe\nc\ng\n"
    done = study(bank, tmp_path / "progress.db", typed, "--count", "1", "--device", "cpu")
    assert "Expected a number from 1 to 4; found '9'." in done.stderr
    assert "Expected a number such as 1,024, 1.5e3, 3/4 or 12 %; found 'much'." in done.stderr
    assert "Expected g, l, c or only Enter; found 'maybe'." in done.stderr
    assert "You predicted 0.8; computed here: 0.9222" in done.stdout
    assert "max_weight_scaled = 0.06829" in done.stdout
    assert "kb demo run softmax_saturation --head-dim 512 --num-keys 128" in done.stdout
    assert "Recorded." in done.stdout
    stats = kb("stats", "--json").json
    assert stats["reviews"] == 1
    assert [each["count"] for each in stats["calibration"]["bins"]] == [0, 0, 1]
    assert (stats["calibration"]["predictions"], stats["calibration"]["close"]) == (1, 0)


def test_ending_a_session_records_nothing(kb: Kb, bank: Path, tmp_path: Path) -> None:
    done = study(bank, tmp_path / "progress.db", "q\n")
    assert done.stderr.endswith("0 answered.\n")
    assert kb("stats", "--json").json["reviews"] == 0


def test_a_number_that_cannot_be_read_is_asked_for_again(tmp_path: Path) -> None:
    bank, small = tmp_path / "content", ROOT / "tests" / "bank"
    (bank / "attention").mkdir(parents=True)
    for name in ("syllabus.yaml", "attention/weights-of-heads.md", "attention/weights-of-heads.zh.md"):
        shutil.copy(small / name, bank / name)
    done = study(bank, tmp_path / "progress.db", "u\nmany\n1048576\n\ng\n", "--count", "1", "--device", "cpu")
    assert "There is no answer to take back." in done.stderr
    assert "Expected a number such as 1,024, 1.5e3, 3/4 or 12 %; found 'many'." in done.stderr
    assert "Recorded." in done.stdout


def test_every_command_explains_itself(kb: Kb) -> None:
    for command in COMMANDS:
        done = kb(command, "--help")
        assert done.code == 0
        assert "Usage: kb" in done.out


def test_the_chinese_interface_speaks_chinese(kb: Kb) -> None:
    assert "没有" in kb("undo", lang="zh").err
    assert kb("stats", lang="zh").out.splitlines()[-1].count("周") == 7
