"""The contract of a demo is read from its source, and every departure from it is named with file and line."""

import subprocess
import sys
from pathlib import Path

import pytest

import demos
from demos._registry import catalogue, describe

FAULTY = Path(__file__).parent / "faulty_demos"
GOOD = (FAULTY / "faults" / "misbehaves.py").read_text(encoding="utf-8")


def test_parameters_and_fields_come_from_the_source() -> None:
    spec = demos.describe("softmax_saturation")
    head_dim = spec.param("head_dim")
    assert head_dim is not None
    assert (head_dim.type, head_dim.default, head_dim.minimum, head_dim.maximum) == ("int", 512, 1, 4096)
    assert head_dim.option == "--head-dim"
    assert [field.name for field in spec.fields][:2] == ["max_weight_unscaled", "max_weight_scaled"]
    assert spec.source.startswith("Vaswani et al. 2017")
    assert spec.topic == "attention"
    assert spec.has_figure


def test_listing_all_demos_imports_nothing_heavy() -> None:
    code = (
        "import sys, demos; demos.catalogue(); "
        "print(sorted({'torch', 'numpy', 'altair', 'pebble', 'kb'} & set(sys.modules)))"
    )
    root = Path(demos.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_given_parameters_are_converted_from_text_and_the_rest_are_defaults() -> None:
    params = demos.check_params("softmax_saturation", {"head_dim": "64"})
    assert params == {"head_dim": 64, "num_keys": 128, "num_queries": 256}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"head_dim": 0}, "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found 0."),
        ({"head_dim": 1.5}, "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found 1.5."),
        ({"head_dim": True}, "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found True."),
        ({"head_dim": "x"}, "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found 'x'."),
        (
            {"head_dim": "inf"},
            "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found 'inf'.",
        ),
        ({"heads": 1}, "demo softmax_saturation: parameter 'heads' does not exist; did you mean 'head_dim'?"),
        (
            {"zzz": 1},
            "demo softmax_saturation: parameter 'zzz' does not exist; it takes head_dim, num_keys, num_queries.",
        ),
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused(params: dict[str, object], message: str) -> None:
    with pytest.raises(demos.ParameterError) as caught:
        demos.check_params("softmax_saturation", params)
    assert str(caught.value) == message


def test_an_unknown_demo_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(demos.UnknownDemoError) as caught:
        demos.describe("softmax_saturatoin")
    assert str(caught.value) == (
        "demo 'softmax_saturatoin': there is no demo of that name; did you mean 'softmax_saturation'?"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def run(", "def go(", "expected a function `run`; found none."),
        ("class Result", "class Outcome", "expected a frozen dataclass `Result`; found none."),
        ("def claims(", "def facts(", "expected a function `claims`; found none."),
        ("Leaves out:", "Skips:", "expected the claim in the first line, then 'Leaves out:', then 'Source:'."),
        (
            'Annotated[bool, Param("not used")]',
            "bool",
            'causal: expected `Annotated[type, Param("meaning in one line", ...)]`.',
        ),
        (
            'Annotated[int, Field("id of the worker process")]',
            "int",
            'process: expected `Annotated[type, Field("meaning in one line", ...)]`.',
        ),
        ("minimum=1, maximum=1_000_000_000_000", "minimum=1", "size: expected a minimum and a maximum, or choices."),
        ("maximum=1_000_000_000_000", "maximum=10**12", "expected a literal; found `10 ** 12`."),
        ("    device: torch.device,\n", "", "run: expected keyword parameters only, `device` among them."),
        ('{"the draw', '{f"the draw', "claims: expected constant texts, since they are translated."),
        ("import os\n", "import os os\n", "the file is not readable as Python: invalid syntax"),
    ],
)
def test_a_departure_from_the_contract_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = tmp_path / "faults"
    folder.mkdir()
    assert old in GOOD
    (folder / "departs.py").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(demos.BrokenDemoError) as caught:
        describe("departs", tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith("faults/departs.py:") or "departs.py:" in str(caught.value)


def test_one_broken_demo_leaves_the_rest_of_the_catalogue_usable(tmp_path: Path) -> None:
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "works.py").write_text(GOOD, encoding="utf-8")
    (folder / "broken.py").write_text("nothing here", encoding="utf-8")
    specs, broken = catalogue(tmp_path)
    assert list(specs) == ["works"]
    assert len(broken) == 1
