"""Shaw's relative vectors depend on the offset, clipped; what they add to a score depends on the query as well.

Leaves out: the projections that make q and k, several heads (Shaw shares the vectors among them), and training.
Source: Shaw et al. 2018, Self-Attention with Relative Position Representations, section 3, https://arxiv.org/abs/1803.02155.
Skewing instead of gathering: Huang et al. 2018, Music Transformer, section 3.4, https://arxiv.org/abs/1809.04281
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    shift_error: Annotated[float, Field("largest change of a score when the same tokens stand seq_len further on")]
    shift_change_absolute: Annotated[float, Field("the same with sinusoidal codes added to the tokens instead")]
    skew_error: Annotated[float, Field("largest difference between skewed scores and gathered ones")]
    query_spread: Annotated[
        float, Field("std over queries of the relative term at offset −1, relative to that over all")
    ]
    value_term_share: Annotated[float, Field("change of the output without the value vectors, relative to its norm")]
    table_rows: Annotated[int, Field("relative vectors in the table for scores")]
    gathered_numbers: Annotated[int, Field("numbers in the gathered tensor of relative vectors")]
    skewed_numbers: Annotated[int, Field("numbers in the matrix that is skewed instead")]
    curve_offset: Annotated[tuple[int, ...], Field("offset, key minus query, along the curves")]
    curve_first: Annotated[tuple[float, ...], Field("relative term q·a for one query at each offset")]
    curve_second: Annotated[tuple[float, ...], Field("the same for another query")]
    max_distance: Annotated[int, Field("offset from which on the vectors are shared")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=16, maximum=128)] = 48,
    head_dim: Annotated[int, Param("width of the head, even", minimum=8, maximum=128)] = 32,
    max_distance: Annotated[int, Param("offset at which the table is clipped", minimum=1, maximum=64)] = 8,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device)

    q, k, v = normal(3, seq_len, head_dim)
    key_table, value_table = normal(2, 2 * max_distance + 1, head_dim)  # a^K, a^V
    offset = torch.arange(seq_len, device=device)
    rows = (offset[None, :] - offset[:, None]).clamp(-max_distance, max_distance) + max_distance  # (query, key)
    gathered = key_table[rows]  # (query, key, head_dim)
    relative = torch.einsum("qd,qkd->qk", q, gathered)
    products = skew_products(q, key_table, max_distance)  # (query, 2 seq_len − 1)
    weights = ((q @ k.T + relative) / math.sqrt(head_dim)).softmax(-1)
    output = weights @ v + torch.einsum("qk,qkd->qd", weights, value_table[rows])
    twice_q, twice_k = q.repeat(2, 1), k.repeat(2, 1)  # the same tokens again, seq_len positions further on
    codes = sinusoidal(2 * seq_len, head_dim).to(device)
    offsets = tuple(range(-2 * max_distance, 2 * max_distance + 1))
    clipped = [min(max(value, -max_distance), max_distance) + max_distance for value in offsets]
    return Result(
        shift_error=block_change(twice_q @ twice_k.T + skew(skew_products(twice_q, key_table, max_distance))),
        shift_change_absolute=block_change((twice_q + codes) @ (twice_k + codes).T),
        skew_error=(skew(products) - relative).abs().max().item(),
        query_spread=(relative.diagonal(-1).std() / (q @ key_table.T).std()).item(),
        value_term_share=((output - weights @ v).norm() / output.norm()).item(),
        table_rows=key_table.shape[0],
        gathered_numbers=gathered.numel(),
        skewed_numbers=products.numel(),
        curve_offset=offsets,
        curve_first=tuple((key_table[clipped] @ q[0]).tolist()),
        curve_second=tuple((key_table[clipped] @ q[1]).tolist()),
        max_distance=max_distance,
    )


def skew_products(q: Tensor, table: Tensor, max_distance: int) -> Tensor:
    """Each query times the vector of each offset from 1 − seq_len to seq_len − 1, shape (query, 2 seq_len − 1)."""
    offsets = torch.arange(1 - q.shape[0], q.shape[0], device=q.device)
    return q @ table[offsets.clamp(-max_distance, max_distance) + max_distance].T


def skew(products: Tensor) -> Tensor:
    """The entry for offset key − query moved to column key, by padding and reshaping alone, shape (query, key)."""
    seq_len = products.shape[0]
    flat = F.pad(F.pad(products, (0, 1)).flatten(), (0, seq_len - 1))
    return flat.view(seq_len + 1, 2 * seq_len - 1)[:seq_len, seq_len - 1 :]


def sinusoidal(positions: int, width: int) -> Tensor:
    """The codes of the original transformer, sines and cosines in two halves, shape (positions, width)."""
    theta = 10_000 ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(positions)[:, None] * theta
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[:, :width]


def block_change(scores: Tensor) -> float:
    """The largest difference between the scores within the first half of the tokens and within the second."""
    half = scores.shape[0] // 2
    return (scores[:half, :half] - scores[half:, half:]).abs().max().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "scores do not change when all tokens move on together": result.shift_error < 1e-9,
        "with absolute codes added to the tokens they do": result.shift_change_absolute > 0.1,
        "skewing gives what gathering a vector for each pair gives": result.skew_error < 1e-9,
        "at one and the same offset, queries differ as much as they do over all offsets, within a factor of three": (
            1 / 3 < result.query_spread < 3
        ),
        "beyond the clipping distance every offset adds the same": (
            math.isclose(result.curve_first[0], result.curve_first[result.max_distance])
            and math.isclose(result.curve_second[-1], result.curve_second[-1 - result.max_distance])
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_offset,
        {"one query": result.curve_first, "another query": result.curve_second},
        x_title="offset, key minus query",
        y_title="relative term q·a of the score",
        here=(-result.max_distance, result.max_distance),
    )
