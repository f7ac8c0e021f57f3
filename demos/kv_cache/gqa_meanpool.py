"""Pooling K/V heads comes closer to the old output than keeping one head; without correlation it beats silence by little.

Leaves out: the uptraining that repairs the model, and real checkpoints, whose heads are correlated to a degree of their own.
Source: Ainslie et al. 2023, GQA, section 2.1 and figure 4 (mean, then first head, then random), https://arxiv.org/abs/2305.13245
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart

HEAD_DIM, SEQ_LEN = 16, 64


@dataclass(frozen=True)
class Result:
    error_mean_pool: Annotated[float, Field("relative output error, K/V projections averaged in each group")]
    error_first_head: Annotated[float, Field("the same with the first head of each group kept")]
    error_random: Annotated[float, Field("the same with new random K/V projections")]
    error_zero_output: Annotated[float, Field("the same when attention returns zero: 1 by definition")]
    norm_mean_pool: Annotated[float, Field("norm of the pooled output over that of the old one")]
    parameter_ratio: Annotated[float, Field("weights of W_Q, W_K, W_V and W_O after over before")]
    num_heads: Annotated[int, Field("query heads")]
    num_kv_heads: Annotated[int, Field("K/V heads after pooling")]
    correlation: Annotated[float, Field("correlation of the same weight in two heads of a group")]
    curve_correlation: Annotated[tuple[float, ...], Field("correlation along the curves")]
    curve_mean_pool: Annotated[tuple[float, ...], Field("error_mean_pool at that correlation")]
    curve_first_head: Annotated[tuple[float, ...], Field("error_first_head at that correlation")]
    curve_random: Annotated[tuple[float, ...], Field("error_random at that correlation")]


def run(
    *,
    correlation: Annotated[float, Param("correlation of heads in a group", minimum=0, maximum=1)] = 0.75,
    num_heads: Annotated[int, Param("query heads", choices=(4, 8, 16))] = 8,
    num_kv_heads: Annotated[int, Param("K/V heads after pooling", minimum=1, maximum=8)] = 1,
    device: torch.device,
) -> Result:
    if num_heads % num_kv_heads or num_heads == num_kv_heads:
        raise ParameterError(
            f"num_kv_heads: expected a divisor of num_heads, {num_heads}, below it; found {num_kv_heads}."
        )
    steps = tuple(i / 8 for i in range(9))
    mean, first, fresh, zero, norm = errors(correlation, num_heads, num_kv_heads, device)
    curves = list(zip(*(errors(step, num_heads, num_kv_heads, device) for step in steps), strict=True))
    return Result(
        error_mean_pool=mean,
        error_first_head=first,
        error_random=fresh,
        error_zero_output=zero,
        norm_mean_pool=norm,
        parameter_ratio=(1 + num_kv_heads / num_heads) / 2,
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        correlation=correlation,
        curve_correlation=steps,
        curve_mean_pool=curves[0],
        curve_first_head=curves[1],
        curve_random=curves[2],
    )


def errors(correlation: float, num_heads: int, num_kv_heads: int, device: torch.device) -> tuple[float, ...]:
    """The relative errors of mean, first head, random and zero, and the norm of the mean's output over the old one's."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    d_model, group = num_heads * HEAD_DIM, num_heads // num_kv_heads

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / math.sqrt(d_model)

    x = normal(4, SEQ_LEN, d_model) * math.sqrt(d_model)  # four texts
    w_q, w_o = normal(num_heads, d_model, HEAD_DIM), normal(d_model, d_model)
    common, own = normal(2, num_kv_heads, 1, d_model, HEAD_DIM), normal(2, num_kv_heads, group, d_model, HEAD_DIM)
    heads = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own  # K and V of each head
    new = normal(2, num_kv_heads, 1, d_model, HEAD_DIM)
    kinds = [heads, heads.mean(2, keepdim=True), heads[:, :, :1], new]
    old, mean, first, fresh = (attention(x, w_q, kind.expand_as(heads), w_o, device) for kind in kinds)
    candidates = (mean, first, fresh, torch.zeros_like(old))
    return *(float((each - old).norm() / old.norm()) for each in candidates), float(mean.norm() / old.norm())


def attention(x: Tensor, w_q: Tensor, w_kv: Tensor, w_o: Tensor, device: torch.device) -> Tensor:
    """Causal multi-head attention in float32 on the device, (4, SEQ_LEN, d_model); w_kv (2, groups, group, d_model, HEAD_DIM)."""
    w_k, w_v = w_kv.flatten(1, 2)
    q, k, v = (torch.einsum("btd,hde->bhte", x, w).float().to(device) for w in (w_q, w_k, w_v))
    heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (4, num_heads, SEQ_LEN, HEAD_DIM)
    return heads.transpose(1, 2).flatten(2) @ w_o.float().to(device)


def claims(result: Result) -> dict[str, bool]:
    shared, distinct = result.correlation >= 0.5, result.correlation <= 0.95
    return {
        "the mean of a group comes closer to the old output than its first head": (
            not distinct or result.error_mean_pool < result.error_first_head
        ),
        "up to a correlation of 0.5 random projections do worse than no output at all": (
            result.correlation > 0.5 or result.error_random > result.error_zero_output
        ),
        "from a correlation of 0.5 on, both beat random projections": (
            not shared or max(result.error_mean_pool, result.error_first_head) < result.error_random
        ),
        "without correlation and with four heads a group or more, keeping one is worse than no output": (
            result.num_heads < 4 * result.num_kv_heads or result.curve_first_head[0] > 1
        ),
        "identical heads are pooled without any error": result.curve_mean_pool[-1] < 1e-5,
    }


def figure(result: Result) -> Chart:
    curves = {
        "first head kept": result.curve_first_head,
        "mean of the group": result.curve_mean_pool,
        "new random heads": result.curve_random,
    }
    return line_chart(
        result.curve_correlation,
        curves,
        x_title="correlation of the heads in a group",
        y_title="relative output error",
        here=result.correlation,
        levels={"no output at all": 1.0},
    )
