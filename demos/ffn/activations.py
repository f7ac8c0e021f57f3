"""ReLU, GELU and SiLU differ below zero; only sigmoid and tanh saturate, and a norm keeps them from it.

Leaves out: gates (glu_variants), dead units (dying_relu), speed, and which one trains best.
Source: Hendrycks and Gimpel 2016, Gaussian Error Linear Units, section 2, https://arxiv.org/abs/1606.08415;
Ramachandran et al. 2017, Searching for Activation Functions, https://arxiv.org/abs/1710.05941
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    gelu_tanh_gap: Annotated[float, Field("largest gap between GELU and its tanh approximation")]
    gelu_sigmoid_gap: Annotated[float, Field("largest gap between GELU and x·sigmoid(1.702 x)")]
    swish_minimum: Annotated[float, Field("smallest value of Swish, x·sigmoid(beta x)")]
    swish_relu_gap: Annotated[float, Field("largest gap between Swish and ReLU")]
    gelu_minimum: Annotated[float, Field("smallest value of GELU")]
    relu_mean: Annotated[float, Field("mean output of ReLU for inputs from N(0, input_std²), over input_std")]
    sigmoid_slope: Annotated[float, Field("mean slope of the sigmoid on these inputs, over its largest, 1/4")]
    sigmoid_slope_normed: Annotated[float, Field("the same when the inputs are first normalised to variance 1")]
    relu_slope: Annotated[float, Field("mean slope of ReLU on these inputs")]
    error_against_torch: Annotated[float, Field("largest gap of the formulas from torch's relu, gelu and silu")]
    curve_x: Annotated[tuple[float, ...], Field("input along the curves")]
    curve_relu: Annotated[tuple[float, ...], Field("ReLU")]
    curve_gelu: Annotated[tuple[float, ...], Field("GELU")]
    curve_swish: Annotated[tuple[float, ...], Field("Swish with this beta")]
    beta: Annotated[float, Field("sharpness of Swish")]
    input_std: Annotated[float, Field("standard deviation of the inputs")]


def run(
    *,
    beta: Annotated[float, Param("sharpness of Swish; 1 is SiLU", minimum=0.1, maximum=100)] = 1.0,
    input_std: Annotated[float, Param("standard deviation of the inputs", minimum=0.1, maximum=100)] = 8.0,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    x = torch.linspace(-30, 30, 60_001, dtype=torch.float64, device=device)
    generator = torch.Generator().manual_seed(torch.initial_seed())
    inputs = input_std * torch.randn(100_000, generator=generator, dtype=torch.float64).to(device)
    normed = (inputs - inputs.mean()) / inputs.std(correction=0)
    torch_gap = torch.stack([relu(x) - F.relu(x), gelu(x) - F.gelu(x), swish(x, 1.0) - F.silu(x)])
    coarse = torch.linspace(-4, 3, 71, dtype=torch.float64, device=device)
    return Result(
        gelu_tanh_gap=largest(gelu(x) - F.gelu(x, approximate="tanh")),
        gelu_sigmoid_gap=largest(gelu(x) - swish(x, 1.702)),
        swish_minimum=swish(x, beta).min().item(),
        swish_relu_gap=largest(swish(x, beta) - relu(x)),
        gelu_minimum=gelu(x).min().item(),
        relu_mean=relu(inputs).mean().item() / input_std,
        sigmoid_slope=4 * mean_slope(torch.sigmoid(leaf := inputs.requires_grad_()), leaf),
        sigmoid_slope_normed=4 * mean_slope(torch.sigmoid(leaf := normed.detach().requires_grad_()), leaf),
        relu_slope=mean_slope(relu(leaf := inputs.detach().requires_grad_()), leaf),
        error_against_torch=largest(torch_gap),
        curve_x=tuple(coarse.tolist()),
        curve_relu=tuple(relu(coarse).tolist()),
        curve_gelu=tuple(gelu(coarse).tolist()),
        curve_swish=tuple(swish(coarse, beta).tolist()),
        beta=beta,
        input_std=input_std,
    )


def relu(x: Tensor) -> Tensor:
    return x.clamp_min(0)


def gelu(x: Tensor) -> Tensor:
    """x times the probability that a standard normal variable is below x."""
    return x * torch.special.ndtr(x)


def swish(x: Tensor, beta: float) -> Tensor:
    return x * torch.sigmoid(beta * x)


def largest(x: Tensor) -> float:
    return x.abs().max().item()


def mean_slope(output: Tensor, inputs: Tensor) -> float:
    """The derivative of an elementwise function, mean over its inputs."""
    return torch.autograd.grad(output.sum(), inputs)[0].mean().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "the formulas equal torch's functions": result.error_against_torch < 1e-12,
        "GELU's tanh form is closer than x·sigmoid(1.702 x) by a factor of ten": (
            10 * result.gelu_tanh_gap < result.gelu_sigmoid_gap < 0.025
        ),
        "Swish has its minimum, and its largest gap to ReLU, at −0.278 / beta, where the range shows it": (
            result.beta < 0.2 or abs(result.swish_minimum * result.beta + 0.2785) < 1e-3
        ),
        "inputs with a standard deviation of 8 or more leave the sigmoid less than a third of its slope": (
            result.input_std < 8 or result.sigmoid_slope < 1 / 3
        ),
        "normalised inputs leave it four fifths": 0.8 < result.sigmoid_slope_normed < 0.85,
        "ReLU keeps a mean slope of one half at every scale": abs(result.relu_slope - 0.5) < 0.01,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_x,
        {"ReLU": result.curve_relu, "GELU": result.curve_gelu, "Swish": result.curve_swish},
        x_title="input",
        y_title="activation",
        y_domain=(-1, 3),
        points=False,
    )
