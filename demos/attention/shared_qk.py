"""One projection for queries and keys makes the scores symmetric: a cannot prefer b, b prefer c, and c prefer a.

Leaves out: the inputs and weights behind q and k, positions, masks, training. Row a prefers b to c if s_ab > s_ac.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, https://arxiv.org/abs/1706.03762;
keys of unit length as in Kitaev et al. 2020, Reformer, section 2, https://arxiv.org/abs/2001.04451
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import normalize, scaled_dot_product_attention

from demos import Field, Param
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    asymmetry_tied: Annotated[float, Field("‖S − Sᵀ‖ / ‖S‖ of the scores S with k = q")]
    asymmetry_untied: Annotated[float, Field("‖S − Sᵀ‖ / ‖S‖ of the scores S with k drawn apart from q")]
    weight_asymmetry_tied: Annotated[float, Field("‖P − Pᵀ‖ / ‖P‖ of the weights P = softmax(S) with k = q")]
    orders_tried: Annotated[int, Field("symmetric scores of the cycle that were tried: every order, ties included")]
    orders_cyclic: Annotated[int, Field("those among them in which each row prefers the next token to the one before")]
    best_rows_tied: Annotated[int, Field("most rows of the cycle that any of them satisfies")]
    cyclic_triples_tied: Annotated[float, Field("share of triples that prefer one another in a circle, k = q")]
    cyclic_triples_unit_keys: Annotated[float, Field("the same share with k = q/‖q‖, whose scores are not symmetric")]
    cyclic_triples_untied: Annotated[float, Field("the same share with k drawn apart from q")]
    diagonal_score_tied: Annotated[float, Field("score of a token with itself, q·q/√d_k, mean")]
    diagonal_argmax_tied: Annotated[float, Field("share of rows whose largest weight is their own, k = q")]
    diagonal_argmax_untied: Annotated[float, Field("share of rows whose largest weight is their own, k apart")]
    diagonal_weight_tied: Annotated[float, Field("weight of a token on itself, mean, k = q")]
    max_abs_error: Annotated[float, Field("largest difference to the weights of torch's own attention")]
    curve_head_dim: Annotated[tuple[int, ...], Field("head_dim along the curves")]
    curve_argmax: Annotated[tuple[float, ...], Field("diagonal_argmax_tied at each head_dim")]
    curve_weight: Annotated[tuple[float, ...], Field("diagonal_weight_tied at each head_dim")]
    head_dim: Annotated[int, Field("head_dim of the single values")]
    num_tokens: Annotated[int, Field("tokens of the sequence")]
    component_std: Annotated[float, Field("standard deviation of a component of q and k")]
    cycle_length: Annotated[int, Field("tokens in the cycle")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, d_k", minimum=1, maximum=1024)] = 64,
    num_tokens: Annotated[int, Param("tokens of the sequence", minimum=8, maximum=1024)] = 128,
    component_std: Annotated[float, Param("deviation of a component of q and k", minimum=0.05, maximum=2)] = 1.0,
    cycle_length: Annotated[int, Param("tokens that shall prefer one another in a circle", minimum=3, maximum=7)] = 3,
    device: torch.device,
) -> Result:
    q, k = queries_and_keys(head_dim, num_tokens, component_std, device)  # (num_tokens, head_dim) each
    tied, untied = scores(q, q), scores(q, k)  # (num_tokens, num_tokens) each
    weights = tied.softmax(-1)
    reference = scaled_dot_product_attention(q[None], q[None], torch.eye(num_tokens).to(q)[None])[0]
    levels = torch.cartesian_prod(*[torch.arange(cycle_length)] * cycle_length)  # each row: the scores s(i, i + 1)
    satisfied = (levels > levels.roll(1, dims=1)).sum(1)  # how many i have s(i, i + 1) > s(i, i − 1) = s(i − 1, i)
    dims = tuple(2**power for power in range(11))
    curve = [scores(q, q) for q, _ in (queries_and_keys(dim, num_tokens, component_std, device) for dim in dims)]
    return Result(
        asymmetry_tied=asymmetry(tied),
        asymmetry_untied=asymmetry(untied),
        weight_asymmetry_tied=asymmetry(weights),
        orders_tried=len(levels),
        orders_cyclic=int((satisfied == cycle_length).sum()),
        best_rows_tied=int(satisfied.max()),
        cyclic_triples_tied=cyclic_triples(tied),
        cyclic_triples_unit_keys=cyclic_triples(scores(q, normalize(q))),
        cyclic_triples_untied=cyclic_triples(untied),
        diagonal_score_tied=tied.diagonal().mean().item(),
        diagonal_argmax_tied=argmax_share(tied),
        diagonal_argmax_untied=argmax_share(untied),
        diagonal_weight_tied=weights.diagonal().mean().item(),
        max_abs_error=(weights - reference).abs().amax().item(),
        curve_head_dim=dims,
        curve_argmax=tuple(argmax_share(s) for s in curve),
        curve_weight=tuple(s.softmax(-1).diagonal().mean().item() for s in curve),
        head_dim=head_dim,
        num_tokens=num_tokens,
        component_std=component_std,
        cycle_length=cycle_length,
    )


def queries_and_keys(head_dim: int, num_tokens: int, std: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two independent draws with components from N(0, std²), shape (num_tokens, head_dim) each."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    draws = torch.randn(2, num_tokens, head_dim, generator=generator, dtype=torch.float64) * std
    q, k = draws.to(device, torch.float32 if device.type == "mps" else torch.float64)
    return q, k


def scores(q: Tensor, k: Tensor) -> Tensor:
    """q·k/√d_k for each pair of tokens, shape (num_tokens, num_tokens)."""
    return q @ k.T / math.sqrt(q.shape[-1])


def asymmetry(matrix: Tensor) -> float:
    """‖M − Mᵀ‖ / ‖M‖ in the Frobenius norm."""
    return ((matrix - matrix.T).norm() / matrix.norm()).item()


def argmax_share(s: Tensor) -> float:
    """The share of rows whose largest score, and so their largest weight, is with the token itself."""
    return (s.argmax(-1).cpu() == torch.arange(len(s))).double().mean().item()


def cyclic_triples(s: Tensor) -> float:
    """The share of triples of the first 64 tokens in which a prefers b to c, b prefers c to a, and c prefers a to b."""
    s = s[:64, :64]
    prefers = s[:, :, None] > s[:, None, :]  # [a, b, c]: row a prefers b to c
    circle = prefers & prefers.permute(2, 0, 1) & prefers.permute(1, 2, 0)  # and row b c to a, and row c a to b
    return 2 * circle.sum().item() / (len(s) * (len(s) - 1) * (len(s) - 2))  # each circle is met in 3 of 6 orders


def claims(result: Result) -> dict[str, bool]:
    small = result.component_std <= 0.25 and result.head_dim <= 256 and result.num_tokens >= 64
    return {
        "tied scores are symmetric, scores of separate queries and keys are not": (
            result.asymmetry_tied < 1e-5 and result.asymmetry_untied > 0.1
        ),
        "no order of symmetric scores completes the cycle: one row always fails": (
            result.orders_cyclic == 0 and result.best_rows_tied == result.cycle_length - 1
        ),
        "no three tied tokens prefer one another in a circle, even with keys of unit length": (
            result.cyclic_triples_tied == 0 and result.cyclic_triples_unit_keys == 0
        ),
        "from 32 tokens on, a tenth of the triples or more do with separate queries and keys, even at head_dim 1": (
            result.num_tokens < 32 or result.cyclic_triples_untied >= 0.1
        ),
        "from head_dim 64 on, the largest tied weight is a row's own in 19 rows of 20": (
            result.head_dim < 64 or result.diagonal_argmax_tied > 0.95
        ),
        "but with components up to 0.25, head_dim up to 256 and 64 tokens or more, that weight is below 0.1": (
            not small or result.diagonal_weight_tied < 0.1
        ),
        "the weights are those of torch's own attention": result.max_abs_error < 1e-5,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_head_dim,
        {"mean weight": result.curve_weight, "is largest": result.curve_argmax},
        x_title="head_dim, d_k (log scale)",
        y_title="a token's own weight, k = q",
        y_domain=(0, 1),
        log="x",
        here=result.head_dim,
        at={"is largest": (3, "right"), "mean weight": (5, "left")},
        below=("mean weight",),
    )
