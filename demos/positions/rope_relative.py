"""RoPE turns q and k by their positions, and their product keeps only the offset; in bfloat16 only with exact angles.

Leaves out: softmax, values (RoPE does not touch them) and the two layouts of the pairs (rope_layouts).
Source: Su et al. 2021, RoFormer, sections 3.2 and 3.4, https://arxiv.org/abs/2104.09864. Angles in bfloat16: Wang et al.
2024, When Precision Meets Position, https://arxiv.org/abs/2411.13476
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart
from demos._figures import BLUE, VERMILION

NUM_PAIRS, BASE = 256, 10_000.0
SHIFTS = tuple(2**power - 1 for power in range(1, 16))


@dataclass(frozen=True)
class Result:
    shift_error: Annotated[float, Field("RMS change of q·k when both positions are shifted, over the RMS of q·k")]
    shift_error_exact_angles: Annotated[
        float, Field("the same with angles in float64, and only cos, sin, q, k in dtype")
    ]
    norm_error: Annotated[float, Field("largest relative change of the norm of q by its rotation")]
    matrix_error: Annotated[float, Field("largest entry of R(m)ᵀR(n) − R(n−m), in float64")]
    complex_error: Annotated[float, Field("largest difference between the rotation and complex products, in float64")]
    unrotated_change: Annotated[float, Field("RMS difference from the scores without RoPE at this offset, relative")]
    embedding_shift_error: Annotated[float, Field("shift_error in float64 if tokens are rotated before W_q and W_k")]
    curve_shift: Annotated[tuple[int, ...], Field("shift along the curves")]
    curve_error: Annotated[tuple[float, ...], Field("shift_error at each shift")]
    curve_exact_angles: Annotated[tuple[float, ...], Field("shift_error_exact_angles at each shift")]
    dtype: Annotated[str, Field("type of the numbers")]
    shift: Annotated[int, Field("positions by which both are shifted")]
    head_dim: Annotated[int, Field("width of one head")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, even", minimum=2, maximum=512)] = 64,
    offset: Annotated[int, Param("position of the query minus that of the key", minimum=1, maximum=16_384)] = 7,
    shift: Annotated[int, Param("positions by which both are shifted", minimum=0, maximum=32_768)] = 100,
    dtype: Annotated[str, Param("type of angles, q and k", choices=("float64", "float32", "bfloat16"))] = "float64",
    device: torch.device,
) -> Result:
    if head_dim % 2:
        raise ParameterError(f"head_dim: expected an even number, as features turn in pairs; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 references
    draw = torch.Generator().manual_seed(torch.initial_seed())
    q, k = torch.randn(2, NUM_PAIRS, head_dim, generator=draw, dtype=torch.float64).to(device)
    w_q, w_k = torch.randn(2, head_dim, head_dim, generator=draw, dtype=torch.float64).to(device) / head_dim**0.5
    kind, exact = getattr(torch, dtype), torch.float64

    def error(by: int, angles: torch.dtype, rest: torch.dtype) -> float:
        moved = product(rotate(q, offset + by, angles, rest), rotate(k, by, angles, rest))  # (NUM_PAIRS,)
        return relative(moved, product(rotate(q, offset, angles, rest), rotate(k, 0, angles, rest)))

    def embedded(by: int) -> Tensor:
        return product(rotate(q, offset + by, exact, exact) @ w_q, rotate(k, by, exact, exact) @ w_k)

    turn_m, turn_n, back = (matrix(each, head_dim, device) for each in (offset + shift, shift, -offset))
    as_complex = torch.view_as_complex(q.unflatten(-1, (-1, 2))) * torch.polar(
        torch.ones(head_dim // 2, dtype=exact, device=device), (offset + shift) * frequencies(head_dim, device)
    )
    turned = rotate(q, offset + shift, exact, exact)
    return Result(
        shift_error=error(shift, kind, kind),
        shift_error_exact_angles=error(shift, exact, kind),
        norm_error=(rotate(q, offset + shift, kind, kind).double().norm(dim=-1) / q.norm(dim=-1) - 1)
        .abs()
        .max()
        .item(),
        matrix_error=(turn_m.T @ turn_n - back).abs().max().item(),
        complex_error=(torch.view_as_real(as_complex).flatten(-2) - turned).abs().max().item(),
        unrotated_change=relative(product(rotate(q, offset, exact, exact), k), product(q, k)),
        embedding_shift_error=relative(embedded(shift), embedded(0)),
        curve_shift=SHIFTS,
        curve_error=tuple(error(by, kind, kind) for by in SHIFTS),
        curve_exact_angles=tuple(error(by, exact, kind) for by in SHIFTS),
        dtype=dtype,
        shift=shift,
        head_dim=head_dim,
    )


def frequencies(head_dim: int, device: torch.device) -> Tensor:
    """θ_i = BASE^(−2i / head_dim), shape (head_dim / 2,)."""
    return BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float64, device=device) / head_dim)


def rotate(x: Tensor, position: int, angles: torch.dtype, rest: torch.dtype) -> Tensor:
    """Each pair (x_2i, x_2i+1) turned by position · θ_i, shape of x; the angle and its factors are rounded to `angles`."""
    angle = torch.tensor(position, device=x.device).to(angles) * frequencies(x.shape[-1], x.device).to(angles)
    cos, sin = angle.cos().to(rest), angle.sin().to(rest)  # (head_dim / 2,)
    even, odd = x[..., 0::2].to(rest), x[..., 1::2].to(rest)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def matrix(position: int, head_dim: int, device: torch.device) -> Tensor:
    """R(position), block-diagonal, so that R(m) q is the rotated query, shape (head_dim, head_dim)."""
    identity = torch.eye(head_dim, dtype=torch.float64, device=device)
    return rotate(identity, position, torch.float64, torch.float64).T


def product(q: Tensor, k: Tensor) -> Tensor:
    """q·k of each pair, summed in float64 so that only the rotation is rounded, shape (NUM_PAIRS,)."""
    return (q.double() * k.double()).sum(-1)


def relative(changed: Tensor, reference: Tensor) -> float:
    """The norm of the change over the norm of the reference."""
    return ((changed - reference).norm() / reference.norm()).item()


def claims(result: Result) -> dict[str, bool]:
    double, half = result.dtype == "float64", result.dtype == "bfloat16"
    exact = {"float64": 1e-9, "float32": 1e-5, "bfloat16": 0.02}[result.dtype]
    return {
        "with exact angles, a shift of both positions changes no score beyond rounding": (
            result.shift_error_exact_angles < exact and max(result.curve_exact_angles) < exact
        ),
        "in float64 the angles are exact enough, in float32 to 1 % at any of these shifts": (
            half or max(result.curve_error) < (1e-9 if double else 0.01)
        ),
        "in bfloat16 they are not: from head_dim 16 on, a shift of 32,767 changes scores by more than 10 %": (
            not half or result.head_dim < 16 or result.curve_error[-1] > 0.1
        ),
        "the norm of q stays": result.norm_error < {"float64": 1e-12, "float32": 1e-5, "bfloat16": 0.02}[result.dtype],
        "R(m)ᵀR(n) = R(n−m), and the rotation is a complex product": (
            result.matrix_error < 1e-10 and result.complex_error < 1e-10
        ),
        "rotating the tokens before the projections loses the property": (
            result.shift < 10 or result.embedding_shift_error > 0.3
        ),
    }


def figure(result: Result) -> Chart:
    curves = {"angles in float64": result.curve_exact_angles}
    if result.dtype != "float64":
        curves = {"angles in this type": result.curve_error} | curves
    return line_chart(
        result.curve_shift,
        {name: [max(error, 1e-17) for error in curve] for name, curve in curves.items()},
        x_title="shift of both positions (log scale)",
        y_title="change of q·k, relative (log scale)",
        y_format="~e",
        colours=[VERMILION, BLUE] if len(curves) > 1 else [BLUE],
        log="xy",
        at=-1,
    )
