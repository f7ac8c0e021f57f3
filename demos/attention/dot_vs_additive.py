"""Additive scores cost the same matrix work as dot products, but a tanh for each pair and unit; scaling closes the gap.

Leaves out: training, of which the papers' comparison of quality speaks, and fused kernels, which only the dot product has.
Source: Bahdanau et al. 2015, appendix A.1.2, https://arxiv.org/abs/1409.0473; Vaswani et al. 2017, section 3.2.1,
https://arxiv.org/abs/1706.03762; Britz et al. 2017, https://arxiv.org/abs/1703.03906
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._measure import count_flops, measure_time

NUM_TOKENS = 128  # as queries and as keys


@dataclass(frozen=True)
class Result:
    max_weight_dot: Annotated[float, Field("largest weight of a row, mean, scores q·k")]
    max_weight_scaled: Annotated[float, Field("the same, scores q·k/√d")]
    max_weight_additive: Annotated[float, Field("the same, scores v·tanh(W q + U k)")]
    additive_bound_used: Annotated[
        float, Field("largest additive score of q and k a hundred times as large, over the sum of |v|")
    ]
    own_parameters: Annotated[int, Field("numbers in W, U and v; the dot product has none")]
    matmul_flops_ratio: Annotated[
        float, Field("FLOPs of matrix products, additive over dot with W and U as projections")
    ]
    intermediate_ratio: Annotated[float, Field("numbers held before the sum over units, over the number of scores")]
    time_ratio: Annotated[float, Field("time of the additive scores over that of the dot products", measured=True)]
    curve_head_dim: Annotated[tuple[int, ...], Field("head_dim along the curves")]
    curve_dot: Annotated[tuple[float, ...], Field("max_weight_dot at each head_dim")]
    curve_scaled: Annotated[tuple[float, ...], Field("max_weight_scaled at each head_dim")]
    curve_additive: Annotated[tuple[float, ...], Field("max_weight_additive at each head_dim")]
    head_dim: Annotated[int, Field("width of queries, keys and hidden units")]
    component_std: Annotated[float, Field("standard deviation of a component of q and k")]


def run(
    *,
    head_dim: Annotated[int, Param("width of queries, keys and hidden units", minimum=4, maximum=512)] = 64,
    component_std: Annotated[float, Param("deviation of a component of q and k", minimum=0.25, maximum=16)] = 1.0,
    device: torch.device,
) -> Result:
    q, k, w, u, v = drawn(head_dim, component_std, device)
    scores = additive(q, k, w, u, v)
    dims = (4, 8, 16, 32, 64, 128, 256, 512)
    curves = []
    for dim in dims:
        a, b, *scorer = drawn(dim, component_std, device)
        curves.append((largest(a @ b.T), largest(a @ b.T / math.sqrt(dim)), largest(additive(a, b, *scorer))))
    dot_flops = count_flops(lambda: (q @ w) @ (k @ u).T)
    additive_ms = measure_time(lambda: additive(q, k, w, u, v), device, budget_s=0.03).median_ms
    return Result(
        max_weight_dot=largest(q @ k.T),
        max_weight_scaled=largest(q @ k.T / math.sqrt(head_dim)),
        max_weight_additive=largest(scores),
        additive_bound_used=(additive(100 * q, 100 * k, w, u, v).abs().max() / v.abs().sum()).item(),
        own_parameters=w.numel() + u.numel() + v.numel(),
        matmul_flops_ratio=count_flops(lambda: additive(q, k, w, u, v)) / dot_flops,
        intermediate_ratio=hidden(q, k, w, u).numel() / scores.numel(),
        time_ratio=additive_ms / measure_time(lambda: (q @ w) @ (k @ u).T, device, budget_s=0.03).median_ms,
        curve_head_dim=dims,
        curve_dot=tuple(dot for dot, _, _ in curves),
        curve_scaled=tuple(scaled for _, scaled, _ in curves),
        curve_additive=tuple(added for _, _, added in curves),
        head_dim=head_dim,
        component_std=component_std,
    )


def drawn(dim: int, std: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """q and k (NUM_TOKENS, dim), W and U (dim, dim), v (dim, 1): weights of deviation 1/√dim, so that Wq is as large as q."""
    draw = torch.Generator().manual_seed(torch.initial_seed())
    shapes = ((NUM_TOKENS, std), (NUM_TOKENS, std), (dim, dim**-0.5), (dim, dim**-0.5))
    q, k, w, u = ((torch.randn(rows, dim, generator=draw) * deviation).to(device) for rows, deviation in shapes)
    return q, k, w, u, (torch.randn(dim, 1, generator=draw) * dim**-0.5).to(device)


def hidden(q: Tensor, k: Tensor, w: Tensor, u: Tensor) -> Tensor:
    """tanh(W q + U k) for each pair, (queries, keys, units)."""
    return ((q @ w)[:, None] + (k @ u)[None]).tanh()


def additive(q: Tensor, k: Tensor, w: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """v·tanh(W q + U k) for each pair, (queries, keys)."""
    return (hidden(q, k, w, u) @ v)[..., 0]


def largest(scores: Tensor) -> float:
    """The largest weight of a row after the softmax, mean over rows."""
    return scores.softmax(-1).amax(-1).mean().item()


def claims(result: Result) -> dict[str, bool]:
    usual = 0.5 <= result.component_std <= 1
    return {
        "an additive score never exceeds the sum of |v|, however large q and k are": result.additive_bound_used <= 1,
        "from width 4 to 512, the unscaled dot product sharpens more than twofold at components of 0.5 to 1": (
            not usual or result.curve_dot[-1] > 2 * result.curve_dot[0]
        ),
        "there, the scaled one and the additive one stay within a factor of two over widths from 16 on": (
            not usual
            or all(max(curve[2:]) < 2 * min(curve[2:]) for curve in (result.curve_scaled, result.curve_additive))
        ),
        "additive scores hold head_dim numbers for each score before the sum over units": (
            result.intermediate_ratio == result.head_dim
        ),
        "their matrix products cost what those of the projected dot product cost": result.matmul_flops_ratio == 1,
    }


def figure(result: Result) -> Chart:
    curves = {"q·k": result.curve_dot, "q·k / √d": result.curve_scaled, "additive": result.curve_additive}
    return line_chart(
        result.curve_head_dim,
        curves,
        x_title="head_dim (log scale)",
        y_title="largest weight of a row, mean (log scale)",
        log="xy",
        here=result.head_dim,
        at={"q·k": -1, "q·k / √d": -1, "additive": (5, "center")},
        below=("additive",),
    )
