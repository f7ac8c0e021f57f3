"""Softmax over blocks is exact with a running maximum and sum, if both are rescaled whenever the maximum rises.

Leaves out: queries in blocks, masks, the backward pass.
Source: Milakov and Gimelshein 2018, Online normalizer calculation for softmax, https://arxiv.org/abs/1805.02867;
Dao et al. 2022, FlashAttention, section 3.1, https://arxiv.org/abs/2205.14135
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

NUM_QUERIES, HEAD_DIM = 256, 16
LN_LARGEST = math.log(torch.finfo(torch.float32).max)  # 88.72: exp of anything above is infinite in float32


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[
        float, Field("largest error of the streamed output, float32 against float64", measured=True)
    ]
    error_without_rescaling: Annotated[float, Field("the same when older blocks are never rescaled")]
    error_of_local_softmax: Annotated[
        float, Field("the same when each block has its own softmax and outputs are added")
    ]
    local_weight_sum: Annotated[float, Field("what the weights of a row sum to in that case, mean over rows")]
    output_rms: Annotated[float, Field("root mean square of the exact output")]
    rescalings: Annotated[float, Field("blocks after the first that raise the maximum, mean over rows")]
    num_blocks: Annotated[int, Field("blocks that a row is cut into")]
    largest_score: Annotated[float, Field("largest score of all rows")]
    naive_overflow: Annotated[float, Field("rows whose plain sum of exp(score) overflows float32, as a fraction")]
    above_limit: Annotated[float, Field("rows with a score above 88.72 = ln(largest float32), as a fraction")]
    curve_num_blocks: Annotated[tuple[int, ...], Field("number of blocks along the curves")]
    curve_error: Annotated[tuple[float, ...], Field("largest error with rescaling", measured=True)]
    curve_without_rescaling: Annotated[tuple[float, ...], Field("largest error without rescaling", measured=True)]
    length: Annotated[int, Field("keys")]
    score_std: Annotated[float, Field("standard deviation of the scores")]


def run(
    *,
    length: Annotated[int, Param("keys, that is scores in a row", minimum=1, maximum=16384)] = 1024,
    block: Annotated[int, Param("keys in a block", minimum=1, maximum=16384)] = 64,
    score_std: Annotated[float, Param("standard deviation of the scores", minimum=0.1, maximum=100)] = 1.0,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    scores = (score_std * torch.randn(NUM_QUERIES, length, generator=generator)).to(device)  # (NUM_QUERIES, length)
    values = torch.randn(length, HEAD_DIM, generator=generator).to(device)  # (length, HEAD_DIM)
    exact = scores.cpu().double().softmax(-1) @ values.cpu().double()  # (NUM_QUERIES, HEAD_DIM)

    def error(output: Tensor) -> float:
        return (output.cpu().double() - exact).abs().max().item()

    parts = scores.split(block, -1)  # each (NUM_QUERIES, block)
    local = torch.cat([part.softmax(-1) for part in parts], -1)  # (NUM_QUERIES, length)
    maxima = torch.stack([part.amax(-1) for part in parts]).cpu()  # (num_blocks, NUM_QUERIES)
    counts = [2**power for power in range(9) if 2**power <= length]
    sizes = [math.ceil(length / count) for count in counts]
    return Result(
        max_abs_error=error(stream(scores, values, block)),
        error_without_rescaling=error(stream(scores, values, block, rescale=False)),
        error_of_local_softmax=error(local @ values),
        local_weight_sum=local.cpu().double().sum(-1).mean().item(),
        output_rms=exact.square().mean().sqrt().item(),
        rescalings=(maxima[1:] > maxima.cummax(0).values[:-1]).sum().item() / NUM_QUERIES,
        num_blocks=len(parts),
        largest_score=scores.max().item(),
        naive_overflow=scores.exp().sum(-1).isinf().sum().item() / NUM_QUERIES,
        above_limit=(scores.amax(-1) > LN_LARGEST).sum().item() / NUM_QUERIES,
        curve_num_blocks=tuple(counts),
        curve_error=tuple(error(stream(scores, values, size)) for size in sizes),
        curve_without_rescaling=tuple(error(stream(scores, values, size, rescale=False)) for size in sizes),
        length=length,
        score_std=score_std,
    )


def stream(scores: Tensor, values: Tensor, block: int, rescale: bool = True) -> Tensor:
    """softmax(scores) @ values with each block read once, shape (NUM_QUERIES, HEAD_DIM)."""
    maximum = torch.full_like(scores[:, :1], -math.inf)  # (NUM_QUERIES, 1)
    total = torch.zeros_like(maximum)  # (NUM_QUERIES, 1)
    output = torch.zeros_like(maximum @ values[:1])  # (NUM_QUERIES, HEAD_DIM)
    for part, value in zip(scores.split(block, -1), values.split(block), strict=True):
        new_maximum = torch.maximum(maximum, part.amax(-1, keepdim=True))
        factor = (maximum - new_maximum).exp() if rescale else 1.0  # 0 at the first block, 1 where the maximum stays
        weights = (part - new_maximum).exp()  # (NUM_QUERIES, block)
        total = factor * total + weights.sum(-1, keepdim=True)
        output = factor * output + weights @ value
        maximum = new_maximum
    return output / total


def claims(result: Result) -> dict[str, bool]:
    rescales = result.rescalings >= 1 and result.score_std >= 1
    finite = result.largest_score + math.log(result.length) < LN_LARGEST
    return {
        "with rescaling and up to 1024 blocks, the streamed output is that of float64 to 1e-4": (
            result.num_blocks > 1024 or result.max_abs_error < 1e-4
        ),
        "with one rescaling a row or more, and scores that spread by 1 or more, leaving it out is 1000 times worse": (
            not rescales or result.error_without_rescaling > 1000 * result.max_abs_error
        ),
        "with a softmax for each block, the weights of a row sum to the number of blocks instead of 1": (
            math.isclose(result.local_weight_sum, result.num_blocks, rel_tol=1e-5)
        ),
        "without subtracting the maximum, every row with a score above 88.72 overflows float32": (
            result.naive_overflow >= result.above_limit
        ),
        "without subtracting the maximum, nothing overflows below 88.72 - ln(length)": (
            not finite or result.naive_overflow == 0
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_num_blocks,
        {"without rescaling": result.curve_without_rescaling, "with rescaling": result.curve_error},
        x_title="blocks (log scale)",
        y_title="largest error (log scale)",
        y_format=".0e",
        log="xy",
        at=-1,
    )
