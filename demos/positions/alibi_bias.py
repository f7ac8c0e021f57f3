"""ALiBi subtracts slope · distance from the scores: each head multiplies its weights by exp(−slope · distance).

Leaves out: training, and what the paper trains, causal language models; scores here are independent N(0, 1).
Source: Press et al. 2022, Train Short, Test Long, section 3, https://arxiv.org/abs/2108.12409; slopes for other numbers of
heads: get_slopes in https://github.com/ofirpress/attention_with_linear_biases
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

QUERIES, HEAD_DIM = 64, 64


@dataclass(frozen=True)
class Result:
    slopes: Annotated[tuple[float, ...], Field("slope of each head, in the order of the published code")]
    steepest_slope: Annotated[float, Field("largest of the slopes")]
    flattest_slope: Annotated[float, Field("smallest of the slopes")]
    far_weight_steepest: Annotated[
        float, Field("weight of keys more than far_distance back, head of the largest slope")
    ]
    far_weight_flattest: Annotated[float, Field("the same for the head of the smallest slope")]
    far_weight_no_bias: Annotated[float, Field("the same without a bias")]
    log_ratio_error: Annotated[
        float, Field("largest error of −slope·distance for the log of weights with over without")
    ]
    sdpa_error: Annotated[float, Field("largest difference from torch's attention with the bias as attn_mask")]
    multiplied_row_sum: Annotated[float, Field("mean row sum if the bias multiplies the weights, flattest slope")]
    curve_distance: Annotated[tuple[int, ...], Field("distance along the curves")]
    curve_steepest: Annotated[tuple[float, ...], Field("weight of keys up to that distance, largest slope")]
    curve_flattest: Annotated[tuple[float, ...], Field("the same, smallest slope")]
    curve_no_bias: Annotated[tuple[float, ...], Field("the same, no bias")]
    num_heads: Annotated[int, Field("heads")]
    seq_len: Annotated[int, Field("keys, the query's own included")]
    far_distance: Annotated[int, Field("distance beyond which a key counts as far")]


def run(
    *,
    num_heads: Annotated[int, Param("heads", minimum=1, maximum=128)] = 8,
    seq_len: Annotated[int, Param("keys that a query sees", minimum=16, maximum=16_384)] = 4096,
    far_distance: Annotated[int, Param("distance beyond which a key counts as far", minimum=1, maximum=8192)] = 64,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    slopes = slopes_of(num_heads)
    draw = torch.Generator().manual_seed(torch.initial_seed())
    scores = torch.randn(QUERIES, seq_len, generator=draw, dtype=torch.float64).to(device)  # already divided by √d_k
    distance = torch.arange(seq_len - 1, -1, -1, device=device)  # the query stands at the last key
    plain = scores.softmax(-1)  # (QUERIES, seq_len)
    steep, flat = ((scores - slope * distance).softmax(-1) for slope in (max(slopes), min(slopes)))
    near = distance < 100  # further back exp(−slope · distance) is too small to divide by
    log_ratio = (steep / plain).log() - (steep / plain).log()[:, -1:]  # 0 at the query itself
    marks = tuple(2**power for power in range(15) if 2**power < seq_len)

    def up_to(weights: Tensor) -> tuple[float, ...]:
        return tuple(weights[:, distance <= mark].sum(-1).mean().item() for mark in marks)

    def far(weights: Tensor) -> float:
        return weights[:, distance > far_distance].sum(-1).mean().item()

    return Result(
        slopes=slopes,
        steepest_slope=max(slopes),
        flattest_slope=min(slopes),
        far_weight_steepest=far(steep),
        far_weight_flattest=far(flat),
        far_weight_no_bias=far(plain),
        log_ratio_error=(log_ratio + max(slopes) * distance)[:, near].abs().max().item(),
        sdpa_error=sdpa_error(slopes, draw, device),
        multiplied_row_sum=(plain * -min(slopes) * distance).sum(-1).mean().item(),
        curve_distance=marks,
        curve_steepest=up_to(steep),
        curve_flattest=up_to(flat),
        curve_no_bias=up_to(plain),
        num_heads=num_heads,
        seq_len=seq_len,
        far_distance=far_distance,
    )


def slopes_of(num_heads: int) -> tuple[float, ...]:
    """2^(−8/n), 2^(−16/n), … for n heads, a power of two; else those of the power below, then every second of 2n."""
    power = 2 ** (num_heads.bit_length() - 1)
    slopes = [2 ** (-8 * head / power) for head in range(1, power + 1)]
    between = [2 ** (-8 * head / (2 * power)) for head in range(1, 2 * power + 1, 2)]
    return tuple(slopes + between[: num_heads - power])


def sdpa_error(slopes: tuple[float, ...], draw: torch.Generator, device: torch.device) -> float:
    """The largest difference of causal attention with the bias to torch's own, all heads, 32 tokens."""
    q, k, v = torch.randn(3, len(slopes), 32, HEAD_DIM, generator=draw, dtype=torch.float64).to(device)
    position = torch.arange(32, device=device)
    offset = position[None, :] - position[:, None]  # key − query
    bias = torch.tensor(slopes, dtype=torch.float64, device=device)[:, None, None] * offset
    bias = bias.masked_fill(offset > 0, -math.inf)  # (head, query, key)
    ours = (q @ k.mT / math.sqrt(HEAD_DIM) + bias).softmax(-1) @ v
    return (F.scaled_dot_product_attention(q, k, v, attn_mask=bias) - ours).abs().max().item()


def claims(result: Result) -> dict[str, bool]:
    power = 2 ** (result.num_heads.bit_length() - 1)
    ratios = [b / a for a, b in zip(result.slopes[: power - 1], result.slopes[1:power], strict=True)]
    return {
        "up to a power of two, each slope is the one before times the first": all(
            math.isclose(ratio, result.slopes[0]) for ratio in ratios
        ),
        "with any number of heads the flattest slope is 1/256": math.isclose(result.flattest_slope, 2**-8),
        "no two heads share a slope": len(set(result.slopes)) == result.num_heads,
        "the log of the weight with the bias over the weight without is −slope · distance": (
            result.log_ratio_error < 1e-6
        ),
        "the result is torch's attention with the bias as an additive mask": result.sdpa_error < 1e-9,
        "multiplying the weights by the bias instead gives negative row sums": result.multiplied_row_sum < 0,
        "the bias takes weight from far keys, and most in the steepest head": (
            result.far_distance >= result.seq_len - 1
            or result.far_weight_steepest <= result.far_weight_flattest < result.far_weight_no_bias
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "steepest slope": result.curve_steepest,
        "flattest slope": result.curve_flattest,
        "no bias": result.curve_no_bias,
    }
    return line_chart(
        result.curve_distance,
        curves,
        x_title="distance of the key (log scale)",
        y_title="weight of keys up to that distance",
        y_domain=(0, 1),
        log="x",
        here=result.far_distance,
    )
