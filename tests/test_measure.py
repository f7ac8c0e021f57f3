"""The measurements of the demos: what is deterministic is asserted, times are only asked to be there."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from demos import _measure

torch.set_num_threads(1)

CPU = torch.device("cpu")
KIB = 2**10


def test_a_timing_has_median_spread_samples_and_the_name_of_its_clock() -> None:
    x = torch.ones(64, 64)
    timing = _measure.measure_time(lambda: x @ x, CPU, budget_s=0.01)
    assert timing.median_ms > 0
    assert timing.spread_ms >= 0
    assert timing.samples >= 9
    assert "CPU time" in timing.clock


def test_the_peak_counts_everything_alive_at_once_and_nothing_that_was_there_before() -> None:
    x = torch.ones(256 * KIB)  # 1 MiB; the number in `x + 1` becomes a tensor of a few bytes

    def peak_mib(call: Callable[[], torch.Tensor]) -> float:
        return _measure.measure_peak(call, CPU).peak_bytes / x.nbytes

    assert peak_mib(lambda: x) == 0
    assert peak_mib(lambda: x + 1) == pytest.approx(1, rel=1e-4)
    assert peak_mib(lambda: (x + 1) * (x + 2)) == pytest.approx(3, rel=1e-4)
    assert peak_mib(lambda: ((x + 1) + 2) + 3) == pytest.approx(2, rel=1e-4)


def test_the_peak_sees_the_scratch_memory_of_a_fused_kernel_and_is_the_same_at_every_run() -> None:
    q = torch.ones(1, 2, 256, 64)
    peaks = {_measure.measure_peak(lambda: F.scaled_dot_product_attention(q, q, q), CPU).peak_bytes for _ in range(3)}
    assert len(peaks) == 1
    assert q.nbytes < peaks.pop() < 2 * 256 * 256 * 4 * 2


def test_the_peak_of_an_unknown_device_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match=r"^peak memory: expected a cpu or cuda device; found meta$"):
        _measure.measure_peak(lambda: torch.ones(1), torch.device("meta"))


def test_the_profilers_own_lines_are_dropped_from_stderr_and_others_kept(capfd: pytest.CaptureFixture[str]) -> None:
    def call() -> torch.Tensor:
        os.write(2, b"a warning of the demo\n")
        os.write(2, b"and one more\n")
        return torch.ones(4)

    _measure.measure_peak(call, CPU)
    assert capfd.readouterr().err.splitlines() == ["a warning of the demo", "and one more"] * 2


def test_flops_of_fused_attention_equal_those_of_its_two_matrix_products() -> None:
    q = torch.ones(1, 2, 128, 64)
    assert _measure.count_flops(lambda: F.scaled_dot_product_attention(q, q, q)) == 2 * (2 * 2 * 128 * 128 * 64)
    assert _measure.count_flops(lambda: torch.softmax(q @ q.mT, -1) @ q) == 2 * (2 * 2 * 128 * 128 * 64)


def test_flops_are_those_of_torchs_own_counter_and_no_compiler_is_imported_for_them() -> None:
    x, w = torch.ones(2, 8, 9), torch.ones(4, 8, 3, requires_grad=True)
    calls: list[Callable[[], object]] = [
        lambda: F.linear(x, torch.ones(5, 9)),
        lambda: torch.einsum("bij,bkj->bik", x, x),
        lambda: F.conv1d(x, w).sum().backward(),
        lambda: torch.nn.RNN(9, 3)(x)[0],
    ]
    for call in calls:
        with FlopCounterMode(display=False) as counter:
            call()
        assert _measure.count_flops(call) == counter.get_total_flops() > 0  # type: ignore[arg-type]
    code = (
        "import sys, torch; from demos import _measure; _measure.count_flops(lambda: torch.ones(2, 2) @ torch.ones(2, 2)); "
        "print('torch._dynamo' in sys.modules)"
    )
    root = Path(_measure.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts page faults for a thread")
def test_fresh_large_buffers_cause_page_faults_and_a_reused_one_does_not() -> None:
    """In a process of its own, since a heap that other work left large would serve the buffers without a fault."""
    code = (
        "import torch; from demos._measure import measure_time; out = torch.zeros(16 * 2**20); cpu = torch.device('cpu'); "
        "print(measure_time(lambda: torch.ones(out.shape), cpu, budget_s=0.01).faults_per_call, "
        "measure_time(lambda: out.fill_(1.0), cpu, budget_s=0.01).faults_per_call)"
    )
    root = Path(_measure.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    fresh, reused = map(float, done.stdout.split())
    assert fresh >= 64 * 2**20 / 2**21  # one for each page, even where pages are huge
    assert reused < 1


def test_ceilings_are_rates_of_this_device() -> None:
    ceilings = _measure.measure_ceilings(CPU, torch.float32, budget_s=0.001)
    assert 0 < ceilings.copy_gb_per_s < math.inf
    assert 0 < ceilings.matmul_gflop_per_s < math.inf


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_times_by_events_and_counts_memory_by_the_allocator() -> None:
    device = torch.device("cuda")
    x = torch.ones(256 * KIB, device=device)
    timing = _measure.measure_time(lambda: x + 1, device, budget_s=0.01)
    assert timing.clock == "CUDA events"
    assert timing.samples >= 10
    assert _measure.measure_peak(lambda: x + 1, device).peak_bytes == x.nbytes
    assert _measure.measure_ceilings(device, torch.bfloat16).copy_gb_per_s > 0
