"""A gated FFN has three matrices, so two thirds of the usual hidden width give it the parameters of a plain one.

Leaves out: biases, training, and quality: that GLU variants learn better is Shazeer's measurement, not shown here.
Source: Shazeer 2020, GLU Variants Improve Transformer, sections 2 and 3, https://arxiv.org/abs/2002.05202;
Dauphin et al. 2017, Language Modeling with Gated Convolutional Networks, https://arxiv.org/abs/1612.08083
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import BLUE, VERMILION
from demos._measure import count_flops, measure_ceilings, measure_time

TOKENS = 32
GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "glu": torch.sigmoid,
    "swiglu": F.silu,
    "geglu": F.gelu,
    "reglu": F.relu,
    "bilinear": lambda x: x,
}


@dataclass(frozen=True)
class Result:
    parameter_ratio: Annotated[float, Field("parameters of the gated FFN over those of the plain one")]
    same_width_ratio: Annotated[float, Field("the same if both had the plain hidden width")]
    plain_parameters: Annotated[int, Field("parameters of the plain FFN, two matrices")]
    gated_parameters: Annotated[int, Field("parameters of the gated FFN, three matrices")]
    gated_hidden: Annotated[int, Field("hidden width of the gated FFN")]
    error_against_torch: Annotated[float, Field("largest difference of the sigmoid gate's product from torch's glu")]
    output_growth: Annotated[float, Field("norm of the gated FFN's output when the input doubles, over before")]
    plain_growth: Annotated[float, Field("the same for the plain FFN with ReLU")]
    gated_over_plain_time: Annotated[float, Field("time of the gated FFN over the plain one", measured=True)]
    matmul_share: Annotated[float, Field("gated FLOP rate over that of a large matrix product here", measured=True)]
    curve_ratio: Annotated[tuple[float, ...], Field("gated hidden width in units of d_model")]
    curve_parameters: Annotated[tuple[float, ...], Field("its parameters in units of d_model²")]
    expansion: Annotated[int, Field("hidden width of the plain FFN in units of d_model")]
    round_to: Annotated[int, Field("the gated width is a multiple of this")]


def run(
    *,
    d_model: Annotated[int, Param("width of the stream", minimum=8, maximum=8192)] = 512,
    expansion: Annotated[int, Param("hidden width of the plain FFN over d_model", minimum=1, maximum=8)] = 4,
    round_to: Annotated[int, Param("round the gated width up to a multiple; 1: down", minimum=1, maximum=256)] = 1,
    gate: Annotated[
        str, Param("activation of the gate", choices=("glu", "swiglu", "geglu", "reglu", "bilinear"))
    ] = "swiglu",
    device: torch.device,
) -> Result:
    plain_hidden = expansion * d_model
    gated_hidden = -(-(2 * plain_hidden // 3) // round_to) * round_to
    plain_parameters, gated_parameters, same_width = (
        sum(parameter.numel() for parameter in ffn.parameters())
        for ffn in (
            Plain(d_model, plain_hidden, "meta"),  # counted at the full size, without numbers
            Gated(d_model, gated_hidden, gate, "meta"),
            Gated(d_model, plain_hidden, gate, "meta"),
        )
    )

    width = d_model if device.type == "cuda" else min(d_model, 512)  # of what is run
    tokens = TOKENS if device.type == "cpu" else 4096
    draw = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(tokens, width, generator=draw).to(device)  # (tokens, width)
    plain, gated = Plain(width, expansion * width), Gated(width, 2 * expansion * width // 3, gate)
    for layer in (gated.gate, gated.up, plain.up, gated.down, plain.down):
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=draw)
    plain, gated = plain.requires_grad_(False).to(device), gated.requires_grad_(False).to(device)
    sigmoid = torch.sigmoid(gated.gate(x)) * gated.up(x)
    fused = F.linear(x, torch.cat([gated.up.weight, gated.gate.weight]))  # torch's glu expects the gate second
    flops = count_flops(lambda: gated(x))
    gated_ms, plain_ms = (measure_time(partial(ffn, x), device, budget_s=0.05).median_ms for ffn in (gated, plain))
    ceiling = measure_ceilings(device, x.dtype, budget_s=0.02).matmul_gflop_per_s
    ratios = (4 / 3, 2.0, 8 / 3, 3.0, 3.5, 4.0)
    return Result(
        parameter_ratio=gated_parameters / plain_parameters,
        same_width_ratio=same_width / plain_parameters,
        plain_parameters=plain_parameters,
        gated_parameters=gated_parameters,
        gated_hidden=gated_hidden,
        error_against_torch=(sigmoid - F.glu(fused)).abs().max().item(),
        output_growth=(gated(2 * x).norm() / gated(x).norm()).item(),
        plain_growth=(plain(2 * x).norm() / plain(x).norm()).item(),
        gated_over_plain_time=gated_ms / plain_ms,
        matmul_share=flops / gated_ms / 1e6 / ceiling,
        curve_ratio=ratios,
        curve_parameters=tuple(3 * ratio for ratio in ratios),
        expansion=expansion,
        round_to=round_to,
    )


class Plain(nn.Module):
    """Two matrices with ReLU between them."""

    def __init__(self, d_model: int, hidden: int, device: str = "cpu") -> None:
        super().__init__()
        self.up = nn.Linear(d_model, hidden, bias=False, device=device)
        self.down = nn.Linear(hidden, d_model, bias=False, device=device)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.up(x).relu())


class Gated(Plain):
    """A third matrix, whose activation multiplies what the first makes."""

    def __init__(self, d_model: int, hidden: int, gate: str, device: str = "cpu") -> None:
        super().__init__(d_model, hidden, device)
        self.gate = nn.Linear(d_model, hidden, bias=False, device=device)
        self.activation = GATES[gate]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.gate(x)) * self.up(x))


def claims(result: Result) -> dict[str, bool]:
    per_unit = result.gated_parameters // result.gated_hidden  # one row of two matrices and one column of the third
    return {
        "the sigmoid gate equals torch's glu": result.error_against_torch < 1e-4,
        "at the same hidden width a gated FFN has half as many parameters again": result.same_width_ratio == 1.5,
        "at two thirds of the width, rounded down, it falls short of the plain FFN by less than one hidden unit": (
            result.round_to > 1 or 0 <= result.plain_parameters - result.gated_parameters < per_unit
        ),
        "doubling the input doubles a plain ReLU FFN's output, and raises a gated one's by more": (
            abs(result.plain_growth - 2) < 1e-3 and result.output_growth > 2.05
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_ratio,
        {"": result.curve_parameters},
        x_title="gated hidden width, in units of d_model",
        y_title="parameters, units of d_model²",
        colours=[BLUE],
        levels={"plain FFN": 2 * result.expansion},
        level_colour=VERMILION,
    )
