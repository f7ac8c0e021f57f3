"""Windows of w tokens reach 1 + L(w - 1) tokens through L layers as a bound; most of the influence stays much nearer.

Leaves out: training, positions, attention sinks. The influence is the gradient norm of the last output, random weights.
Source: Beltagy et al. 2020, Longformer, section 3, https://arxiv.org/abs/2004.05150; Zaheer et al. 2020, Big Bird, section 2,
https://arxiv.org/abs/2007.14062; Jiang et al. 2023, Mistral 7B, section 2, https://arxiv.org/abs/2310.06825
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, WIDTH
from demos.efficient_attention._bands import in_blocks

D_MODEL = 32


@dataclass(frozen=True)
class Result:
    reach: Annotated[int, Field("tokens that can change the last output, itself included")]
    half_influence: Annotated[int, Field("nearest tokens that carry half of the gradient norm")]
    cache_error: Annotated[
        float, Field("largest difference of a rolling cache of w tokens from the masked output", measured=True)
    ]
    block_error: Annotated[
        float, Field("largest difference of attention in blocks of w from masked attention", measured=True)
    ]
    flops_ratio: Annotated[float, Field("FLOPs of full attention over those in blocks of w, 16 windows, counted")]
    pairs_per_token: Annotated[float, Field("keys that a token meets in the two-way pattern, mean")]
    hops: Annotated[int, Field("layers until every token reaches every other in the two-way pattern")]
    block_share: Annotated[float, Field("FLOP rate in blocks over that of a large matrix product", measured=True)]
    block_backend: Annotated[str, Field("torch's name for the kernel of the blocks", measured=True)]
    window: Annotated[int, Field("tokens in the window, the own one included")]
    num_layers: Annotated[int, Field("layers")]
    pattern: Annotated[str, Field("two-way pattern")]
    curve_distance: Annotated[tuple[int, ...], Field("distance from the last token along the curve")]
    curve_influence: Annotated[tuple[float, ...], Field("share of the gradient norm at that distance")]


def run(
    *,
    window: Annotated[int, Param("tokens that a token sees, itself included", minimum=2, maximum=32)] = 8,
    num_layers: Annotated[int, Param("layers", minimum=1, maximum=8)] = 4,
    pattern: Annotated[
        str, Param("two-way pattern on 128 tokens", choices=("window", "window+global", "window+global+random"))
    ] = "window",
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    seq_len = num_layers * (window - 1) + 1 + window  # more than can be reached
    weights = (torch.randn(num_layers, 4, D_MODEL, D_MODEL, generator=generator) / math.sqrt(D_MODEL)).to(device)
    x = torch.randn(seq_len, D_MODEL, generator=generator).to(device).requires_grad_()
    output = stack(x, weights, window)[-1]  # (D_MODEL,)
    rows = torch.stack([torch.autograd.grad(output[i], x, retain_graph=True)[0] for i in range(D_MODEL)])
    influence = rows.square().sum((0, 2)).sqrt().flip(0).cpu().double()  # by distance, (seq_len,)
    shares = influence / influence.sum()
    graph = two_way(pattern, window, generator)  # (128, 128)
    block_error, flops_ratio, share, backend = in_blocks(window, device)
    return Result(
        reach=int((influence > 0).sum()),
        half_influence=int((shares.cumsum(0) < 0.5).sum()) + 1,
        cache_error=(rolling(x.detach(), weights, window) - output.detach()).abs().max().item(),
        block_error=block_error,
        flops_ratio=flops_ratio,
        pairs_per_token=graph.sum().item() / len(graph),
        hops=hops(graph),
        block_share=share,
        block_backend=backend,
        window=window,
        num_layers=num_layers,
        pattern=pattern,
        curve_distance=tuple(range(seq_len)),
        curve_influence=tuple(shares.tolist()),
    )


def attend(x: Tensor, keys: Tensor, layer: Tensor, visible: Tensor | None = None) -> Tensor:
    """x with attention over `keys` added, (rows, D_MODEL)."""
    w_q, w_k, w_v, w_o = layer
    q, k, v = (F.layer_norm(rows, (D_MODEL,)) @ w for rows, w in ((x, w_q), (keys, w_k), (keys, w_v)))
    return x + F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=visible)[0] @ w_o


def stack(x: Tensor, weights: Tensor, window: int) -> Tensor:
    """The output of all layers under a causal band of `window` tokens, (seq_len, D_MODEL)."""
    ones = torch.ones(len(x), len(x), dtype=torch.bool, device=x.device)
    for layer in weights:
        x = attend(x, x, layer, ones.tril().triu(1 - window))
    return x


def rolling(x: Tensor, weights: Tensor, window: int) -> Tensor:
    """The last output when each layer keeps its last `window` inputs only, (D_MODEL,)."""
    kept = [x[:0] for _ in weights]
    for row in x.split(1):
        for i, layer in enumerate(weights):
            kept[i] = torch.cat([kept[i], row])[-window:]
            row = attend(row, kept[i], layer)
    return row[0]


def two_way(pattern: str, window: int, generator: torch.Generator) -> Tensor:
    """Which of 128 tokens meet: a band of w/2 each side, perhaps one global token, perhaps 3 random keys for each token."""
    index = torch.arange(128)
    graph = (index[:, None] - index).abs() <= window // 2
    if "global" in pattern:
        graph[0], graph[:, 0] = True, True
    if "random" in pattern:
        graph.scatter_(1, torch.randint(128, (128, 3), generator=generator), True)
    return graph


def hops(graph: Tensor) -> int:
    """The number of layers until every token has reached every other."""
    count, reached = 1, graph.double()
    while not reached.all():
        count, reached = count + 1, (reached @ graph.double()).clamp_max(1)
    return count


def claims(result: Result) -> dict[str, bool]:
    bound = 1 + result.num_layers * (result.window - 1)
    return {
        "the reach is 1 + L(w - 1) when the window counts the token itself": result.reach == bound,
        "from three layers on, half of the influence lies within the nearer half of the reach": (
            result.num_layers < 3 or result.half_influence <= bound / 2
        ),
        "a cache of the last w tokens in each layer gives the same output": result.cache_error < 1e-5,
        "blocks of w queries against 2w keys compute the band exactly": result.block_error < 1e-5,
        "at 16 windows of text they take an eighth of the FLOPs of full attention": result.flops_ratio == 8,
        "a global token connects any two tokens in two layers": "global" not in result.pattern or result.hops == 2,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"distance": distance - 0.4, "end": distance + 0.4, "share": 100 * share}
        for distance, share in zip(result.curve_distance, result.curve_influence, strict=True)
    ]
    marks = [{"at": result.half_influence - 0.5, "text": "half"}, {"at": result.reach - 0.5, "text": "reach"}]
    bars = alt.Chart(alt.Data(values=rows)).mark_rect(color=BLUE)
    rule = alt.Chart(alt.Data(values=marks)).encode(x="at:Q")
    return alt.layer(
        bars.encode(
            x=alt.X("distance:Q", title="tokens back from the last").scale(nice=False),
            x2="end:Q",
            y=alt.Y("share:Q", title="influence on the last output, %"),
            y2=alt.datum(0),
        ),
        rule.mark_rule(strokeDash=[4, 3]),
        rule.mark_text(align="right", dx=-5, baseline="top").encode(text="text:N", y=alt.value(0)),
    ).properties(width=WIDTH, height=HEIGHT)
