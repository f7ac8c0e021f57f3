"""Skips carry the gradient through depth whatever the weights, with a norm in each branch; they move nothing over tokens.

Leaves out: attention, biases, training, and shattering: a gradient of the right size can still be noise.
Source: He et al. 2016, Identity Mappings in Deep Residual Networks, sections 2 and 3, https://arxiv.org/abs/1603.05027
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

SEQ_LEN, D_MODEL = 8, 128
STACKS = ("no skip", "skip", "skip and norm")


@dataclass(frozen=True)
class Result:
    plain_ratio: Annotated[float, Field("gradient norm at the input over that at the output, no skips")]
    skip_ratio: Annotated[float, Field("the same with skips")]
    prenorm_ratio: Annotated[float, Field("the same with skips and a norm at the input of each branch")]
    plain_estimate: Annotated[float, Field("gain to the power num_layers")]
    skip_estimate: Annotated[float, Field("√(1 + gain²) to the power num_layers")]
    other_token_gradient: Annotated[float, Field("gradient of the first token's output for another token, any stack")]
    curve_layer: Annotated[tuple[int, ...], Field("layer behind which the gradient is taken, 0 for the input")]
    curve_plain: Annotated[tuple[float, ...], Field("gradient norm there over that at the output, no skips")]
    curve_skip: Annotated[tuple[float, ...], Field("the same with skips")]
    curve_prenorm: Annotated[tuple[float, ...], Field("the same with skips and norms")]
    num_layers: Annotated[int, Field("layers")]


def run(
    *,
    num_layers: Annotated[int, Param("layers of the stack", minimum=2, maximum=64)] = 48,
    gain: Annotated[
        float, Param("standard deviation of the weights over He's; torch's nn.Linear: 0.41", minimum=0.1, maximum=1.5)
    ] = 0.41,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    (plain, other), (skip, other_skip), (prenorm, other_prenorm) = (
        gradients(stack, num_layers, gain, device) for stack in STACKS
    )
    return Result(
        plain_ratio=plain[0],
        skip_ratio=skip[0],
        prenorm_ratio=prenorm[0],
        plain_estimate=gain**num_layers,
        skip_estimate=(1 + gain**2) ** (num_layers / 2),
        other_token_gradient=max(other, other_skip, other_prenorm),
        curve_layer=tuple(range(num_layers + 1)),
        curve_plain=plain,
        curve_skip=skip,
        curve_prenorm=prenorm,
        num_layers=num_layers,
    )


def gradients(stack: str, num_layers: int, gain: float, device: torch.device) -> tuple[tuple[float, ...], float]:
    """Gradient norms of the first token behind each layer, over that at the output, and the other tokens' largest."""
    draw = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(SEQ_LEN, D_MODEL, generator=draw, dtype=torch.float64).to(device)
    direction = torch.randn(D_MODEL, generator=draw, dtype=torch.float64).to(device)
    states: list[Tensor] = [x.requires_grad_()]
    for _ in range(num_layers):
        weight = torch.randn(D_MODEL, D_MODEL, generator=draw, dtype=torch.float64) * gain * (2 / D_MODEL) ** 0.5
        read = F.layer_norm(states[-1], (D_MODEL,)) if stack == "skip and norm" else states[-1]
        branch = read.relu() @ weight.to(device).T  # (SEQ_LEN, D_MODEL), variance gain² for an input of variance 1
        states.append(branch if stack == "no skip" else states[-1] + branch)
    found = torch.autograd.grad(states[-1][0] @ direction, states)  # (SEQ_LEN, D_MODEL) for each state
    norms = [gradient[0].norm().item() for gradient in found]
    return tuple(norm / norms[-1] for norm in norms), max(gradient[1:].abs().max().item() for gradient in found)


def claims(result: Result) -> dict[str, bool]:
    depth = result.num_layers
    return {
        "without skips the gradient changes by gain to the power num_layers, within a factor of 2 every 8 layers": (
            2 ** (-1 - depth / 8) < result.plain_ratio / result.plain_estimate < 2 ** (1 + depth / 8)
        ),
        "with skips alone it grows by √(1 + gain²) a layer, within a factor of 2 every 8 layers": (
            2 ** (-1 - depth / 8) < result.skip_ratio / result.skip_estimate < 2 ** (1 + depth / 8)
        ),
        "with skips and norms it neither vanishes nor grows by more than a factor of 16, at any gain": (
            0.8 < result.prenorm_ratio < 16
        ),
        "no skip carries anything from one token to another": result.other_token_gradient == 0,
    }


def figure(result: Result) -> Chart:
    curves = (result.curve_plain, result.curve_prenorm, result.curve_skip)
    return line_chart(
        result.curve_layer,
        dict(zip(("no skip", "skip and norm", "skip"), curves, strict=True)),
        x_title="layer, from input to output",
        y_title="gradient over that at the output (log scale)",
        y_format=".0e",
        log="y",
        points=False,
    )
