"""kb.figures: every quoted figure is computed again, and a drifted one is rewritten where it stands."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.bank import load_bank
from kb.check import check
from kb.errors import FigureError, QuestionError
from kb.figures import fix, holds, recompute, reprint
from kb.links import demo_link
from kb.questions import Value

SMALL = Path(__file__).parent / "bank"
SOFTMAX = {
    "max_weight_unscaled": 0.9222,
    "max_weight_scaled": 0.06829,
    "jacobian_mean_unscaled": 0.09681,
    "curve_unscaled": [0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.92, 0.9454],
}


class Demos:
    """Plays the demos of the small bank, and keeps a list of what was run."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        self.runs: list[tuple[str, dict[str, Value]]] = []

    def __call__(self, name: str, params: Mapping[str, Value]) -> Mapping[str, Any]:
        self.runs.append((name, dict(params)))
        if isinstance(self.changes.get(name), FigureError):
            raise self.changes[name]
        if name == "softmax_saturation":
            return {**SOFTMAX, **self.changes}
        shape = {
            "num_layers": 32,
            "num_kv_heads": 8 if "preset" in params else 32,
            "head_dim": 128,
            "seq_len": 4096,
            "batch": 1,
            **params,
        }
        per_token = 4 * shape["num_layers"] * shape["num_kv_heads"] * shape["head_dim"]
        total = per_token * shape["seq_len"] * shape["batch"]
        return {"bytes_per_token": per_token, "cache_bytes": total, **self.changes}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the small bank that a test may rewrite."""
    return Path(shutil.copytree(SMALL, tmp_path / "content"))


def test_the_figures_of_the_small_bank_are_true() -> None:
    assert recompute(load_bank(SMALL), Demos()) == ()


def test_identical_runs_are_computed_once_and_generated_questions_at_every_value() -> None:
    demos = Demos()
    recompute(load_bank(SMALL), demos)
    fixed = {"head_dim": 128, "seq_len": 8192, "batch": 1}
    assert sorted(map(repr, demos.runs)) == sorted(
        map(
            repr,
            [
                ("softmax_saturation", {"head_dim": 512, "num_keys": 128}),
                ("softmax_saturation", {"num_keys": 128}),
                ("kv_cache_bytes", {"num_layers": 32, "num_kv_heads": 8, "head_dim": 128}),
                ("kv_cache_bytes", {"preset": "llama-3-8b"}),
                ("kv_cache_bytes", {**fixed, "num_layers": 16, "num_kv_heads": 1}),
                ("kv_cache_bytes", {**fixed, "num_layers": 32, "num_kv_heads": 8}),
                ("kv_cache_bytes", {**fixed, "num_layers": 80, "num_kv_heads": 32}),
            ],
        )
    )


def test_a_drifted_figure_is_named_with_file_line_and_value_in_both_languages() -> None:
    drifts = recompute(load_bank(SMALL), Demos(max_weight_scaled=0.0512))
    target = "demo:softmax_saturation?head_dim=512&num_keys=128#max_weight_scaled"
    expected = f"figure: expected 0.05 for {target}; found 0.07.\n    Fix: run `kb check --run --fix`."
    assert [str(drift.problem) for drift in drifts] == [
        f"bank/attention/scale-by-root.md:35: {expected}",
        f"bank/attention/scale-by-root.zh.md:22: {expected}",
    ]
    assert [drift.correct for drift in drifts] == ["0.05", "0.05"]


def test_fixing_rewrites_the_drifted_texts_of_both_files_and_nothing_else(root: Path) -> None:
    demos = Demos(max_weight_unscaled=0.8123, curve_unscaled=[0.0] * 9, bytes_per_token=262144)
    before = {file: file.read_text(encoding="utf-8") for file in root.rglob("*.md")}
    assert fix(recompute(load_bank(root), demos)) == ()
    assert recompute(load_bank(root), demos) == ()
    for file, text in before.items():
        expected = text.replace("[0.92]", "[0.81]").replace("[92 %]", "[81 %]").replace("[0.945]", "[0.000]")
        expected = expected.replace("[128 KiB]", "[256 KiB]").replace("[131,072]", "[262,144]")
        assert file.read_text(encoding="utf-8") == expected


def test_fixing_keeps_windows_line_ends_and_a_byte_order_mark(root: Path) -> None:
    file = root / "attention/scale-by-root.md"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    before = file.read_bytes()
    fix(recompute(load_bank(root), Demos(max_weight_scaled=0.0512)))
    assert file.read_bytes() == before.replace(b"[0.07]", b"[0.05]")


def test_fixing_nothing_touches_no_file(root: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in root.rglob("*")}
    assert fix(recompute(load_bank(root), Demos())) == ()
    assert {file: file.stat().st_mtime_ns for file in root.rglob("*")} == before


def test_only_the_figure_that_drifted_is_rewritten_where_two_print_the_same(root: Path) -> None:
    file = root / "attention/scale-by-root.md"
    text = file.read_text(encoding="utf-8").replace(
        "#max_weight_scaled) with", "#max_weight_scaled), not `[0.07](demo:a#b)` or 0.07, with"
    )
    file.write_text(text, encoding="utf-8")
    fix(recompute(load_bank(root), Demos(max_weight_scaled=0.0512)))
    assert file.read_text(encoding="utf-8") == text.replace("[0.07](demo:softmax", "[0.05](demo:softmax")


def test_a_bound_that_does_not_hold_cannot_be_fixed(root: Path) -> None:
    drifts = recompute(load_bank(root), Demos(jacobian_mean_unscaled=0.75))
    assert fix(drifts) == drifts
    assert str(drifts[0].problem) == (
        "content/attention/exploding-softmax.md:20: figure: expected "
        "demo:softmax_saturation?head_dim=512&num_keys=128#jacobian_mean_unscaled<0.5; found 0.75.\n"
        "    Fix: change the sentence; its bound does not hold."
    )


def test_a_demo_without_result_is_reported_at_every_place_that_needs_it() -> None:
    demos = Demos(kv_cache_bytes=FigureError("the demo ran longer than 60 s."))
    drifts = recompute(load_bank(SMALL), demos)
    options = "--head-dim 128 --seq-len 8192 --batch 1 --num-layers 16 --num-kv-heads 1"
    assert str(drifts[0].problem) == (
        "bank/kv_cache/cache-of-a-model.md:9: asks: expected a number from kv_cache_bytes; "
        "found the demo ran longer than 60 s.\n"
        f"    Fix: `kb demo run kv_cache_bytes {options}` shows the run."
    )
    assert [drift.problem.line for drift in drifts] == [9, 9, 9, 22, 23, 24, 8, 9, 10]
    assert len(demos.runs) == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_weight_unscaled": [0.9]}, "found a tuple in max_weight_unscaled."),
        ({"curve_unscaled": 0.9}, "found a single value in curve_unscaled."),
        ({"curve_unscaled": [0.9]}, "found only 1 elements in curve_unscaled."),
        ({"max_weight_unscaled": "NaN"}, "expected a number from softmax_saturation; found NaN."),
        ({"max_weight_unscaled": math.inf}, "expected a number from softmax_saturation; found inf."),
    ],
)
def test_a_result_of_another_form_is_reported(changes: dict[str, Any], message: str) -> None:
    drifts = recompute(load_bank(SMALL), Demos(**changes))
    assert any(message in str(drift.problem) for drift in drifts)


def test_a_field_that_is_gone_is_reported() -> None:
    def run(name: str, params: Mapping[str, Value]) -> Mapping[str, Any]:
        return {field: value for field, value in Demos()(name, params).items() if field != "curve_unscaled"}

    assert [
        "no field curve_unscaled in its result" in str(drift.problem) for drift in recompute(load_bank(SMALL), run)
    ] == [True] * 2


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("0.93", 0.9349, "0.93"),
        ("0.93", 0.94, "0.94"),
        ("2,560", 2560, "2,560"),
        ("12 %", 0.1234, "12 %"),
        ("true", True, "true"),
        ("true", False, "false"),
        ("gelu", "gelu", "gelu"),
        ("gelu", "relu", "`relu`"),
        ("`[MASK]`", "[MASK]", "`[MASK]`"),
        (r"\[MASK\]", "[MASK]", r"\[MASK\]"),
        ("NaN", "NaN", "NaN"),
        ("0.93", "NaN", "NaN"),
        ("∞", "Infinity", "∞"),
        ("Infinity", math.inf, "Infinity"),
        ("-∞", -math.inf, "-∞"),
        ("0.0", math.nan, "NaN"),
        ("NaN", 0.25, "0.25"),
    ],
)
def test_a_value_is_printed_like_the_text_it_replaces(text: str, value: Any, expected: str) -> None:
    assert reprint(text, value) == expected


def test_words_are_not_replaced_by_a_number(root: Path) -> None:
    with pytest.raises(QuestionError):
        reprint("about 1", 0.93)
    file = root / "attention/scale-by-root.md"
    file.write_text(file.read_text(encoding="utf-8").replace("[0.07]", "[little]"), encoding="utf-8")
    drifts = recompute(load_bank(root), Demos())
    assert [(drift.problem.line, drift.correct) for drift in drifts] == [(35, None)]
    assert fix(drifts) == drifts


@pytest.mark.parametrize(
    ("bound", "value", "kept"),
    [
        (">1.5", 1.6, True),
        (">1.5", 1.5, False),
        (">=1.5", 1.5, True),
        ("<2", 1, True),
        ("<=2", 2, True),
        ("<2", "NaN", False),
        (">2", "Infinity", True),
    ],
)
def test_a_bound_is_kept_or_not(bound: str, value: Any, kept: bool) -> None:
    assert holds(demo_link("x", f"demo:a#f{bound}"), value) is kept


@given(
    st.floats() | st.integers(-(10**15), 10**15),
    st.sampled_from(["0.93", "2,560", "1.2e-5", "12.5 %", "4 GiB", "−3", "NaN"]),
)
@example(1.797693134862316e306, "12.5 %")  # a hundred times that is beyond the largest float
def test_what_was_fixed_is_true_and_stays(value: float, text: str) -> None:
    fixed = reprint(text, value)
    assert reprint(fixed, value) == fixed


def test_a_file_that_cannot_be_written_is_an_error(root: Path) -> None:
    drifts = recompute(load_bank(root), Demos(max_weight_scaled=0.0512))
    shutil.rmtree(root / "attention")
    with pytest.raises(FigureError, match="the figures could not be rewritten: No such file"):
        fix(drifts)


def test_new_figures_begin_as_zeros_and_are_filled_in(root: Path) -> None:
    for name in ("scale-by-root.md", "scale-by-root.zh.md"):
        file = root / "attention" / name
        file.write_text(
            file.read_text(encoding="utf-8").replace("[0.07]", "[0.000]").replace("[92 %]", "[0 %]"), encoding="utf-8"
        )
    assert fix(recompute(load_bank(root), Demos())) == ()
    assert "[0.068](demo:softmax" in (root / "attention/scale-by-root.zh.md").read_text(encoding="utf-8")
    assert [problem for problem in check(load_bank(root), {}) if "translation" in problem.message] == []
