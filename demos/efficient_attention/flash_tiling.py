"""Attention over tiles is exact in either loop order, and merged from parts computed apart; adding local softmaxes is not.

Leaves out: the backward pass, on-chip memory, speed.
Source: Dao et al. 2022, FlashAttention, algorithm 1, https://arxiv.org/abs/2205.14135; Dao 2023, FlashAttention-2, algorithm 1,
https://arxiv.org/abs/2307.08691; parts on several devices: Liu et al. 2023, Ring Attention, https://arxiv.org/abs/2310.01889
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

HEAD_DIM = 32


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[
        float, Field("largest difference from torch's operator, both loop orders and the merge", measured=True)
    ]
    naive_pseudocode_error: Annotated[float, Field("relative error of O += softmax(tile) V, without a mask")]
    merged_bytes: Annotated[int, Field("float32 bytes that one part sends: output and log-sum-exp", unit="bytes")]
    largest_tile: Annotated[int, Field("scores that are alive at once")]
    score_matrix: Annotated[int, Field("scores of the whole matrix")]
    tiles: Annotated[int, Field("tiles of the whole matrix")]
    tiles_visited: Annotated[int, Field("tiles computed under the mask")]
    causal: Annotated[bool, Field("whether a causal mask is applied")]
    curve_tiles: Annotated[tuple[int, ...], Field("key tiles along the curves")]
    curve_exact: Annotated[tuple[float, ...], Field("relative error with running statistics")]
    curve_naive: Annotated[tuple[float, ...], Field("relative error of O += softmax(tile) V")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=8, maximum=1024)] = 256,
    block: Annotated[int, Param("queries and keys in a tile", minimum=4, maximum=1024)] = 64,
    causal: Annotated[bool, Param("hide the future")] = True,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    q, k, v = (torch.randn(seq_len, HEAD_DIM, generator=generator, dtype=torch.float32).to(device) for _ in range(3))
    exact = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]  # (seq_len, HEAD_DIM)
    unmasked = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    count = math.ceil(seq_len / block)
    visible = torch.ones(seq_len, seq_len, dtype=torch.bool).tril() if causal else torch.ones(seq_len, seq_len) > 0
    parts = [rows.split(block, 1) for rows in visible.split(block)]
    visited = [(i, j) for i in range(count) for j in range(count) if parts[i][j].any()]
    orders = [tiled(q, k, v, block, visited, causal), tiled(q, k, v, block, sorted(visited, key=by_keys), causal)]

    def relative(output: Tensor) -> float:
        return float((output - unmasked).norm() / unmasked.norm())

    counts = [2**power for power in range(8) if 2**power <= seq_len]
    sizes = [math.ceil(seq_len / parts) for parts in counts]
    return Result(
        max_abs_error=max((output - exact).abs().max().item() for output in (*orders, merged(q, k, v, block, causal))),
        naive_pseudocode_error=relative(naive(q, k, v, block)),
        merged_bytes=4 * seq_len * (HEAD_DIM + 1),
        largest_tile=min(block, seq_len) ** 2,
        score_matrix=seq_len**2,
        tiles=count**2,
        tiles_visited=len(visited),
        causal=causal,
        curve_tiles=tuple(math.ceil(seq_len / size) for size in sizes),
        curve_exact=tuple(relative(merged(q, k, v, size, False)) for size in sizes),
        curve_naive=tuple(relative(naive(q, k, v, size)) for size in sizes),
    )


def by_keys(tile: tuple[int, int]) -> tuple[int, int]:
    """The place of a tile in FlashAttention's first loop order: key blocks outside, query blocks inside."""
    return tile[1], tile[0]


def scores(q: Tensor, k: Tensor, first_row: int, first_key: int, causal: bool) -> Tensor:
    """The scaled scores of a tile, −∞ where the key lies in the future."""
    tile = q @ k.T / math.sqrt(HEAD_DIM)
    future = torch.ones_like(tile, dtype=torch.bool).triu(first_row - first_key + 1)
    return tile.masked_fill(future, -math.inf) if causal else tile


def tiled(q: Tensor, k: Tensor, v: Tensor, block: int, order: list[tuple[int, int]], causal: bool) -> Tensor:
    """Attention over tiles in any order that begins each row with a visible key, (seq_len, HEAD_DIM)."""
    maximum = torch.full_like(q[:, :1], -math.inf)  # (seq_len, 1), running
    total, output = torch.zeros_like(maximum), torch.zeros_like(q)
    for i, j in order:
        rows, keys = slice(i * block, (i + 1) * block), slice(j * block, (j + 1) * block)
        tile = scores(q[rows], k[keys], i * block, j * block, causal)
        highest = torch.maximum(maximum[rows], tile.amax(-1, keepdim=True))
        factor, weights = (maximum[rows] - highest).exp(), (tile - highest).exp()
        total[rows] = factor * total[rows] + weights.sum(-1, keepdim=True)
        output[rows] = factor * output[rows] + weights @ v[keys]
        maximum[rows] = highest
    return output / total


def merged(q: Tensor, k: Tensor, v: Tensor, block: int, causal: bool) -> Tensor:
    """Attention from parts, one for each block of keys and as if each on its own device, joined by their log-sum-exp."""
    parts, logs = [], []
    for start in range(0, len(k), block):
        tile = scores(q, k[start : start + block], 0, start, causal)  # (seq_len, block)
        logs.append(tile.logsumexp(-1))  # −∞ for a row that sees nothing of this part
        parts.append(tile.softmax(-1).nan_to_num(0) @ v[start : start + block])
    shares = torch.stack(logs).softmax(0)  # (parts, seq_len)
    return (shares[..., None] * torch.stack(parts)).sum(0)


def naive(q: Tensor, k: Tensor, v: Tensor, block: int) -> Tensor:
    """The sum over key blocks of softmax(tile) @ V, each normalised by itself, (seq_len, HEAD_DIM)."""
    tiles = zip(k.split(block), v.split(block), strict=True)
    return torch.stack([(q @ keys.T / math.sqrt(HEAD_DIM)).softmax(-1) @ values for keys, values in tiles]).sum(0)


def claims(result: Result) -> dict[str, bool]:
    side = math.isqrt(result.tiles)
    return {
        "either loop order, and parts merged by their log-sum-exp, equal torch's attention": result.max_abs_error
        < 1e-5,
        "with two tiles or more, adding local softmaxes is wrong by more than half of the output": (
            side == 1 or result.naive_pseudocode_error > 0.5
        ),
        "with one tile it is right": side > 1 or result.naive_pseudocode_error < 1e-5,
        "a causal mask leaves t(t + 1)/2 of t² tiles to compute": (
            result.tiles_visited == (side * (side + 1) // 2 if result.causal else side**2)
        ),
    }


def figure(result: Result) -> Chart:
    exact = [max(error, 1e-9) for error in result.curve_exact]
    naive = [max(error, 1e-9) for error in result.curve_naive]
    return line_chart(
        result.curve_tiles,
        {"local softmaxes added": naive, "merged by log-sum-exp": exact},
        x_title="tiles along the keys (log scale)",
        y_title="relative error (log scale)",
        y_format=".0e",
        log="xy",
        at=-1,
    )
