"""Padding masked as keys reaches no real token; masked as queries it still does, and its own rows go on computing.

Leaves out: positions (padding on the left shifts them), the causal mask, the loss, and kernels that skip padding.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.3 (forbidden scores become −∞ before the softmax),
https://arxiv.org/abs/1706.03762
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

HEADS, D_MODEL = 4, 64


@dataclass(frozen=True)
class Result:
    moved_unmasked: Annotated[float, Field("relative change of real rows when the padding is another token, no mask")]
    moved_query_mask: Annotated[float, Field("the same with padding masked as queries (rows) instead of keys")]
    moved_key_mask: Annotated[float, Field("the same with padding masked as keys (columns)")]
    padding_rows_moved: Annotated[float, Field("relative change of the padding's own rows, keys masked")]
    mean_of_all_moved: Annotated[float, Field("relative change of the mean over all rows, keys masked")]
    error_against_alone: Annotated[float, Field("largest difference from torch's attention on the real tokens alone")]
    nan_padding_rows: Annotated[int, Field("padding rows that are NaN when queries and keys are both filled with −∞")]
    nan_real_rows: Annotated[int, Field("real rows that are NaN in that case")]
    curve_num_pads: Annotated[tuple[int, ...], Field("padding tokens along the curves")]
    curve_unmasked: Annotated[tuple[float, ...], Field("moved_unmasked for each of them")]
    curve_key_mask: Annotated[tuple[float, ...], Field("moved_key_mask for each of them")]
    num_layers: Annotated[int, Field("layers of the stack")]
    seq_len: Annotated[int, Field("real tokens")]
    num_pads: Annotated[int, Field("padding tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("real tokens of the sentence", minimum=4, maximum=64)] = 12,
    num_pads: Annotated[int, Param("padding tokens after them", minimum=2, maximum=128)] = 20,
    num_layers: Annotated[int, Param("attention layers with residuals", minimum=1, maximum=6)] = 2,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    weights = torch.randn(num_layers, 4, D_MODEL, D_MODEL, generator=draw).to(device) / math.sqrt(D_MODEL)
    real = torch.randn(seq_len, D_MODEL, generator=draw).to(device)
    pad_tokens = torch.randn(2, 1, D_MODEL, generator=draw).to(device)  # two embeddings that padding may have

    def outputs(pads: int, queries: bool, keys: bool, fill: float = torch.finfo(torch.float32).min) -> list[Tensor]:
        """The output with each padding token, (seq_len + pads, D_MODEL) each, padding masked as queries or keys."""
        is_pad = torch.arange(seq_len + pads, device=device) >= seq_len
        hidden = (is_pad[:, None] & queries) | (is_pad[None, :] & keys)  # (query, key)
        return [encode(torch.cat([real, pad.expand(pads, -1)]), weights, hidden, fill) for pad in pad_tokens]

    by_key = outputs(num_pads, queries=False, keys=True)
    both = outputs(num_pads, queries=True, keys=True, fill=-math.inf)[0].isnan().any(-1)
    counts = (2, 4, 8, 16, 32, 64, 128)
    return Result(
        moved_unmasked=moved(x[:seq_len] for x in outputs(num_pads, queries=False, keys=False)),
        moved_query_mask=moved(x[:seq_len] for x in outputs(num_pads, queries=True, keys=False)),
        moved_key_mask=moved(x[:seq_len] for x in by_key),
        padding_rows_moved=moved(x[seq_len:] for x in by_key),
        mean_of_all_moved=moved(x.mean(0) for x in by_key),
        error_against_alone=(by_key[0][:seq_len] - encode(real, weights, None, 0.0)).abs().max().item(),
        nan_padding_rows=int(both[seq_len:].sum()),
        nan_real_rows=int(both[:seq_len].sum()),
        curve_num_pads=counts,
        curve_unmasked=tuple(moved(x[:seq_len] for x in outputs(pads, queries=False, keys=False)) for pads in counts),
        curve_key_mask=tuple(moved(x[:seq_len] for x in outputs(pads, queries=False, keys=True)) for pads in counts),
        num_layers=num_layers,
        seq_len=seq_len,
        num_pads=num_pads,
    )


def encode(x: Tensor, weights: Tensor, hidden: Tensor | None, fill: float) -> Tensor:
    """The output of the stack, (rows, D_MODEL); without `hidden` the attention is torch's own operator."""
    for w_q, w_k, w_v, w_o in weights:
        normed = F.layer_norm(x, (D_MODEL,))
        q, k, v = ((normed @ w).unflatten(-1, (HEADS, -1)).transpose(0, 1) for w in (w_q, w_k, w_v))
        if hidden is None:
            heads = F.scaled_dot_product_attention(q, k, v)  # (HEADS, rows, head_dim)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (HEADS, query, key)
            heads = scores.masked_fill(hidden, fill).softmax(-1) @ v
        x = x + heads.transpose(0, 1).flatten(-2) @ w_o
    return x


def moved(pair: Iterable[Tensor]) -> float:
    """The norm of the change from the first to the second, relative to the norm of the first."""
    before, after = pair
    return float((after - before).norm() / before.norm())


def claims(result: Result) -> dict[str, bool]:
    return {
        "with padding masked as keys, no real row moves": result.moved_key_mask < 1e-6,
        "real rows then equal those of the sentence computed alone": result.error_against_alone < 1e-4,
        "without a mask, real rows move by more than one per cent": result.moved_unmasked > 0.01,
        "masking padding as queries protects real rows hardly more than no mask": (
            result.moved_query_mask > result.moved_unmasked / 2
        ),
        "the padding's own rows still move, and with them a mean over all rows": (
            result.padding_rows_moved > 0.1 and result.mean_of_all_moved > 0.01
        ),
        "filling queries and keys with −∞ turns padding rows to NaN, and from two layers on every real row": (
            result.nan_padding_rows == result.num_pads
            and result.nan_real_rows == (result.seq_len if result.num_layers > 1 else 0)
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_num_pads,
        {"no mask": result.curve_unmasked, "padding masked as keys": result.curve_key_mask},
        x_title="padding tokens (log scale)",
        y_title="relative change of real tokens",
        log="x",
        here=result.num_pads,
        at=-1,
    )
