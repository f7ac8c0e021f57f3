"""With more keys than value dimensions plus one, other attention weights give the very same output.

Leaves out: where the weights come from (queries and keys need not be able to make the other row), training, later layers.
Source: Brunner et al. 2020, On Identifiability in Transformers, section 3, https://arxiv.org/abs/1908.04211. The debate:
Jain and Wallace 2019, https://arxiv.org/abs/1902.10186; Wiegreffe and Pinter 2019, https://arxiv.org/abs/1908.04626
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, ORANGE, WIDTH


@dataclass(frozen=True)
class Result:
    free_directions: Annotated[int, Field("directions in which a row of weights can move without moving the output")]
    output_gap: Annotated[float, Field("largest difference between the outputs of the two rows")]
    total_variation: Annotated[float, Field("how much weight the other row puts elsewhere, from 0 to 1")]
    top_weight: Annotated[float, Field("largest weight of the row")]
    top_weight_other: Annotated[float, Field("weight of that same key in the other row")]
    smallest_other: Annotated[float, Field("smallest weight of the other row")]
    weights: Annotated[tuple[float, ...], Field("weights of the row, from the largest to the smallest")]
    weights_other: Annotated[tuple[float, ...], Field("weights of the other row, in the same order of keys")]
    num_keys: Annotated[int, Field("keys of the row")]
    value_dim: Annotated[int, Field("width of the values")]


def run(
    *,
    num_keys: Annotated[int, Param("keys of the row", minimum=2, maximum=128)] = 32,
    value_dim: Annotated[int, Param("width of the values", minimum=1, maximum=128)] = 16,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    scores = torch.randn(num_keys, generator=draw, dtype=torch.float64).sort(descending=True).values
    weights = scores.softmax(-1)  # (num_keys,), on the CPU: float64 throughout
    values = torch.randn(num_keys, value_dim, generator=draw, dtype=torch.float64)
    kept = torch.cat([values, torch.ones(num_keys, 1, dtype=torch.float64)], -1)  # what must not change: output and sum
    other = emptied(weights, kept)
    output, output_other = (
        row.to(device, torch.float32) @ values.to(device, torch.float32) for row in (weights, other)
    )
    return Result(
        free_directions=num_keys - int(torch.linalg.matrix_rank(kept)),
        output_gap=(output - output_other).abs().max().item(),
        total_variation=((weights - other).abs().sum() / 2).item(),
        top_weight=weights[0].item(),
        top_weight_other=other[0].item(),
        smallest_other=other.min().item(),
        weights=tuple(weights.tolist()),
        weights_other=tuple(other.tolist()),
        num_keys=num_keys,
        value_dim=value_dim,
    )


def emptied(weights: Tensor, kept: Tensor) -> Tensor:
    """Weights with the same `kept` products, none negative, that take from the first key as much as steps can.

    Each step moves along the null space of the keys still free, until one of them is at zero and stays there.
    """
    row, free = weights.clone(), torch.ones(len(weights), dtype=torch.bool)
    while row[0] > 0:
        columns = kept[free]  # (free keys, value_dim + 1)
        away = torch.zeros(len(columns), dtype=torch.float64)
        away[0] = -1.0  # less weight for the first key
        step = away - columns @ torch.linalg.lstsq(columns, away[:, None], driver="gelsd").solution[:, 0]
        if step.norm() < 1e-9:
            break
        length = (row[free] / -step).where(step < 0, torch.inf).min()
        row[free] = (row[free] + length * step).clamp_min(0)
        free &= row > 1e-12
        row[~free] = 0
    return row


def claims(result: Result) -> dict[str, bool]:
    free = max(0, result.num_keys - result.value_dim - 1)
    return {
        "a row has num_keys − value_dim − 1 free directions, none if that is not positive": result.free_directions
        == free,
        "where there is none, no other row gives the output": free > 0 or result.total_variation < 1e-6,
        "where there is one, another row does, with weights that are not negative": (
            free == 0 or (result.total_variation > 0 and result.smallest_other >= 0)
        ),
        "both rows give the same output": result.output_gap < 1e-5,
        "from three times as many keys as value dimensions and 24 keys on, the favourite key can lose half its weight": (
            result.num_keys < max(24, 3 * result.value_dim) or result.top_weight_other < result.top_weight / 2
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    names = ["weights", "other weights"]
    rows = [
        {"key": place + 1, "weight": weight, "row": name}
        for name, row in zip(names, (result.weights, result.weights_other), strict=True)
        for place, weight in enumerate(row[:24])
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("key:O", title="key, by weight (first 24)").axis(labelAngle=0, labelOverlap=True),
            y=alt.Y("weight:Q", title="weight, same output"),
            xOffset=alt.XOffset("row:N", sort=names),
            color=alt.Color("row:N", title=None).scale(domain=names, range=[BLUE, ORANGE]),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
