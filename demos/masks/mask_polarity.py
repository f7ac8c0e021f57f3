"""One boolean mask means opposite things in PyTorch: True blocks in MultiheadAttention and allows in SDPA.

Leaves out: padding masks (`key_padding_mask`: True blocks as well), dropout, and other libraries.
Source: PyTorch documentation of torch.nn.MultiheadAttention (attn_mask) and of
torch.nn.functional.scaled_dot_product_attention (attn_mask), https://docs.pytorch.org/docs/stable/nn.html
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

D_MODEL = 32


@dataclass(frozen=True)
class Result:
    error_inverted: Annotated[float, Field("largest difference of the two outputs, mask inverted for SDPA")]
    error_additive: Annotated[float, Field("largest difference with a float mask of 0 and −∞ for both")]
    difference_same_mask: Annotated[float, Field("largest difference with the same boolean mask for both")]
    future_weight: Annotated[float, Field("weight on later tokens in SDPA with that mask, mean over non-empty rows")]
    next_token_weight: Annotated[float, Field("weight on the very next token there, mean over non-empty rows")]
    empty_rows: Annotated[int, Field("rows that have no key left there")]
    last_output: Annotated[float, Field("largest element of what SDPA returns for the last row there")]
    weights_same_mask: Annotated[tuple[float, ...], Field("weights of SDPA with that mask, first head, row by row")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=3, maximum=64)] = 8,
    num_heads: Annotated[int, Param("heads", choices=(1, 2, 4, 8))] = 4,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    module = nn.MultiheadAttention(D_MODEL, num_heads, bias=False, batch_first=True).to(device)
    x = torch.randn(1, seq_len, D_MODEL, generator=draw).to(device)
    blocks = torch.ones(seq_len, seq_len, dtype=torch.bool, device=device).triu(1)  # causal, True = blocked
    additive = torch.zeros(seq_len, seq_len, device=device).masked_fill(blocks, -math.inf)
    with torch.no_grad():
        expected, _ = module(x, x, x, attn_mask=blocks, need_weights=False)  # (1, seq_len, D_MODEL)
        by_float, _ = module(x, x, x, attn_mask=additive, need_weights=False)
        mixed, heads = sdpa(module, x, blocks)
        inverted, _ = sdpa(module, x, ~blocks)
        with_float, _ = sdpa(module, x, additive)
        q, k, _ = project(module, x)
        weights = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~blocks, -math.inf).softmax(-1)[..., :-1, :]
    return Result(
        error_inverted=(inverted - expected).abs().max().item(),
        error_additive=(with_float - by_float).abs().max().item(),
        difference_same_mask=(mixed - expected).abs().max().item(),
        future_weight=(weights * blocks[:-1]).sum(-1).mean().item(),
        next_token_weight=weights.diagonal(1, -2, -1).mean().item(),
        empty_rows=int((~blocks.any(-1)).sum()),
        last_output=heads[0, :, -1].abs().max().item(),
        weights_same_mask=tuple(F.pad(weights[0, 0], (0, 0, 0, 1)).flatten().tolist()),
        seq_len=seq_len,
    )


def project(module: nn.MultiheadAttention, x: Tensor) -> Tensor:
    """q, k and v with the module's own weights, (3, 1, num_heads, seq_len, head_dim)."""
    projected = F.linear(x, module.in_proj_weight).unflatten(-1, (3, module.num_heads, -1))
    return projected.permute(2, 0, 3, 1, 4)


def sdpa(module: nn.MultiheadAttention, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The module's computation by SDPA with this mask: its output (1, seq_len, D_MODEL), and the heads before W_O."""
    q, k, v = project(module, x)
    heads = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (1, num_heads, seq_len, head_dim)
    return module.out_proj(heads.transpose(1, 2).flatten(2)), heads


def claims(result: Result) -> dict[str, bool]:
    return {
        "with the mask inverted for one of them, the two outputs agree": result.error_inverted < 1e-5,
        "a float mask of 0 and −∞ means the same to both": result.error_additive < 1e-5,
        "the same boolean mask gives different outputs, and no error": result.difference_same_mask > 0.01,
        "a causal mask read the other way puts all weight on the future": abs(result.future_weight - 1) < 1e-5,
        "only the last row is then empty, and SDPA returns zero for it": (
            result.empty_rows == 1 and result.last_output == 0
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"query": index // result.seq_len, "key": index % result.seq_len, "weight": value}
        for index, value in enumerate(result.weights_same_mask)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("key:O", title="key (small dots: keys that the mask meant)").axis(labelAngle=0),
        y=alt.Y("query:O", title="query"),
    )
    dots = base.transform_filter("datum.weight > 0").mark_circle(color=VERMILION, opacity=1)
    meant = base.transform_filter("datum.key <= datum.query").mark_circle(color=BLUE, opacity=1, size=12)
    note = [{"key": result.seq_len - 1, "query": 0, "text": "weights with the same mask in SDPA"}]
    label = alt.Chart(alt.Data(values=note)).mark_text(align="right", dx=8, dy=-14, color=VERMILION)
    return alt.layer(
        dots.encode(size=alt.Size("weight:Q", legend=None).scale(range=[10, 400])),
        meant,
        label.encode(x="key:O", y="query:O", text="text:N"),
    ).properties(width=WIDTH, height=HEIGHT)
