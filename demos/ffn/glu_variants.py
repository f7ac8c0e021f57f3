"""A gated FFN has three matrices, so two thirds of the usual hidden width give it the parameters of a plain one.

Leaves out: biases, training, and quality: that GLU variants learn better is Shazeer's measurement, not shown here.
Source: Shazeer 2020, GLU Variants Improve Transformer, sections 2 and 3, https://arxiv.org/abs/2002.05202;
Dauphin et al. 2017, Language Modeling with Gated Convolutional Networks, https://arxiv.org/abs/1612.08083
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH
from demos._measure import measure_ceilings, measure_time

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
    error_against_torch: Annotated[float, Field("largest difference of the sigmoid gate from torch's glu")]
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
    plain_parameters, gated_parameters = 2 * d_model * plain_hidden, 3 * d_model * gated_hidden

    width = (
        d_model if device.type == "cuda" else min(d_model, 512)
    )  # what is run; the counts above are of the full size
    draw = torch.Generator().manual_seed(torch.initial_seed())
    hidden, gated = expansion * width, 2 * expansion * width // 3
    x = torch.randn(TOKENS if device.type == "cpu" else 4096, width, generator=draw).to(device)  # (tokens, width)
    w_gate, w_up, w_in = (
        (torch.randn(rows, width, generator=draw) / width**0.5).to(device) for rows in (gated, gated, hidden)
    )
    w_down, w_out = ((torch.randn(width, cols, generator=draw) / cols**0.5).to(device) for cols in (gated, hidden))

    def gated_ffn(x: Tensor, activation: Callable[[Tensor], Tensor]) -> Tensor:
        return (activation(x @ w_gate.T) * (x @ w_up.T)) @ w_down.T  # (tokens, width)

    def plain_ffn(x: Tensor) -> Tensor:
        return (x @ w_in.T).relu() @ w_out.T

    fused = x @ torch.cat([w_up, w_gate]).T  # one product for both, as torch's glu expects it: the gate comes second
    chosen = GATES[gate]
    gated_ms, plain_ms = (
        measure_time(call, device, budget_s=0.05).median_ms
        for call in (lambda: gated_ffn(x, chosen), lambda: plain_ffn(x))
    )
    ceiling = measure_ceilings(device, x.dtype, budget_s=0.02).matmul_gflop_per_s
    ratios = (4 / 3, 2.0, 8 / 3, 3.0, 3.5, 4.0)
    return Result(
        parameter_ratio=gated_parameters / plain_parameters,
        same_width_ratio=3 * d_model * plain_hidden / plain_parameters,
        plain_parameters=plain_parameters,
        gated_parameters=gated_parameters,
        gated_hidden=gated_hidden,
        error_against_torch=(gated_ffn(x, torch.sigmoid) - F.glu(fused) @ w_down.T).abs().max().item(),
        output_growth=(gated_ffn(2 * x, chosen).norm() / gated_ffn(x, chosen).norm()).item(),
        plain_growth=(plain_ffn(2 * x).norm() / plain_ffn(x).norm()).item(),
        gated_over_plain_time=gated_ms / plain_ms,
        matmul_share=6 * len(x) * width * gated / gated_ms / 1e6 / ceiling,
        curve_ratio=ratios,
        curve_parameters=tuple(3 * ratio for ratio in ratios),
        expansion=expansion,
        round_to=round_to,
    )


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


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"ratio": ratio, "parameters": value}
        for ratio, value in zip(result.curve_ratio, result.curve_parameters, strict=True)
    ]
    gated = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("ratio:Q", title="gated hidden width, in units of d_model").scale(zero=False),
        y=alt.Y("parameters:Q", title="parameters, units of d_model²"),
    )
    plain = alt.Chart(alt.Data(values=[{"parameters": 2 * result.expansion, "label": "plain FFN", "ratio": 4 / 3}]))
    return alt.layer(
        gated.mark_line(point=True, color=BLUE),
        plain.mark_rule(color=VERMILION).encode(y="parameters:Q"),
        plain.mark_text(align="left", dy=-10, color=VERMILION).encode(x="ratio:Q", y="parameters:Q", text="label:N"),
    ).properties(width=WIDTH, height=HEIGHT)
