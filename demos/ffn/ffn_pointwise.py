"""The feed-forward network works on each token alone, and at 4 d_model it holds two thirds of a block's parameters.

Leaves out: biases, norms and embeddings; gated networks (glu_variants); fewer K/V heads, which shrink attention.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.3, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart
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

    counted = "cpu" if seq_len * d_model <= 2**18 else "meta"  # of large tensors the shapes are enough
    tokens, w_attention, w_wide = (
        torch.zeros(rows, d_model, device=counted) for rows in (seq_len, d_model, expansion * d_model)
    )
    ratios = (1.0, 2.0, 8 / 3, 4.0, 8.0, 16.0)
    return Result(
        other_token_change=(ffn(company, w_in, w_out)[0] - y[0]).abs().max().item(),
        convolution_error=(by_convolution - y).abs().max().item(),
        ffn_share=share(expansion, 1),
        ffn_share_cross=share(expansion, 2),
        flop_ratio=(
            count_flops(lambda: ffn(tokens, w_wide, w_wide.T)) / count_flops(lambda: attention(tokens, w_attention))
        ),
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
    """The FFN's share of the weights in torch's own modules, at a width of 48, which any expansion here divides."""
    ffn = [nn.Linear(48, round(48 * expansion), bias=False), nn.Linear(round(48 * expansion), 48, bias=False)]
    block = [*ffn, *(nn.MultiheadAttention(48, 1, bias=False) for _ in range(num_attentions))]
    counts = [sum(parameter.numel() for parameter in module.parameters()) for module in block]
    return sum(counts[:2]) / sum(counts)


def claims(result: Result) -> dict[str, bool]:
    return {
        "redrawing all other tokens leaves a token's output alone": result.other_token_change < 1e-12,
        "it equals two convolutions of width 1": result.convolution_error < 1e-12,
        "at 4 d_model it holds two thirds of a block, and half of one with cross-attention": (
            result.expansion != 4 or (math.isclose(result.ffn_share, 2 / 3) and result.ffn_share_cross == 0.5)
        ),
        "its FLOPs over attention's are expansion · d_model / (2 d_model + seq_len)": (
            abs(result.flop_ratio / result.flop_formula - 1) < 1e-9
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_expansion,
        {"with cross-attention": result.curve_share_cross, "self-attention + FFN": result.curve_share},
        x_title="hidden width over d_model (log scale)",
        y_title="FFN's share of the block",
        y_domain=(0, 1),
        y_format="%",
        log="x",
        here=min(result.expansion, 16),
    )
