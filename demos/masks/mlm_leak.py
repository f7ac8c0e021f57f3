"""Masking a token's attention scores does not hide it from itself: residual, own query and other tokens carry it back.

Leaves out: the loss, several heads, norms, feed-forward layers (which act on one token and relay nothing new).
Source: Devlin et al. 2019, BERT, section 3.1 (task 1), https://arxiv.org/abs/1810.04805; Yang et al. 2019, XLNet, section
2.3 (two-stream attention), https://arxiv.org/abs/1906.08237
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from demos import Field, Param
from demos._charts import Chart, bar_chart
from demos._figures import VERMILION

D_MODEL, SEQ_LEN, HIDDEN = 16, 8, 3


@dataclass(frozen=True)
class Result:
    leak_unmasked: Annotated[float, Field("influence of a token on its own output, nothing hidden")]
    leak_residual: Annotated[float, Field("the same with its key hidden from every query in every layer")]
    leak_query: Annotated[float, Field("the same with its residual path cut as well")]
    leak_relay: Annotated[float, Field("own stream without the token, the token's key hidden from that stream only")]
    leak_two_streams: Annotated[float, Field("own stream without the token, its key hidden from everyone")]
    leak_replaced: Annotated[float, Field("the same where [MASK] replaces the token at the input")]
    curve_layers: Annotated[tuple[int, ...], Field("layers along the curve")]
    curve_relay: Annotated[tuple[float, ...], Field("leak_relay for each of them")]
    num_layers: Annotated[int, Field("layers of the single values")]


def run(
    *,
    num_layers: Annotated[int, Param("bidirectional attention layers", minimum=1, maximum=6)] = 2,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    dtype = torch.float32 if device.type == "mps" else torch.float64

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device, dtype)

    weights = normal(6, 3, D_MODEL, D_MODEL) / math.sqrt(D_MODEL)
    tokens, mask_token = normal(SEQ_LEN, D_MODEL), normal(D_MODEL)  # [MASK]: a vector of its own

    def leak(output: Callable[[Tensor], Tensor]) -> float:
        """The Frobenius norm of ∂output/∂token for the hidden token's own output."""
        return float(jacobian(output, tokens[HIDDEN]).norm())

    def put(token: Tensor) -> Tensor:
        return torch.cat([tokens[:HIDDEN], token[None], tokens[HIDDEN + 1 :]])  # (SEQ_LEN, D_MODEL)

    def single(token: Tensor, hide_key: bool, residual: bool, replace: bool = False) -> Tensor:
        """The hidden position's output when one stream carries all tokens, [MASK] in place of this one or not."""
        here = torch.arange(SEQ_LEN, device=device)[:, None] == HIDDEN
        x = torch.where(here & replace, mask_token, put(token))
        for layer in weights[:num_layers]:
            attended = attend(x, x, layer, hide_key)
            kept = torch.ones(SEQ_LEN, 1, device=device, dtype=dtype)
            kept[HIDDEN] = float(residual)
            x = kept * x + attended
        return x[HIDDEN]

    def separate(token: Tensor, layers: int, hide_from_all: bool) -> Tensor:
        """The output of a stream of its own that starts from [MASK] and reads the others, as in XLNet."""
        x, stream = put(token), mask_token[None]
        for layer in weights[:layers]:
            stream = stream + attend(stream, x, layer, True)
            x = x + attend(x, x, layer, hide_from_all)
        return stream[0]

    depths = (1, 2, 3, 4, 5, 6)
    return Result(
        leak_unmasked=leak(lambda token: single(token, False, True)),
        leak_residual=leak(lambda token: single(token, True, True)),
        leak_query=leak(lambda token: single(token, True, False)),
        leak_relay=leak(lambda token: separate(token, num_layers, False)),
        leak_two_streams=leak(lambda token: separate(token, num_layers, True)),
        leak_replaced=leak(lambda token: single(token, False, True, replace=True)),
        curve_layers=depths,
        curve_relay=tuple(leak(partial(separate, layers=depth, hide_from_all=False)) for depth in depths),
        num_layers=num_layers,
    )


def attend(x: Tensor, memory: Tensor, weights: Tensor, hide_key: bool) -> Tensor:
    """One head: queries from x, keys and values from memory; `hide_key` blocks the hidden token's column."""
    w_q, w_k, w_v = weights
    scores = (x @ w_q) @ (memory @ w_k).T / math.sqrt(D_MODEL)  # (query, key)
    if hide_key:
        column = torch.arange(memory.shape[0], device=x.device) == HIDDEN
        scores = scores.masked_fill(column, -math.inf)
    return scores.softmax(-1) @ (memory @ w_v)


def claims(result: Result) -> dict[str, bool]:
    return {
        "hiding a token's key from every query leaves its residual path": result.leak_residual > 0.1,
        "without the residual its own query still carries it": result.leak_query > 1e-6,
        "a stream without the token learns it from the other tokens, from the second layer on": (
            result.curve_relay[0] == 0 and min(result.curve_relay[1:]) > 1e-4
        ),
        "a stream without the token whose key is hidden from everyone learns nothing": result.leak_two_streams == 0,
        "replaced at the input, the token reaches no output": result.leak_replaced == 0,
    }


def figure(result: Result) -> Chart:
    arms = {
        "nothing hidden": result.leak_unmasked,
        "key hidden": result.leak_residual,
        "key hidden, no residual": result.leak_query,
        "own stream, others see it": result.leak_relay,
        "own stream, hidden from all": result.leak_two_streams,
        "replaced by [MASK]": result.leak_replaced,
    }
    return bar_chart(arms, x_title="influence on its output", colours=VERMILION)
