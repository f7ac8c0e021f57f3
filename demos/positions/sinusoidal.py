"""A sinusoidal code k positions further is the same code rotated; no code recurs, although each of its pairs does.

Leaves out: the token that the code is added to, and training, which decides whether W_q and W_k keep the regularity.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.5, https://arxiv.org/abs/1706.03762. That projections
break it: Yan et al. 2019, TENER, https://arxiv.org/abs/1911.04474
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart

POSITIONS = 100_000


@dataclass(frozen=True)
class Result:
    offset_error: Annotated[float, Field("largest change of a product of two codes when both are shifted by offset")]
    shift_matrix_error: Annotated[float, Field("largest error of the one rotation that shifts every code by offset")]
    projected_spread: Annotated[float, Field("std of p·W·p' over pairs 100 apart, relative to that over all pairs")]
    nearest_position: Annotated[int, Field("position from 1 to 99,999 whose code is nearest to that of position 0")]
    nearest_distance: Annotated[float, Field("distance of these two codes, relative to the norm of a code")]
    neighbour_distance: Annotated[float, Field("distance of the codes of positions 0 and 1, relative to the norm")]
    longest_wavelength: Annotated[float, Field("positions that one turn of the slowest pair takes")]
    curve_offset: Annotated[tuple[int, ...], Field("offset along the curves")]
    curve_product: Annotated[tuple[float, ...], Field("cosine of two codes at that offset")]
    curve_slow_half: Annotated[tuple[float, ...], Field("the same for the slower half of the pairs alone")]
    d_model: Annotated[int, Field("width of a code")]


def run(
    *,
    d_model: Annotated[int, Param("width of a code, even", minimum=2, maximum=1024)] = 512,
    offset: Annotated[int, Param("positions by which codes are shifted", minimum=1, maximum=10_000)] = 100,
    device: torch.device,
) -> Result:
    if d_model % 2:
        raise ParameterError(f"d_model: expected an even number, as sines and cosines come in pairs; found {d_model}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    pairs = torch.arange(0, d_model, 2, dtype=torch.float64, device=device)  # 2i
    theta = 10_000 ** -(pairs / d_model)  # (d_model / 2,)
    codes = encode(torch.arange(512, device=device), theta)  # (512, d_model)
    shifted = encode(torch.arange(512, device=device) + offset, theta)
    weights = torch.randn(d_model, d_model, generator=torch.Generator().manual_seed(torch.initial_seed()))
    scores = codes @ weights.double().to(device) @ codes.T  # (512, 512), as after random W_q and W_k
    distance = torch.cat([from_zero(chunk, theta) for chunk in torch.arange(1, POSITIONS, device=device).split(2048)])
    cosines = torch.cos(torch.arange(201, device=device)[:, None] * theta)  # (201, d_model / 2)
    return Result(
        offset_error=(shifted @ shifted.T - codes @ codes.T).abs().max().item(),
        shift_matrix_error=(codes @ rotation(offset * theta).T - shifted).abs().max().item(),
        projected_spread=(scores.diagonal(-100).std() / scores.std()).item(),
        nearest_position=int(distance.argmin()) + 1,
        nearest_distance=distance.min().item(),
        neighbour_distance=distance[0].item(),
        longest_wavelength=2 * math.pi / theta[-1].item(),
        curve_offset=tuple(range(201)),
        curve_product=tuple(cosines.mean(-1).tolist()),
        curve_slow_half=tuple(cosines[:, d_model // 4 :].mean(-1).tolist()),
        d_model=d_model,
    )


def encode(positions: Tensor, theta: Tensor) -> Tensor:
    """PE(p, 2i) = sin(p θ_i) and PE(p, 2i + 1) = cos(p θ_i), shape (positions, d_model)."""
    angles = positions[:, None] * theta  # (positions, d_model / 2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def rotation(angles: Tensor) -> Tensor:
    """The block-diagonal matrix that turns the pair (sin a, cos a) into (sin(a + angle), cos(a + angle))."""
    cos, sin = angles.cos(), angles.sin()
    return torch.block_diag(*torch.stack([cos, sin, -sin, cos], dim=-1).unflatten(-1, (2, 2)))  # (d_model, d_model)


def from_zero(positions: Tensor, theta: Tensor) -> Tensor:
    """Distance of these codes from that of position 0, relative to the norm √(d_model / 2), shape (positions,)."""
    return 2 * (positions[:, None] * theta / 2).sin().square().mean(-1).sqrt()  # a chord is 2 sin(angle / 2)


def claims(result: Result) -> dict[str, bool]:
    wide = result.d_model >= 16
    return {
        "the product of two codes depends on their offset alone": result.offset_error < 1e-9,
        "one rotation, the same for all positions, shifts every code": result.shift_matrix_error < 1e-9,
        "random projections of both codes undo that, from width 16 on": not wide or result.projected_spread > 0.2,
        "no code recurs in 100,000 positions": result.nearest_distance > 1e-5,
        "from width 16 on, the code nearest to another is that of its neighbour": not wide
        or result.nearest_position == 1,
        "a single pair nearly recurs after 710 positions, which are 113 turns": (
            result.d_model > 2 or (result.nearest_position == 710 and result.nearest_distance < 1e-4)
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_offset,
        {"slower half of the pairs": result.curve_slow_half, "whole code": result.curve_product},
        x_title="offset in positions",
        y_title="cosine of two codes",
        points=False,
    )
