"""Multiplying token embeddings by √d_model gives them variance 1 only if they were drawn with a deviation of 1/√d_model.

Leaves out: training, which resizes the table freely, and a LayerNorm after the sum, which rescales both parts alike.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.4, https://arxiv.org/abs/1706.03762, which gives no reason;
its code, tensor2tensor, draws the table shared with the output layer with a deviation of 1/√d_model
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch

from demos import Field, Param, ParameterError
from demos._figures import BLUE, HEIGHT, ORANGE, WIDTH

INITS = ("inverse-root", "bert", "xavier", "torch-default")


@dataclass(frozen=True)
class Result:
    token_rms: Annotated[float, Field("RMS of the components of a token as drawn")]
    token_rms_scaled: Annotated[float, Field("the same times √d_model")]
    position_rms: Annotated[float, Field("RMS of the components of a sinusoidal code")]
    position_share: Annotated[float, Field("share of the position in the squared norm of token + position, not scaled")]
    position_share_scaled: Annotated[float, Field("the same with the token times √d_model")]
    logit_rms_tied: Annotated[
        float, Field("RMS of the first logits if the table is the output layer too, unit-variance state")
    ]
    curve_init: Annotated[tuple[str, ...], Field("initialisation along the curves")]
    curve_share: Annotated[tuple[float, ...], Field("position_share for it")]
    curve_share_scaled: Annotated[tuple[float, ...], Field("position_share_scaled for it")]
    init: Annotated[str, Field("initialisation of the single values")]


def run(
    *,
    d_model: Annotated[int, Param("width of an embedding, even", minimum=64, maximum=4096)] = 512,
    vocab_size: Annotated[int, Param("rows of the table", minimum=1000, maximum=200_000)] = 37_000,
    init: Annotated[
        str,
        Param(
            "deviation of the table: 1/√d_model, 0.02, Xavier's √(2/(vocab_size + d_model)), or torch's 1",
            choices=("inverse-root", "bert", "xavier", "torch-default"),
        ),
    ] = "inverse-root",
    device: torch.device,
) -> Result:
    if d_model % 2:
        raise ParameterError(f"d_model: expected an even number, as sines and cosines come in pairs; found {d_model}.")
    draw = torch.Generator().manual_seed(torch.initial_seed())
    unit = torch.randn(512, d_model, generator=draw).to(device)  # 512 rows stand for all
    state = torch.randn(64, d_model, generator=draw).to(device)
    angles = torch.arange(512, device=device)[:, None] * 10_000 ** (
        -torch.arange(0, d_model, 2, device=device) / d_model
    )
    codes = torch.cat([angles.sin(), angles.cos()], dim=-1)  # (512, d_model)
    stds = dict(zip(INITS, (d_model**-0.5, 0.02, math.sqrt(2 / (vocab_size + d_model)), 1.0), strict=True))

    def share(name: str, factor: float) -> float:
        """The mean share of the position in the squared norms of the two parts."""
        tokens = (unit * stds[name] * factor).square().sum(-1)  # (512,)
        positions = codes.square().sum(-1)
        return (positions / (positions + tokens)).mean().item()

    root, tokens = math.sqrt(d_model), unit * stds[init]
    return Result(
        token_rms=tokens.square().mean().sqrt().item(),
        token_rms_scaled=(tokens * root).square().mean().sqrt().item(),
        position_rms=codes.square().mean().sqrt().item(),
        position_share=share(init, 1),
        position_share_scaled=share(init, root),
        logit_rms_tied=(state @ tokens.T).square().mean().sqrt().item(),
        curve_init=INITS,
        curve_share=tuple(share(name, 1) for name in INITS),
        curve_share_scaled=tuple(share(name, root) for name in INITS),
        init=init,
    )


def claims(result: Result) -> dict[str, bool]:
    scaled = dict(zip(result.curve_init, result.curve_share_scaled, strict=True))
    return {
        "every component of a sinusoidal code has an RMS of 0.71": abs(result.position_rms - 0.5**0.5) < 1e-3,
        "with a deviation of 1/√d_model the root brings tokens to an RMS of 1, a third of the sum being position": (
            (result.init != "inverse-root" or abs(result.token_rms_scaled - 1) < 0.02)
            and abs(scaled["inverse-root"] - 1 / 3) < 0.02
        ),
        "without the root, position would be more than 95 % of that sum": result.curve_share[0] > 0.95,
        "torch's default needs no root: with it, position is under 1 % of the sum": scaled["torch-default"] < 0.01,
        "the same small deviation gives a tied output layer logits with an RMS of 1": (
            result.init != "inverse-root" or abs(result.logit_rms_tied - 1) < 0.05
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    names = ["as drawn", "times √d_model"]
    rows = [
        {"init": init, "share": value, "tokens": name}
        for name, curve in zip(names, (result.curve_share, result.curve_share_scaled), strict=True)
        for init, value in zip(result.curve_init, curve, strict=True)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("share:Q", title="position's share of the squared norm").scale(domain=[0, 1.3]),
        y=alt.Y("init:N", title=None, sort=list(result.curve_init)),
        yOffset=alt.YOffset("tokens:N", sort=names),
    )
    bars = base.mark_bar().encode(color=alt.Color("tokens:N", title=None).scale(domain=names, range=[ORANGE, BLUE]))
    labels = base.mark_text(align="left", dx=4).encode(text=alt.Text("share:Q", format=".1%"))
    return alt.layer(bars, labels).properties(width=WIDTH, height=HEIGHT)
