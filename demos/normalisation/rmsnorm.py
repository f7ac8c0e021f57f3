"""RMSNorm drops LayerNorm's centring: the two agree on tokens of mean zero, and part as the mean grows.

Leaves out: gain and bias, ε, and training, where the mean that RMSNorm keeps may be useful.
Source: Zhang and Sennrich 2019, Root Mean Square Layer Normalization, section 4, https://arxiv.org/abs/1910.07467
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._measure import measure_time

TOKENS = 256


@dataclass(frozen=True)
class Result:
    layernorm_rms_gap: Annotated[float, Field("root mean square difference of the two outputs")]
    closed_form_gap: Annotated[float, Field("√(2 − 2/√(1 + mean²))")]
    rms_moved_by_shift: Annotated[float, Field("RMS change of RMSNorm's output when every feature grows by 1")]
    ln_moved_by_shift: Annotated[float, Field("the same for LayerNorm")]
    moved_by_scale: Annotated[float, Field("largest change of either output when the token is multiplied by 8")]
    error_centred: Annotated[float, Field("largest difference of LayerNorm and RMSNorm of the centred token")]
    error_against_torch: Annotated[float, Field("largest difference of RMSNorm by hand and torch's own")]
    rms_over_ln_time: Annotated[float, Field("time of torch's rms_norm over that of its layer_norm", measured=True)]
    by_hand_over_ln_time: Annotated[float, Field("time of RMSNorm by hand over that of layer_norm", measured=True)]
    copy_over_ln_time: Annotated[float, Field("time of copying the same tensor over layer_norm's", measured=True)]
    curve_mean: Annotated[tuple[float, ...], Field("mean of a token's features along the curves")]
    curve_gap: Annotated[tuple[float, ...], Field("layernorm_rms_gap for each of them")]
    curve_shift: Annotated[tuple[float, ...], Field("the part of RMSNorm's output that all features share")]
    mean: Annotated[float, Field("mean of a token's features, in standard deviations")]


def run(
    *,
    mean: Annotated[float, Param("mean of a token's features, in standard deviations", minimum=0, maximum=16)] = 1.0,
    d_model: Annotated[int, Param("features of a token", minimum=8, maximum=8192)] = 512,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    tokens = torch.randn(TOKENS, d_model, generator=generator, dtype=torch.float64)
    spread = F.layer_norm(tokens, (d_model,), eps=0.0)  # each token has mean 0 and variance 1 exactly
    x = spread + mean  # (TOKENS, d_model)
    means = tuple(power / 4 for power in range(17))

    rows = 2**24 // d_model if device.type == "cuda" else 2**18 // d_model
    large = torch.randn(rows, d_model, generator=generator).to(device)  # fills the device
    target = torch.empty_like(large)
    ln_ms, rms_ms, by_hand_ms, copy_ms = (
        measure_time(call, device, budget_s=0.05).median_ms
        for call in (
            lambda: F.layer_norm(large, (d_model,)),
            lambda: F.rms_norm(large, (d_model,)),
            lambda: rms_norm(large),
            lambda: target.copy_(large),
        )
    )
    return Result(
        layernorm_rms_gap=rms(layer_norm(x) - rms_norm(x)),
        closed_form_gap=math.sqrt(2 - 2 / math.sqrt(1 + mean**2)),
        rms_moved_by_shift=rms(rms_norm(x + 1) - rms_norm(x)),
        ln_moved_by_shift=rms(layer_norm(x + 1) - layer_norm(x)),
        moved_by_scale=max(
            rms(rms_norm(8 * x) - rms_norm(x)),
            rms(layer_norm(8 * x) - layer_norm(x)),
        ),
        error_centred=(layer_norm(x) - rms_norm(x - x.mean(-1, keepdim=True))).abs().max().item(),
        error_against_torch=(rms_norm(x) - F.rms_norm(x, (d_model,), eps=0.0)).abs().max().item(),
        rms_over_ln_time=rms_ms / ln_ms,
        by_hand_over_ln_time=by_hand_ms / ln_ms,
        copy_over_ln_time=copy_ms / ln_ms,
        curve_mean=means,
        curve_gap=tuple(rms(layer_norm(spread + each) - rms_norm(spread + each)) for each in means),
        curve_shift=tuple(rms_norm(spread + each).mean().item() for each in means),
        mean=mean,
    )


def rms_norm(x: Tensor) -> Tensor:
    """x divided by the root mean square of its features, the same shape."""
    return x / x.square().mean(-1, keepdim=True).sqrt()


def layer_norm(x: Tensor) -> Tensor:
    """x less its mean, divided by its standard deviation (the biased one), the same shape."""
    centred = x - x.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).sqrt()


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "RMSNorm by hand equals torch's": result.error_against_torch < 1e-9,
        "LayerNorm is RMSNorm of the centred token": result.error_centred < 1e-9,
        "on tokens of mean zero the two agree, elsewhere they part by √(2 − 2/√(1 + mean²))": (
            result.curve_gap[0] < 1e-9 and abs(result.layernorm_rms_gap - result.closed_form_gap) < 1e-9
        ),
        "a scale moves neither; a shift moves RMSNorm only": (
            result.moved_by_scale < 1e-9 and result.ln_moved_by_shift < 1e-9 < result.rms_moved_by_shift
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_mean,
        {"gap to LayerNorm": result.curve_gap, "common to all features": result.curve_shift},
        x_title="mean of the features, in standard deviations",
        y_title="RMS, of an output of RMS 1",
        here=min(result.mean, result.curve_mean[-1]),
        points=False,
        at={"gap to LayerNorm": -1, "common to all features": (6, "left")},
        below=("common to all features",),
    )
