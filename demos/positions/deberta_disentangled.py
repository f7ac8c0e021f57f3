"""DeBERTa's score has three terms, content with content and each content with the offset, so √(3d) divides it.

Leaves out: projections, several heads, training, and the absolute positions that DeBERTa adds before its output layer.
Source: He et al. 2021, DeBERTa, section 3.1 (disentangled attention, algorithm 1) and 3.2, https://arxiv.org/abs/2006.03654
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, matrix_chart

TERMS = ("content to content", "content to position", "position to content")


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[float, Field("largest difference of gathered scores from scores pair by pair")]
    error_unreversed: Annotated[float, Field("the same if position to content takes the offset of the other term")]
    variance_scaled: Annotated[float, Field("variance of the scores divided by √(3d), components from N(0, 1)")]
    variance_by_sqrt_d: Annotated[float, Field("variance of the scores divided by √d")]
    shift_error: Annotated[float, Field("largest change of a score when the same tokens stand seq_len further on")]
    table_rows: Annotated[int, Field("relative vectors, the same number for queries and for keys")]
    gathered_numbers: Annotated[int, Field("numbers in the two matrices of contents times relative vectors")]
    per_pair_numbers: Annotated[int, Field("numbers in relative vectors gathered for every pair, both kinds")]
    terms: Annotated[tuple[float, ...], Field("the three terms one after another, each query by key")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=8, maximum=32)] = 16,
    head_dim: Annotated[int, Param("width of the head, d", minimum=8, maximum=256)] = 64,
    max_distance: Annotated[int, Param("half the table, k: offsets −k to k − 1", minimum=1, maximum=32)] = 4,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device)

    content_q, content_k = normal(2, seq_len, head_dim)
    relative_q, relative_k = normal(2, 2 * max_distance, head_dim)
    position = torch.arange(2 * seq_len, device=device)
    delta = (position[:, None] - position[None, :] + max_distance).clamp(0, 2 * max_distance - 1)  # δ(i, j)
    twice_q, twice_k = (
        content_q.repeat(2, 1),
        content_k.repeat(2, 1),
    )  # the same tokens again, seq_len positions further on
    terms = gathered(twice_q, twice_k, relative_q, relative_k, delta)  # (3, query, key)
    scores = terms.sum(0)
    here = slice(seq_len)
    pairs = pair_by_pair(content_q, content_k, relative_q, relative_k, max_distance)
    unreversed = terms[0] + terms[1] + (twice_k @ relative_q.T).gather(1, delta.T).T
    many = normal(4, 16_384, head_dim)  # independent draws, so that their variance is near that of the distribution
    drawn = (many[0] * many[1] + many[0] * many[2] + many[1] * many[3]).sum(-1)
    return Result(
        max_abs_error=(scores[here, here] - pairs).abs().max().item(),
        error_unreversed=(unreversed[here, here] - pairs).abs().max().item(),
        variance_scaled=(drawn / math.sqrt(3 * head_dim)).var().item(),
        variance_by_sqrt_d=(drawn / math.sqrt(head_dim)).var().item(),
        shift_error=(scores[here, here] - scores[seq_len:, seq_len:]).abs().max().item(),
        table_rows=2 * max_distance,
        gathered_numbers=2 * seq_len * 2 * max_distance,
        per_pair_numbers=2 * seq_len * seq_len * head_dim,
        terms=tuple(terms[:, here, here].flatten().tolist()),
        seq_len=seq_len,
    )


def gathered(q: Tensor, k: Tensor, relative_q: Tensor, relative_k: Tensor, delta: Tensor) -> Tensor:
    """The three terms, unscaled: every content times every relative vector once, then picked by δ, (3, query, key)."""
    to_position = (q @ relative_k.T).gather(1, delta)  # [i, j] = Q_i · K^r_δ(i, j)
    from_position = (k @ relative_q.T).gather(1, delta).T  # [j, i] = K_j · Q^r_δ(j, i), transposed
    return torch.stack([q @ k.T, to_position, from_position])


def pair_by_pair(q: Tensor, k: Tensor, relative_q: Tensor, relative_k: Tensor, max_distance: int) -> Tensor:
    """The unscaled scores as the paper defines them, with δ written out for each pair, shape (query, key)."""

    def delta(i: int, j: int) -> int:
        if i - j <= -max_distance:
            return 0
        return 2 * max_distance - 1 if i - j >= max_distance else i - j + max_distance

    scores = torch.zeros(len(q), len(k), dtype=q.dtype, device=q.device)
    for i in range(len(q)):
        for j in range(len(k)):
            scores[i, j] = q[i] @ k[j] + q[i] @ relative_k[delta(i, j)] + k[j] @ relative_q[delta(j, i)]
    return scores


def claims(result: Result) -> dict[str, bool]:
    return {
        "three gathered terms equal the sum pair by pair": result.max_abs_error < 1e-9,
        "position to content needs the reversed offset": result.error_unreversed > 0.1,
        "three terms of variance d: divided by √(3d) the variance is one, within 10 %": (
            abs(result.variance_scaled - 1) < 0.1
        ),
        "divided by √d it would be three, within 10 %": abs(result.variance_by_sqrt_d - 3) < 0.3,
        "absolute positions are invisible: scores do not change when all tokens move on": result.shift_error < 1e-9,
    }


def figure(result: Result) -> Chart:
    size = result.seq_len**2
    panels = {name: result.terms[i * size : (i + 1) * size] for i, name in enumerate(TERMS)}
    panels["their sum"] = tuple(map(sum, zip(*panels.values(), strict=True)))
    return matrix_chart(panels, result.seq_len, x_title="key", y_title="query", colour_title="term of the score")
