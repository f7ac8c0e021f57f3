"""Every demo on a simulated device: it mixes no devices, asks an Apple GPU for no float64, and its claims hold there."""

import ast
import itertools
from pathlib import Path

import pytest
import torch
from simulated_device import SimulatedDevice

import demos
from demos import _measure, _worker

MPS = torch.device("mps")
LIGHT = [name for name in demos.names() if not demos.describe(name).slow and name != "flash_vs_naive"]
LONG = (
    "glu_variants",
    "hbm_bandwidth",
    "kv_cache",
    "linear_attention",
    "mha_mqa_gqa",
    "norm_placement_grad",
    "sliding_window",
)
SMALL = {"glu_variants": {"d_model": 64}}  # elsewhere than on a CPU it runs more tokens


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in LIGHT])
def test_a_demo_runs_and_its_claims_hold_on_a_device_without_float64(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(_measure, "_synchronised_time", lambda: float(next(ticks)))  # no device to wait for
    path = demos.describe(name).path
    demo = _worker._load(str(path), path.stat().st_mtime_ns)
    torch.manual_seed(0)
    with SimulatedDevice(MPS, has_float64=False):
        result = demo.run(**demos.check_params(name, SMALL.get(name, {})), device=MPS)
    assert [text for text, holds in demo.claims(result).items() if not holds] == []


def test_the_demo_that_measures_memory_says_which_devices_it_needs() -> None:
    path = demos.describe("flash_vs_naive").path
    demo = _worker._load(str(path), path.stat().st_mtime_ns)
    expected = "device: expected cpu or cuda, whose peak memory torch knows; found mps."
    with pytest.raises(demos.ParameterError, match=f"^{expected}$"):
        demo.run(**demos.check_params("flash_vs_naive", {}), device=MPS)


def test_the_simulated_device_refuses_what_a_real_one_refuses() -> None:
    with SimulatedDevice(MPS, has_float64=False):
        x = torch.ones(2, 3).to(MPS)
        assert x.device == MPS
        assert (x @ x.T).sum(-1).device == MPS
        assert x.cpu().device == torch.nn.Linear(3, 2).weight.device == torch.device("cpu")
        assert torch.nn.Linear(3, 2, device=MPS)(x).device == MPS
        with pytest.raises(RuntimeError, match="add: expected all tensors on one device; found mps and cpu"):
            x + torch.ones(2, 3)
        with pytest.raises(TypeError, match="double: mps has no float64"):
            x.double()
        with pytest.raises(TypeError, match="to: mps has no float64"):
            torch.ones(2, dtype=torch.float64).to(MPS)
    assert (x.cpu() == 1).all()


def test_random_numbers_come_from_a_generator_on_the_cpu() -> None:
    """Made on the device, they would be other ones on each; only `_measure.noise` does so, for what is timed."""
    found = []
    for path in sorted({demos.describe(name).path for name in demos.names()} | set(_helpers())):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="torch"), attr="randn" | "rand" | "randint" | "randperm")
                ):
                    keywords = {keyword.arg for keyword in node.keywords}
                    if "generator" not in keywords or "device" in keywords:
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []


def _helpers() -> list[Path]:
    root = demos.describe("softmax_saturation").path.parents[1]
    return list(root.glob("[!_]*/_[!_]*.py"))
