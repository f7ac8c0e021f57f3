"""One way to measure for every demo: time, peak memory, floating-point operations, and what the device can do at most.

Times and memory depend on the machine: a demo declares such fields `measured=True`, shows them, and asserts at most the
square root of a true effect. Leaves out energy, and the peak memory of Apple GPUs, whose allocator keeps no peak.
"""

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.profiler import profile
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

try:
    import resource
except ImportError:  # Windows does not count page faults for a thread
    resource = None  # type: ignore[assignment]

Call = Callable[[], Tensor]

SAMPLES = 9  # at least, where a clock of the CPU is read
SAMPLE_S = 1e-3  # at least; reading the clock takes under a microsecond
LAUNCHES = (10, 100)  # at least and at most, on CUDA
FLUSH_BYTES = 256 * 2**20  # more than the L2 cache of any GPU known


@dataclass(frozen=True)
class Timing:
    """How long one call takes: the median and the interquartile range over the samples, and by which clock.

    `faults_per_call` are the pages that the system had to map meanwhile, mostly for fresh large buffers, which can cost
    more than the work itself; whether buffers are fresh depends on the history of the process. NaN where not counted.
    """

    median_ms: float
    spread_ms: float
    samples: int
    clock: str
    faults_per_call: float


@dataclass(frozen=True)
class PeakMemory:
    """The most that a call had allocated at any instant beyond what was there before, its own output included."""

    peak_bytes: int
    counted_by: str


@dataclass(frozen=True)
class Ceilings:
    """What the device reaches on one large copy (bytes read and written) and on one large square matrix product."""

    copy_gb_per_s: float
    matmul_gflop_per_s: float


def measure_time(call: Call, device: torch.device, *, budget_s: float = 0.2) -> Timing:
    """The time of one call, measured for about `budget_s` seconds, or longer where nine samples of a slow call need it.

    On a CPU: CPU time of this thread, with one torch thread, so that a busy machine disturbs it little. On CUDA: events
    around each launch after a warm-up, the L2 cache flushed before each. Elsewhere: wall time, synchronised.
    """
    if device.type == "cuda":
        return _cuda_time(call, device, budget_s)
    if device.type == "cpu":
        return _clock_time(call, time.thread_time, "CPU time of this thread, one torch thread", budget_s)
    return _clock_time(call, _synchronised_time, "wall time, synchronised", budget_s)


