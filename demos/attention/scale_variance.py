"""Dividing q·k by √d_k brings the variance of the logits from d_k to one; dividing by √d_model leaves d_k / d_model.

Leaves out: the softmax behind the logits, and training, of which `weight_gain` only imitates that weights may grow.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.1 and footnote 4, https://arxiv.org/abs/1706.03762.
T5 draws W_q smaller instead: Raffel et al. 2020, https://arxiv.org/abs/1910.10683, in its published code.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import rms_norm

from demos import Field, Param
from demos._charts import Chart, line_chart

NUM_TOKENS = 128


@dataclass(frozen=True)
class Result:
    logit_variance_unscaled: Annotated[float, Field("variance of q·k")]
    logit_variance_scaled: Annotated[float, Field("variance of q·k/√d_k")]
    logit_variance_by_d_model: Annotated[float, Field("variance of q·k/√d_model")]
    logit_variance_t5: Annotated[float, Field("variance of q·k with W_q drawn smaller by √d_k, as T5 does")]
    logit_variance_t5_both: Annotated[float, Field("variance of q·k with W_q and W_k both drawn smaller by √d_k")]
    logit_variance_qk_norm: Annotated[float, Field("variance of q·k/√d_k after RMS normalisation of q and k")]
    share_beyond_three: Annotated[float, Field("share of the logits q·k/√d_k outside −3 to 3")]
    t5_max_abs_error: Annotated[float, Field("largest difference between T5's logits and q·k/√d_k")]
    curve_head_dim: Annotated[tuple[int, ...], Field("head_dim along the curves")]
    curve_unscaled: Annotated[tuple[float, ...], Field("variance of q·k at each head_dim")]
    curve_scaled: Annotated[tuple[float, ...], Field("variance of q·k/√d_k at each head_dim")]
    curve_by_d_model: Annotated[tuple[float, ...], Field("variance of q·k/√d_model at each head_dim")]
    head_dim: Annotated[int, Field("head_dim of the single values")]
    d_model: Annotated[int, Field("width of the tokens")]
    weight_gain: Annotated[float, Field("factor on W_q and on W_k")]


def run(
    *,
    head_dim: Annotated[int, Param("width of one head, d_k", minimum=1, maximum=1024)] = 64,
    d_model: Annotated[int, Param("width of the tokens that W_q and W_k project", minimum=64, maximum=4096)] = 512,
    weight_gain: Annotated[float, Param("factor on W_q and on W_k; 1 as drawn", minimum=0.25, maximum=4)] = 1.0,
    device: torch.device,
) -> Result:
    root = math.sqrt(head_dim)
    std = weight_gain / math.sqrt(d_model)
    q, k = queries_and_keys(head_dim, d_model, std, std, device)  # (num_heads, NUM_TOKENS, head_dim) each
    t5_q, small_k = queries_and_keys(head_dim, d_model, std / root, std / root, device)
    norm_q, norm_k = rms_norm(q, (head_dim,)), rms_norm(k, (head_dim,))
    scaled = q @ k.mT / root  # (num_heads, NUM_TOKENS, NUM_TOKENS)
    dims = tuple(2**power for power in range(11))
    curve = tuple(variance(*queries_and_keys(dim, d_model, std, std, device)) for dim in dims)
    return Result(
        logit_variance_unscaled=variance(q, k),
        logit_variance_scaled=scaled.var().item(),
        logit_variance_by_d_model=(q @ k.mT / math.sqrt(d_model)).var().item(),
        logit_variance_t5=variance(t5_q, k),
        logit_variance_t5_both=variance(t5_q, small_k),
        logit_variance_qk_norm=variance(norm_q, norm_k) / head_dim,
        share_beyond_three=(scaled.abs() > 3).sum().item() / scaled.numel(),
        t5_max_abs_error=(t5_q @ k.mT - scaled).abs().amax().item(),
        curve_head_dim=dims,
        curve_unscaled=curve,
        curve_scaled=tuple(value / dim for dim, value in zip(dims, curve, strict=True)),
        curve_by_d_model=tuple(value / d_model for value in curve),
        head_dim=head_dim,
        d_model=d_model,
        weight_gain=weight_gain,
    )


def queries_and_keys(
    head_dim: int, d_model: int, std_q: float, std_k: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """x_q W_q and x_k W_k for tokens from N(0, 1) and weights of these deviations: (num_heads, NUM_TOKENS, head_dim)."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    num_heads = max(1, min(64, 1024 // head_dim))  # narrow heads are noisier, so there are more of them
    dtype = torch.float32 if device.type == "mps" else torch.float64

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(device, dtype)

    x_q, x_k = normal(NUM_TOKENS, d_model), normal(NUM_TOKENS, d_model)
    w_q, w_k = normal(num_heads, d_model, head_dim) * std_q, normal(num_heads, d_model, head_dim) * std_k
    return x_q @ w_q, x_k @ w_k


def variance(q: Tensor, k: Tensor) -> float:
    """The variance of q·k over all heads and pairs of tokens."""
    return (q @ k.mT).var().item()


def claims(result: Result) -> dict[str, bool]:
    fourth = result.weight_gain**4
    close = result.logit_variance_scaled
    return {
        "the variance of q·k is d_k times the fourth power of the gain on the weights, within 20 %": (
            abs(result.logit_variance_unscaled / (result.head_dim * fourth) - 1) < 0.2
        ),
        "after the division by √d_k it is the same at every head_dim, within 20 %": (
            all(abs(value / fourth - 1) < 0.2 for value in result.curve_scaled)
        ),
        "the division by √d_model leaves only d_k / d_model of it, within 20 %": (
            abs(result.logit_variance_by_d_model * result.d_model / (result.head_dim * fourth) - 1) < 0.2
        ),
        "drawing W_q smaller by √d_k, as T5 does, gives the logits of the division without dividing": (
            result.t5_max_abs_error < 1e-4 * math.sqrt(fourth)
        ),
        "drawing both W_q and W_k smaller divides the variance by d_k once more": math.isclose(
            result.logit_variance_t5_both * result.head_dim, close, rel_tol=1e-4
        ),
        "with RMS-normalised q and k the variance stays one, within 20 %, whatever the gain": (
            abs(result.logit_variance_qk_norm - 1) < 0.2
        ),
    }


def figure(result: Result) -> Chart:
    curves = {"q·k": result.curve_unscaled, "q·k/√d_k": result.curve_scaled, "q·k/√d_model": result.curve_by_d_model}
    return line_chart(
        result.curve_head_dim,
        curves,
        x_title="head_dim, d_k (log scale)",
        y_title="variance of the logits (log scale)",
        log="xy",
        here=result.head_dim,
        at=(4, "left"),
        below=curves,
    )
