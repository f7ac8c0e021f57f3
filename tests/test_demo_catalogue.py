"""The catalogue keeps its promises: names that others rely on, claims at every parameter of the bank, axes with names."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import demos
from demos._runner import Runner
from kb.bank import load_bank
from kb.questions import NumericQuestion

SEEDS = range(5)
CONTENT = Path(__file__).parents[1] / "content"

# Names of parameters and of fields that questions, readers and other programs were promised.
PROMISED = {
    "kv_cache": ((), ("max_abs_error", "token_work_ratio")),
    "causal_mask": ((), ("leak_above_diagonal",)),
    "rope_relative": (("head_dim", "offset", "shift", "dtype"), ("shift_error", "norm_error")),
    "alibi_bias": (("num_heads",), ("slopes",)),
    "sinusoidal": (("d_model",), ("offset_error", "shift_matrix_error")),
    "rmsnorm": (("mean",), ("layernorm_rms_gap",)),
    "weight_tying": (("preset",), ("tied_parameters", "saved_parameters")),
    "sliding_window": (("window", "num_layers"), ("reach",)),
    "paged_kv": (("block_size",), ("utilisation",)),
    "flash_tiling": (("seq_len", "block"), ("max_abs_error", "naive_pseudocode_error")),
    "gqa_meanpool": (
        ("correlation",),
        ("error_mean_pool", "error_first_head", "error_random", "error_zero_output"),
    ),
    "glu_variants": (("d_model",), ("parameter_ratio",)),
    "t5_bias": (("bidirectional", "num_buckets", "max_distance"), ("first_saturated_distance",)),
    "length_extrapolation": ((), ("loss_ratio_by_encoding",)),
}
# What is timed on a device names its kernel, where there is a choice, and puts its rate beside what the device reaches.
MEASURED = {
    "flash_vs_naive": ("fused_backend", "matmul_share", "matmul_gflop_per_s"),
    "hbm_bandwidth": ("softmax_share", "copy_gb_per_s", "matmul_gflop_per_s"),
    "kv_cache": ("decode_backend", "decode_gb_per_s", "copy_gb_per_s"),
    "mha_mqa_gqa": ("decode_backend", "decode_gb_per_s", "copy_gb_per_s", "decode_speed_up"),
    "linear_attention": ("softmax_backend", "traffic_share"),
    "sliding_window": ("block_backend", "block_share"),
    "rmsnorm": ("rms_over_ln_time", "copy_over_ln_time"),
    "glu_variants": ("gated_over_plain_time", "matmul_share"),
}

# Names that are the same in every language: of models, of activations, of tokens.
NAMES = {
    "cross_attn_mask": ("pad1", "pad2", "pad3"),
    "dying_relu": ("ReLU", "leaky ReLU", "GELU", "SiLU"),
    "kv_cache_bytes": (),
}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.mark.parametrize("name", PROMISED)
def test_promised_parameters_and_fields_are_there(name: str) -> None:
    spec = demos.describe(name)
    params, fields = PROMISED[name]
    assert [param for param in params if spec.param(param) is None] == []
    assert [field for field in fields if spec.field(field) is None] == []
    preset = spec.param("preset")
    assert name != "weight_tying" or (preset and preset.choices and "gpt2" in preset.choices)


@pytest.mark.parametrize("name", MEASURED)
def test_an_efficiency_demo_puts_its_rate_beside_the_devices_own(name: str) -> None:
    fields = {field.name: field for field in demos.describe(name).fields}
    assert [field for field in MEASURED[name] if field not in fields or not fields[field].measured] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", demos.names())
def test_every_claim_holds_over_five_seeds_at_every_parameter_of_the_bank(runner: Runner, name: str) -> None:
    seeds = SEEDS if not demos.describe(name).slow else SEEDS[:2]
    failed = [
        (params, seed, text)
        for params in parameters_of_the_bank(name)
        for seed in seeds
        for text, holds in runner.run(name, params, device="cpu", seed=seed, timeout_s=120).claims.items()
        if not holds
    ]
    assert failed == []


def parameters_of_the_bank(name: str) -> list[dict[str, Any]]:
    """The parameters that questions run the demo with, each set once, the defaults first."""
    found: list[dict[str, Any]] = [{}]
    for question in load_bank(CONTENT).questions.values():
        found += [dict(link.params) for text in question.texts.values() for link in text.links if link.demo == name]
        if question.predict and question.predict.demo == name:
            found.append(dict(question.predict.params))
        if isinstance(question, NumericQuestion) and question.demo == name:
            draws = itertools.product(*question.vary.values())
            found += [{**question.params, **dict(zip(question.vary, draw, strict=True))} for draw in draws]
    complete = {json.dumps(demos.check_params(name, params), sort_keys=True) for params in found}
    return [json.loads(params) for params in sorted(complete)]


@pytest.mark.parametrize("name", [name for name in demos.names() if not demos.describe(name).slow])
def test_every_axis_has_a_name_and_a_logarithmic_one_says_so(runner: Runner, name: str) -> None:
    figure = runner.run(name, device="cpu").figure
    assert figure is not None
    for channel, axis in axes(figure):
        if axis["type"] == "quantitative":
            title, scale = axis.get("title"), axis.get("scale") or {}
            assert title, f"{name}: {channel} has no title"
            assert ("log scale" in title) == ("log" in scale.get("type", "")), f"{name}: {title}"


@pytest.mark.parametrize("name", [name for name in demos.names() if not demos.describe(name).slow])
def test_every_text_of_a_figure_is_known_from_the_source(runner: Runner, name: str) -> None:
    """What is not would stay English in every language; a formula, a number, or the value of a parameter or field may."""
    spec = demos.describe(name)
    outcome = runner.run(name, device="cpu")
    assert outcome.figure is not None
    choices = {str(choice) for param in spec.params for choice in param.choices or ()}
    values = {text for value in outcome.result.values() for text in (value if isinstance(value, list) else [value])}
    known = {*spec.figure_texts, *choices, *values}
    words = [text for text in texts(outcome.figure) if re.search(r"[^\W\d_]{2}", text)]
    assert [text for text in words if text not in known and text not in NAMES.get(name, ())] == []


def texts(figure: dict[str, Any]) -> Iterator[str]:
    """The titles of axes and legends, and every text in the data."""
    for key, part in figure.items():
        if key == "title" and isinstance(part, str):
            yield part
        elif key in ("values", "datasets") or (key == "data" and "values" in part):
            for row in tree_rows(part):
                yield from (value for value in row.values() if isinstance(value, str))
        elif isinstance(part, dict):
            yield from texts(part)
        elif isinstance(part, list):
            for each in part:
                if isinstance(each, dict):
                    yield from texts(each)


def tree_rows(part: Any) -> Iterator[dict[str, Any]]:
    """The rows of data, wherever they lie."""
    if isinstance(part, dict) and part and not any(isinstance(value, dict | list) for value in part.values()):
        yield part
    elif isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            if isinstance(each, dict | list):
                yield from tree_rows(each)


def axes(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The x and y channels that draw an axis, wherever they stand in the figure; of a layered one the first with a title."""
    for layer in part.get("layer", []) if "layer" in part else [part]:
        for channel in ("x", "y"):
            axis = (layer.get("encoding") or {}).get(channel) or {}
            if "type" in axis and axis.get("title") and axis.get("axis", True) is not None:
                yield channel, axis
