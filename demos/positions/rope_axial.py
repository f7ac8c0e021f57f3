"""RoPE on an image turns some pairs by the row and the rest by the column: scores keep both offsets, however wide it is.

Leaves out: time as a third axis, learned or mixed axes, and the sections into which M-RoPE divides the pairs.
Source: Heo et al. 2024, Rotary Position Embedding for Vision Transformer, https://arxiv.org/abs/2403.13298 (axial); Wang et
al. 2024, Qwen2-VL, section 2, https://arxiv.org/abs/2409.12191 (M-RoPE: text has equal indices on all axes)
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, matrix_chart

NUM_PAIRS = 4


@dataclass(frozen=True)
class Result:
    shift_error: Annotated[float, Field("relative change of the scores when all patches move 3 rows and 5 columns")]
    below_axial: Annotated[float, Field("score of equal q and k with the patch below, over that with itself")]
    below_flat: Annotated[float, Field("the same with patches numbered row by row and turned as text")]
    wrap_axial: Annotated[float, Field("the same between the end of a row and the start of the next, rows and columns")]
    wrap_flat: Annotated[float, Field("that score with patches numbered row by row")]
    wider_change_flat: Annotated[
        float, Field("relative change of the scores, numbered row by row, in rows twice as long")
    ]
    text_error: Annotated[float, Field("relative difference from RoPE on text when row and column are the same index")]
    curve_row: Annotated[tuple[int, ...], Field("row of each patch")]
    curve_column: Annotated[tuple[int, ...], Field("column of each patch")]
    curve_axial: Annotated[tuple[float, ...], Field("score of equal q and k with the middle patch, rows and columns")]
    curve_flat: Annotated[tuple[float, ...], Field("that score with patches numbered row by row")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, a multiple of 4", minimum=16, maximum=256)] = 64,
    grid: Annotated[int, Param("rows and columns of patches", minimum=6, maximum=20)] = 14,
    base: Annotated[float, Param("base of the frequencies", minimum=10, maximum=1000)] = 100.0,
    device: torch.device,
) -> Result:
    if head_dim % 4:
        raise ParameterError(f"head_dim: expected a multiple of 4, pairs for two axes; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    drawn = torch.randn(2, NUM_PAIRS, head_dim // 2, generator=draw, dtype=torch.complex128).to(device)
    theta = base ** (-torch.arange(0, head_dim, 2, dtype=torch.float64, device=device) / head_dim)  # (head_dim / 2,)
    by_row = torch.arange(head_dim // 2, device=device) % 2 == 0  # the axes take turns along the frequencies
    patches = torch.arange(grid**2, device=device)
    row, column = patches // grid, patches % grid

    def turns(rows: Tensor, columns: Tensor) -> Tensor:
        """The unit complex number that turns each pair at each patch, (patches, head_dim / 2)."""
        angles = torch.where(by_row, rows[:, None], columns[:, None]) * theta
        return torch.polar(torch.ones_like(angles), angles)

    def scores(turn: Tensor) -> Tensor:
        """q·k of each drawn pair at each two patches, (NUM_PAIRS, patches, patches)."""
        q, k = drawn[:, :, None] * turn
        return (q @ k.mH).real

    def equal(turn: Tensor) -> Tensor:
        """The score of q = k = ones at each two patches, over that of a patch with itself, (patches, patches)."""
        return (turn @ turn.mH).real / (head_dim // 2)

    index = row * grid + column
    wider = row * 2 * grid + column
    axial, flat, middle = turns(row, column), turns(index, index), grid // 2 * (grid + 1)
    return Result(
        shift_error=gap(scores(turns(row + 3, column + 5)), scores(axial)),
        below_axial=equal(axial)[0, grid].item(),
        below_flat=equal(flat)[0, grid].item(),
        wrap_axial=equal(axial)[grid - 1, grid].item(),
        wrap_flat=equal(flat)[grid - 1, grid].item(),
        wider_change_flat=gap(scores(turns(wider, wider)), scores(flat)),
        text_error=gap(equal(flat), torch.cos((index[:, None] - index)[..., None] * theta).mean(-1)),
        curve_row=tuple(row.tolist()),
        curve_column=tuple(column.tolist()),
        curve_axial=tuple(equal(axial)[middle].tolist()),
        curve_flat=tuple(equal(flat)[middle].tolist()),
    )


def gap(found: Tensor, expected: Tensor) -> float:
    """The norm of the difference over the norm of what was expected."""
    return ((found - expected).norm() / expected.norm()).item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "with rows and columns apart, moving the whole image changes no score": result.shift_error < 1e-10,
        "numbered row by row, the end of a row is as near to the next one's start as to its neighbour": (
            result.wrap_flat > 0.8 and result.wrap_flat > result.wrap_axial + 0.05
        ),
        "and the patch below is further away than it looks": result.below_flat < result.below_axial - 0.1,
        "rows count as well as columns: the patch below scores less than the patch itself": result.below_axial < 0.99,
        "and the same content gets other scores in a wider image": result.wider_change_flat > 0.1,
        "one index on both axes is RoPE on text": result.text_error < 1e-10,
    }


def figure(result: Result) -> Chart:
    panels = {"rows and columns": result.curve_axial, "numbered row by row": result.curve_flat}
    return matrix_chart(
        panels,
        max(result.curve_column) + 1,
        x_title="column",
        y_title="row",
        colour_title="score with the middle patch",
    )
