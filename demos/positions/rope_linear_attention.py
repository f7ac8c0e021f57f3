"""Linear attention takes RoPE in its numerator and stays recurrent; its weights are then relative, and may be negative.

Leaves out: training, the causal kernels used in practice, and linear attention without positions.
Source: Su et al. 2021, RoFormer, section 3.3 (RoPE with linear attention), https://arxiv.org/abs/2104.09864; Katharopoulos
et al. 2020, Transformers are RNNs, https://arxiv.org/abs/2006.16236 (elu(x) + 1, and the recurrent form)
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import elu

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    recurrent_error: Annotated[float, Field("largest difference of the recurrent from the parallel output, with RoPE")]
    shift_error: Annotated[float, Field("relative change of the weights when all positions grow by 100, with RoPE")]
    negative_share: Annotated[float, Field("share of the weights that are negative, with RoPE in the numerator alone")]
    negative_share_plain: Annotated[float, Field("the same without RoPE")]
    row_sum_lowest: Annotated[float, Field("lowest sum of a row of weights, with RoPE; 1 without")]
    state_numbers: Annotated[int, Field("numbers that the recurrence keeps, whatever the length")]
    head_dim: Annotated[int, Field("width of one head")]
    spread: Annotated[float, Field("standard deviation of q and k before φ")]
    curve_key: Annotated[tuple[int, ...], Field("position of the key along the curves")]
    curve_rope: Annotated[tuple[float, ...], Field("weights of the last query, with RoPE in the numerator")]
    curve_plain: Annotated[tuple[float, ...], Field("weights of the last query, without RoPE")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, even", minimum=4, maximum=128)] = 32,
    seq_len: Annotated[int, Param("tokens", minimum=64, maximum=512)] = 128,
    spread: Annotated[float, Param("standard deviation of q and k before φ", minimum=0.5, maximum=8)] = 2.0,
    device: torch.device,
) -> Result:
    if head_dim % 2:
        raise ParameterError(f"head_dim: expected an even number, as features turn in pairs; found {head_dim}.")
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    q, k, v = torch.randn(3, seq_len, head_dim, generator=draw, dtype=torch.float64).to(device)
    q, k = elu(spread * q) + 1, elu(spread * k) + 1  # positive features φ(q), φ(k)
    causal = torch.ones(seq_len, seq_len, dtype=torch.float64, device=device).tril()
    plain = causal * (q @ k.T)  # (query, key)
    denominator = plain.sum(-1, keepdim=True)  # unrotated, hence positive

    def rotated(start: int) -> Tensor:
        return causal * (rotate(q, start) @ rotate(k, start).T)

    weights = rotated(0) / denominator
    seen = int(causal.sum())
    return Result(
        recurrent_error=(recurrent(q, k, v) - weights @ v).abs().max().item(),
        shift_error=((rotated(100) - rotated(0)).norm() / rotated(0).norm()).item(),
        negative_share=int((weights < 0).sum()) / seen,
        negative_share_plain=int((plain < 0).sum()) / seen,
        row_sum_lowest=weights.sum(-1).min().item(),
        state_numbers=head_dim * head_dim + head_dim,
        head_dim=head_dim,
        spread=spread,
        curve_key=tuple(range(seq_len)),
        curve_rope=tuple(weights[-1].tolist()),
        curve_plain=tuple((plain / denominator)[-1].tolist()),
    )


def rotate(x: Tensor, start: int = 0) -> Tensor:
    """The pairs of x turned by position · θ_i, positions counted from start, shape of x."""
    theta = 10_000 ** (-torch.arange(0, x.shape[-1], 2, dtype=torch.float64, device=x.device) / x.shape[-1])
    angles = torch.arange(start, start + len(x), device=x.device)[:, None] * theta
    return torch.view_as_real(
        torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.polar(torch.ones_like(angles), angles)
    ).flatten(-2)


def recurrent(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same output token by token: the state is Σ R(n)φ(k)vᵀ for the numerator and Σ φ(k) for the denominator."""
    turned_q, turned_k = rotate(q), rotate(k)
    state, total = q.new_zeros(q.shape[-1], v.shape[-1]), q.new_zeros(q.shape[-1])
    rows = []
    for position in range(len(q)):
        state = state + turned_k[position][:, None] * v[position]
        total = total + k[position]
        rows.append(turned_q[position] @ state / (q[position] @ total))
    return torch.stack(rows)


def claims(result: Result) -> dict[str, bool]:
    return {
        "the recurrence with rotated features equals the parallel form": result.recurrent_error < 1e-10,
        "the numerator depends on offsets alone": result.shift_error < 1e-10,
        "without RoPE no weight is negative": result.negative_share_plain == 0,
        "with it, up to head_dim 32 and from a spread of 2 on, more than one per cent are": (
            result.head_dim > 32 or result.spread < 2 or result.negative_share > 0.01
        ),
        "rows no longer sum to 1": result.row_sum_lowest < 0.9,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_key,
        {"RoPE in the numerator": result.curve_rope, "without RoPE": result.curve_plain},
        x_title="position of the key; the query is the last",
        y_title="weight in the sum of values",
        points=False,
    )
