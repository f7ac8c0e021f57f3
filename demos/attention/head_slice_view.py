"""Heads slice what W_Q, W_K and W_V project, never the input: one wide matrix is the heads' matrices side by side.

Leaves out: masks, positions, biases, and K/V heads shared by several query heads (see mha_mqa_gqa).
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.2, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor
from torch.nn import MultiheadAttention
from torch.nn.functional import scaled_dot_product_attention

from demos import Field, Param
from demos._figures import HEIGHT, WIDTH

SEQ_LEN = 10


@dataclass(frozen=True)
class Result:
    fused_error: Annotated[float, Field("largest difference: one wide projection, sliced, against a loop over heads")]
    sum_error: Annotated[float, Field("largest difference: concatenation times W_O against the sum over heads")]
    torch_error: Annotated[float, Field("largest difference from MultiheadAttention; NaN where widths rule it out")]
    inputs_read: Annotated[int, Field("input dimensions that reach the output of the first head")]
    inputs_read_if_sliced: Annotated[int, Field("the same if each head got its slice of the input instead")]
    order_error: Annotated[float, Field("largest change of the output when heads change places, W_O's rows with them")]
    order_change: Annotated[float, Field("the same when W_O's rows stay")]
    parameters: Annotated[int, Field("weights in W_Q, W_K, W_V and W_O")]
    reach: Annotated[tuple[float, ...], Field("effect of each input dimension on the first head, relative")]
    reach_if_sliced: Annotated[tuple[float, ...], Field("the same if the head got a slice of the input")]
    d_model: Annotated[int, Field("width of the model")]
    num_heads: Annotated[int, Field("heads")]
    head_dim: Annotated[int, Field("width of one head")]


def run(
    *,
    d_model: Annotated[int, Param("width of the model", minimum=8, maximum=1024)] = 32,
    num_heads: Annotated[int, Param("heads", minimum=1, maximum=64)] = 4,
    head_dim: Annotated[int, Param("width of one head; 0: d_model // num_heads", minimum=0, maximum=128)] = 0,
    device: torch.device,
) -> Result:
    head_dim = head_dim or max(1, d_model // num_heads)
    width = num_heads * head_dim
    draw = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(SEQ_LEN, d_model, generator=draw).to(device)
    w_q, w_k, w_v = (torch.randn(3, d_model, width, generator=draw) / math.sqrt(d_model)).to(device)
    w_o = (torch.randn(width, d_model, generator=draw) / math.sqrt(width)).to(device)

    def fused(x: Tensor, *projections: Tensor) -> Tensor:
        q, k, v = ((x @ w).unflatten(-1, (num_heads, head_dim)).transpose(0, 1) for w in projections)
        return scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten(-2)  # (SEQ_LEN, num_heads * head_dim)

    def rolled(w: Tensor, axis: int) -> Tensor:
        return w.roll(head_dim, axis)  # the last head comes first

    def head(x: Tensor, index: int) -> Tensor:
        columns = slice(index * head_dim, (index + 1) * head_dim)
        scores = (x @ w_q[:, columns]) @ (x @ w_k[:, columns]).T / math.sqrt(head_dim)
        return scores.softmax(-1) @ (x @ w_v[:, columns])  # (SEQ_LEN, head_dim)

    def reach(keep: Tensor) -> Tensor:
        read = x.clone().requires_grad_()
        rows = [torch.autograd.grad(head(read * keep, 0)[0, i], read)[0] for i in range(min(head_dim, 8))]
        effect = torch.stack(rows).square().sum((0, 1)).sqrt()  # (d_model,)
        return effect / effect.max()

    heads = [head(x, index) for index in range(num_heads)]
    in_slice = torch.arange(d_model, device=device) < math.ceil(d_model / num_heads)
    whole, part = reach(torch.ones(d_model, device=device)), reach(in_slice.float())
    concatenated = fused(x, w_q, w_k, w_v)
    turned = fused(x, *(rolled(w, 1) for w in (w_q, w_k, w_v)))
    summed = torch.stack([h @ w_o[i * head_dim : (i + 1) * head_dim] for i, h in enumerate(heads)]).sum(0)
    return Result(
        fused_error=(concatenated - torch.cat(heads, -1)).abs().max().item(),
        sum_error=(concatenated @ w_o - summed).abs().max().item(),
        torch_error=torch_error(x, concatenated @ w_o, (w_q, w_k, w_v, w_o), num_heads)
        if width == d_model
        else math.nan,
        inputs_read=int((whole > 0).sum()),
        inputs_read_if_sliced=int((part > 0).sum()),
        order_error=(turned @ rolled(w_o, 0) - concatenated @ w_o).abs().max().item(),
        order_change=(turned @ w_o - concatenated @ w_o).abs().max().item(),
        parameters=sum(w.numel() for w in (w_q, w_k, w_v, w_o)),
        reach=tuple(whole.tolist()),
        reach_if_sliced=tuple(part.tolist()),
        d_model=d_model,
        num_heads=num_heads,
        head_dim=head_dim,
    )


def torch_error(x: Tensor, output: Tensor, matrices: tuple[Tensor, ...], num_heads: int) -> float:
    """The largest difference between the output and that of torch's module with the same matrices."""
    module = MultiheadAttention(x.shape[-1], num_heads, bias=False, batch_first=True, device=x.device)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.cat([w.T for w in matrices[:3]]))
        module.out_proj.weight.copy_(matrices[3].T)
        expected, _ = module(x[None], x[None], x[None], need_weights=False)
    return (output - expected[0]).abs().max().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "one wide projection, sliced, gives what separate matrices for each head give": result.fused_error < 1e-4,
        "concatenating and multiplying by W_O is a sum over heads, each with its own rows of W_O": (
            result.sum_error < 1e-4
        ),
        "where the heads fill d_model exactly, it is torch's MultiheadAttention": (
            math.isnan(result.torch_error) or result.torch_error < 1e-4
        ),
        "a head reads every input dimension; given a slice of the input it would read only that": (
            result.inputs_read == result.d_model
            and result.inputs_read_if_sliced == math.ceil(result.d_model / result.num_heads)
        ),
        "heads have no order: they may change places if W_O's rows go with them, not without": (
            result.order_error < 1e-4 and (result.num_heads == 1 or result.order_change > 0.01)
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    names = ["projection sliced", "input sliced"]
    rows = [
        {"dimension": index + 1, "effect": effect, "view": name}
        for name, effects in zip(names, (result.reach, result.reach_if_sliced), strict=True)
        for index, effect in enumerate(effects[:64])
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_rect()
        .encode(
            x=alt.X("dimension:O", title="input dimension (first 64)").axis(labelAngle=0, labelOverlap=True),
            y=alt.Y("view:N", title=None, sort=names),
            color=alt.Color("effect:Q", title="effect on the first head").scale(domain=[0, 1]),
        )
        .properties(width=WIDTH, height=HEIGHT // 2)
    )
