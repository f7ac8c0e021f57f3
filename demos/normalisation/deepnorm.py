"""DeepNorm weights the skip by a constant α set by depth, never learned, and its first update stays small when deep.

Leaves out: training beyond one step, warm-up, embeddings, and the encoder-decoder constants.
Source: Wang et al. 2022, DeepNet: Scaling Transformers to 1,000 Layers, figure 2, https://arxiv.org/abs/2203.00555;
Zeng et al. 2022, GLM-130B, section 2.1, https://arxiv.org/abs/2210.02414 (the other choice of α)
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart

BATCH, SEQ_LEN, D_MODEL, NUM_HEADS, NUM_CLASSES, RATE = 8, 8, 32, 2, 16, 1e-3
DEPTHS = (3, 6, 12, 24, 48)
SHAPES = [(D_MODEL, D_MODEL)] * 4 + [(4 * D_MODEL, D_MODEL), (D_MODEL, 4 * D_MODEL)]  # query, key, value, output, FFN


@dataclass(frozen=True)
class Result:
    alpha: Annotated[float, Field("weight of the skip")]
    beta: Annotated[float, Field("gain of the initial value, output and feed-forward matrices")]
    update_post: Annotated[float, Field("RMS change of the output (RMS 1) after one Adam step at 1e-3, post-norm")]
    update_deepnorm: Annotated[float, Field("the same with DeepNorm")]
    last_over_first_post: Annotated[float, Field("gradient of the last layer over that of the first, post-norm")]
    last_over_first_deepnorm: Annotated[float, Field("the same with DeepNorm")]
    parameters_post: Annotated[int, Field("trainable parameters, post-norm")]
    parameters_deepnorm: Annotated[int, Field("trainable parameters, DeepNorm")]
    curve_depth: Annotated[tuple[int, ...], Field("layers along the curves")]
    curve_post: Annotated[tuple[float, ...], Field("update_post at each depth")]
    curve_deepnorm: Annotated[tuple[float, ...], Field("update_deepnorm at each depth")]
    num_layers: Annotated[int, Field("layers")]
    rule: Annotated[str, Field("rule for α and β")]


def run(
    *,
    num_layers: Annotated[int, Param("layers of the encoder", minimum=2, maximum=96)] = 24,
    rule: Annotated[str, Param("constants of the DeepNet paper, or GLM-130B's", choices=("deepnet", "glm-130b"))] = (
        "deepnet"
    ),
    device: torch.device,
) -> Result:
    alpha, beta = constants(num_layers, rule)
    update_post, ratio_post, parameters_post = one_step(num_layers, 1.0, 1.0, device)
    update_deep, ratio_deep, parameters_deep = one_step(num_layers, alpha, beta, device)
    return Result(
        alpha=alpha,
        beta=beta,
        update_post=update_post,
        update_deepnorm=update_deep,
        last_over_first_post=ratio_post,
        last_over_first_deepnorm=ratio_deep,
        parameters_post=parameters_post,
        parameters_deepnorm=parameters_deep,
        curve_depth=DEPTHS,
        curve_post=tuple(one_step(depth, 1.0, 1.0, device)[0] for depth in DEPTHS),
        curve_deepnorm=tuple(one_step(depth, *constants(depth, rule), device)[0] for depth in DEPTHS),
        num_layers=num_layers,
        rule=rule,
    )


def constants(num_layers: int, rule: str) -> tuple[float, float]:
    """α and β of an encoder-only or decoder-only model."""
    if rule == "glm-130b":
        return (2 * num_layers) ** 0.5, (2 * num_layers) ** -0.5
    return (2 * num_layers) ** 0.25, (8 * num_layers) ** -0.25


def one_step(num_layers: int, alpha: float, beta: float, device: torch.device) -> tuple[float, float, int]:
    """RMS change of the output after one Adam step, last over first layer's gradient before it, trainable parameters."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(BATCH, SEQ_LEN, D_MODEL, generator=generator).to(device)
    labels = torch.randint(NUM_CLASSES, (BATCH * SEQ_LEN,), generator=generator).to(device)
    head = (torch.randn(D_MODEL, NUM_CLASSES, generator=generator) / D_MODEL**0.5).to(device)
    gains = (1.0, 1.0, beta, beta, beta, beta)  # query and key keep Xavier's gain
    layers = [
        [
            nn.init.xavier_normal_(torch.empty(shape), gain, generator=generator).to(device).requires_grad_()
            for shape, gain in zip(SHAPES, gains, strict=True)
        ]
        for _ in range(num_layers)
    ]
    parameters = [matrix for layer in layers for matrix in layer]
    before = encode(x, layers, alpha)  # (BATCH, SEQ_LEN, D_MODEL)
    gradients = torch.autograd.grad(F.cross_entropy((before @ head).flatten(0, 1), labels), parameters)
    first, last = gradients[len(SHAPES) - 1], gradients[-1]  # of the feed-forward output matrices
    with torch.no_grad():
        for matrix, gradient in zip(parameters, gradients, strict=True):
            matrix -= RATE * gradient / (gradient.abs() + 1e-8)  # Adam's first step, its two means bias-corrected
        change = (encode(x, layers, alpha) - before).square().mean().sqrt().item()
    return change, float(last.norm() / first.norm()), sum(matrix.numel() for matrix in parameters)


def encode(x: Tensor, layers: list[list[Tensor]], alpha: float) -> Tensor:
    """The output of the stack; α = 1 is ordinary post-norm."""
    for w_q, w_k, w_v, w_o, w_in, w_out in layers:
        q, k, v = ((x @ w.T).unflatten(-1, (NUM_HEADS, -1)).transpose(1, 2) for w in (w_q, w_k, w_v))
        heads = F.scaled_dot_product_attention(q, k, v)  # (BATCH, NUM_HEADS, SEQ_LEN, head_dim)
        x = F.layer_norm(alpha * x + heads.transpose(1, 2).flatten(2) @ w_o.T, (D_MODEL,))
        x = F.layer_norm(alpha * x + (x @ w_in.T).relu() @ w_out.T, (D_MODEL,))
    return x


def claims(result: Result) -> dict[str, bool]:
    deep = result.num_layers >= 24
    growth = result.curve_deepnorm[-1] / result.curve_deepnorm[0]  # from 3 to 48 layers
    return {
        "DeepNorm trains not one parameter more than post-norm": result.parameters_deepnorm == result.parameters_post,
        "from 24 layers on, one step changes DeepNorm's output less than half as much as post-norm's": (
            not deep or result.update_deepnorm < result.update_post / 2
        ),
        "Adam's first update grows like the root of the depth with DeepNet's constants, and not at all with GLM-130B's": (
            2 < growth < 6 if result.rule == "deepnet" else 0.75 < growth < 1.33
        ),
        "DeepNorm's first and last layers get gradients within a factor of two": (
            0.5 < result.last_over_first_deepnorm < 2
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_depth,
        {"post-norm": result.curve_post, "DeepNorm": result.curve_deepnorm},
        x_title="layers (log scale)",
        y_title="RMS change of the output, first step",
        log="x",
        here=result.num_layers,
        at=-1,
    )
