"""Fused attention never stores the n × n scores: the same FLOPs and result, with a fraction of the peak memory.

Leaves out: masks, the backward pass, and devices whose peak memory torch does not know.
Source: Dao et al. 2022, FlashAttention, section 3, https://arxiv.org/abs/2205.14135
"""

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import sdpa_kernel

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart
from demos._measure import count_flops, fused_backend, measure_ceilings, measure_peak, measure_time

TOLERANCE = {"float32": 1e-4, "float16": 5e-3, "bfloat16": 2e-2}


@dataclass(frozen=True)
class Result:
    memory_ratio: Annotated[float, Field("naive over fused peak memory at seq_len", measured=True)]
    speed_up: Annotated[float, Field("naive over fused time at seq_len", measured=True)]
    speed_up_reused: Annotated[float, Field("the same when naive attention writes into old buffers", measured=True)]
    error_naive: Annotated[float, Field("largest error against float64 at seq_len, naive", measured=True)]
    error_fused: Annotated[float, Field("largest error against float64 at seq_len, fused", measured=True)]
    flops: Annotated[int, Field("FLOPs of the two matrix products at seq_len, counted")]
    flops_ratio: Annotated[
        float, Field("FLOPs of torch's operator over those of naive attention, counted in its plain form")
    ]
    flops_exponent: Annotated[float, Field("p in FLOPs ∝ n^p over the last doubling, counted")]
    peak_exponent_naive: Annotated[float, Field("p in peak memory ∝ n^p over the curve, naive", measured=True)]
    peak_exponent_fused: Annotated[float, Field("p in peak memory ∝ n^p over the curve, fused", measured=True)]
    score_bytes: Annotated[int, Field("one n × n score matrix for each head at seq_len", unit="bytes")]
    fused_backend: Annotated[str, Field("torch's name for the fused kernel", measured=True)]
    matmul_share: Annotated[float, Field("fused FLOP rate over that of a large matrix product here", measured=True)]
    matmul_gflop_per_s: Annotated[float, Field("rate of that matrix product", unit="GFLOP/s", measured=True)]
    copy_gb_per_s: Annotated[float, Field("rate of a large copy here, read and written", unit="GB/s", measured=True)]
    curve_seq_len: Annotated[tuple[int, ...], Field("tokens along the curves")]
    curve_naive_ms: Annotated[tuple[float, ...], Field("time, naive", unit="ms", measured=True)]
    curve_fused_ms: Annotated[tuple[float, ...], Field("time, fused", unit="ms", measured=True)]
    curve_naive_bytes: Annotated[tuple[int, ...], Field("peak memory, naive", unit="bytes", measured=True)]
    curve_fused_bytes: Annotated[tuple[int, ...], Field("peak memory, fused", unit="bytes", measured=True)]
    tolerance: Annotated[float, Field("error that rounding in this dtype explains")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens; also measured at 1/2, 1/4 and 1/8 of it", minimum=64, maximum=65536)] = 1024,
    num_heads: Annotated[int, Param("heads", minimum=1, maximum=64)] = 2,
    head_dim: Annotated[int, Param("width of one head", choices=(16, 32, 64, 128))] = 64,
    dtype: Annotated[str, Param("type of q, k and v", choices=("float32", "bfloat16", "float16"))] = "float32",
    device: torch.device,
) -> Result:
    if device.type not in ("cpu", "cuda"):
        raise ParameterError(f"device: expected cpu or cuda, whose peak memory torch knows; found {device.type}.")
    kind = getattr(torch, dtype)
    backend = fused_backend(device, kind)
    lengths = tuple(seq_len // part for part in (8, 4, 2, 1))
    with sdpa_kernel(backend):
        curve = [measure(length, num_heads, head_dim, kind, device) for length in lengths]
    ceilings = measure_ceilings(device, kind, budget_s=0.02)
    first, half, last = curve[0], curve[-2], curve[-1]
    doublings = math.log2(lengths[-1] / lengths[0])
    return Result(
        memory_ratio=last.naive_bytes / last.fused_bytes,
        speed_up=last.naive_ms / last.fused_ms,
        speed_up_reused=last.reused_ms / last.fused_ms,
        error_naive=last.error_naive,
        error_fused=last.error_fused,
        flops=last.naive_flops,
        flops_ratio=last.fused_flops / last.naive_flops,
        flops_exponent=math.log2(last.fused_flops / half.fused_flops) / math.log2(lengths[-1] / lengths[-2]),
        peak_exponent_naive=math.log2(last.naive_bytes / first.naive_bytes) / doublings,
        peak_exponent_fused=math.log2(last.fused_bytes / first.fused_bytes) / doublings,
        score_bytes=num_heads * seq_len**2 * kind.itemsize,
        fused_backend=backend.name,
        matmul_share=last.fused_flops / last.fused_ms / 1e6 / ceilings.matmul_gflop_per_s,
        matmul_gflop_per_s=ceilings.matmul_gflop_per_s,
        copy_gb_per_s=ceilings.copy_gb_per_s,
        curve_seq_len=lengths,
        curve_naive_ms=tuple(row.naive_ms for row in curve),
        curve_fused_ms=tuple(row.fused_ms for row in curve),
        curve_naive_bytes=tuple(row.naive_bytes for row in curve),
        curve_fused_bytes=tuple(row.fused_bytes for row in curve),
        tolerance=TOLERANCE[dtype],
    )


class Row(NamedTuple):
    """What was measured at one length."""

    naive_ms: float
    reused_ms: float
    fused_ms: float
    naive_bytes: int
    fused_bytes: int
    naive_flops: int
    fused_flops: int
    error_naive: float
    error_fused: float


def measure(length: int, num_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device) -> Row:
    """Naive and fused attention on the same data; the caller chooses the fused kernel."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    shape = (1, num_heads, length, head_dim)
    q, k, v = (torch.randn(shape, generator=generator).to(device, dtype) for _ in range(3))
    scores, weights = (q.new_empty(1, num_heads, length, length) for _ in range(2))
    output = torch.empty_like(q)

    def naive() -> Tensor:
        return (q * head_dim**-0.5 @ k.mT).softmax(-1) @ v  # two of (1, num_heads, length, length) live at once

    def reused() -> Tensor:
        torch.softmax(torch.matmul(q * head_dim**-0.5, k.mT, out=scores), -1, out=weights)
        return torch.matmul(weights, v, out=output)

    def fused() -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)

    few = q[:, :, :128].cpu().double()  # the first 128 queries are enough to compare
    exact = (few * head_dim**-0.5 @ k.cpu().double().mT).softmax(-1) @ v.cpu().double()
    naive_ms, reused_ms, fused_ms = (
        measure_time(arm, device, budget_s=0.02).median_ms for arm in (naive, reused, fused)
    )
    return Row(
        naive_ms=naive_ms,
        reused_ms=reused_ms,
        fused_ms=fused_ms,
        naive_bytes=measure_peak(naive, device).peak_bytes,
        fused_bytes=measure_peak(fused, device).peak_bytes,
        naive_flops=count_flops(naive),
        fused_flops=count_flops(fused),
        error_naive=(naive()[:, :, :128].cpu().double() - exact).abs().max().item(),
        error_fused=(fused()[:, :, :128].cpu().double() - exact).abs().max().item(),
    )


def claims(result: Result) -> dict[str, bool]:
    length = result.curve_seq_len[-1]
    return {
        "both results are those of float64 up to rounding": (
            max(result.error_naive, result.error_fused) < result.tolerance
        ),
        "both do the same FLOPs, and four times as many for twice the tokens": (
            result.flops_ratio == 1 and math.isclose(result.flops_exponent, 2)
        ),
        "from 512 tokens on, naive attention holds two score matrices at its peak": (
            length < 512 or 1.9 < result.curve_naive_bytes[-1] / result.score_bytes < 2.5
        ),
        "from 1024 tokens on, fused attention holds less than one": (
            length < 1024 or result.curve_fused_bytes[-1] < result.score_bytes
        ),
        "from 2048 tokens on, the peak grows about linearly when fused and about as the square when naive": (
            length < 2048 or (result.peak_exponent_fused < 1.3 and result.peak_exponent_naive > 1.6)
        ),
    }


def figure(result: Result) -> Chart:
    curves = {"naive": result.curve_naive_bytes, "fused": result.curve_fused_bytes}
    return line_chart(
        result.curve_seq_len,
        {name: [size / 2**20 for size in curve] for name, curve in curves.items()},
        x_title="tokens (log scale)",
        y_title="peak memory, MiB (log scale)",
        log="xy",
        at=(2, "right"),
    )
