"""From one log-sum-exp per row, tiles rebuild the weights, and dQ, dK, dV equal autograd's: five products instead of four.

Leaves out: masks, dropout (whose random state is kept, not its mask), on-chip memory, speed.
Source: Dao et al. 2022, FlashAttention, section 3.1 and appendix B, https://arxiv.org/abs/2205.14135; Dao 2023,
FlashAttention-2, section 3.1, https://arxiv.org/abs/2307.08691
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import BLUE
from demos._measure import count_flops

HEAD_DIM = 32


@dataclass(frozen=True)
class Result:
    gradient_error: Annotated[float, Field("largest error of dQ, dK and dV in tiles, against autograd, float64")]
    without_row_term: Annotated[float, Field("relative error of dQ when D = rowsum(dO ∘ O) is left out")]
    row_term_error: Annotated[float, Field("largest difference of rowsum(dO ∘ O) from rowsum(P ∘ dP)")]
    flops_ratio: Annotated[float, Field("FLOPs of the backward pass in tiles over those of the forward pass, counted")]
    saved_numbers: Annotated[int, Field("numbers kept for the backward pass beside Q, K, V and O: L and D")]
    matrix_numbers: Annotated[int, Field("numbers of P, which need not be kept")]
    overflowing_rows: Annotated[float, Field("rows whose plain sum of exp(s) is infinite in float32, as a fraction")]
    largest_lse: Annotated[float, Field("largest log-sum-exp of a row")]
    curve_scale: Annotated[tuple[float, ...], Field("factor on the scores along the curves")]
    curve_overflow: Annotated[tuple[float, ...], Field("rows whose plain sum overflows, per cent")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=16, maximum=512)] = 256,
    block: Annotated[int, Param("queries and keys in a tile", minimum=8, maximum=512)] = 64,
    score_scale: Annotated[float, Param("factor on the scores q·k / √d", minimum=0.5, maximum=64)] = 32.0,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    q, k, v, d_out = (
        torch.randn(seq_len, HEAD_DIM, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(4)
    )
    output = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]  # (seq_len, HEAD_DIM)
    exact = torch.autograd.grad(output, (q, k, v), d_out.detach())
    q, k, v, d_out, output = (each.detach() for each in (q, k, v, d_out, output))
    scores = q @ k.T / math.sqrt(HEAD_DIM)  # whole, to check against
    log_sums = scores.logsumexp(-1)  # (seq_len,), what the forward pass keeps
    row_term = (d_out * output).sum(-1)
    mine = backward(q, k, v, d_out, log_sums, row_term, block)
    without = backward(q, k, v, d_out, log_sums, torch.zeros_like(row_term), block)[0]
    x, y, z, d_x, logs, terms = (each.float().to(device) for each in (q, k, v, d_out, log_sums, row_term))
    forward_flops = count_flops(lambda: F.scaled_dot_product_attention(x[None], y[None], z[None]))
    large = score_scale * scores
    scales = tuple(float(2**power) for power in range(7))
    return Result(
        gradient_error=max((a - b).abs().max().item() for a, b in zip(mine, exact, strict=True)),
        without_row_term=float((without - exact[0]).norm() / exact[0].norm()),
        row_term_error=(row_term - (scores.softmax(-1) * (d_out @ v.T)).sum(-1)).abs().max().item(),
        flops_ratio=count_flops(lambda: backward(x, y, z, d_x, logs, terms, block)[0]) / forward_flops,
        saved_numbers=2 * seq_len,
        matrix_numbers=seq_len**2,
        overflowing_rows=overflow(large),
        largest_lse=large.logsumexp(-1).max().item(),
        curve_scale=scales,
        curve_overflow=tuple(100 * overflow(scale * scores) for scale in scales),
    )


def backward(
    q: Tensor, k: Tensor, v: Tensor, d_out: Tensor, log_sums: Tensor, row_term: Tensor, block: int
) -> tuple[Tensor, Tensor, Tensor]:
    """dQ, dK and dV, (seq_len, HEAD_DIM) each, one tile of the weights at a time."""
    d_q, d_k, d_v = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    starts = range(0, len(q), block)
    for keys in (slice(start, start + block) for start in starts):
        for rows in (slice(start, start + block) for start in starts):
            scores = q[rows] @ k[keys].T / math.sqrt(HEAD_DIM)
            weights = (scores - log_sums[rows, None]).exp()  # (block, block), the final weights at once
            d_v[keys] += weights.T @ d_out[rows]
            d_scores = weights * (d_out[rows] @ v[keys].T - row_term[rows, None]) / math.sqrt(HEAD_DIM)
            d_q[rows] += d_scores @ k[keys]
            d_k[keys] += d_scores.T @ q[rows]
    return d_q, d_k, d_v


def overflow(scores: Tensor) -> float:
    """The rows whose plain sum of exponentials is infinite in float32, as a fraction."""
    return scores.float().exp().sum(-1).isinf().double().mean().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "dQ, dK and dV from tiles equal autograd's": result.gradient_error < 1e-10,
        "rowsum(P ∘ dP) equals rowsum(dO ∘ O), which needs no tile": result.row_term_error < 1e-10,
        "without it the gradient of Q is wrong": result.without_row_term > 0.1,
        "the backward pass takes 2.5 times the FLOPs of the forward pass": result.flops_ratio == 2.5,
        "the log-sum-exp stays finite where the plain sum overflows": (
            result.largest_lse < math.inf and (result.overflowing_rows > 0) == (result.largest_lse > 88.72)
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_scale,
        {"": result.curve_overflow},
        x_title="factor on the scores (log scale)",
        y_title="rows whose sum of exp(s) overflows, %",
        y_domain=(0, 100),
        log="x",
        levels={"log-sum-exp: none": 0},
        level_colour=BLUE,
    )
