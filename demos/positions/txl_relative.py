"""Transformer-XL splits a score into four terms; in two of them a learned vector replaces the query's own position.

Leaves out: the division by √d_k, several heads, the memory of earlier segments, and training; all weights are random.
Source: Dai et al. 2019, Transformer-XL, section 3.3 and appendix B, https://arxiv.org/abs/1901.02860
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, matrix_chart

TERMS = ("a: content, content", "b: content, offset", "c: u, content", "d: v, offset")


@dataclass(frozen=True)
class Result:
    four_term_error: Annotated[float, Field("largest difference of four terms, pair by pair, from two matrix products")]
    shift_error: Annotated[float, Field("largest change of a score when the same tokens stand seq_len further on")]
    shift_change_absolute: Annotated[float, Field("the same with codes of absolute positions added to the tokens")]
    c_query_spread: Annotated[float, Field("largest difference of term c between queries that see the key")]
    d_offset_spread: Annotated[float, Field("largest difference of term d between pairs of one offset")]
    b_offset_spread: Annotated[float, Field("largest difference of term b between pairs of one offset")]
    vectors_by_pair: Annotated[int, Field("vectors W_R·r projected if each pair projects its own")]
    vectors_by_offset: Annotated[int, Field("vectors W_R·r projected if each offset is projected once")]
    terms: Annotated[tuple[float, ...], Field("the four terms one after another, each query by key")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    d_model: Annotated[int, Param("width of the tokens, even", minimum=8, maximum=256)] = 64,
    seq_len: Annotated[int, Param("tokens", minimum=4, maximum=24)] = 12,
    device: torch.device,
) -> Result:
    if d_model % 2:
        raise ParameterError(f"d_model: expected an even number, as sines and cosines come in pairs; found {d_model}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device)

    x = normal(seq_len, d_model).repeat(2, 1)  # the same tokens again, seq_len positions further on
    w_q, w_k, w_r = normal(3, d_model, d_model) / d_model**0.5
    u, v = normal(2, d_model)
    codes = sinusoid(2 * seq_len, d_model).to(device)  # of the offsets query − key, from 0 on
    scores = two_products(x @ w_q, x @ w_k, codes @ w_r, u, v)  # (query, key), keys up to the query's own
    terms = pair_by_pair(x[:seq_len] @ w_q, x[:seq_len] @ w_k, codes @ w_r, u, v)  # (4, query, key)
    absolute = ((x + codes) @ w_q @ ((x + codes) @ w_k).T).tril()
    return Result(
        four_term_error=(terms.sum(0) - scores[:seq_len, :seq_len]).abs().max().item(),
        shift_error=(scores[:seq_len, :seq_len] - scores[seq_len:, seq_len:]).abs().max().item(),
        shift_change_absolute=(absolute[:seq_len, :seq_len] - absolute[seq_len:, seq_len:]).abs().max().item(),
        c_query_spread=max(spread(terms[2, key:, key]) for key in range(seq_len)),
        d_offset_spread=max(spread(terms[3].diagonal(-offset)) for offset in range(seq_len)),
        b_offset_spread=max(spread(terms[1].diagonal(-offset)) for offset in range(seq_len)),
        vectors_by_pair=seq_len * (seq_len + 1) // 2,
        vectors_by_offset=seq_len,
        terms=tuple(terms.flatten().tolist()),
        seq_len=seq_len,
    )


def sinusoid(offsets: int, d_model: int) -> Tensor:
    """The fixed code r of each offset from 0 on, sines and cosines in two halves, shape (offsets, d_model)."""
    theta = 10_000 ** -(torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angles = torch.arange(offsets)[:, None] * theta
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def pair_by_pair(q: Tensor, k: Tensor, r: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The terms q·k, q·r, u·k and v·r of each pair, written as in the paper, shape (4, query, key)."""
    terms = torch.zeros(4, len(q), len(q), dtype=q.dtype, device=q.device)
    for i in range(len(q)):
        for j in range(i + 1):
            terms[:, i, j] = torch.stack([q[i] @ k[j], q[i] @ r[i - j], u @ k[j], v @ r[i - j]])
    return terms


def two_products(q: Tensor, k: Tensor, r: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(q + u)·k + (q + v)·r for all pairs at once: each offset projected once, rows then shifted, shape (query, key)."""
    by_offset = (q + v) @ r[: len(q)].flip(0).T  # (query, offset), the farthest first
    shifted = F.pad(by_offset, (1, 0)).view(len(q) + 1, len(q))[1:]  # row i moves left by len(q) − 1 − i
    return ((q + u) @ k.T + shifted).tril()


def spread(values: Tensor) -> float:
    """The largest difference between two of the values."""
    return (values.max() - values.min()).item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "four terms pair by pair equal two matrix products and a shift of rows": result.four_term_error < 1e-9,
        "scores do not change when all tokens move on together": result.shift_error < 1e-9,
        "with absolute positions in the tokens they do": result.shift_change_absolute > 0.1,
        "term c is the same for every query, term d for every pair of one offset": (
            max(result.c_query_spread, result.d_offset_spread) < 1e-9
        ),
        "term b differs between queries at one offset": result.b_offset_spread > 0.1,
    }


def figure(result: Result) -> Chart:
    size = result.seq_len**2
    panels = {name: result.terms[i * size : (i + 1) * size] for i, name in enumerate(TERMS)}
    return matrix_chart(panels, result.seq_len, x_title="key", y_title="query", colour_title="term of the score")
