"""In cross-attention the queries set how many rows come out, and the other sequence supplies everything they hold.

Leaves out: masks, positions, the residual path around the sublayer, and the feed-forward layers of a decoder block.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.3, https://arxiv.org/abs/1706.03762
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor
from torch.nn import MultiheadAttention
from torch.nn.functional import linear, scaled_dot_product_attention

from demos import Field, Param
from demos._figures import HEIGHT, WIDTH

D_MODEL, NUM_HEADS = 64, 4


@dataclass(frozen=True)
class Result:
    output_rows: Annotated[int, Field("rows of the output")]
    score_entries: Annotated[int, Field("scores of one head")]
    max_abs_error: Annotated[float, Field("largest difference from torch's MultiheadAttention")]
    target_effect: Annotated[float, Field("relative change of the output when the target is another one")]
    target_effect_equal_source: Annotated[float, Field("the same where all source tokens are equal: nothing to choose")]
    source_gradient: Annotated[float, Field("norm of the output's gradient with respect to the source")]
    source_gradient_without_kv: Annotated[float, Field("the same with keys and values cut off from the graph")]
    cached_error: Annotated[float, Field("largest change when targets come one at a time and K and V are kept")]
    source_projections_saved: Annotated[int, Field("projections of a source token (K or V) that keeping them saves")]
    weights: Annotated[tuple[float, ...], Field("weights of the first head, row by row")]
    num_targets: Annotated[int, Field("tokens of the sequence that asks")]
    num_sources: Annotated[int, Field("tokens of the sequence that is read")]


def run(
    *,
    num_targets: Annotated[int, Param("tokens of the target, which asks", minimum=2, maximum=256)] = 5,
    num_sources: Annotated[int, Param("tokens of the source, which is read", minimum=2, maximum=256)] = 12,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw).to(device)

    target, other, source = (normal(n, D_MODEL) for n in (num_targets, num_targets, num_sources))
    w_q, w_k, w_v, w_o = normal(4, D_MODEL, D_MODEL) / D_MODEL**0.5  # (out, in) each, as nn.Linear stores them
    module = MultiheadAttention(D_MODEL, NUM_HEADS, bias=False, batch_first=True, device=device)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.cat([w_q, w_k, w_v]))
        module.out_proj.weight.copy_(w_o)
        expected, weights = module(target[None], source[None], source[None], average_attn_weights=False)

    def heads(x: Tensor, weight: Tensor) -> Tensor:
        return linear(x, weight).unflatten(-1, (NUM_HEADS, -1)).transpose(0, 1)  # (NUM_HEADS, tokens, head_dim)

    def attend(queries: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed = scaled_dot_product_attention(heads(queries, w_q), k, v)  # (NUM_HEADS, queries, head_dim)
        return linear(mixed.transpose(0, 1).flatten(-2), w_o)  # (queries, D_MODEL)

    def cross(queries: Tensor, read: Tensor, cut: bool = False) -> Tensor:
        k, v = heads(read, w_k), heads(read, w_v)
        return attend(queries, k.detach(), v.detach()) if cut else attend(queries, k, v)

    def effect(read: Tensor) -> float:
        before, after = cross(target, read), cross(other, read)
        return ((after - before).norm() / before.norm()).item()

    def source_gradient(cut: bool) -> float:
        read, asks = source.clone().requires_grad_(), target.clone().requires_grad_()
        gradient, _ = torch.autograd.grad(cross(asks, read, cut).sum(), (read, asks), materialize_grads=True)
        return gradient.norm().item()

    output, k, v = cross(target, source), heads(source, w_k), heads(source, w_v)
    steps = torch.cat([attend(token[None], k, v) for token in target])
    return Result(
        output_rows=len(output),
        score_entries=weights[0, 0].numel(),
        max_abs_error=(output - expected[0]).abs().max().item(),
        target_effect=effect(source),
        target_effect_equal_source=effect(source[:1].expand(num_sources, -1)),
        source_gradient=source_gradient(cut=False),
        source_gradient_without_kv=source_gradient(cut=True),
        cached_error=(steps - output).abs().max().item(),
        source_projections_saved=2 * num_sources * (num_targets - 1),
        weights=tuple(weights[0, 0].flatten().tolist()),
        num_targets=num_targets,
        num_sources=num_sources,
    )


def claims(result: Result) -> dict[str, bool]:
    return {
        "the output has a row for each target token, and a score for each pair of target and source": (
            result.output_rows == result.num_targets and result.score_entries == result.num_targets * result.num_sources
        ),
        "it equals torch's MultiheadAttention with the same weights": result.max_abs_error < 1e-4,
        "the target chooses, and where all source tokens are equal it changes nothing": (
            result.target_effect > 0.05 and result.target_effect_equal_source < 1e-5
        ),
        "gradients reach the source through keys and values alone": (
            result.source_gradient > 0 and result.source_gradient_without_kv == 0
        ),
        "keys and values of the source, computed once, serve all targets that come later": result.cached_error < 1e-4,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"target": index // result.num_sources + 1, "source": index % result.num_sources + 1, "weight": weight}
        for index, weight in enumerate(result.weights)
    ]
    rows = [row for row in rows if row["target"] <= 16 and row["source"] <= 32]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("source:O", title="source token (key, value)").axis(labelAngle=0, labelOverlap=True),
            y=alt.Y("target:O", title="target token (query)"),
            color=alt.Color("weight:Q", title="weight, first head"),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
