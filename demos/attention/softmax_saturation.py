"""Without the division by √d_k, attention weights turn one-hot as heads grow, and the typical row passes no gradient.

Leaves out: training, masks, and the gradient that reaches q and k, whose mean is larger without the root.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.1 and footnote 4, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    max_weight_unscaled: Annotated[float, Field("largest weight of a row, mean over rows, scores q·k")]
    max_weight_scaled: Annotated[float, Field("largest weight of a row, mean over rows, scores q·k/√d_k")]
    entropy_unscaled: Annotated[float, Field("entropy of a row as a fraction of log num_keys, mean, unscaled")]
    entropy_scaled: Annotated[float, Field("entropy of a row as a fraction of log num_keys, mean, scaled")]
    jacobian_median_unscaled: Annotated[float, Field("Frobenius norm of the softmax Jacobian, median row, unscaled")]
    jacobian_median_scaled: Annotated[float, Field("Frobenius norm of the softmax Jacobian, median row, scaled")]
    jacobian_mean_unscaled: Annotated[float, Field("Frobenius norm of the softmax Jacobian, mean over rows, unscaled")]
    jacobian_mean_scaled: Annotated[float, Field("Frobenius norm of the softmax Jacobian, mean over rows, scaled")]
    curve_head_dim: Annotated[tuple[int, ...], Field("head_dim along the curves")]
    curve_unscaled: Annotated[tuple[float, ...], Field("mean largest weight at each head_dim, unscaled")]
    curve_scaled: Annotated[tuple[float, ...], Field("mean largest weight at each head_dim, scaled")]
    head_dim: Annotated[int, Field("head_dim of the single values")]
    num_keys: Annotated[int, Field("keys that one query attends to")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head", minimum=1, maximum=4096)] = 512,
    num_keys: Annotated[int, Param("keys that one query attends to", minimum=2, maximum=1024)] = 128,
    num_queries: Annotated[int, Param("rows that are averaged", minimum=128, maximum=1024)] = 256,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    unscaled, scaled = attention_weights(head_dim, num_keys, num_queries, device)  # (num_queries, num_keys) each
    dims = tuple(2**power for power in range(2, 11))
    curve = [attention_weights(dim, num_keys, num_queries, device) for dim in dims]
    return Result(
        max_weight_unscaled=largest(unscaled),
        max_weight_scaled=largest(scaled),
        entropy_unscaled=entropy(unscaled),
        entropy_scaled=entropy(scaled),
        jacobian_median_unscaled=jacobian_norm(unscaled).median().item(),
        jacobian_median_scaled=jacobian_norm(scaled).median().item(),
        jacobian_mean_unscaled=jacobian_norm(unscaled).mean().item(),
        jacobian_mean_scaled=jacobian_norm(scaled).mean().item(),
        curve_head_dim=dims,
        curve_unscaled=tuple(largest(weights) for weights, _ in curve),
        curve_scaled=tuple(largest(weights) for _, weights in curve),
        head_dim=head_dim,
        num_keys=num_keys,
    )


def attention_weights(head_dim: int, num_keys: int, num_queries: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """softmax(q kᵀ) and softmax(q kᵀ / √d_k) for components drawn from N(0, 1), shape (num_queries, num_keys)."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    q = torch.randn(num_queries, head_dim, generator=generator, dtype=torch.float64).to(device)
    k = torch.randn(num_keys, head_dim, generator=generator, dtype=torch.float64).to(device)
    scores = q @ k.T  # (num_queries, num_keys)
    return scores.softmax(-1), (scores / math.sqrt(head_dim)).softmax(-1)


def largest(weights: Tensor) -> float:
    """The largest weight of a row, mean over rows."""
    return weights.amax(-1).mean().item()


def entropy(weights: Tensor) -> float:
    """The entropy of a row as a fraction of log num_keys, mean over rows."""
    return (torch.special.entr(weights).sum(-1).mean() / math.log(weights.shape[-1])).item()


def jacobian_norm(weights: Tensor) -> Tensor:
    """Frobenius norm of diag(p) − p pᵀ for each row p: √(Σ p² − 2 Σ p³ + (Σ p²)²), shape (num_queries,)."""
    square = weights.square().sum(-1)
    return (square - 2 * weights.pow(3).sum(-1) + square.square()).clamp_min(0).sqrt()


def claims(result: Result) -> dict[str, bool]:
    wide = result.head_dim >= 512 and result.num_keys <= 256
    narrow = result.head_dim <= 64 and result.num_keys >= 128
    return {
        "without the root the largest weight grows with head_dim": (
            result.curve_unscaled[0] < result.curve_unscaled[4] < result.curve_unscaled[-1]
        ),
        "with the root the largest weight stays within a factor of two over all head_dim": (
            max(result.curve_scaled) < 2 * min(result.curve_scaled)
        ),
        "from head_dim 512 on and up to 256 keys, the median row passes less than half the gradient without the root": (
            not wide or result.jacobian_median_unscaled < result.jacobian_median_scaled / 2
        ),
        "up to head_dim 64 and from 128 keys on, the mean row passes more gradient without the root, not less": (
            not narrow or result.jacobian_mean_unscaled > result.jacobian_mean_scaled
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_head_dim,
        {"q·k": result.curve_unscaled, "q·k / √d_k": result.curve_scaled},
        x_title="head_dim (log scale)",
        y_title="largest weight of a row, mean",
        y_domain=(0, 1),
        log="x",
        here=result.head_dim,
        at=-1,
    )
