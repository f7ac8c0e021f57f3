"""A ReLU unit is dead only where it is off on every input; one that is off on most of them still learns from the rest.

Leaves out: what kills units (large steps, large negative biases), and units that only the optimiser's momentum moves.
Source: Lu et al. 2019, Dying ReLU and Initialization: Theory and Numerical Examples, https://arxiv.org/abs/1903.06733;
Maas et al. 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models (leaky ReLU)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

D_MODEL = 64
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "ReLU": F.relu,
    "leaky ReLU": F.leaky_relu,  # slope 0.01 below zero
    "GELU": F.gelu,
    "SiLU": F.silu,
}


@dataclass(frozen=True)
class Result:
    active_inputs: Annotated[int, Field("inputs on which the unit is on")]
    relu_gradient: Annotated[float, Field("gradient norm of the unit's weights with ReLU")]
    leaky_gradient: Annotated[float, Field("the same with leaky ReLU, slope 0.01")]
    gelu_gradient: Annotated[float, Field("the same with GELU")]
    silu_gradient: Annotated[float, Field("the same with SiLU")]
    revived_gradient: Annotated[float, Field("the same with ReLU when the layer before moves the inputs by −bias")]
    gelu_float32_gradient: Annotated[float, Field("the same with GELU, computed in float32")]
    curve_bias: Annotated[tuple[float, ...], Field("bias along the curves")]
    curve_relu: Annotated[tuple[float, ...], Field("gradient norm at each bias, ReLU")]
    curve_leaky: Annotated[tuple[float, ...], Field("leaky ReLU")]
    curve_gelu: Annotated[tuple[float, ...], Field("GELU")]
    curve_silu: Annotated[tuple[float, ...], Field("SiLU")]
    bias: Annotated[float, Field("bias of the unit")]


def run(
    *,
    bias: Annotated[
        float, Param("bias of the unit; its input has standard deviation 1", minimum=-20, maximum=2)
    ] = -6.0,
    num_inputs: Annotated[int, Param("inputs of the data set", minimum=256, maximum=16_384)] = 4096,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    generator = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(num_inputs, D_MODEL, generator=generator, dtype=torch.float64).to(device)
    weight = torch.randn(D_MODEL, generator=generator, dtype=torch.float64).to(device)
    weight = weight / weight.norm()  # so that x · weight has standard deviation 1
    target = torch.randn(num_inputs, generator=generator, dtype=torch.float64).to(device) + 1

    def gradient(name: str, bias: float, shift: float = 0.0, dtype: torch.dtype = torch.float64) -> float:
        """Gradient norm of the weights of one unit that is trained to meet the target, over all inputs."""
        leaf = weight.to(dtype).requires_grad_()
        pre = (x + shift * weight).to(dtype) @ leaf + bias  # (num_inputs,)
        loss = (ACTIVATIONS[name](pre) - target.to(dtype)).square().mean()
        return torch.autograd.grad(loss, leaf)[0].norm().item()

    biases = tuple(float(each) for each in range(-10, 3))
    return Result(
        active_inputs=int((x @ weight + bias > 0).sum()),
        relu_gradient=gradient("ReLU", bias),
        leaky_gradient=gradient("leaky ReLU", bias),
        gelu_gradient=gradient("GELU", bias),
        silu_gradient=gradient("SiLU", bias),
        revived_gradient=gradient("ReLU", bias, shift=-bias),
        gelu_float32_gradient=gradient("GELU", bias, dtype=torch.float32),
        curve_bias=biases,
        curve_relu=tuple(gradient("ReLU", each) for each in biases),
        curve_leaky=tuple(gradient("leaky ReLU", each) for each in biases),
        curve_gelu=tuple(gradient("GELU", each) for each in biases),
        curve_silu=tuple(gradient("SiLU", each) for each in biases),
        bias=bias,
    )


def claims(result: Result) -> dict[str, bool]:
    return {
        "ReLU's gradient is zero if the unit is on nowhere, and not zero if it is on somewhere": (
            (result.relu_gradient == 0) == (result.active_inputs == 0)
        ),
        "leaky ReLU has a gradient at every bias": result.leaky_gradient > 1e-4,
        "SiLU's gradient fades, but is not zero": result.silu_gradient > 0,
        "GELU's gradient fades faster than SiLU's below a bias of −6": (
            result.bias > -6 or result.gelu_gradient < result.silu_gradient / 2
        ),
        "a unit lives again when the layer before moves its inputs": result.revived_gradient > 0.1,
    }


def figure(result: Result) -> Chart:
    curves = (result.curve_relu, result.curve_leaky, result.curve_gelu, result.curve_silu)
    visible = [[value if value > 1e-12 else 0 for value in curve] for curve in curves]  # a dead unit's line ends
    return line_chart(
        result.curve_bias,
        dict(zip(ACTIVATIONS, visible, strict=True)),
        x_title="bias of the unit",
        y_title="gradient norm (log scale)",
        y_format=".0e",
        log="y",
        here=max(result.bias, result.curve_bias[0]),
    )
