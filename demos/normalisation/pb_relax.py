"""PB-Relax scales queries before the product, so that float16 scores stay finite; it restores none of the digits lost.

Leaves out: training, gradients, masks, learned temperatures, and bfloat16, whose range makes the trick unnecessary.
Source: Ding et al. 2021, CogView, section 2.4, https://arxiv.org/abs/2105.13290; Henry et al. 2020, Query-Key Normalization
for Transformers, https://arxiv.org/abs/2010.04245; Gemma Team 2024, Gemma 2, section 2, https://arxiv.org/abs/2408.00118
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import GREEN

NUM_KEYS, ALPHA, CAP = 64, 32, 50.0


@dataclass(frozen=True)
class Result:
    infinite_plain: Annotated[float, Field("share of infinite scores, float16, divided by √d after the product")]
    infinite_scaled_first: Annotated[float, Field("the same with queries divided by √d before the product")]
    infinite_relaxed: Annotated[float, Field("the same with PB-Relax: queries divided by 32 √d before the product")]
    nan_rows_plain: Annotated[float, Field("share of rows that are NaN after the softmax, plain")]
    weight_error: Annotated[float, Field("error of a row's weights with PB-Relax, total variation, mean over rows")]
    largest_logit: Annotated[float, Field("largest absolute score q·k/√d, float64")]
    largest_qk_norm: Annotated[float, Field("the same with queries and keys normalised to RMS 1")]
    largest_capped: Annotated[float, Field("the same with the soft cap 50 tanh(score/50)")]
    layernorm_plain_finite: Annotated[bool, Field("whether LayerNorm of 300 x is finite in pure float16")]
    layernorm_relaxed_finite: Annotated[bool, Field("whether it is after dividing by the largest entry")]
    curve_magnitude: Annotated[tuple[float, ...], Field("mean entry of queries and keys along the curves")]
    curve_plain: Annotated[tuple[float, ...], Field("largest score that the plain product meets, before dividing")]
    curve_relaxed: Annotated[tuple[float, ...], Field("largest score that PB-Relax meets")]
    magnitude: Annotated[float, Field("mean entry of queries and keys")]
    head_dim: Annotated[int, Field("width of one head")]


def run(
    *,
    magnitude: Annotated[float, Param("mean entry of queries and keys", minimum=0, maximum=100)] = 40.0,
    noise: Annotated[float, Param("standard deviation of the entries", minimum=0.1, maximum=10)] = 1.0,
    head_dim: Annotated[int, Param("width of one head", minimum=16, maximum=256)] = 64,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    drawn = noise * torch.randn(2, NUM_KEYS, head_dim, generator=generator) + magnitude
    q, k = drawn.half().to(device)  # (NUM_KEYS, head_dim) each, float16
    root = math.sqrt(head_dim)
    plain = q @ k.T / root  # (NUM_KEYS, NUM_KEYS): the product comes first
    relaxed = (q / (ALPHA * root)) @ k.T
    weights = ((relaxed - relaxed.amax(-1, keepdim=True)).float() * ALPHA).softmax(-1)  # (score − max) in float16

    exact_q, exact_k = q.cpu().double(), k.cpu().double()
    scores = exact_q @ exact_k.T / root
    error = (weights.cpu().double() - scores.softmax(-1)).abs().sum(-1) / 2
    normed = rms_norm(exact_q) @ rms_norm(exact_k).T / root
    x = 300 * torch.randn(head_dim, generator=generator).half().to(device)
    magnitudes = tuple(float(2**power) for power in range(8))
    met = [each[0] @ each[1].T for each in ((drawn - magnitude + mean).double() for mean in magnitudes)]
    return Result(
        infinite_plain=plain.isinf().float().mean().item(),
        infinite_scaled_first=((q / root) @ k.T).isinf().float().mean().item(),
        infinite_relaxed=relaxed.isinf().float().mean().item(),
        nan_rows_plain=plain.softmax(-1).isnan().any(-1).float().mean().item(),
        weight_error=error.mean().item(),
        largest_logit=scores.abs().max().item(),
        largest_qk_norm=normed.abs().max().item(),
        largest_capped=(CAP * (scores / CAP).tanh()).abs().max().item(),
        layernorm_plain_finite=half_layer_norm(x),
        layernorm_relaxed_finite=half_layer_norm(x / x.abs().max()),
        curve_magnitude=magnitudes,
        curve_plain=tuple(each.abs().max().item() for each in met),
        curve_relaxed=tuple(each.abs().max().item() / (ALPHA * root) for each in met),
        magnitude=magnitude,
        head_dim=head_dim,
    )


def rms_norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))


def half_layer_norm(x: Tensor) -> bool:
    """Whether a LayerNorm that keeps its squares in float16 gives a finite, non-zero output."""
    centred = x - x.mean()
    variance = centred.square().mean()  # the squares are float16: above 255 they are infinite
    out = centred / variance.sqrt()
    return bool(out.isfinite().all() and out.abs().max() > 0)


def claims(result: Result) -> dict[str, bool]:
    product = result.magnitude**2 * result.head_dim
    return {
        "a mean product above 100,000 is infinite in float16, and its row is NaN after the softmax": (
            product < 1e5 or (result.infinite_plain > 0.9 and result.nan_rows_plain > 0.9)
        ),
        "PB-Relax keeps every score finite as long as the true one is below 1,000,000": (
            result.largest_logit > 1e6 or result.infinite_relaxed == 0
        ),
        "with queries and keys normalised no score exceeds √d, whatever their size": (
            result.largest_qk_norm <= math.sqrt(result.head_dim) + 1e-6
        ),
        "a soft cap of 50 bounds the scores at 50": result.largest_capped <= CAP,
        "a float16 LayerNorm overflows on entries of several hundred, and not after division by the largest": (
            result.layernorm_relaxed_finite and not result.layernorm_plain_finite
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_magnitude,
        {"product first": result.curve_plain, "PB-Relax": result.curve_relaxed},
        x_title="mean entry of queries and keys (log scale)",
        y_title="largest score met (log scale)",
        y_format="~s",
        log="xy",
        here=result.magnitude if result.magnitude >= 1 else (),
        levels={"largest float16": 65504},
        level_colour=GREEN,
        level_side="left",
        at={"product first": (3, "right"), "PB-Relax": (3, "left")},
        below=("PB-Relax",),
    )
