"""kb.check: rules across files, and the exact text of every problem, one folder of tests/broken/ for each."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from kb.bank import Bank, load_bank
from kb.check import check, uncovered
from kb.questions import Choice, ChoiceQuestion, Source, Text, Value

HERE = Path(__file__).parent
BROKEN = sorted(path for path in (HERE / "broken").iterdir() if path.is_dir())


@dataclass(frozen=True)
class Param:
    name: str
    type: str = "int"
    minimum: float | None = 0
    maximum: float | None = 4096
    choices: tuple[Value, ...] | None = None


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "float"
    unit: str = ""
    measured: bool = False


@dataclass(frozen=True)
class Demo:
    params: tuple[Param, ...]
    fields: tuple[Field, ...]


DEMOS = {
    "softmax_saturation": Demo(
        params=(
            Param("head_dim"),
            Param("num_keys"),
            Param("temperature", "float"),
            Param("scaled", "bool", None, None),
        ),
        fields=(
            Field("max_weight_unscaled"),
            Field("max_weight_scaled"),
            Field("jacobian_mean_unscaled"),
            Field("curve_unscaled", "tuple[float, ...]"),
            Field("unscaled_ms", unit="ms", measured=True),
            Field("saturated", "bool"),
        ),
    ),
    "kv_cache_bytes": Demo(
        params=(
            Param("preset", "str", None, None, ("gpt-2", "llama-3-8b")),
            Param("num_layers"),
            Param("num_kv_heads"),
            Param("head_dim"),
            Param("seq_len", maximum=None),
            Param("batch"),
        ),
        fields=(
            Field("bytes_per_token", "int", "bytes"),
            Field("cache_bytes", "int", "bytes"),
            Field("curve_preset", "tuple[str, ...]"),
        ),
    ),
}


def texts_of(bank: Bank) -> str:
    return "".join(f"{problem}\n" for problem in check(bank, DEMOS))


def overlaid(case: Path, folder: Path) -> Path:
    """A copy of the small good bank with the files of a case in it, or over it."""
    root = folder / "content"
    shutil.copytree(HERE / "bank", root)
    shutil.copytree(case, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    return root


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_broken_file_gives_exactly_the_text_beside_it(case: Path, tmp_path: Path) -> None:
    bank = load_bank(overlaid(case, tmp_path))
    assert texts_of(bank) == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_small_bank_has_no_problems() -> None:
    assert texts_of(load_bank(HERE / "bank")) == ""


def test_points_that_no_question_covers_are_listed_in_teaching_order(tmp_path: Path) -> None:
    assert uncovered(load_bank(HERE / "bank")) == ()
    root = Path(shutil.copytree(HERE / "bank", tmp_path / "content"))
    for name in ("attention/separate-projections", "kv_cache/smaller-cache"):
        (root / f"{name}.md").unlink()
        (root / f"{name}.zh.md").unlink()
    assert uncovered(load_bank(root)) == ("attn-qk-separate", "kv-cache-quantised")


def test_problems_stand_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    root = Path(shutil.copytree(HERE / "bank", tmp_path / "content"))
    for name, old, new in (
        ("kv_cache/smaller-cache.md", "requires: [cache-of-a-model]", "requires: [tokens]"),
        ("attention/scale-by-root.md", "#curve_unscaled[8]", "#curve[8]"),
        ("attention/scale-by-root.md", "tags: [softmax", "tags: [2"),
        ("attention/separate-projections.md", "[attn-qk-separate]", "[attn-qk]"),
    ):
        file = root / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    places = [(problem.path, problem.line) for problem in check(load_bank(root), DEMOS)]
    assert places == [
        ("content/attention/scale-by-root.md", 5),
        ("content/attention/separate-projections.md", 4),
        ("content/kv_cache/smaller-cache.md", 5),
    ]


def test_a_question_that_requires_a_broken_one_is_not_blamed_for_it(tmp_path: Path) -> None:
    root = Path(shutil.copytree(HERE / "bank", tmp_path / "content"))
    (root / "kv_cache/cache-of-a-model.md").write_text("")
    assert {problem.path for problem in check(load_bank(root), DEMOS)} == {"content/kv_cache/cache-of-a-model.md"}


def bank_of_choices(longest_right: int, count: int = 12) -> Bank:
    """A bank of choice questions, in the first of which the right choice is the longest."""
    small = load_bank(HERE / "bank")
    questions = {}
    for place in range(count):
        right = "because of its variance" if place < longest_right else "because"
        text = Text("Why?", choices=(Choice(right, True), Choice("for its gradient", False)), answer="So.")
        questions[f"q{place}"] = ChoiceQuestion(
            slug=f"q{place}",
            topic="attention",
            difficulty=1,
            covers=("attn-scaling-why",),
            sources=(Source("A", 2017),),
            texts={"en": text},
            path=f"bank/attention/q{place}.md",
        )
    return Bank(questions, small.syllabus, (), small.root)


def test_a_bank_in_which_length_gives_the_right_choice_away_is_a_problem() -> None:
    assert texts_of(bank_of_choices(5)) == (
        "bank: Choices: expected the right choice to be the longest in at most a third of the choice questions; "
        "found 5 of 12 (42%): q0, q1, q2, q3, q4.\n"
        "    Fix: shorten right choices, or say more in wrong ones.\n"
    )


@pytest.mark.parametrize(("longest_right", "count"), [(4, 12), (11, 11), (0, 20)])
def test_a_third_may_be_longest_and_a_few_questions_prove_nothing(longest_right: int, count: int) -> None:
    assert texts_of(bank_of_choices(longest_right, count)) == ""


def test_several_circles_are_each_reported_once(tmp_path: Path) -> None:
    root = Path(shutil.copytree(HERE / "bank", tmp_path / "content"))
    for name, old, new in (
        ("attention/weights-of-heads.md", "value: ", "requires: [scale-by-root]\nvalue: "),
        ("kv_cache/cache-of-a-model.md", "asks: ", "requires: [smaller-cache]\nasks: "),
    ):
        file = root / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert [problem.message for problem in check(load_bank(root), DEMOS)] == [
        "requires: expected no circle; found scale-by-root -> weights-of-heads -> scale-by-root.",
        "requires: expected no circle; found cache-of-a-model -> smaller-cache -> cache-of-a-model.",
    ]
