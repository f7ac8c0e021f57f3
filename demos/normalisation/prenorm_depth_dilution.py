"""A pre-norm stream grows like the root of its depth while branches keep their size, so late ones change it little.

Leaves out: attention (branches here are feed-forward networks) and training, which may enlarge any branch.
Source: Radford et al. 2019, Language Models are Unsupervised Multitask Learners, section 2.3 (smaller initial weights);
Liu et al. 2020, Understanding the Difficulty of Training Transformers, https://arxiv.org/abs/2004.08249
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

TOKENS, D_MODEL = 128, 128


@dataclass(frozen=True)
class Result:
    stream_rms: Annotated[float, Field("root mean square of the stream behind the last layer, pre-norm")]
    closed_form_rms: Annotated[float, Field("√(1 + 2 num_layers)")]
    stream_rms_scaled: Annotated[float, Field("stream_rms with output matrices divided by √(2 num_layers)")]
    first_branch_rms: Annotated[float, Field("root mean square of the first branch's output")]
    last_branch_rms: Annotated[float, Field("root mean square of the last branch's output")]
    last_share: Annotated[float, Field("last branch's output over the stream that it is added to, pre-norm")]
    last_share_post: Annotated[float, Field("the same in post-norm")]
    last_cosine: Annotated[float, Field("cosine of the stream before and after the last branch, pre-norm")]
    curve_branch: Annotated[tuple[int, ...], Field("branch, counted from the input")]
    curve_share: Annotated[tuple[float, ...], Field("each branch's output over the stream, pre-norm")]
    curve_share_post: Annotated[tuple[float, ...], Field("the same in post-norm")]
    curve_share_scaled: Annotated[tuple[float, ...], Field("the same in pre-norm with smaller output matrices")]


def run(
    *,
    num_layers: Annotated[int, Param("layers of two branches each", minimum=2, maximum=96)] = 24,
    device: torch.device,
) -> Result:
    small = 1 / math.sqrt(2 * num_layers)
    share, stream, branch, cosine = through_stack(num_layers, 1.0, device)
    share_scaled, stream_scaled, _, _ = through_stack(num_layers, small, device)
    share_post, _, _, _ = through_stack(num_layers, 1.0, device, norm_first=False)
    return Result(
        stream_rms=stream,
        closed_form_rms=math.sqrt(1 + 2 * num_layers),
        stream_rms_scaled=stream_scaled,
        first_branch_rms=branch[0],
        last_branch_rms=branch[-1],
        last_share=share[-1],
        last_share_post=share_post[-1],
        last_cosine=cosine,
        curve_branch=tuple(range(1, 2 * num_layers + 1)),
        curve_share=tuple(share),
        curve_share_post=tuple(share_post),
        curve_share_scaled=tuple(share_scaled),
    )


def through_stack(
    num_layers: int, scale: float, device: torch.device, *, norm_first: bool = True
) -> tuple[list[float], float, list[float], float]:
    """Each branch's RMS over the stream's, the RMS of the stream, that of each branch, and the last step's cosine."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    x = torch.randn(TOKENS, D_MODEL, generator=generator).to(device)
    shares, branches, cosine = [], [], 1.0
    for _ in range(2 * num_layers):
        w_in = torch.randn(2 * D_MODEL, D_MODEL, generator=generator).to(device) * math.sqrt(2 / D_MODEL)
        w_out = torch.randn(D_MODEL, 2 * D_MODEL, generator=generator).to(device) * scale / math.sqrt(2 * D_MODEL)
        read = F.layer_norm(x, (D_MODEL,)) if norm_first else x
        branch = (read @ w_in.T).relu() @ w_out.T  # (TOKENS, D_MODEL), variance scale² for an input of RMS 1
        shares.append(rms(branch) / rms(x))
        branches.append(rms(branch))
        cosine = F.cosine_similarity(x, x + branch).mean().item()
        x = x + branch if norm_first else F.layer_norm(x + branch, (D_MODEL,))
    return shares, rms(x), branches, cosine


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "the pre-norm stream grows to √(1 + 2 num_layers), within a tenth": (
            0.9 < result.stream_rms / result.closed_form_rms < 1.1
        ),
        "the norm shrinks no branch: first and last have the same size, within a fifth": (
            0.8 < result.last_branch_rms / result.first_branch_rms < 1.25
        ),
        "the last pre-norm branch changes the stream by 1/√(2 num_layers) of its size, within a fifth": (
            0.8 < result.last_share * math.sqrt(len(result.curve_branch)) < 1.25
        ),
        "in post-norm the last branch is as large as the stream it joins, within a fifth": (
            0.8 < result.last_share_post < 1.25
        ),
        "with output matrices divided by √(2 num_layers) the stream ends at √2, within a tenth": (
            0.9 < result.stream_rms_scaled / math.sqrt(2) < 1.1
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "post-norm": result.curve_share_post,
        "pre-norm": result.curve_share,
        "pre-norm, smaller outputs": result.curve_share_scaled,
    }
    return line_chart(
        result.curve_branch,
        curves,
        x_title="branch, from input to output",
        y_title="branch over stream (log scale)",
        log="y",
        points=False,
    )
