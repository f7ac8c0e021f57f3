"""The feed-forward network works on each token alone, and at 4 d_model it holds two thirds of a block's parameters.

Leaves out: biases, norms and embeddings; gated networks (glu_variants); fewer K/V heads, which shrink attention.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.3, https://arxiv.org/abs/1706.03762
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH
from demos._measure import count_flops


@dataclass(frozen=True)
class Result:
    other_token_change: Annotated[float, Field("largest change of a token's output when all other tokens are redrawn")]
    convolution_error: Annotated[float, Field("largest difference from two convolutions of width 1")]
    ffn_share: Annotated[float, Field("share of the FFN in a block of self-attention and FFN")]
    ffn_share_cross: Annotated[float, Field("share of the FFN in a block that has cross-attention too")]
    flop_ratio: Annotated[float, Field("FLOPs of the FFN over those of the attention sublayer, counted")]
    flop_formula: Annotated[float, Field("the same as expansion · d_model / (2 d_model + seq_len)")]
    equal_seq_len: Annotated[int, Field("seq_len at which both cost the same; 0 if attention always costs more")]
    curve_expansion: Annotated[tuple[float, ...], Field("hidden width over d_model along the curves")]
    curve_share: Annotated[tuple[float, ...], Field("ffn_share for each of them")]
    curve_share_cross: Annotated[tuple[float, ...], Field("ffn_share_cross for each of them")]
    expansion: Annotated[int, Field("hidden width over d_model")]


def run(
    *,
    d_model: Annotated[int, Param("width of the stream", minimum=16, maximum=8192)] = 512,
    expansion: Annotated[int, Param("hidden width over d_model", minimum=1, maximum=64)] = 4,
    seq_len: Annotated[int, Param("tokens of the sequence", minimum=1, maximum=131_072)] = 512,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    width, hidden = 64, 64 * expansion  # a small network: being point-wise does not depend on the size
    w_in = (torch.randn(hidden, width, generator=draw, dtype=torch.float64) / width**0.5).to(device)
    w_out = (torch.randn(width, hidden, generator=draw, dtype=torch.float64) / hidden**0.5).to(device)
    x, company = torch.randn(2, 8, width, generator=draw, dtype=torch.float64).to(device)
    company[0] = x[0]  # the same first token in other company
    y = ffn(x, w_in, w_out)  # (8, width)
    hidden_maps = F.conv1d(x.T, w_in[:, :, None]).relu()  # (hidden, 8), a kernel of one token
    by_convolution = F.conv1d(hidden_maps, w_out[:, :, None]).T

    meta = torch.empty(seq_len, d_model, device="meta")  # shapes without numbers: enough to count
    w_attention = torch.empty(d_model, d_model, device="meta")
    w_wide = torch.empty(expansion * d_model, d_model, device="meta")
    ratios = (1.0, 2.0, 8 / 3, 4.0, 8.0, 16.0)
    return Result(
        other_token_change=(ffn(company, w_in, w_out)[0] - y[0]).abs().max().item(),
        convolution_error=(by_convolution - y).abs().max().item(),
        ffn_share=share(expansion, 1),
        ffn_share_cross=share(expansion, 2),
        flop_ratio=count_flops(lambda: ffn(meta, w_wide, w_wide.T)) / count_flops(lambda: attention(meta, w_attention)),
        flop_formula=expansion * d_model / (2 * d_model + seq_len),
        equal_seq_len=max(expansion - 2, 0) * d_model,
        curve_expansion=ratios,
        curve_share=tuple(share(ratio, 1) for ratio in ratios),
        curve_share_cross=tuple(share(ratio, 2) for ratio in ratios),
        expansion=expansion,
    )


def ffn(x: Tensor, w_in: Tensor, w_out: Tensor) -> Tensor:
    return (x @ w_in.T).relu() @ w_out.T


def attention(x: Tensor, weight: Tensor) -> Tensor:
    """Self-attention with four projections of the same shape; heads do not change its FLOPs."""
    q, k, v = (x @ weight.T for _ in range(3))  # (seq_len, d_model)
    return (q @ k.T).softmax(-1) @ v @ weight.T


def share(expansion: float, num_attentions: int) -> float:
    """2 · expansion · d_model² of the FFN against 4 · d_model² of each attention."""
    return 2 * expansion / (2 * expansion + 4 * num_attentions)


def claims(result: Result) -> dict[str, bool]:
    return {
        "redrawing all other tokens leaves a token's output alone": result.other_token_change < 1e-12,
        "it equals two convolutions of width 1": result.convolution_error < 1e-12,
        "at 4 d_model it holds two thirds of a block, and half of one with cross-attention": (
            result.expansion != 4 or (abs(result.ffn_share - 2 / 3) < 1e-9 and result.ffn_share_cross == 0.5)
        ),
        "its FLOPs over attention's are expansion · d_model / (2 d_model + seq_len)": (
            abs(result.flop_ratio / result.flop_formula - 1) < 1e-9
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    names = ["self-attention + FFN", "with cross-attention"]
    rows = [
        {"expansion": expansion, "share": value, "block": name}
        for name, curve in zip(names, (result.curve_share, result.curve_share_cross), strict=True)
        for expansion, value in zip(result.curve_expansion, curve, strict=True)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("expansion:Q", title="hidden width over d_model (log scale)").scale(type="log", base=2),
        y=alt.Y("share:Q", title="FFN's share of the block").axis(format="%").scale(domain=[0, 1]),
        color=alt.Color("block:N").title(None).scale(domain=names, range=[BLUE, VERMILION]).legend(columns=1),
    )
    here = alt.Chart(alt.Data(values=[{"expansion": min(result.expansion, 16)}])).mark_rule(strokeDash=[4, 3])
    return alt.layer(here.encode(x="expansion:Q"), base.mark_line(point=True)).properties(width=WIDTH, height=HEIGHT)
