"""Softmax moves bytes and a matrix product computes: attention in separate kernels is bound by traffic, which tiles cut.

Leaves out: the on-chip levels themselves (no program of ours can time them) and the backward pass. Traffic is a model: each
operand of a kernel read once, each result written once, heads apart; for tiles, what the loops of algorithm 1 load and store.
Source: Dao et al. 2022, FlashAttention, section 2.1, theorem 2 and algorithm 1, https://arxiv.org/abs/2205.14135; Williams
et al. 2009, Roofline: an insightful visual performance model, https://doi.org/10.1145/1498765.1498785
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import BLUE, VERMILION
from demos._measure import measure_ceilings, measure_time

ITEM = 2  # bytes of a number in the model: 16 bits


@dataclass(frozen=True)
class Result:
    separate_bytes: Annotated[int, Field("traffic of one head in separate kernels, 16 bits", unit="bytes")]
    tiled_bytes: Annotated[int, Field("traffic of one head in tiles, 16 bits", unit="bytes")]
    traffic_ratio: Annotated[float, Field("separate over tiled traffic")]
    intensity_softmax: Annotated[float, Field("operations of the softmax for each byte that it moves, five a number")]
    intensity_square: Annotated[float, Field("FLOPs of a square matrix product of width seq_len for each byte")]
    passes_over_keys: Annotated[int, Field("blocks of keys, each of which meets all queries anew")]
    softmax_share: Annotated[float, Field("rate of a softmax over that of a large copy, bytes", measured=True)]
    softmax_flop_share: Annotated[
        float,
        Field("operations of that softmax a second, five a number, over those of a matrix product", measured=True),
    ]
    matmul_gflop_per_s: Annotated[float, Field("rate of a matrix product", unit="GFLOP/s", measured=True)]
    copy_gb_per_s: Annotated[float, Field("rate of a large copy, read and written", unit="GB/s", measured=True)]
    balance: Annotated[float, Field("FLOPs that this device can do for each byte that it can move", measured=True)]
    curve_sram_kib: Annotated[tuple[int, ...], Field("on-chip memory along the curve, KiB")]
    curve_tiled: Annotated[tuple[float, ...], Field("tiled traffic as a fraction of the separate one")]
    sram_kib: Annotated[int, Field("on-chip memory of a multiprocessor, KiB")]
    head_dim: Annotated[int, Field("width of one head")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=256, maximum=65536)] = 4096,
    head_dim: Annotated[int, Param("width of one head", choices=(32, 64, 128, 256))] = 64,
    sram_kib: Annotated[int, Param("on-chip memory of a multiprocessor, KiB", minimum=16, maximum=1024)] = 192,
    device: torch.device,
) -> Result:
    separate = ITEM * (4 * seq_len * head_dim + 4 * seq_len**2)  # scores and weights are written and read
    sizes = tuple(2**power for power in range(4, 11))
    on_cuda = device.type == "cuda"
    width, dtype = (16384, torch.bfloat16) if on_cuda else (1448, torch.float32)  # 512 MiB, or 8 MiB
    matrix, output = (torch.zeros(width, width, device=device, dtype=dtype) for _ in range(2))
    softmax = measure_time(lambda: torch.softmax(matrix, -1, out=output), device, budget_s=0.05)
    ceilings = measure_ceilings(device, dtype, budget_s=0.05)
    return Result(
        separate_bytes=separate,
        tiled_bytes=tiled(seq_len, head_dim, sram_kib),
        traffic_ratio=separate / tiled(seq_len, head_dim, sram_kib),
        intensity_softmax=5 / (2 * ITEM),  # maximum, difference, exponential, sum, quotient; one read and one write
        intensity_square=2 * seq_len**3 / (3 * seq_len**2 * ITEM),
        passes_over_keys=passes(seq_len, head_dim, sram_kib),
        softmax_flop_share=5 * matrix.numel() / softmax.median_ms / 1e6 / ceilings.matmul_gflop_per_s,
        softmax_share=2 * matrix.nbytes / softmax.median_ms / 1e6 / ceilings.copy_gb_per_s,
        matmul_gflop_per_s=ceilings.matmul_gflop_per_s,
        copy_gb_per_s=ceilings.copy_gb_per_s,
        balance=ceilings.matmul_gflop_per_s / ceilings.copy_gb_per_s,
        curve_sram_kib=sizes,
        curve_tiled=tuple(tiled(seq_len, head_dim, size) / separate for size in sizes),
        sram_kib=sram_kib,
        head_dim=head_dim,
        seq_len=seq_len,
    )


def passes(seq_len: int, head_dim: int, sram_kib: int) -> int:
    """How many blocks of keys there are when a block takes a quarter of the on-chip memory (K, V, Q and O share it)."""
    return math.ceil(seq_len / (sram_kib * 1024 // ITEM // (4 * head_dim)))


def tiled(seq_len: int, head_dim: int, sram_kib: int) -> int:
    """The bytes that the loops move: a block of keys and values at a time, and for each all queries and outputs."""
    rows = math.ceil(seq_len / passes(seq_len, head_dim, sram_kib))
    moved = 0
    for start in range(0, seq_len, rows):
        moved += 2 * min(rows, seq_len - start)  # a block of K and of V is loaded
        moved += 3 * seq_len  # Q and O are loaded, and O is stored
    return ITEM * head_dim * moved


def claims(result: Result) -> dict[str, bool]:
    chip = 1024 * result.sram_kib  # in tiles 6 · head_dim² bytes of it break even on a long text
    return {
        "on this device a softmax does its operations at less than a third of the rate of a matrix product": (
            result.softmax_flop_share < 1 / 3
        ),
        "this device can do more FLOPs for each byte than a softmax of 32-bit numbers needs": (
            result.balance > result.intensity_softmax / 2
        ),
        "from 16 · head_dim tokens on, tiles save traffic with 7 · head_dim² bytes on chip, and cost some below 5 · head_dim²": (
            result.seq_len < 16 * result.head_dim
            or (
                (result.traffic_ratio > 1 or chip < 7 * result.head_dim**2)
                and (result.traffic_ratio < 1 or chip > 5 * result.head_dim**2)
            )
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_sram_kib,
        {"": [100 * share for share in result.curve_tiled]},
        x_title="on-chip memory, KiB (log scale)",
        y_title="traffic in tiles, %",
        colours=[BLUE],
        log="x",
        here=result.sram_kib,
        levels={"separate kernels": 100},
        level_colour=VERMILION,
    )
