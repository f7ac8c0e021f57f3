"""Trained on 24 tokens, sinusoidal, learned and narrow rotary positions fail on longer texts; a distance penalty holds.

Leaves out: language and depth. One attention layer learns to name the previous token, which needs the nearest key only:
the easiest task for ALiBi, and no evidence of long memory. A quarter of the targets are noise, so that no loss is near zero.
Source: Press et al. 2022, Train Short, Test Long, sections 2 and 4, https://arxiv.org/abs/2108.12409; on other tasks the
order differs: Kazemnejad et al. 2023, https://arxiv.org/abs/2305.19466
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor

from demos import Field, Param
from demos._figures import HEIGHT, PALETTE, WIDTH
from demos.extrapolation._previous_token import RIGHT, TRAIN_LEN, VOCAB_SIZE, WRONG, train

SLOW = True
ENCODINGS = ("none", "learned", "sinusoidal", "rotary", "t5", "alibi")


@dataclass(frozen=True)
class Result:
    encodings: Annotated[tuple[str, ...], Field("encodings, in the order of the following fields")]
    loss_ratio_by_encoding: Annotated[tuple[float, ...], Field("loss beyond the trained length over loss within it")]
    loss_in_range: Annotated[tuple[float, ...], Field("loss at positions within the trained length")]
    loss_beyond: Annotated[tuple[float, ...], Field("loss at positions beyond the trained length")]
    window_ratio_by_encoding: Annotated[tuple[float, ...], Field("loss ratio if each token sees the last 24 only")]
    rotary_ratio: Annotated[float, Field("the first of these ratios for rotary positions alone")]
    floor: Annotated[float, Field("loss of a perfect model, the entropy of the noise")]
    chance_loss: Annotated[float, Field("loss of a uniform guess")]
    curve_position: Annotated[tuple[int, ...], Field("first position of each stretch along the curves")]
    curve_loss: Annotated[tuple[float, ...], Field("loss in each stretch, one encoding after another")]
    length_ratio: Annotated[int, Field("length tested, in units of the trained length")]
    head_dim: Annotated[int, Field("width of one head")]
    steepest_slope: Annotated[float, Field("slope of ALiBi's first head")]


def run(
    *,
    length_ratio: Annotated[int, Param("length tested, in trained lengths", minimum=2, maximum=16)] = 8,
    head_dim: Annotated[int, Param("width of one of the two heads", choices=(16, 32, 64))] = 16,
    steepest_slope: Annotated[float, Param("slope of ALiBi's first head", minimum=0.004, maximum=2)] = 1.0,
    device: torch.device,
) -> Result:
    pieces = tuple(TRAIN_LEN * 2**power for power in range(length_ratio.bit_length()) if 2**power < length_ratio)
    models = [train(name, head_dim, steepest_slope, length_ratio, device) for name in ENCODINGS]
    losses = [model.losses(TRAIN_LEN * length_ratio) for model in models]  # (position,) each
    windowed = [model.losses(TRAIN_LEN * length_ratio, window=TRAIN_LEN) for model in models]
    floor = -(RIGHT * math.log(RIGHT) + (1 - RIGHT) * math.log(WRONG))
    return Result(
        encodings=ENCODINGS,
        loss_ratio_by_encoding=tuple(ratio(loss) for loss in losses),
        loss_in_range=tuple(loss[1:TRAIN_LEN].mean().item() for loss in losses),
        loss_beyond=tuple(loss[TRAIN_LEN:].mean().item() for loss in losses),
        window_ratio_by_encoding=tuple(ratio(loss) for loss in windowed),
        rotary_ratio=ratio(losses[ENCODINGS.index("rotary")]),
        floor=floor,
        chance_loss=math.log(VOCAB_SIZE),
        curve_position=(1, *pieces),
        curve_loss=tuple(
            part.mean().item() for loss in losses for part in loss[1:].tensor_split([p - 1 for p in pieces])
        ),
        length_ratio=length_ratio,
        head_dim=head_dim,
        steepest_slope=steepest_slope,
    )


def ratio(losses: Tensor) -> float:
    """The mean loss beyond the trained length over the mean loss within it."""
    return (losses[TRAIN_LEN:].mean() / losses[1:TRAIN_LEN].mean()).item()


def claims(result: Result) -> dict[str, bool]:
    loss_ratio = dict(zip(result.encodings, result.loss_ratio_by_encoding, strict=True))
    windowed = dict(zip(result.encodings, result.window_ratio_by_encoding, strict=True))
    in_range = dict(zip(result.encodings, result.loss_in_range, strict=True))
    eight = result.length_ratio >= 8
    return {
        "learned and sinusoidal positions lose half as much again or more beyond the trained length": (
            min(loss_ratio["learned"], loss_ratio["sinusoidal"]) > 1.5
        ),
        "ALiBi's loss stays within 20 %, whatever its slopes": 0.8 < loss_ratio["alibi"] < 1.2,
        "its level depends on them: a slope of 0.5 or more is needed to come within 0.4 of the floor": (
            (in_range["alibi"] < result.floor + 0.4) or result.steepest_slope < 0.5
        ),
        "from 8 times the trained length on, rotary positions with heads of 16 lose 40 % or more": (
            not eight or result.head_dim > 16 or loss_ratio["rotary"] > 1.4
        ),
        "a window of the trained length repairs rotary positions and T5's bias, within 15 %": (
            max(windowed["rotary"], windowed["t5"]) < 1.15
        ),
        "it does not repair learned or sinusoidal positions": min(windowed["learned"], windowed["sinusoidal"]) > 1.5,
        "without positions one layer hardly learns the task, so that its small ratio means nothing": (
            in_range["none"] > result.floor + 0.8 and loss_ratio["none"] < 1.3
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    stretches = len(result.curve_position)
    ends = [*(f"{end - 1}" for end in result.curve_position[1:]), f"{TRAIN_LEN * result.length_ratio - 1}"]
    names = [f"{start}–{end}" for start, end in zip(result.curve_position, ends, strict=True)]
    rows = [
        {"stretch": names[i % stretches], "loss": loss, "encoding": result.encodings[i // stretches]}
        for i, loss in enumerate(result.curve_loss)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("stretch:O", title="position in the text; trained on 0 to 23").sort(names).axis(labelAngle=0),
        y=alt.Y("loss:Q", title="loss (nat per token)").scale(zero=False),
        color=alt.Color("encoding:N", title=None)
        .scale(domain=list(result.encodings), range=list(PALETTE))
        .legend(columns=3),
    )
    marks = [{"loss": result.floor, "label": "floor"}, {"loss": result.chance_loss, "label": "uniform guess"}]
    levels = alt.Chart(alt.Data(values=marks)).encode(y="loss:Q")
    return alt.layer(
        levels.mark_rule(strokeDash=[4, 3]),
        levels.mark_text(align="left", x=4, dy=-8).encode(text="label:N"),
        base.mark_line(point=True),
    ).properties(width=WIDTH, height=HEIGHT)
