"""RoPE pairs neighbouring features or the two halves of a head; weights fit one layout, until their rows are permuted.

Leaves out: partial rotation (some features stay unturned), and speed, which favours whichever layout the kernel expects.
Source: Su et al. 2021, RoFormer, section 3.4.2, https://arxiv.org/abs/2104.09864 (neighbours); Black et al. 2022,
GPT-NeoX-20B, https://arxiv.org/abs/2204.06745, and Hugging Face's Llama code (halves; its conversion permutes W_q and W_k)
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart

D_MODEL = 64


@dataclass(frozen=True)
class Result:
    gap: Annotated[float, Field("relative difference of the scores of one q and k under the two layouts")]
    gap_at_offset_zero: Annotated[float, Field("the same between a token and itself")]
    gap_permuted: Annotated[float, Field("the same after the rows of W_q and W_k are permuted for the other layout")]
    gap_permuted_q_only: Annotated[float, Field("the same after the rows of W_q alone are permuted")]
    shift_error: Annotated[float, Field("relative change when both positions are shifted, q and k in halves")]
    shift_error_mixed: Annotated[float, Field("the same with q turned by neighbours and k by halves")]
    complex_error: Annotated[float, Field("largest difference of the neighbour layout from complex products")]
    permutation: Annotated[tuple[int, ...], Field("neighbour feature that each feature of the halves comes from")]
    curve_offset: Annotated[tuple[int, ...], Field("position of the query minus that of the key along the curves")]
    curve_neighbours: Annotated[tuple[float, ...], Field("score of one q and k, neighbours paired")]
    curve_halves: Annotated[tuple[float, ...], Field("score of the same q and k, halves paired")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, even, from 4", minimum=4, maximum=256)] = 64,
    seq_len: Annotated[int, Param("tokens", minimum=8, maximum=512)] = 64,
    device: torch.device,
) -> Result:
    if head_dim % 2:
        raise ParameterError(f"head_dim: expected an even number, as features turn in pairs; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(seq_len, D_MODEL, generator=draw, dtype=torch.float64).to(device)
    w_q, w_k = torch.randn(2, head_dim, D_MODEL, generator=draw, dtype=torch.float64).to(device) / D_MODEL**0.5
    angles = torch.arange(seq_len, device=device)[:, None] * 10_000 ** (
        -torch.arange(0, head_dim, 2, dtype=torch.float64, device=device) / head_dim
    )  # (seq_len, head_dim / 2)
    order = torch.arange(head_dim, device=device).unflatten(0, (-1, 2)).T.flatten()  # 0, 2, 4, ..., 1, 3, 5, ...

    q, k = x @ w_q.T, x @ w_k.T  # (seq_len, head_dim)
    scores = neighbours(q, angles) @ neighbours(k, angles).T  # (seq_len, seq_len)
    wrong = halves(q, angles) @ halves(k, angles).T
    q_permuted, k_permuted = x @ w_q[order].T, x @ w_k[order].T
    right = halves(q_permuted, angles) @ halves(k_permuted, angles).T
    half_right = halves(q_permuted, angles) @ halves(k, angles).T
    same, other = q[:1].expand(seq_len, -1), k[:1].expand(seq_len, -1)  # one q and one k at all positions
    in_halves = halves(same, angles) @ halves(other, angles).T
    mixed = neighbours(same, angles) @ halves(other, angles).T
    as_complex = torch.view_as_complex(q.unflatten(-1, (-1, 2))) * torch.polar(torch.ones_like(angles), angles)
    return Result(
        gap=gap(wrong, scores),
        gap_at_offset_zero=gap(wrong.diagonal(), scores.diagonal()),
        gap_permuted=gap(right, scores),
        gap_permuted_q_only=gap(half_right, scores),
        shift_error=gap(in_halves[1:, 1:], in_halves[:-1, :-1]),
        shift_error_mixed=gap(mixed[1:, 1:], mixed[:-1, :-1]),
        complex_error=(torch.view_as_real(as_complex).flatten(-2) - neighbours(q, angles)).abs().max().item(),
        permutation=tuple(order.tolist()),
        curve_offset=tuple(range(seq_len)),
        curve_neighbours=tuple((neighbours(same, angles) @ other[0]).tolist()),
        curve_halves=tuple((halves(same, angles) @ other[0]).tolist()),
    )


def neighbours(x: Tensor, angles: Tensor) -> Tensor:
    """x with the pairs (0, 1), (2, 3), ... turned, as in the paper and in GPT-J."""
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], -1).flatten(-2)


def halves(x: Tensor, angles: Tensor) -> Tensor:
    """x with the pairs (0, d/2), (1, d/2 + 1), ... turned: x cos + rotate_half(x) sin, as in GPT-NeoX and Hugging Face."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)  # (seq_len, head_dim)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


def gap(found: Tensor, expected: Tensor) -> float:
    """The norm of the difference over the norm of what was expected."""
    return ((found - expected).norm() / expected.norm()).item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "the same weights give other scores under the other layout": result.gap > 0.1,
        "at offset 0 both layouts agree, so a single position does not show the mistake": (
            result.gap_at_offset_zero < 1e-12
        ),
        "permuting the rows of W_q and W_k restores every score": result.gap_permuted < 1e-12,
        "permuting W_q alone does not": result.gap_permuted_q_only > 0.1,
        "either layout keeps scores relative; one for q and the other for k does not": (
            result.shift_error < 1e-10 and result.shift_error_mixed > 0.05
        ),
        "turning neighbours is multiplying complex numbers": result.complex_error < 1e-12,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_offset,
        {"pairs across halves": result.curve_halves, "pairs of neighbours": result.curve_neighbours},
        x_title="position of the query minus that of the key",
        y_title="q·k of one query and key",
        points=False,
    )