def measure_peak(call: Call, device: torch.device) -> PeakMemory:
    """The peak memory of one call, after one warm-up call.

    On a CPU it is the running peak of the profiler's memory events, which sees the scratch memory of kernels and is the
    same at every run; on CUDA the allocator's own peak. Raises: NotImplementedError for another device.
    """
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return PeakMemory(torch.cuda.max_memory_allocated(device) - before, "the CUDA allocator's peak")
    if device.type != "cpu":
        raise NotImplementedError(f"peak memory: expected a cpu or cuda device; found {device.type}")
    with _without_usdt_lines(), profile(profile_memory=True) as profiler:
        call()
    events = [event for event in profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return PeakMemory(peak, "the profiler's memory events")


def noise(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Numbers from N(0, 1), made on the device: for what is only timed, since they differ from device to device."""
    return torch.randn(shape, device=device, dtype=dtype)


def fused_backend(device: torch.device, dtype: torch.dtype, *, shared_heads: bool = False) -> SDPBackend:
    """The backend of fused attention without a mask on this device, for `sdpa_kernel` and to be named beside a time.

    With `shared_heads`, several query heads for each K/V head, it is the plain one where no fused kernel takes them.
    """
    if device.type == "cpu":
        return SDPBackend.FLASH_ATTENTION
    if device.type != "cuda":
        return SDPBackend.MATH  # elsewhere torch has its own operator behind this name
    flash = dtype != torch.float32 and torch.cuda.get_device_capability(device) >= (8, 0)  # from Ampere on, 16 bits
    if flash:
        return SDPBackend.FLASH_ATTENTION
    return SDPBackend.MATH if shared_heads else SDPBackend.EFFICIENT_ATTENTION


def count_flops(call: Call) -> int:
    """The floating-point operations of the matrix products in one call, a multiply-add as two.

    Fused attention runs as its plain form meanwhile (the MATH backend), since torch counts nothing inside a fused kernel.
    """
    with _FlopCounter() as counter, sdpa_kernel(SDPBackend.MATH):
        call()
    return counter.total


def measure_ceilings(device: torch.device, dtype: torch.dtype, *, budget_s: float = 0.1) -> Ceilings:
    """The rates of a copy far larger than the caches and of a matrix product of this dtype, measured now."""
    return Ceilings(_copy_gb_per_s(device, budget_s), _matmul_gflop_per_s(device, dtype, budget_s))


class _FlopCounter(TorchDispatchMode):
    """Adds up the formulas of torch's own FlopCounterMode, which at its first use spends a second on importing a compiler."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # what torch asks before it wraps the method below in that compiler

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        formula, options = flop_registry.get(func._overloadpacket), kwargs or {}
        if formula is None:
            with self:
                parts = func.decompose(*args, **options)
            if parts is not NotImplemented:
                return parts
        output = func(*args, **options)
        if formula is not None:
            self.total += int(formula(*args, **options, out_val=output))
        return output


def _copy_gb_per_s(device: torch.device, budget_s: float) -> float:
    size = {"cpu": 2**25, "cuda": 2**30}.get(device.type, 2**28)  # bytes
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    target = torch.zeros_like(source)
    copy = measure_time(lambda: target.copy_(source), device, budget_s=budget_s)
    return 2 * source.nbytes / copy.median_ms / 1e6


def _matmul_gflop_per_s(device: torch.device, dtype: torch.dtype, budget_s: float) -> float:
    width = {"cpu": 768, "cuda": 8192}.get(device.type, 2048)
    left, right = (noise((width, width), device, dtype) for _ in range(2))
    product = measure_time(lambda: left @ right, device, budget_s=budget_s)
    return 2 * width**3 / product.median_ms / 1e6


def _synchronised_time() -> float:
    torch.accelerator.synchronize()
    return time.perf_counter()


def _clock_time(call: Call, clock: Callable[[], float], name: str, budget_s: float) -> Timing:
    """A fast call is repeated within a sample until reading the clock costs below 0.1 %.

    torch.utils.benchmark.Timer does the same more thoroughly, and needs several times as long for it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        call()
        once_s = max(_elapsed_s(call, 1, clock), 1e-9)
        repeats = math.ceil(SAMPLE_S / once_s)
        count = max(SAMPLES, math.ceil(budget_s / (repeats * once_s)))
        faults = _page_faults()
        samples_ms = [1e3 * _elapsed_s(call, repeats, clock) / repeats for _ in range(count)]
        return _summary(samples_ms, name, (_page_faults() - faults) / (count * repeats))
    finally:
        torch.set_num_threads(threads)


def _elapsed_s(call: Call, repeats: int, clock: Callable[[], float]) -> float:
    started = clock()
    for _ in range(repeats):
        call()
    return clock() - started


def _page_faults() -> float:
    """The pages mapped for this thread so far without reading a disk; NaN where the system counts none (only Linux does)."""
    who = getattr(resource, "RUSAGE_THREAD", None)
    return math.nan if resource is None or who is None else float(resource.getrusage(who).ru_minflt)


def _summary(samples_ms: list[float], clock: str, faults_per_call: float) -> Timing:
    low, median, high = statistics.quantiles(samples_ms, n=4, method="inclusive")
    return Timing(median, high - low, len(samples_ms), clock, faults_per_call)


def _cuda_time(call: Call, device: torch.device, budget_s: float) -> Timing:
    with torch.cuda.device(device):
        flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=device)
        _launches_ms(call, flush, 3)
        once_ms = statistics.median(_launches_ms(call, flush, 3))
        count = min(max(math.ceil(1e3 * budget_s / once_ms), LAUNCHES[0]), LAUNCHES[1])
        return _summary(_launches_ms(call, flush, count), "CUDA events", math.nan)


def _launches_ms(call: Call, flush: Tensor, count: int) -> list[float]:
    """The time of each of `count` launches in milliseconds.

    Filling the buffer empties the L2 cache, and keeps the device busy while the launches behind it are queued.
    """
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(count)]
    for start, end in events:
        flush.zero_()
        start.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in events]


@contextmanager
def _without_usdt_lines() -> Iterator[None]:
    """Drops the lines "USDT:..." that torch's profiler writes to stderr; everything else written meanwhile is kept."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            captured.seek(0)
            for line in captured:
                if not line.startswith(b"USDT:"):
                    os.write(2, line)
