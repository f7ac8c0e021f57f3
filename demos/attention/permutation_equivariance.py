"""Self-attention without positions is equivariant to a permutation of its tokens; only what is pooled is invariant.

Leaves out: training. Norms, residuals and the feed-forward layer are in, since they act on each token alone.
Source: Lee et al. 2019, Set Transformer, section 2, https://arxiv.org/abs/1810.00825. That a causal mask breaks the
symmetry: Haviv et al. 2022, https://arxiv.org/abs/2203.16634
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import Conv1d, TransformerEncoder, TransformerEncoderLayer
from torch.nn.functional import scaled_dot_product_attention

from demos import Field, Param
from demos._charts import Chart, bar_chart
from demos._figures import BLUE, VERMILION

D_MODEL, NUM_HEADS = 32, 4


@dataclass(frozen=True)
class Result:
    equivariance_gap: Annotated[float, Field("‖f(Px) − P f(x)‖ / ‖f(x)‖ for an encoder without positions")]
    invariance_gap: Annotated[float, Field("‖f(Px) − f(x)‖ / ‖f(x)‖ for the same encoder")]
    pooled_gap: Annotated[float, Field("relative change of the mean over its rows")]
    fixed_query_gap: Annotated[float, Field("relative change of one query's output, keys and values permuted together")]
    keys_only_gap: Annotated[float, Field("the same with the keys permuted and the values left in place")]
    causal_gap: Annotated[float, Field("‖f(Px) − P f(x)‖ / ‖f(x)‖ with a causal mask")]
    positions_gap: Annotated[float, Field("the same without a mask, with positions added to the tokens")]
    convolution_gap: Annotated[float, Field("the same after a convolution of width 3, as parallel as attention")]
    seq_len: Annotated[int, Field("tokens of the sequence")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens of the sequence", minimum=4, maximum=256)] = 16,
    num_layers: Annotated[int, Param("layers of the encoder", minimum=1, maximum=6)] = 2,
    position_scale: Annotated[float, Param("size of the position vectors; 0: none", minimum=0, maximum=4)] = 1.0,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    layer = TransformerEncoderLayer(D_MODEL, NUM_HEADS, 4 * D_MODEL, dropout=0.0, batch_first=True)
    encoder = TransformerEncoder(layer, num_layers, enable_nested_tensor=False).to(device)
    x, positions = torch.randn(2, seq_len, D_MODEL, generator=draw).to(device)
    convolution = Conv1d(D_MODEL, D_MODEL, 3, padding=1).to(device)
    order = torch.arange(seq_len - 1, -1, -1, device=device)  # reversed: every token moves, or all but one
    mask = torch.ones(seq_len, seq_len, dtype=torch.bool, device=device).triu(1)  # True hides

    def f(tokens: Tensor, hidden: Tensor | None = None, added: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            return encoder((tokens if added is None else tokens + added)[None], mask=hidden)[0]  # (seq_len, D_MODEL)

    def gap(after: Tensor, before: Tensor) -> float:
        return ((after - before).norm() / before.norm()).item()

    def convolved(tokens: Tensor) -> Tensor:
        with torch.no_grad():
            return convolution(tokens.T).T  # (seq_len, D_MODEL)

    plain, causal, placed = f(x), f(x, mask), f(x, None, positions * position_scale)
    permuted = f(x[order])
    one = scaled_dot_product_attention(x[:1], x, x)  # (1, D_MODEL)
    return Result(
        equivariance_gap=gap(permuted, plain[order]),
        invariance_gap=gap(permuted, plain),
        pooled_gap=gap(permuted.mean(0), plain.mean(0)),
        fixed_query_gap=gap(scaled_dot_product_attention(x[:1], x[order], x[order]), one),
        keys_only_gap=gap(scaled_dot_product_attention(x[:1], x[order], x), one),
        causal_gap=gap(f(x[order], mask), causal[order]),
        positions_gap=gap(f(x[order], None, positions * position_scale), placed[order]),
        convolution_gap=gap(convolved(x[order]), convolved(x)[order]),
        seq_len=seq_len,
    )


def claims(result: Result) -> dict[str, bool]:
    return {
        "without positions and mask, outputs move with their inputs: equivariant": result.equivariance_gap < 1e-5,
        "the sequence that comes out is another one: not invariant": result.invariance_gap > 0.1,
        "the mean over the rows is invariant, and so is one query's output when keys move with their values": (
            result.pooled_gap < 1e-4 and result.fixed_query_gap < 1e-5
        ),
        "keys that move without their values change it": result.keys_only_gap > 0.01,
        "a causal mask breaks the equivariance": result.causal_gap > 0.01,
        "a convolution has none to break: it is as parallel, and sees the order": result.convolution_gap > 0.1,
    }


def figure(result: Result) -> Chart:
    gaps = {
        "outputs, put back in order": result.equivariance_gap,
        "mean over the outputs": result.pooled_gap,
        "outputs, place by place": result.invariance_gap,
        "put back, with a causal mask": result.causal_gap,
        "put back, with positions": result.positions_gap,
        "put back, after a convolution": result.convolution_gap,
    }
    colours = [VERMILION if gap > 1e-3 else BLUE for gap in gaps.values()]
    return bar_chart(gaps, x_title="relative change", colours=colours, text_format=".2~g")
