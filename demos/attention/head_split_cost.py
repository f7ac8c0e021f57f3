"""Splitting one width over more heads changes neither parameters nor matrix work, only how many scores there are.

Leaves out: fused kernels, KV caches, the smaller rank of narrow heads. FLOPs are counted, for large sizes from
the shapes alone; the time, which the softmax over more scores lengthens, is taken at no more than 256 tokens.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.2 and table 1, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import MultiheadAttention
from torch.nn.functional import linear, scaled_dot_product_attention

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart
from demos._measure import count_flops, measure_time


@dataclass(frozen=True)
class Result:
    parameters: Annotated[int, Field("weights in W_Q, W_K, W_V and W_O of torch's module")]
    parameters_one_head: Annotated[int, Field("the same with one head of the full width")]
    flops: Annotated[int, Field("FLOPs of the matrix products of the layer, a multiply-add as two")]
    flops_one_head: Annotated[int, Field("the same with one head of the full width")]
    full_width_flops_ratio: Annotated[float, Field("FLOPs if each head kept the full width, over `flops`")]
    stored_scores: Annotated[int, Field("scores of all heads, if they are stored")]
    score_share: Annotated[float, Field("share of q·k and weights·v in the layer's FLOPs")]
    score_share_of_block: Annotated[float, Field("their share in a block with a feed-forward layer 4 times as wide")]
    time_ratio: Annotated[float, Field("time of scores, softmax and mixing, over that of one head", measured=True)]
    curve_seq_len: Annotated[tuple[int, ...], Field("tokens along the curves")]
    curve_projections: Annotated[tuple[float, ...], Field("FLOPs per token of the four projections")]
    curve_scores: Annotated[tuple[float, ...], Field("FLOPs per token of q·k and weights·v")]
    curve_ffn: Annotated[tuple[float, ...], Field("FLOPs per token of a feed-forward layer 4 times as wide")]
    num_heads: Annotated[int, Field("heads")]
    seq_len: Annotated[int, Field("tokens of the sequence")]
    d_model: Annotated[int, Field("width of the model")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens of the sequence", minimum=8, maximum=131072)] = 512,
    d_model: Annotated[int, Param("width of the model", minimum=16, maximum=4096)] = 512,
    num_heads: Annotated[int, Param("heads among which the width is split", minimum=1, maximum=64)] = 8,
    device: torch.device,
) -> Result:
    if d_model % num_heads:
        raise ParameterError(f"num_heads: expected a divisor of d_model, {d_model}; found {num_heads}.")
    counted = "cpu" if seq_len * d_model <= 2**18 else "meta"  # of large tensors the shapes are enough
    x = torch.zeros(seq_len, d_model, device=counted)

    def weights(heads: int, width: int) -> Tensor:
        return torch.zeros(4, heads * width, d_model, device=counted)  # W_Q, W_K, W_V and W_O, transposed

    def layer(w: Tensor, heads: int) -> Tensor:
        q, k, v = (linear(x, matrix).unflatten(-1, (heads, -1)).transpose(0, 1) for matrix in w[:3])
        mixed = scaled_dot_product_attention(q[None], k[None], v[None])[0]  # (heads, seq_len, width)
        return mixed.transpose(0, 1).flatten(-2) @ w[3]  # (seq_len, d_model)

    def parameters(heads: int) -> int:
        module = MultiheadAttention(d_model, heads, bias=False, device="meta")
        return sum(parameter.numel() for parameter in module.parameters())

    draw = torch.Generator().manual_seed(torch.initial_seed())
    tokens = torch.randn(min(seq_len, 256), d_model, generator=draw).to(device)

    def core_ms(heads: int) -> float:
        q = tokens.unflatten(-1, (heads, -1)).transpose(0, 1).contiguous()  # as k and v too, (heads, tokens, width)
        return measure_time(lambda: (q @ q.mT).softmax(-1) @ q, device, budget_s=0.05).median_ms

    split, single, full = weights(num_heads, d_model // num_heads), weights(1, d_model), weights(num_heads, d_model)
    flops = count_flops(lambda: layer(split, num_heads))
    scores = 4 * seq_len**2 * d_model  # q·k and weights·v, a multiply-add as two
    lengths = tuple(d_model * 2**power // 8 for power in range(10))
    return Result(
        parameters=parameters(num_heads),
        parameters_one_head=parameters(1),
        flops=flops,
        flops_one_head=count_flops(lambda: layer(single, 1)),
        full_width_flops_ratio=count_flops(lambda: layer(full, num_heads)) / flops,
        stored_scores=num_heads * seq_len**2,
        score_share=scores / flops,
        score_share_of_block=scores / (flops + 16 * seq_len * d_model**2),
        time_ratio=core_ms(num_heads) / core_ms(1),
        curve_seq_len=lengths,
        curve_projections=tuple(8.0 * d_model**2 for _ in lengths),
        curve_scores=tuple(4.0 * length * d_model for length in lengths),
        curve_ffn=tuple(16.0 * d_model**2 for _ in lengths),
        num_heads=num_heads,
        seq_len=seq_len,
        d_model=d_model,
    )


def claims(result: Result) -> dict[str, bool]:
    projections, scores = 8 * result.seq_len * result.d_model**2, 4 * result.seq_len**2 * result.d_model
    return {
        "parameters and FLOPs are those of one head of the full width": (
            result.parameters == result.parameters_one_head and result.flops == result.flops_one_head
        ),
        "the FLOPs are 8·n·d² for the projections and 4·n²·d for scores and mixing": (
            result.flops == projections + scores
        ),
        "with heads of the full width they grow by the number of heads": math.isclose(
            result.full_width_flops_ratio, result.num_heads
        ),
        "scores and mixing exceed the four projections only beyond 2·d_model tokens": (
            (result.score_share > 0.5) == (result.seq_len > 2 * result.d_model)
        ),
        "and the rest of a block with its feed-forward layer only beyond 6·d_model tokens": (
            (result.score_share_of_block > 0.5) == (result.seq_len > 6 * result.d_model)
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "q·k and weights·v": [value / 1e6 for value in result.curve_scores],
        "four projections": [value / 1e6 for value in result.curve_projections],
        "feed-forward": [value / 1e6 for value in result.curve_ffn],
    }
    return line_chart(
        result.curve_seq_len,
        curves,
        x_title="tokens of the sequence (log scale)",
        y_title="MFLOPs per token (log scale)",
        log="xy",
        here=result.seq_len,
        points=False,
        at={"q·k and weights·v": 2, "four projections": 0, "feed-forward": 0},
        below=("q·k and weights·v",),
    )
