"""Without positions a causal stack still sees order: from two layers on, shuffling the prefix moves the last token.

Leaves out: training, and how far trained models use this; weights are random, blocks are attention with a residual.
Source: Haviv et al. 2022, https://arxiv.org/abs/2203.16634; Kazemnejad et al. 2023, section 5 and appendix C,
https://arxiv.org/abs/2305.19466
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

HEADS, D_MODEL, MAX_LAYERS = 4, 64, 6


@dataclass(frozen=True)
class Result:
    moved_causal: Annotated[float, Field("relative change of the last output when the prefix is shuffled, causal mask")]
    moved_unmasked: Annotated[float, Field("the same without a mask")]
    spread_equal_tokens: Annotated[
        float, Field("largest distance of two outputs of equal tokens, relative to the norm")
    ]
    smallest_step_after_bos: Annotated[float, Field("smallest change from one output to the next, another first token")]
    curve_layers: Annotated[tuple[int, ...], Field("layers along the curves")]
    curve_causal: Annotated[tuple[float, ...], Field("moved_causal for each of them")]
    curve_unmasked: Annotated[tuple[float, ...], Field("moved_unmasked for each of them")]
    num_layers: Annotated[int, Field("layers of the single values")]


def run(
    *,
    num_layers: Annotated[int, Param("layers", minimum=1, maximum=6)] = 2,
    seq_len: Annotated[int, Param("tokens", minimum=4, maximum=64)] = 16,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    weights = torch.randn(MAX_LAYERS, 4, D_MODEL, D_MODEL, generator=draw, dtype=torch.float64).to(device)
    weights /= math.sqrt(D_MODEL)
    tokens = torch.randn(seq_len, D_MODEL, generator=draw, dtype=torch.float64).to(device)
    shuffled = torch.cat([tokens[:-1].roll(1, 0), tokens[-1:]])  # the last token stays, each other one moves
    equal = tokens[:1].expand(seq_len, -1)
    after_bos = stack(torch.cat([tokens[1:2], equal[1:]]), weights[:num_layers], causal=True)
    same = stack(equal, weights[:num_layers], causal=True)
    layers = tuple(range(1, MAX_LAYERS + 1))

    def moved(count: int, causal: bool) -> float:
        before, after = (stack(x, weights[:count], causal)[-1] for x in (tokens, shuffled))
        return ((after - before).norm() / before.norm()).item()

    return Result(
        moved_causal=moved(num_layers, causal=True),
        moved_unmasked=moved(num_layers, causal=False),
        spread_equal_tokens=((same - same[0]).norm(dim=-1).max() / same[0].norm()).item(),
        smallest_step_after_bos=((after_bos[2:] - after_bos[1:-1]).norm(dim=-1).min() / after_bos[1].norm()).item(),
        curve_layers=layers,
        curve_causal=tuple(moved(count, causal=True) for count in layers),
        curve_unmasked=tuple(moved(count, causal=False) for count in layers),
        num_layers=num_layers,
    )


def stack(x: Tensor, weights: Tensor, causal: bool) -> Tensor:
    """The outputs of attention layers with residuals and no positions, (seq_len, D_MODEL)."""
    for w_q, w_k, w_v, w_o in weights:
        normed = F.layer_norm(x, (D_MODEL,))
        q, k, v = ((normed @ w).unflatten(-1, (HEADS, -1)).transpose(0, 1) for w in (w_q, w_k, w_v))
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=causal)  # (HEADS, seq_len, head_dim)
        x = x + heads.transpose(0, 1).flatten(-2) @ w_o
    return x


def claims(result: Result) -> dict[str, bool]:
    return {
        "in one causal layer the last output ignores the order of its prefix": result.curve_causal[0] < 1e-12,
        "from two causal layers on it depends on that order": min(result.curve_causal[1:]) > 1e-3,
        "without the mask no depth makes it depend on the order": max(result.curve_unmasked) < 1e-10,
        "equal tokens alone get equal outputs everywhere, mask or not": result.spread_equal_tokens < 1e-12,
        "after a different first token, each position has an output of its own": result.smallest_step_after_bos > 1e-6,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_layers,
        {
            "no mask": [max(moved, 1e-17) for moved in result.curve_unmasked],
            "causal mask": [max(moved, 1e-17) for moved in result.curve_causal],
        },
        x_title="layers",
        y_title="change of the last token (log scale)",
        y_domain=(1e-17, 10),
        y_format="~e",
        log="y",
        here=result.num_layers,
        at=-1,
    )
