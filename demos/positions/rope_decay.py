"""Under RoPE the score falls with distance only as far as q and k are aligned; a chosen pair peaks at any distance.

Leaves out: the softmax, and training, which can place a head's content on slow pairs, where little falls.
Source: Su et al. 2021, RoFormer, section 3.4.3, https://arxiv.org/abs/2104.09864 (the decaying bound); Barbero et al. 2024,
Round and Round We Go!, https://arxiv.org/abs/2410.06205 (no decay for generic q and k, keys for any distance)
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch

from demos import Field, Param, ParameterError
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

NUM_PAIRS, REACH = 4096, 4096
MARKS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4095)


@dataclass(frozen=True)
class Result:
    aligned_score: Annotated[float, Field("score at this distance of q = k = ones, relative to distance 0")]
    aligned_rises: Annotated[int, Field("distances up to 4,095 where that score is higher than one step nearer")]
    aligned_lowest: Annotated[float, Field("its lowest value up to distance 4,095")]
    mean_score: Annotated[float, Field("mean score of random q and k at this distance, over √head_dim")]
    std_near: Annotated[float, Field("standard deviation of that score at distance 0")]
    std_far: Annotated[float, Field("standard deviation of that score at this distance")]
    chosen_peak: Annotated[int, Field("distance up to 4,095 at which a pair built for it has its highest score")]
    curve_distance: Annotated[tuple[int, ...], Field("distance along the curves")]
    curve_aligned: Annotated[tuple[float, ...], Field("score of q = k = ones, relative to distance 0")]
    curve_mean: Annotated[tuple[float, ...], Field("mean score of random q and k, over √head_dim")]
    curve_std: Annotated[tuple[float, ...], Field("standard deviation of that score")]
    alignment: Annotated[float, Field("correlation of the components of q and k")]
    distance: Annotated[int, Field("distance of the single values")]
    head_dim: Annotated[int, Field("width of one head")]
    base: Annotated[float, Field("base of the frequencies")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, even", minimum=16, maximum=128)] = 64,
    distance: Annotated[int, Param("position of the query minus that of the key", minimum=0, maximum=4095)] = 1000,
    alignment: Annotated[float, Param("correlation of the components of q and k", minimum=0, maximum=1)] = 0.0,
    base: Annotated[float, Param("base of the frequencies", minimum=1000, maximum=1_000_000)] = 10_000.0,
    device: torch.device,
) -> Result:
    if head_dim % 2:
        raise ParameterError(f"head_dim: expected an even number, as features turn in pairs; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    theta = base ** (-torch.arange(0, head_dim, 2, dtype=torch.float64, device=device) / head_dim)  # (head_dim / 2,)
    turns = torch.polar(
        torch.ones(1, dtype=torch.float64, device=device), torch.arange(REACH, device=device)[:, None] * theta
    )
    aligned = turns.real.mean(-1)  # (REACH,): q = k = ones score head_dim · mean cos

    draw = torch.Generator().manual_seed(torch.initial_seed())
    noise = torch.randn(2, NUM_PAIRS, head_dim, generator=draw, dtype=torch.float64).to(device)
    q = torch.view_as_complex(noise[0].unflatten(-1, (-1, 2)))  # (NUM_PAIRS, head_dim / 2)
    other = torch.view_as_complex(noise[1].unflatten(-1, (-1, 2)))
    k = alignment * q + math.sqrt(1 - alignment**2) * other
    marks = torch.tensor((*MARKS, distance), device=device)
    scores = torch.einsum("pi,mi,pi->mp", q, turns[marks], k.conj()).real / math.sqrt(head_dim)  # (marks, NUM_PAIRS)
    mean, std = scores.mean(-1).tolist(), scores.std(-1).tolist()
    built = (turns * turns[distance].conj()).real.mean(-1)  # (REACH,): k = ones, q = ones turned back by distance
    return Result(
        aligned_score=aligned[distance].item(),
        aligned_rises=int((aligned.diff() > 1e-12).sum()),
        aligned_lowest=aligned.min().item(),
        mean_score=mean[-1],
        std_near=std[0],
        std_far=std[-1],
        chosen_peak=int(built.argmax()),
        curve_distance=MARKS[1:],
        curve_aligned=tuple(aligned[marks[1:-1]].tolist()),
        curve_mean=tuple(mean[1:-1]),
        curve_std=tuple(std[1:-1]),
        alignment=alignment,
        distance=distance,
        head_dim=head_dim,
        base=base,
    )


def claims(result: Result) -> dict[str, bool]:
    noise = 6 * max(result.curve_std) / math.sqrt(NUM_PAIRS)
    expected = [result.alignment * math.sqrt(result.head_dim) * value for value in result.curve_aligned]
    return {
        "up to base 10,000 and from width 64 on, equal q and k lose more than half of their score by distance 1,000": (
            result.distance < 1000 or result.head_dim < 64 or result.base > 10_000 or result.aligned_score < 0.5
        ),
        "and not step by step: the score rises at more than a third of the distances": (
            result.aligned_rises > REACH / 3
        ),
        "the mean score of random q and k is that of equal ones times their alignment": all(
            abs(mean - value) < noise for mean, value in zip(result.curve_mean, expected, strict=True)
        ),
        "up to an alignment of 0.3, the spread of the scores is the same at every distance, within 10 %": (
            result.alignment > 0.3 or max(result.curve_std) < 1.1 * min(result.curve_std)
        ),
        "a pair built for this distance scores highest there": result.chosen_peak == result.distance,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    names = ["equal q and k", "random q and k: mean ± std"]
    scale = math.sqrt(result.head_dim)
    rows = [
        {"distance": at, "score": ones * scale, "mean": mean, "low": mean - std, "high": mean + std}
        for at, ones, mean, std in zip(
            result.curve_distance, result.curve_aligned, result.curve_mean, result.curve_std, strict=True
        )
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("distance:Q", title="distance (log scale)").scale(type="log", base=2)
    )
    return alt.layer(
        base.mark_area(opacity=0.25, color=VERMILION).encode(y=alt.Y("low:Q", title="q·k / √head_dim"), y2="high:Q"),
        base.mark_line(color=VERMILION).encode(y="mean:Q"),
        base.mark_line(color=BLUE, point={"color": BLUE}).encode(y="score:Q"),
        base.transform_filter("datum.distance == 4")
        .mark_text(align="left", dy=14, color=VERMILION)
        .encode(y="low:Q", text=alt.value(names[1])),
        base.transform_filter("datum.distance == 4")
        .mark_text(align="left", dx=8, dy=-4, color=BLUE)
        .encode(y="score:Q", text=alt.value(names[0])),
    ).properties(width=WIDTH, height=HEIGHT)
