"""Every demo on the CPU: its claims at the defaults over several seeds, its result against its own declaration, its figure."""

import json
import math
from collections.abc import Iterator
from typing import Any

import altair as alt
import pytest

import demos
from demos._runner import Runner

SEEDS = (0, 1, 2)
TYPES = {"int": int, "float": (float, str), "bool": bool, "str": str}
LIGHT = [name for name in demos.names() if not demos.describe(name).slow]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in demos.names() if demos.describe(name).slow]


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.mark.parametrize("name", LIGHT + SLOW)
def test_every_claim_holds_at_the_defaults_over_several_seeds(runner: Runner, name: str) -> None:
    failed = [
        (seed, text)
        for seed in SEEDS
        for text, holds in runner.run(name, device="cpu", seed=seed).claims.items()
        if not holds
    ]
    assert failed == []


@pytest.mark.parametrize("name", LIGHT + SLOW)
def test_the_result_is_what_the_source_declares_and_survives_json(runner: Runner, name: str) -> None:
    spec = demos.describe(name)
    outcome = runner.run(name, device="cpu")
    assert list(outcome.result) == [field.name for field in spec.fields]
    for field in spec.fields:
        value = outcome.result[field.name]
        kind = field.type.removeprefix("tuple[").split(",")[0].rstrip("]")
        for item in value if field.type.startswith("tuple") else [value]:
            assert isinstance(item, TYPES[kind]), f"{name}: {field.name}: {item!r}"
    assert tuple(outcome.claims) == spec.claims
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False)) == outcome.to_json()


@pytest.mark.parametrize("name", LIGHT)
def test_computed_fields_are_the_same_when_the_seed_is(runner: Runner, name: str) -> None:
    spec = demos.describe(name)
    first = runner.run(name, device="cpu").result
    again = runner.run(name, device="cpu", fresh=True).result
    for field in spec.fields:
        if not field.measured:
            assert same(again[field.name], first[field.name]), field.name


def same(left: Any, right: Any) -> bool:
    """Whether two values of a result agree, floats to six digits."""
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-12)
    return bool(left == right)


@pytest.mark.parametrize("name", LIGHT + SLOW)
def test_the_figure_is_valid_vega_lite_with_titled_axes(runner: Runner, name: str) -> None:
    figure = runner.run(name, device="cpu").figure
    assert figure is not None
    alt.Chart.from_dict(figure)
    assert '"title"' in json.dumps(figure)
    assert "#000" not in json.dumps(figure)
