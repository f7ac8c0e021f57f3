"""Scaled dot-product attention is four lines: project, compare, normalise over the keys, mix; torch's operator agrees.

Leaves out: masks, dropout, positions, several heads (see head_slice_view), and kernels that never store the scores.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.1, https://arxiv.org/abs/1706.03762. The products
W_Q W_Kᵀ and W_V W_O: Elhage et al. 2021, https://transformer-circuits.pub/2021/framework/index.html
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from demos import Field, Param
from demos._figures import HEIGHT, WIDTH


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[float, Field("largest difference from torch's own operator")]
    max_row_sum_error: Annotated[float, Field("largest distance of the weights of a query from a sum of 1")]
    score_variance: Annotated[float, Field("variance of the scores q·k/√d_k")]
    nonlinearity_values: Annotated[float, Field("‖f(v + v′) − f(v) − f(v′)‖ / ‖f(v + v′)‖: 0 if weights ignore v")]
    nonlinearity_queries: Annotated[float, Field("the same for the sum of two queries")]
    score_rank: Annotated[int, Field("rank of the scores of all pairs")]
    weight_rank: Annotated[int, Field("numerical rank of the weights, float64")]
    folded_error: Annotated[float, Field("largest change when W_V W_O is multiplied out into one matrix")]
    folded_parameter_ratio: Annotated[float, Field("numbers in W_V W_O multiplied out, over those in the two factors")]
    weights: Annotated[tuple[float, ...], Field("weights of the first queries (up to 12), row by row")]
    seq_len: Annotated[int, Field("tokens of the sequence")]
    head_dim: Annotated[int, Field("width of queries and keys")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens of the sequence", minimum=4, maximum=128)] = 32,
    d_model: Annotated[int, Param("width of a token", minimum=16, maximum=1024)] = 64,
    head_dim: Annotated[int, Param("width of queries and keys, d_k", minimum=1, maximum=128)] = 16,
    value_dim: Annotated[int, Param("width of values, d_v", minimum=1, maximum=128)] = 8,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())

    def normal(rows: int, columns: int, std: float) -> Tensor:
        return (torch.randn(rows, columns, generator=draw, dtype=torch.float64) * std).to(device)

    x = normal(seq_len, d_model, 1.0)
    w_q, w_k, w_v = (normal(d_model, width, d_model**-0.5) for width in (head_dim, head_dim, value_dim))
    w_o = normal(value_dim, d_model, value_dim**-0.5)

    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (seq_len, head_dim) twice, (seq_len, value_dim)
    scores = q @ k.T / math.sqrt(head_dim)  # (query, key)
    weights = scores.softmax(-1)  # over the keys: each row sums to 1
    mixed = weights @ v  # (seq_len, value_dim)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scaled_dot_product_attention(q[None], k[None], v[None])[0]

    def nonlinearity(whole: Tensor, first: Tensor, second: Tensor) -> float:
        return ((whole - first - second).norm() / whole.norm()).item()

    return Result(
        max_abs_error=(mixed - attend(q, k, v)).abs().max().item(),
        max_row_sum_error=(weights.sum(-1) - 1).abs().max().item(),
        score_variance=scores.var().item(),
        nonlinearity_values=nonlinearity(attend(q, k, v + v.flip(0)), attend(q, k, v), attend(q, k, v.flip(0))),
        nonlinearity_queries=nonlinearity(attend(q + q.flip(0), k, v), attend(q, k, v), attend(q.flip(0), k, v)),
        score_rank=int(torch.linalg.matrix_rank(scores)),
        weight_rank=int(torch.linalg.matrix_rank(weights)),
        folded_error=(mixed @ w_o - weights @ x @ (w_v @ w_o)).abs().max().item(),
        folded_parameter_ratio=d_model**2 / (2 * d_model * value_dim),
        weights=tuple(weights[:12, :12].flatten().tolist()),
        seq_len=seq_len,
        head_dim=head_dim,
    )


def claims(result: Result) -> dict[str, bool]:
    return {
        "the four lines give what torch's own operator gives": result.max_abs_error < 1e-5,
        "the weights of each query sum to 1": result.max_row_sum_error < 1e-5,
        "the output is linear in the values and not in the queries: the weights never see the values": (
            result.nonlinearity_values < 1e-4 and result.nonlinearity_queries > 0.01
        ),
        "the scores have no higher rank than the head is wide, the weights may": (
            result.score_rank <= result.head_dim
            and (result.seq_len <= result.head_dim or result.weight_rank > result.head_dim)
        ),
        "W_V and W_O can be multiplied out into one matrix, since nothing non-linear stands between them": (
            result.folded_error < 1e-4
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    shown = math.isqrt(len(result.weights))
    rows = [
        {"query": index // shown + 1, "key": index % shown + 1, "weight": weight}
        for index, weight in enumerate(result.weights)
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("key:O", title="key (first 12)").axis(labelAngle=0),
            y=alt.Y("query:O", title="query (first 12)"),
            color=alt.Color("weight:Q", title="weight"),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
