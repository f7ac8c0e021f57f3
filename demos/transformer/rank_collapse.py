"""Attention without skip connections drives all tokens to one vector within a few layers; skips are what prevents it.

Leaves out: training, several heads, positions, masks.
Source: Dong et al. 2021, Attention is not all you need: pure attention loses rank doubly exponentially with depth, sections 2
and 3, https://arxiv.org/abs/2103.03404
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

D_MODEL, LAYERS = 64, 8


@dataclass(frozen=True)
class Result:
    deviation_bare: Annotated[float, Field("norm of the deviation from the mean token over the whole, attention alone")]
    deviation_mlp: Annotated[float, Field("the same with an MLP after each attention, without skips")]
    deviation_skips: Annotated[float, Field("the same with skips around both")]
    cosine_bare: Annotated[float, Field("cosine of two tokens, mean over pairs, attention alone")]
    cosine_skips: Annotated[float, Field("the same with MLP and skips")]
    mlp_mixes: Annotated[float, Field("change of other tokens' rows after the MLP when one token changes, largest")]
    num_layers: Annotated[int, Field("layers of the single values")]
    curve_layer: Annotated[tuple[int, ...], Field("layers along the curves")]
    curve_bare: Annotated[tuple[float, ...], Field("deviation_bare after each layer")]
    curve_mlp: Annotated[tuple[float, ...], Field("deviation_mlp after each layer")]
    curve_skips: Annotated[tuple[float, ...], Field("deviation_skips after each layer")]


def run(
    *,
    num_layers: Annotated[int, Param("layers of the single values", minimum=1, maximum=8)] = 4,
    seq_len: Annotated[int, Param("tokens", minimum=8, maximum=128)] = 32,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    weights = (torch.randn(LAYERS, 6, D_MODEL, D_MODEL, generator=generator) / math.sqrt(D_MODEL)).to(device)
    x = torch.randn(seq_len, D_MODEL, generator=generator).to(device)  # (seq_len, D_MODEL)
    bare, with_mlp, skips = (
        layers(x, weights, mlp=mlp, skip=skip) for mlp, skip in ((False, False), (True, False), (True, True))
    )
    other = x.clone()
    other[0] += 1
    moved = (block(x, weights[0]) - block(other, weights[0]))[1:].abs().max()
    return Result(
        deviation_bare=deviation(bare[num_layers]),
        deviation_mlp=deviation(with_mlp[num_layers]),
        deviation_skips=deviation(skips[num_layers]),
        cosine_bare=cosine(bare[num_layers]),
        cosine_skips=cosine(skips[num_layers]),
        mlp_mixes=moved.item(),
        num_layers=num_layers,
        curve_layer=tuple(range(LAYERS + 1)),
        curve_bare=tuple(deviation(each) for each in bare),
        curve_mlp=tuple(deviation(each) for each in with_mlp),
        curve_skips=tuple(deviation(each) for each in skips),
    )


def layers(x: Tensor, weights: Tensor, mlp: bool, skip: bool) -> list[Tensor]:
    """The tokens before the first layer and after each, LAYERS + 1 of (seq_len, D_MODEL)."""
    outputs = [x]
    for layer in weights:
        w_q, w_k, w_v, w_o = layer[:4]
        normed = F.layer_norm(x, (D_MODEL,))
        q, k, v = normed @ w_q, normed @ w_k, normed @ w_v
        mixed = F.scaled_dot_product_attention(q[None], k[None], v[None])[0] @ w_o
        x = x + mixed if skip else mixed
        if mlp:
            x = x + block(x, layer) if skip else block(x, layer)
        outputs.append(x)
    return outputs


def block(x: Tensor, layer: Tensor) -> Tensor:
    """The MLP of a layer, each row by itself, (seq_len, D_MODEL)."""
    return F.gelu(F.layer_norm(x, (D_MODEL,)) @ layer[4]) @ layer[5]


def deviation(x: Tensor) -> float:
    """The Frobenius norm of the deviation from the mean token over that of the tokens: 0 when all are equal."""
    return float((x - x.mean(0)).norm() / x.norm())


def cosine(x: Tensor) -> float:
    """The cosine of two tokens, mean over all pairs of different ones."""
    unit = F.normalize(x, dim=-1)
    return ((unit.sum(0).square().sum() - len(x)) / (len(x) * (len(x) - 1))).item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "attention alone has made the tokens equal to within one per cent after six layers": (
            result.curve_bare[6] < 0.01
        ),
        "with skips a tenth of the norm still tells tokens apart after eight layers": result.curve_skips[-1] > 0.1,
        "an MLP without skips does not stop the collapse": result.curve_mlp[-1] < 0.1 * result.curve_skips[-1],
        "the MLP moves no information between tokens": result.mlp_mixes < 1e-6,
    }


def figure(result: Result) -> Chart:
    curves = {
        "attention alone": result.curve_bare,
        "with MLP and skips": result.curve_skips,
        "with MLP, no skips": result.curve_mlp,
    }
    return line_chart(
        result.curve_layer,
        {name: [max(each, 1e-12) for each in curve] for name, curve in curves.items()},
        x_title="layers",
        y_title="deviation from the mean token (log scale)",
        y_format=".0e",
        log="y",
        here=result.num_layers,
    )
