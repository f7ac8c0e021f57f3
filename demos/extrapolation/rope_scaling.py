"""Interpolation, NTK-aware scaling and YaRN differ in which pairs of RoPE they slow down to stay within trained angles.

Leaves out: perplexity, the fine-tuning that interpolation and YaRN were published with, and scaling by the current length.
Source: Chen et al. 2023, Position Interpolation, https://arxiv.org/abs/2306.15595; Peng et al. 2023, YaRN, section 3,
https://arxiv.org/abs/2309.00071 (which also writes down NTK-aware scaling, proposed by bloc97)
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart

MANY_TURNS, ONE_TURN = (
    32,
    1,
)  # β and α of YaRN for LLaMA: turns in training from which on a pair is kept, or is slowed down


@dataclass(frozen=True)
class Result:
    pairs_unfinished: Annotated[int, Field("pairs that do not finish a turn within the trained length")]
    pairs_beyond_plain: Annotated[int, Field("pairs at the new length with angles that no trained position had")]
    pairs_beyond_interpolated: Annotated[int, Field("the same with position interpolation")]
    pairs_beyond_ntk: Annotated[int, Field("the same with NTK-aware scaling")]
    pairs_beyond_yarn: Annotated[int, Field("the same with YaRN")]
    fastest_interpolated: Annotated[
        float, Field("angle between neighbours in the fastest pair, interpolated", unit="rad")
    ]
    ntk_base: Annotated[float, Field("base that NTK-aware scaling sets")]
    pairs_kept_yarn: Annotated[int, Field("pairs that YaRN leaves as trained")]
    yarn_score_factor: Annotated[float, Field("factor of YaRN on the scores before the softmax")]
    curve_pair: Annotated[tuple[int, ...], Field("index of the pair along the curves")]
    curve_plain: Annotated[tuple[float, ...], Field("positions in one turn of the pair, as trained")]
    curve_interpolated: Annotated[tuple[float, ...], Field("the same, interpolated")]
    curve_ntk: Annotated[tuple[float, ...], Field("the same, NTK-aware")]
    curve_yarn: Annotated[tuple[float, ...], Field("the same, YaRN")]
    train_len: Annotated[int, Field("positions seen in training")]
    factor: Annotated[float, Field("new length over trained length")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, even", minimum=16, maximum=512)] = 128,
    base: Annotated[float, Param("base of the frequencies in training", minimum=100, maximum=100_000_000)] = 10_000.0,
    train_len: Annotated[int, Param("positions seen in training", minimum=64, maximum=1_048_576)] = 4096,
    factor: Annotated[float, Param("new length over trained length", minimum=1, maximum=64)] = 8.0,
    device: torch.device,
) -> Result:
    if head_dim % 2:
        raise ParameterError(f"head_dim: expected an even number, as features turn in pairs; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    pair = torch.arange(head_dim // 2, dtype=torch.float64, device=device)
    ntk_base = base * factor ** (head_dim / (head_dim - 2))
    plain, ntk = base ** (-2 * pair / head_dim), ntk_base ** (-2 * pair / head_dim)  # angle between neighbours
    turns = train_len * plain / (2 * math.pi)  # that each pair makes in training
    kept = ((turns - ONE_TURN) / (MANY_TURNS - ONE_TURN)).clamp(0, 1)  # YaRN's ramp
    interpolated, yarn = plain / factor, kept * plain + (1 - kept) * plain / factor

    def beyond(theta: Tensor) -> int:
        """Pairs that did not finish a turn in training, which shows every angle, and now turn further than they did."""
        return int(((turns < 1) & (theta * factor > plain * (1 + 1e-9))).sum())

    return Result(
        pairs_unfinished=int((turns < 1).sum()),
        pairs_beyond_plain=beyond(plain),
        pairs_beyond_interpolated=beyond(interpolated),
        pairs_beyond_ntk=beyond(ntk),
        pairs_beyond_yarn=beyond(yarn),
        fastest_interpolated=interpolated[0].item(),
        ntk_base=ntk_base,
        pairs_kept_yarn=int((kept == 1).sum()),
        yarn_score_factor=(0.1 * math.log(factor) + 1) ** 2,
        curve_pair=tuple(int(each) for each in pair.tolist()),
        curve_plain=tuple((2 * math.pi / plain).tolist()),
        curve_interpolated=tuple((2 * math.pi / interpolated).tolist()),
        curve_ntk=tuple((2 * math.pi / ntk).tolist()),
        curve_yarn=tuple((2 * math.pi / yarn).tolist()),
        train_len=train_len,
        factor=factor,
    )


def claims(result: Result) -> dict[str, bool]:
    plain, factor = result.curve_plain, result.factor
    slower = [wave / trained for wave, trained in zip(result.curve_yarn, plain, strict=True)]
    return {
        "unchanged, every pair that finished no turn meets new angles as soon as the text is longer": (
            result.pairs_beyond_plain == (result.pairs_unfinished if factor > 1 else 0)
        ),
        "interpolation and YaRN leave no pair with new angles": (
            result.pairs_beyond_interpolated == result.pairs_beyond_yarn == 0
        ),
        "interpolation divides the angle between neighbours by the factor even in the fastest pair": math.isclose(
            result.fastest_interpolated * factor, 1
        ),
        "NTK-aware scaling keeps the fastest pair and slows the slowest one down by exactly the factor": (
            math.isclose(result.curve_ntk[0], plain[0]) and math.isclose(result.curve_ntk[-1], plain[-1] * factor)
        ),
        "from factor 2 on, it leaves new angles to all unfinished pairs but the slowest": (
            factor < 2 or result.pairs_beyond_ntk == max(0, result.pairs_unfinished - 1)
        ),
        "YaRN keeps pairs with 32 turns in training and slows those without a whole one by the factor": all(
            math.isclose(ratio, 1 if wave * MANY_TURNS <= result.train_len else factor)
            for ratio, wave in zip(slower, plain, strict=True)
            if wave * MANY_TURNS <= result.train_len or wave > result.train_len
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "interpolated": result.curve_interpolated,
        "as trained": result.curve_plain,
        "YaRN": result.curve_yarn,
        "NTK-aware": result.curve_ntk,
    }
    return line_chart(
        result.curve_pair,
        curves,
        x_title="pair of features, fast to slow",
        y_title="positions in one turn (log scale)",
        y_format="~s",
        log="y",
        points=False,
        levels={"trained length": result.train_len, "new length": result.train_len * result.factor},
        level_side="left",
    )
