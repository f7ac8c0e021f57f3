"""A decoder's first step reads the last source token: cross-attention hides only source padding, and so does the encoder.

Leaves out: several heads, norms, feed-forward layers, positions, and padding among the targets.
Source: Vaswani et al. 2017, Attention Is All You Need, sections 3.1 and 3.2.3, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

D_MODEL, NUM_TARGETS, DECODER_LAYERS = 8, 5, 2


@dataclass(frozen=True)
class Result:
    first_step_last_source: Annotated[float, Field("influence of the last source token on the first decoder output")]
    first_step_last_source_causal: Annotated[float, Field("the same with a causal mask on cross-attention")]
    future_target: Annotated[float, Field("largest influence of a later target on a decoder output")]
    padding_all_masks: Annotated[float, Field("largest influence of source padding, hidden in both attentions")]
    padding_cross_only: Annotated[float, Field("the same, hidden in cross-attention but not in the encoder")]
    padding_encoder_only: Annotated[float, Field("the same, hidden in the encoder but not in cross-attention")]
    encoder_first_last: Annotated[float, Field("influence of the last source token on the encoder's first output")]
    influence: Annotated[tuple[float, ...], Field("of sources, padding and targets on each decoder output, by row")]
    num_sources: Annotated[int, Field("real source tokens")]
    num_pads: Annotated[int, Field("padding tokens after them")]
    encoder_layers: Annotated[int, Field("layers of the encoder")]


def run(
    *,
    num_sources: Annotated[int, Param("real source tokens", minimum=3, maximum=16)] = 6,
    num_pads: Annotated[int, Param("padding tokens after them", minimum=1, maximum=16)] = 3,
    encoder_layers: Annotated[int, Param("layers of the encoder; 0: bare embeddings", minimum=0, maximum=4)] = 2,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    dtype = torch.float32 if device.type == "mps" else torch.float64

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(device, dtype)

    length = num_sources + num_pads
    tokens = normal(length + NUM_TARGETS, D_MODEL)  # source, padding, targets
    encoder = normal(encoder_layers, 3, D_MODEL, D_MODEL) / math.sqrt(D_MODEL)
    decoder = normal(DECODER_LAYERS, 2, 3, D_MODEL, D_MODEL) / math.sqrt(D_MODEL)  # self- and cross-attention
    is_pad = torch.arange(length, device=device) >= num_sources
    hide, show = is_pad.expand(length, -1), torch.zeros(length, length, dtype=torch.bool, device=device)
    future = torch.ones(NUM_TARGETS, length, dtype=torch.bool, device=device).triu(1)

    def encode(source: Tensor, hidden: Tensor) -> Tensor:
        for weights in encoder:
            source = source + attend(source, source, weights, hidden)
        return source

    def influence(in_encoder: Tensor, in_cross: Tensor) -> Tensor:
        def decode(every: Tensor) -> Tensor:
            memory, x = encode(every[:length], in_encoder), every[length:]
            for of_self, of_cross in decoder:
                x = x + attend(x, x, of_self, future[:, :NUM_TARGETS])
                x = x + attend(x, memory, of_cross, in_cross)  # keys and values: the encoder's final output
            return x

        return norms(jacobian(decode, tokens))  # (target, every token)

    cross = hide[:NUM_TARGETS]
    right = influence(hide, cross)
    targets = right[:, length:]
    encoded = norms(jacobian(lambda source: encode(source, hide), tokens[:length]))
    return Result(
        first_step_last_source=right[0, num_sources - 1].item(),
        first_step_last_source_causal=influence(hide, cross | future)[0, num_sources - 1].item(),
        future_target=targets.triu(1).max().item(),
        padding_all_masks=right[:, num_sources:length].max().item(),
        padding_cross_only=influence(show, cross)[:, num_sources:length].max().item(),
        padding_encoder_only=influence(hide, show[:NUM_TARGETS])[:, num_sources:length].max().item(),
        encoder_first_last=encoded[0, num_sources - 1].item(),
        influence=tuple(right.flatten().tolist()),
        num_sources=num_sources,
        num_pads=num_pads,
        encoder_layers=encoder_layers,
    )


def attend(x: Tensor, memory: Tensor, weights: Tensor, hidden: Tensor) -> Tensor:
    """One head: queries from x, keys and values from memory, hidden of shape (query, key)."""
    w_q, w_k, w_v = weights
    scores = (x @ w_q) @ (memory @ w_k).T / math.sqrt(D_MODEL)
    return scores.masked_fill(hidden, -math.inf).softmax(-1) @ (memory @ w_v)


def norms(blocks: Tensor) -> Tensor:
    """The Frobenius norm of each block ∂output_i/∂input_j, (output, input)."""
    return blocks.square().sum((1, 3)).sqrt()


def claims(result: Result) -> dict[str, bool]:
    mixed = result.encoder_layers > 0
    return {
        "the first decoder step depends on the last source token": result.first_step_last_source > 1e-6,
        "no decoder output depends on a later target": result.future_target == 0,
        "with padding hidden in encoder and cross-attention, it reaches no output": result.padding_all_masks == 0,
        "padding left visible in cross-attention reaches the outputs": result.padding_encoder_only > 1e-6,
        "padding left visible in the encoder reaches them through the memory, once there is an encoder layer": (
            mixed == (result.padding_cross_only > 1e-9)
        ),
        "a causal mask on cross-attention hides the last source token only from bare embeddings, not behind an encoder": (
            mixed == (result.first_step_last_source_causal > 1e-9)
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    source, pads = result.num_sources, result.num_pads
    names = [f"x{i + 1}" for i in range(source)] + [f"pad{i + 1}" for i in range(pads)]
    names += [f"y{i + 1}" for i in range(NUM_TARGETS)]
    rows = [
        {"output": index // len(names) + 1, "input": names[index % len(names)], "influence": value}
        for index, value in enumerate(result.influence)
    ]
    kind = "indexof(datum.input, 'x') == 0"
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("input:N", title="input: source x, padding, targets y", sort=names).axis(labelAngle=-60),
        y=alt.Y("output:O", title="decoder output"),
    )
    size = alt.Size("influence:Q", legend=None).scale(type="sqrt", range=[20, 300])
    colour = alt.condition(kind, alt.value(BLUE), alt.value(VERMILION))
    dots = base.transform_filter("datum.influence > 0").mark_circle(opacity=1).encode(size=size, color=colour)
    frame = base.mark_point(opacity=0)
    return alt.layer(frame, dots).properties(width=WIDTH, height=HEIGHT)
