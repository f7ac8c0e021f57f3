"""Position enters at the input, in q and k, in the scores or in the values: each scheme changes what follows it, no more.

Leaves out: training, several layers (an input encoding is added once, the others act in each), and the causal mask, which
ALiBi has by design: without it, its penalty here is on |i − j|.
Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762 (input); Su et al. 2021, https://arxiv.org/abs/2104.09864 (q and
k); Press et al. 2022, https://arxiv.org/abs/2108.12409 (scores); Shaw et al. 2018, https://arxiv.org/abs/1803.02155 (values)
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor

from demos import Field, Param
from demos._figures import HEIGHT, WIDTH

D_MODEL, TENSORS = 32, ("input", "q and k", "scores", "values", "output")
SCHEMES = ("none", "sinusoidal", "rope", "alibi", "shaw")


@dataclass(frozen=True)
class Result:
    input_change: Annotated[float, Field("relative change of what enters the layer, against no positions at all")]
    qk_change: Annotated[float, Field("relative change of q and k")]
    score_change: Annotated[float, Field("relative change of the scores")]
    value_change: Annotated[float, Field("relative change of the values")]
    output_change: Annotated[float, Field("relative change of the output of attention")]
    shift_change: Annotated[float, Field("relative change of the output when all positions grow by 10")]
    swap_gap: Annotated[float, Field("‖f(Px) − P f(x)‖ / ‖f(x)‖ when two neighbouring tokens swap places")]
    reverse_gap: Annotated[float, Field("the same when the whole text is reversed")]
    table: Annotated[tuple[float, ...], Field("the first five of these, scheme after scheme")]
    scheme: Annotated[str, Field("scheme of the single values")]


def run(
    *,
    scheme: Annotated[
        str, Param("where positions enter", choices=("none", "sinusoidal", "rope", "alibi", "shaw"))
    ] = "rope",
    seq_len: Annotated[int, Param("tokens", minimum=4, maximum=128)] = 32,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(seq_len, D_MODEL, generator=draw, dtype=torch.float64).to(device)
    weights = torch.randn(3, D_MODEL, D_MODEL, generator=draw, dtype=torch.float64).to(device) / D_MODEL**0.5
    vectors = torch.randn(2, 2 * seq_len, D_MODEL, generator=draw, dtype=torch.float64).to(device)  # Shaw's a^K and a^V
    positions = torch.arange(seq_len, device=device)

    def layer(name: str, tokens: Tensor = x, start: int = 0) -> tuple[Tensor, ...]:
        return attention(name, tokens, positions + start, weights, vectors)

    plain = layer("none")
    changes = {name: [change(now, was) for now, was in zip(layer(name), plain, strict=True)] for name in SCHEMES}
    here, first = layer(scheme)[-1], changes[scheme]
    swapped, reversed_ = torch.arange(seq_len, device=device), positions.flip(0)
    swapped[:2] = swapped[:2].flip(0)  # 1, 0, 2, 3, ...
    return Result(
        input_change=first[0],
        qk_change=first[1],
        score_change=first[2],
        value_change=first[3],
        output_change=first[4],
        shift_change=change(layer(scheme, start=10)[-1], here),
        swap_gap=change(layer(scheme, x[swapped])[-1], here[swapped]),
        reverse_gap=change(layer(scheme, x[reversed_])[-1], here[reversed_]),
        table=tuple(value for name in SCHEMES for value in changes[name]),
        scheme=scheme,
    )


def attention(scheme: str, x: Tensor, positions: Tensor, weights: Tensor, vectors: Tensor) -> tuple[Tensor, ...]:
    """What enters, q and k, the scores, the values as each query sees them, and the output, under one scheme."""
    theta = 10_000 ** (-torch.arange(0, D_MODEL, 2, dtype=torch.float64, device=x.device) / D_MODEL)
    angles = positions[:, None] * theta  # (seq_len, D_MODEL / 2)
    offset = positions[:, None] - positions  # (query, key)
    if scheme == "sinusoidal":
        x = x + torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)
    q, k, v = x @ weights  # (seq_len, D_MODEL) each
    if scheme == "rope":
        pairs = torch.view_as_complex(torch.stack([q, k]).unflatten(-1, (-1, 2)))
        q, k = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2)
    scores = q @ k.T / D_MODEL**0.5  # (query, key)
    values = v.expand(len(x), -1, -1)  # (query, key, D_MODEL)
    if scheme == "alibi":
        scores = scores - 0.25 * offset.abs()
    if scheme == "shaw":
        to_key, to_value = vectors[:, offset + len(x)]  # (query, key, D_MODEL) each, one vector for each offset
        scores = scores + torch.einsum("id,ijd->ij", q, to_key) / D_MODEL**0.5
        values = values + to_value
    return x, torch.cat([q, k]), scores, values, torch.einsum("ij,ijd->id", scores.softmax(-1), values)


def change(now: Tensor, before: Tensor) -> float:
    """The norm of the change over the norm before."""
    return ((now - before).norm() / before.norm()).item()


def claims(result: Result) -> dict[str, bool]:
    rows = [result.table[start : start + len(TENSORS)] for start in range(0, len(result.table), len(TENSORS))]
    changed = {name: tuple(value > 1e-9 for value in row) for name, row in zip(SCHEMES, rows, strict=True)}
    relative = result.scheme not in ("none", "sinusoidal")
    return {
        "a code added at the input changes every tensor after it": all(changed["sinusoidal"]),
        "RoPE leaves the input and the values alone": changed["rope"] == (False, True, True, False, True),
        "ALiBi leaves q and k alone, too": changed["alibi"] == (False, False, True, False, True),
        "Shaw's vectors change scores and values, not q and k": changed["shaw"] == (False, False, True, True, True),
        "every scheme but the one at the input gives the same output when all positions grow": (
            not relative or result.shift_change < 1e-10
        ),
        "without a scheme the layer is blind to a swap of two tokens, with any of them it is not": (
            (result.swap_gap < 1e-10) == (result.scheme == "none")
        ),
        "a penalty on |i − j| alone is still blind to reading backwards": (
            (result.reverse_gap < 1e-10) == (result.scheme in ("none", "alibi"))
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"scheme": scheme, "tensor": tensor, "change": result.table[i * len(TENSORS) + j]}
        for i, scheme in enumerate(SCHEMES[1:], start=1)
        for j, tensor in enumerate(TENSORS)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("tensor:N", title=None, sort=list(TENSORS)).axis(orient="top", labelAngle=0),
        y=alt.Y("scheme:N", title=None, sort=list(SCHEMES)),
    )
    size = alt.Size("change:Q", title="relative change").scale(range=[0, 900]).legend(None)
    dots = base.transform_filter("datum.change > 1e-9").mark_point(filled=True).encode(size=size)
    labels = base.mark_text(dy=24).encode(text=alt.Text("change:Q", format=".2f"))
    return alt.layer(dots, labels).properties(width=WIDTH, height=HEIGHT)
