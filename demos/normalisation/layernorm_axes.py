"""LayerNorm sets mean 0 and variance 1 for each token from its own features: no range 0 to 1, no other token.

Leaves out: BatchNorm (bn_vs_ln), training, and what gain and bias make of the output afterwards.
Source: Ba et al. 2016, Layer Normalization, sections 3 and 5.1 (invariance to the scale of the weights),
https://arxiv.org/abs/1607.06450
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, WIDTH

SEQ_LEN, EPS = 16, 1e-5


@dataclass(frozen=True)
class Result:
    error_against_torch: Annotated[float, Field("largest difference from torch's layer_norm")]
    largest_output: Annotated[float, Field("largest absolute output")]
    share_outside: Annotated[float, Field("share of the outputs outside 0 to 1")]
    other_token_change: Annotated[float, Field("largest change of a token's output when all other tokens are redrawn")]
    sequence_norm_change: Annotated[float, Field("the same if one mean and variance served the whole sequence")]
    weight_change: Annotated[float, Field("largest change of the output when the weights before it are multiplied")]
    gradient_ratio: Annotated[float, Field("gradient of those weights, after multiplying over before")]
    embedding_rms: Annotated[float, Field("root mean square of the embeddings")]
    normed_rms: Annotated[float, Field("root mean square of the embeddings after LayerNorm")]
    histogram_output: Annotated[tuple[float, ...], Field("middle of each bin of the outputs")]
    histogram_share: Annotated[tuple[float, ...], Field("share of the outputs in the bin")]


def run(
    *,
    d_model: Annotated[int, Param("features of a token", minimum=32, maximum=2048)] = 512,
    weight_scale: Annotated[float, Param("factor on the weights before the norm", minimum=1, maximum=64)] = 4.0,
    embedding_std: Annotated[float, Param("standard deviation of embeddings", minimum=0.01, maximum=4)] = 0.02,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    generator = torch.Generator().manual_seed(torch.initial_seed())

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(device)

    x, company = 3 * draw(SEQ_LEN, d_model) + 5, 6 * draw(SEQ_LEN, d_model) - 2
    company[0] = x[0]  # the same first token in other company
    y = layer_norm(x)  # (SEQ_LEN, d_model)

    weight, goal = draw(d_model, d_model) / d_model**0.5, draw(SEQ_LEN, d_model)
    before, gradient_before = through_norm(x, weight, goal)
    after, gradient_after = through_norm(x, weight * weight_scale, goal)
    embeddings = embedding_std * draw(SEQ_LEN, d_model)
    edges = torch.linspace(-4, 4, 33, dtype=torch.float64)
    counts = torch.histogram(y.cpu().flatten(), edges).hist
    return Result(
        error_against_torch=(y - F.layer_norm(x, (d_model,), eps=EPS)).abs().max().item(),
        largest_output=y.abs().max().item(),
        share_outside=((y < 0) | (y > 1)).double().mean().item(),
        other_token_change=(layer_norm(company)[0] - y[0]).abs().max().item(),
        sequence_norm_change=(standardise(company, (0, 1))[0] - standardise(x, (0, 1))[0]).abs().max().item(),
        weight_change=(after - before).abs().max().item(),
        gradient_ratio=(gradient_after.norm() / gradient_before.norm()).item(),
        embedding_rms=embeddings.square().mean().sqrt().item(),
        normed_rms=layer_norm(embeddings).square().mean().sqrt().item(),
        histogram_output=tuple(((edges[1:] + edges[:-1]) / 2).tolist()),
        histogram_share=tuple((counts / y.numel()).tolist()),
    )


def layer_norm(x: Tensor) -> Tensor:
    """Each token with mean 0 and variance 1 over its features, the same shape."""
    return standardise(x, (-1,))


def standardise(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True) + EPS).sqrt()  # the variance divides by n, not n − 1


def through_norm(x: Tensor, weight: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
    """LayerNorm(x weightᵀ), and the gradient of its squared distance from the goal with respect to the weight."""
    leaf = weight.requires_grad_()
    out = layer_norm(x @ leaf.T)  # (SEQ_LEN, d_model)
    (gradient,) = torch.autograd.grad((out - goal).square().mean(), leaf)
    return out.detach(), gradient


def claims(result: Result) -> dict[str, bool]:
    return {
        "LayerNorm by hand equals torch's": result.error_against_torch < 1e-10,
        "outputs reach beyond 2.5, and most of them lie outside 0 to 1": (
            result.largest_output > 2.5 and result.share_outside > 0.6
        ),
        "redrawing all other tokens leaves a token's output alone": result.other_token_change < 1e-12,
        "statistics over the whole sequence would not": result.sequence_norm_change > 0.1,
        "larger weights before the norm leave its output alone": result.weight_change < 1e-3,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"output": output - 0.11, "end": output + 0.11, "share": share}
        for output, share in zip(result.histogram_output, result.histogram_share, strict=True)
    ]
    bars = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("output:Q", title="output of LayerNorm"),
        x2="end:Q",
        y=alt.Y("share:Q", title="share of the outputs").axis(format="%"),
        y2=alt.datum(0),
    )
    unit = alt.Chart(alt.Data(values=[{"output": 0}, {"output": 1}])).mark_rule(strokeDash=[4, 3])
    return alt.layer(bars.mark_rect(color=BLUE), unit.encode(x="output:Q")).properties(width=WIDTH, height=HEIGHT)
