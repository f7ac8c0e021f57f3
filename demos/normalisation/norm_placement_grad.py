"""At initialisation post-norm gradients vanish in a decoder with cross-attention, not in an encoder or a plain decoder.

Leaves out: embeddings, dropout, and training itself: gradients that are even at the start can still collapse later.
Source: Xiong et al. 2020, On Layer Normalization in the Transformer Architecture, https://arxiv.org/abs/2002.04745
(the last layer against depth); Liu et al. 2020, Understanding the Difficulty of Training Transformers,
https://arxiv.org/abs/2004.08249 (encoder and decoder differ).
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart

BATCH, SEQ_LEN, D_MODEL, NUM_HEADS, NUM_CLASSES = 16, 8, 64, 4, 64
DEPTHS = (2, 4, 8, 16, 24)
ATTENTION = [(D_MODEL, D_MODEL)] * 4  # query, key, value, output
SHAPES = [*ATTENTION, (4 * D_MODEL, D_MODEL), (D_MODEL, 4 * D_MODEL)]  # and the two of the feed-forward network


@dataclass(frozen=True)
class Result:
    last_over_first_post: Annotated[float, Field("gradient of the last layer over that of the first, post-norm")]
    last_over_first_pre: Annotated[float, Field("gradient of the last layer over that of the first, pre-norm")]
    leak_estimate: Annotated[float, Field("that ratio if each cross-attention divides the gradient by √(1 + gain⁴)")]
    stream_rms_pre: Annotated[float, Field("root mean square of the residual stream before the final norm, pre-norm")]
    curve_layer: Annotated[tuple[int, ...], Field("layer, counted from the input")]
    curve_post: Annotated[tuple[float, ...], Field("gradient norm of each feed-forward output matrix, post-norm")]
    curve_pre: Annotated[tuple[float, ...], Field("gradient norm of each feed-forward output matrix, pre-norm")]
    curve_depth: Annotated[tuple[int, ...], Field("depths at which the last layers are compared")]
    curve_last_post: Annotated[tuple[float, ...], Field("gradient norm of the last layer at each depth, post-norm")]
    curve_last_pre: Annotated[tuple[float, ...], Field("gradient norm of the last layer at each depth, pre-norm")]
    curve_rms_pre: Annotated[tuple[float, ...], Field("root mean square of the stream at each depth, pre-norm")]
    stack: Annotated[str, Field("the kind of stack")]


def run(
    *,
    stack: Annotated[
        str, Param("encoder, decoder alone, or cross: a decoder reading one", choices=("encoder", "decoder", "cross"))
    ] = "cross",
    num_layers: Annotated[int, Param("layers of the stack, and of the encoder it reads", minimum=2, maximum=24)] = 12,
    gain: Annotated[float, Param("standard deviation of all matrices over Xavier's", minimum=0.1, maximum=1.0)] = 1.0,
    device: torch.device,
) -> Result:
    post, _ = gradients(stack, num_layers, False, gain, 4, device)  # (num_layers,)
    pre, rms = gradients(stack, num_layers, True, gain, 4, device)
    depths_post = [gradients(stack, depth, False, gain, 2, device) for depth in DEPTHS]
    depths_pre = [gradients(stack, depth, True, gain, 2, device) for depth in DEPTHS]
    return Result(
        last_over_first_post=post[-1] / post[0],
        last_over_first_pre=pre[-1] / pre[0],
        leak_estimate=(1 + gain**4) ** ((num_layers - 1) / 2) if stack == "cross" else 1.0,
        stream_rms_pre=rms,
        curve_layer=tuple(range(1, num_layers + 1)),
        curve_post=post,
        curve_pre=pre,
        curve_depth=DEPTHS,
        curve_last_post=tuple(norms[-1] for norms, _ in depths_post),
        curve_last_pre=tuple(norms[-1] for norms, _ in depths_pre),
        curve_rms_pre=tuple(rms for _, rms in depths_pre),
        stack=stack,
    )


def gradients(
    stack: str, num_layers: int, norm_first: bool, gain: float, draws: int, device: torch.device
) -> tuple[tuple[float, ...], float]:
    """The gradient norm of each layer, geometric mean over draws, and the RMS of the stream that leaves the stack."""
    logs = torch.zeros(num_layers)
    mean_square = 0.0
    for draw in range(draws):
        generator = torch.Generator().manual_seed(torch.initial_seed() + draw)
        x, source = torch.randn(2, BATCH, SEQ_LEN, D_MODEL, generator=generator).to(device)
        labels = torch.randint(NUM_CLASSES, (BATCH * SEQ_LEN,), generator=generator).to(device)
        head = draw_matrices([(NUM_CLASSES, D_MODEL)], gain, generator, device)[0]
        memory = None
        if stack == "cross":
            encoder = [draw_matrices(SHAPES, gain, generator, device) for _ in range(num_layers)]
            memory = layer_norm(forward(source, encoder, norm_first, causal=False))  # (BATCH, SEQ_LEN, D_MODEL)
        shapes = SHAPES if memory is None else [*ATTENTION, *SHAPES]
        layers = [draw_matrices(shapes, gain, generator, device) for _ in range(num_layers)]
        stream = forward(x, layers, norm_first, causal=stack != "encoder", memory=memory)
        hidden = layer_norm(stream) if norm_first else stream  # pre-norm ends with a norm of its own
        loss = F.cross_entropy((hidden @ head.T).flatten(0, 1), labels)
        grads = torch.autograd.grad(loss, [matrices[-1] for matrices in layers])
        logs += torch.stack([grad.norm().log() for grad in grads]).cpu() / draws
        mean_square += stream.detach().square().mean().item() / draws
    return tuple(logs.exp().tolist()), mean_square**0.5


def draw_matrices(
    shapes: list[tuple[int, int]], gain: float, generator: torch.Generator, device: torch.device
) -> list[Tensor]:
    """One matrix (outputs, inputs) for each shape, from N(0, gain² · 2 / (inputs + outputs))."""
    drawn = [nn.init.xavier_normal_(torch.empty(shape), gain, generator=generator) for shape in shapes]
    return [matrix.to(device).requires_grad_() for matrix in drawn]


def forward(
    x: Tensor, layers: list[list[Tensor]], norm_first: bool, *, causal: bool, memory: Tensor | None = None
) -> Tensor:
    """The stream after all layers, (BATCH, SEQ_LEN, D_MODEL)."""
    for matrices in layers:
        branches = [partial(attention, matrices=matrices[-6:-2], causal=causal)]
        if memory is not None:
            branches.append(partial(attention, matrices=matrices[:4], source=memory))
        branches.append(partial(feed_forward, matrices=matrices[-2:]))
        for branch in branches:
            x = x + branch(layer_norm(x)) if norm_first else layer_norm(x + branch(x))  # the placement
    return x


def attention(x: Tensor, matrices: list[Tensor], source: Tensor | None = None, causal: bool = False) -> Tensor:
    """Multi-head attention from x to the source, or to x itself."""
    inputs = (x, x, x) if source is None else (x, source, source)
    projected = [h @ matrix.T for h, matrix in zip(inputs, matrices[:3], strict=True)]  # (BATCH, SEQ_LEN, D_MODEL)
    q, k, v = (h.unflatten(-1, (NUM_HEADS, -1)).transpose(1, 2) for h in projected)
    heads = F.scaled_dot_product_attention(q, k, v, is_causal=causal)  # (BATCH, NUM_HEADS, SEQ_LEN, head_dim)
    return heads.transpose(1, 2).flatten(2) @ matrices[3].T


def feed_forward(x: Tensor, matrices: list[Tensor]) -> Tensor:
    return (x @ matrices[0].T).relu() @ matrices[1].T


def layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, (D_MODEL,))


def claims(result: Result) -> dict[str, bool]:
    ratio, estimate = result.last_over_first_post, result.leak_estimate
    products = [norm * rms for norm, rms in zip(result.curve_last_pre, result.curve_rms_pre, strict=True)]
    return {
        "without cross-attention, post-norm's first and last layers get gradients within a factor of three": (
            result.stack == "cross" or 1 / 3 < ratio < 3
        ),
        "with cross-attention, their ratio is √(1 + gain⁴) to the power num_layers - 1, within a factor of four": (
            result.stack != "cross" or estimate / 4 < ratio < 4 * estimate
        ),
        "post-norm's last layer gets the same gradient at every depth, within a factor of three": (
            max(result.curve_last_post) < 3 * min(result.curve_last_post)
        ),
        "pre-norm's last layer gets a gradient in inverse proportion to the RMS of the stream, within a factor of two": (
            max(products) < 2 * min(products)
        ),
        "pre-norm's first layer gets no less gradient than its last, within a tenth": result.last_over_first_pre < 1.1,
    }


def figure(result: Result) -> Chart:
    values = result.curve_post + result.curve_pre
    return line_chart(
        result.curve_layer,
        {"post-norm": result.curve_post, "pre-norm": result.curve_pre},
        x_title="layer, from input to output",
        y_title="gradient norm (log scale)",
        y_domain=(min(values) / 2, max(values) * 2),
        log="y",
        at=-1,
        below=("pre-norm",),
    )
