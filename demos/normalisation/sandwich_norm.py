"""Sandwich norm fixes the size of what a branch adds, whatever its weights become; the stream still grows with depth.

Leaves out: attention, gains (which are learned and may undo it), training, and the gradients.
Source: Ding et al. 2021, CogView: Mastering Text-to-Image Generation via Transformers, section 2.4,
https://arxiv.org/abs/2105.13290
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

TOKENS, D_MODEL = 64, 128
SCALES = (0.01, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Result:
    branch_rms_pre: Annotated[float, Field("root mean square of what the first branch adds, pre-norm")]
    branch_rms_sandwich: Annotated[float, Field("the same with sandwich norm")]
    stream_rms_pre: Annotated[float, Field("root mean square of the stream behind the last branch, pre-norm")]
    stream_rms_sandwich: Annotated[float, Field("the same with sandwich norm")]
    closed_form_rms: Annotated[float, Field("√(1 + num_branches)")]
    curve_scale: Annotated[tuple[float, ...], Field("factor on the weights along the curves")]
    curve_pre: Annotated[tuple[float, ...], Field("branch_rms_pre for each of them")]
    curve_sandwich: Annotated[tuple[float, ...], Field("branch_rms_sandwich for each of them")]
    weight_scale: Annotated[float, Field("factor on the output matrices of the branches")]


def run(
    *,
    weight_scale: Annotated[float, Param("factor on branch output matrices", minimum=0.01, maximum=100)] = 100.0,
    num_branches: Annotated[int, Param("branches of the stack", minimum=1, maximum=96)] = 48,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    branch_pre, stream_pre = through_stack(weight_scale, num_branches, False, device)
    branch_sandwich, stream_sandwich = through_stack(weight_scale, num_branches, True, device)
    return Result(
        branch_rms_pre=branch_pre,
        branch_rms_sandwich=branch_sandwich,
        stream_rms_pre=stream_pre,
        stream_rms_sandwich=stream_sandwich,
        closed_form_rms=math.sqrt(1 + num_branches),
        curve_scale=SCALES,
        curve_pre=tuple(through_stack(scale, 1, False, device)[0] for scale in SCALES),
        curve_sandwich=tuple(through_stack(scale, 1, True, device)[0] for scale in SCALES),
        weight_scale=weight_scale,
    )


def through_stack(scale: float, num_branches: int, sandwich: bool, device: torch.device) -> tuple[float, float]:
    """Root mean square of what the first branch adds, and of the stream behind the last."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(TOKENS, D_MODEL, generator=generator, dtype=torch.float64).to(device)
    added = []
    for _ in range(num_branches):
        w_in, w_out = torch.randn(2, D_MODEL, D_MODEL, generator=generator, dtype=torch.float64).to(device)
        hidden = (layer_norm(x) @ w_in.T * math.sqrt(2 / D_MODEL)).relu()
        branch = scale * hidden @ w_out.T / math.sqrt(D_MODEL)  # (TOKENS, D_MODEL), variance scale²
        branch = layer_norm(branch) if sandwich else branch
        added.append(rms(branch))
        x = x + branch
    return added[0], rms(x)


def layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, (D_MODEL,))


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "in pre-norm a branch adds in proportion to its weights, within a fifth": (
            0.8 < result.branch_rms_pre / result.weight_scale < 1.25
        ),
        "with sandwich norm it adds an RMS of 1, within a tenth, at any weights": (
            max(abs(value - 1) for value in (*result.curve_sandwich, result.branch_rms_sandwich)) < 0.1
        ),
        "the sandwich stream still grows like √(1 + num_branches), within a fifth": (
            0.8 < result.stream_rms_sandwich / result.closed_form_rms < 1.25
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_scale,
        {"pre-norm": result.curve_pre, "sandwich norm": result.curve_sandwich},
        x_title="factor on the weights (log scale)",
        y_title="RMS that a branch adds (log scale)",
        log="xy",
        here=result.weight_scale,
        at={"pre-norm": -1, "sandwich norm": 0},
    )
