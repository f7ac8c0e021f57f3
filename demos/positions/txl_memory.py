"""Transformer-XL's memory of hidden states equals one pass over the whole text with a banded mask, and has no gradient.

Leaves out: the form of the relative positions (here a random bias per offset), feed-forward layers, and training.
Source: Dai et al. 2019, Transformer-XL, section 3.2, https://arxiv.org/abs/1901.02860
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

D_MODEL = 32
VISIBLE = 1e-9  # a smaller change is rounding


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[float, Field("largest difference of segments with memory from one pass over all of them")]
    reach: Annotated[int, Field("distance of the farthest token that moves the last output, with memory")]
    reach_without: Annotated[int, Field("the same without memory")]
    memory_gradient: Annotated[float, Field("gradient of the last segment's loss in earlier tokens, memory detached")]
    gradient_undetached: Annotated[float, Field("the same if the gradient may pass through the memory")]
    clash_absolute: Annotated[float, Field("difference of scores of equal tokens at one index in memory and segment")]
    clash_relative: Annotated[float, Field("the same with a bias per offset")]
    curve_distance: Annotated[tuple[int, ...], Field("distance of a token from the last one along the curves")]
    curve_memory: Annotated[tuple[float, ...], Field("change of the last output when that token changes, with memory")]
    curve_without: Annotated[tuple[float, ...], Field("the same without memory")]
    num_layers: Annotated[int, Field("layers")]
    segment_len: Annotated[int, Field("tokens of a segment, and of the memory")]


def run(
    *,
    num_layers: Annotated[int, Param("layers", minimum=1, maximum=4)] = 3,
    segment_len: Annotated[int, Param("tokens of a segment, and of the memory", minimum=2, maximum=12)] = 8,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    draw = torch.Generator().manual_seed(torch.initial_seed())
    num_segments = num_layers + 2
    length = num_segments * segment_len

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device)

    weights = normal(num_layers, 4, D_MODEL, D_MODEL) / math.sqrt(D_MODEL)
    bias = normal(2 * segment_len)  # one for each offset query − key
    x = normal(length, D_MODEL)
    changed = torch.where(torch.eye(length, device=device)[:, :, None] > 0, normal(D_MODEL), x)  # token i in copy i

    def moved(memory: bool) -> tuple[float, ...]:
        last, others = (in_segments(y, weights, bias, segment_len, memory)[..., -1, :] for y in (x, changed))
        return tuple((others - last).norm(dim=-1).flip(0).tolist())  # by distance from the last token

    def gradient(detach: bool) -> float:
        tokens = x.clone().requires_grad_()
        in_segments(tokens, weights, bias, segment_len, True, detach)[-segment_len:].square().sum().backward()
        assert tokens.grad is not None
        return tokens.grad[:-segment_len].norm().item()

    twice = (x[:segment_len] + normal(segment_len, D_MODEL)).repeat(2, 1)  # codes start again with the segment
    scores = twice[-1] @ weights[0, 0] @ (twice @ weights[0, 1]).T  # of the last query, (memory and segment,)
    offset = torch.arange(2 * segment_len - 1, -1, -1, device=device)
    with_memory, without = moved(memory=True), moved(memory=False)
    return Result(
        max_abs_error=(in_segments(x, weights, bias, segment_len) - in_one_pass(x, weights, bias, segment_len))
        .abs()
        .max()
        .item(),
        reach=max(i for i, change in enumerate(with_memory) if change > VISIBLE),
        reach_without=max(i for i, change in enumerate(without) if change > VISIBLE),
        memory_gradient=gradient(detach=True),
        gradient_undetached=gradient(detach=False),
        clash_absolute=halves_differ(scores),
        clash_relative=halves_differ(scores + bias[offset]),
        curve_distance=tuple(range(length)),
        curve_memory=with_memory,
        curve_without=without,
        num_layers=num_layers,
        segment_len=segment_len,
    )


def attend(x: Tensor, context: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """x plus one head of attention to `context`, with biases and −∞ in `mask` (query, key), shape as x."""
    w_q, w_k, w_v, w_o = weights
    normed, seen = F.layer_norm(x, (D_MODEL,)), F.layer_norm(context, (D_MODEL,))
    return x + F.scaled_dot_product_attention(normed @ w_q, seen @ w_k, seen @ w_v, attn_mask=mask) @ w_o


def biases(query: Tensor, key: Tensor, bias: Tensor) -> Tensor:
    """The bias of each offset, −∞ for keys still to come, shape (query, key)."""
    offset = query[:, None] - key[None, :]
    return bias[offset.clamp(0, len(bias) - 1)].masked_fill(offset < 0, -math.inf)


def in_segments(
    x: Tensor, weights: Tensor, bias: Tensor, segment_len: int, memory: bool = True, detach: bool = True
) -> Tensor:
    """The outputs, (..., length, D_MODEL), segment by segment; each layer also sees its own input of the segment before."""
    outputs = []
    cached: list[Tensor] = []  # for each layer, the hidden states that entered it
    position = torch.arange(-segment_len, segment_len, device=x.device)
    for hidden in x.split(segment_len, dim=-2):
        entered = []
        for layer, layer_weights in enumerate(weights):
            context = torch.cat([cached[layer], hidden], dim=-2) if memory and cached else hidden
            mask = biases(position[segment_len:], position[-context.shape[-2] :], bias)
            entered.append(hidden.detach() if detach else hidden)
            hidden = attend(hidden, context, layer_weights, mask)
        cached = entered
        outputs.append(hidden)
    return torch.cat(outputs, dim=-2)


def in_one_pass(x: Tensor, weights: Tensor, bias: Tensor, segment_len: int) -> Tensor:
    """The same over the whole text at once: a query sees its own segment and the one before, (length, D_MODEL)."""
    position = torch.arange(x.shape[-2], device=x.device)
    segment = position // segment_len
    too_old = segment[:, None] - segment[None, :] > 1
    mask = biases(position, position, bias).masked_fill(too_old, -math.inf)
    for layer_weights in weights:
        x = attend(x, x, layer_weights, mask)
    return x


def halves_differ(scores: Tensor) -> float:
    """The largest difference between the scores of the memory and those of the segment, index by index."""
    memory, segment = scores.chunk(2)
    return (memory - segment).abs().max().item()


def claims(result: Result) -> dict[str, bool]:
    layers, length = result.num_layers, result.segment_len
    return {
        "segments with memory equal one pass in which each token sees its own segment and the one before": (
            result.max_abs_error < 1e-9
        ),
        "the last token reaches back one segment further with each layer": result.reach == (layers + 1) * length - 1,
        "without memory it reaches the start of its own segment only": result.reach_without == length - 1,
        "no gradient flows into the memory": result.memory_gradient == 0,
        "it would if the memory were not detached": result.gradient_undetached > 1e-6,
        "absolute positions that start again confuse memory and segment, offsets do not": (
            result.clash_absolute < 1e-9 and result.clash_relative > 1e-3
        ),
    }


def figure(result: Result) -> Chart:
    curves = {"without memory": result.curve_without, "with memory": result.curve_memory}
    return line_chart(
        result.curve_distance,
        {name: [value if value > VISIBLE else 0 for value in curve] for name, curve in curves.items()},
        x_title="distance in tokens; rules: segments",
        y_title="change of the last output (log scale)",
        log="y",
        here=[count * result.segment_len - 0.5 for count in range(1, result.num_layers + 2)],
    )
