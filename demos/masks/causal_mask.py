"""A causal mask keeps every later token out of a position's output, if it acts before the softmax and spares the diagonal.

Leaves out: padding, positions, several heads, and the loss. `first_blocked` counts from the position itself: 1 is the
causal mask, 2 also shows the token that is to be predicted.
Source: Vaswani et al. 2017, Attention Is All You Need, sections 3.1 and 3.2.3, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.functional import jacobian

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

D_MODEL = 8


@dataclass(frozen=True)
class Result:
    leak_above_diagonal: Annotated[float, Field("largest influence of a later token on an output")]
    own_influence: Annotated[float, Field("smallest influence of a token on the output at its own position")]
    leak_after_softmax: Annotated[
        float, Field("leak_above_diagonal where blocked weights are zeroed after the softmax")
    ]
    row_sum_after_softmax: Annotated[float, Field("what the weights of a row then sum to, mean over the first layer")]
    nan_rows_without_diagonal: Annotated[int, Field("outputs that are NaN when −∞ blocks the diagonal as well")]
    cached_query_error: Annotated[
        float, Field("how far torch's output for one query beside many keys, is_causal, is from v₀")
    ]
    allowed_pairs: Annotated[int, Field("pairs of query and key that first_blocked leaves open in one layer")]
    influence: Annotated[tuple[float, ...], Field("norm of ∂output_i/∂input_j, row by row, mask before the softmax")]
    first_blocked: Annotated[int, Field("how far ahead the first blocked key stands")]
    num_layers: Annotated[int, Field("layers of the stack")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=6, maximum=24)] = 10,
    num_layers: Annotated[int, Param("attention layers with residuals", minimum=1, maximum=4)] = 2,
    first_blocked: Annotated[int, Param("distance ahead of the first blocked key", minimum=1, maximum=3)] = 1,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    dtype = torch.float32 if device.type == "mps" else torch.float64
    weights = torch.randn(num_layers, 3, D_MODEL, D_MODEL, generator=draw, dtype=torch.float64) / math.sqrt(D_MODEL)
    weights = weights.to(device, dtype)
    x = torch.randn(seq_len, D_MODEL, generator=draw, dtype=torch.float64).to(device, dtype)
    ones = torch.ones(seq_len, seq_len, dtype=torch.bool, device=device)
    blocked, strict = ones.triu(first_blocked), ones.triu(1)  # (query, key)
    before, after = influence(x, weights, blocked, "before"), influence(x, weights, blocked, "after")
    w_q, w_k, _ = weights[0]
    after_weights = attention_weights(x @ w_q, x @ w_k, blocked, "after")
    keys = torch.randn(1, 1, seq_len, D_MODEL, generator=draw).to(device)
    cached = F.scaled_dot_product_attention(
        keys[:, :, -1:], keys, keys, is_causal=True
    )  # one query: (1, 1, 1, D_MODEL)
    return Result(
        leak_above_diagonal=before[strict].max().item(),
        own_influence=before.diagonal().min().item(),
        leak_after_softmax=after[strict].max().item(),
        row_sum_after_softmax=after_weights.sum(-1).mean().item(),
        nan_rows_without_diagonal=int(decode(x, weights, ones.triu(0), "before").isnan().any(-1).sum()),
        cached_query_error=(cached[0, 0, 0] - keys[0, 0, 0]).abs().max().item(),
        allowed_pairs=int((~blocked).sum()),
        influence=tuple(before.flatten().tolist()),
        first_blocked=first_blocked,
        num_layers=num_layers,
        seq_len=seq_len,
    )


def attention_weights(q: Tensor, k: Tensor, blocked: Tensor, when: str) -> Tensor:
    """Weights (query, key), with −∞ in place of blocked scores before the softmax, or 0 for their weights after it."""
    scores = q @ k.T / math.sqrt(q.shape[-1])
    if when == "before":
        return scores.masked_fill(blocked, -math.inf).softmax(-1)
    return scores.softmax(-1).masked_fill(blocked, 0.0)


def decode(x: Tensor, weights: Tensor, blocked: Tensor, when: str) -> Tensor:
    """The output of the stack, (seq_len, D_MODEL)."""
    for w_q, w_k, w_v in weights:
        x = x + attention_weights(x @ w_q, x @ w_k, blocked, when) @ (x @ w_v)
    return x


def influence(x: Tensor, weights: Tensor, blocked: Tensor, when: str) -> Tensor:
    """Frobenius norm of ∂output_i/∂input_j, (output i, input j)."""
    blocks = jacobian(lambda tokens: decode(tokens, weights, blocked, when), x)  # (i, D_MODEL, j, D_MODEL)
    return blocks.square().sum((1, 3)).sqrt()


def claims(result: Result) -> dict[str, bool]:
    causal = result.first_blocked == 1
    return {
        "with the causal mask no later token has any influence": not causal or result.leak_above_diagonal == 0,
        "a mask that starts one token later leaks": causal or result.leak_above_diagonal > 1e-3,
        "each output depends on the token at its own position": result.own_influence > 1e-3,
        "zeroing weights after the softmax leaks, and rows no longer sum to one": (
            result.leak_after_softmax > 1e-3 and result.row_sum_after_softmax < 0.99
        ),
        "blocking the diagonal turns one output to NaN in one layer, and all outputs from two layers on": (
            result.nan_rows_without_diagonal == (1 if result.num_layers == 1 else result.seq_len)
        ),
        "one query beside many keys sees only the first of them under is_causal": result.cached_query_error < 1e-5,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"output": index // result.seq_len, "input": index % result.seq_len, "influence": value}
        for index, value in enumerate(result.influence)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("input:O", title="input token").axis(labelAngle=0),
        y=alt.Y("output:O", title="output position"),
    )
    size = alt.Size("influence:Q", legend=None).scale(range=[0, 300])
    ahead = alt.condition("datum.input > datum.output", alt.value(VERMILION), alt.value(BLUE))
    dots = base.transform_filter("datum.influence > 0").mark_circle(opacity=1).encode(size=size, color=ahead)
    word = "influence of the future" if result.leak_above_diagonal else "no influence of the future"
    note = alt.Chart(alt.Data(values=[{"input": result.seq_len - 1, "output": 0, "text": word}]))
    label = note.mark_text(align="right", dx=8, color=VERMILION).encode(x="input:O", y="output:O", text="text:N")
    return alt.layer(dots, label).properties(width=WIDTH, height=HEIGHT)
