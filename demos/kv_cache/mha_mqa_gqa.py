"""Sharing K/V heads divides the KV cache by the group size; score FLOPs stay, and parameters fall far less.

Leaves out: masks, rotary positions, quality. The time of a decoding step depends on whether the kernel reads a shared head
once for its group; it is taken on sizes of its own, which fill the device, with and without K/V repeated for each head.
Source: Ainslie et al. 2023, GQA, section 2.2, https://arxiv.org/abs/2305.13245; Shazeer 2019, https://arxiv.org/abs/1911.02150
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart
from demos._measure import count_flops, measure_ceilings
from demos.kv_cache._decoding import decoding_step


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[float, Field("largest difference from torch's operator and module", measured=True)]
    group_size: Annotated[int, Field("query heads that share one K/V head")]
    cache_bytes: Annotated[int, Field("bytes of the cached K and V of this layer, float32", unit="bytes")]
    mha_cache_bytes: Annotated[int, Field("the same with a K/V head for each query head", unit="bytes")]
    cache_ratio: Annotated[float, Field("KV cache as a fraction of that with MHA")]
    kv_parameters: Annotated[int, Field("weights in W_K and W_V")]
    parameter_ratio: Annotated[float, Field("weights in W_Q, W_K, W_V and W_O as a fraction of those with MHA")]
    score_flops: Annotated[int, Field("FLOPs of QKᵀ and PV, counted")]
    score_flops_ratio: Annotated[float, Field("FLOPs of QKᵀ and PV as a fraction of those with MHA, counted")]
    decode_speed_up: Annotated[float, Field("time of a decoding step, MHA over grouped heads", measured=True)]
    repeated_speed_up: Annotated[
        float, Field("the same if K and V are first repeated for each query head", measured=True)
    ]
    decode_gb_per_s: Annotated[float, Field("cache that the grouped step reads", unit="GB/s", measured=True)]
    copy_gb_per_s: Annotated[float, Field("rate of a large copy here, read and written", unit="GB/s", measured=True)]
    decode_backend: Annotated[str, Field("torch's name for the kernel of that step", measured=True)]
    num_heads: Annotated[int, Field("query heads")]
    num_kv_heads: Annotated[int, Field("K/V heads")]


def run(
    *,
    num_heads: Annotated[int, Param("query heads", minimum=1, maximum=32)] = 8,
    num_kv_heads: Annotated[int, Param("K/V heads; must divide num_heads", minimum=1, maximum=32)] = 2,
    head_dim: Annotated[int, Param("width of one head", minimum=1, maximum=128)] = 32,
    seq_len: Annotated[int, Param("tokens", minimum=1, maximum=512)] = 128,
    device: torch.device,
) -> Result:
    if num_heads % num_kv_heads:
        raise ParameterError(f"num_kv_heads: expected a divisor of num_heads, {num_heads}; found {num_kv_heads}.")
    group_size, d_model = num_heads // num_kv_heads, num_heads * head_dim
    generator = torch.Generator().manual_seed(torch.initial_seed())

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    x = normal(1, seq_len, d_model)
    w_q, w_o = (normal(d_model, d_model) / math.sqrt(d_model) for _ in range(2))
    w_k, w_v = (normal(num_kv_heads * head_dim, d_model) / math.sqrt(d_model) for _ in range(2))

    q = (x @ w_q.T).view(1, seq_len, num_kv_heads, group_size, head_dim).permute(0, 2, 3, 1, 4)
    k, v = ((x @ w.T).view(1, seq_len, num_kv_heads, 1, head_dim).permute(0, 2, 3, 1, 4) for w in (w_k, w_v))
    heads = attend(q, k, v).flatten(
        1, 2
    )  # (1, num_heads, seq_len, head_dim): query head i reads K/V head i // group_size
    output = heads.transpose(1, 2).reshape(1, seq_len, d_model) @ w_o.T

    operator = F.scaled_dot_product_attention(q.flatten(1, 2), k.squeeze(2), v.squeeze(2), enable_gqa=True)
    module = nn.MultiheadAttention(d_model, num_heads, bias=False, batch_first=True, device=device)
    per_head = [w.unflatten(0, (num_kv_heads, head_dim)).repeat_interleave(group_size, 0) for w in (w_k, w_v)]
    weights = {"in_proj_weight": torch.cat([w_q, *(w.flatten(0, 1) for w in per_head)]), "out_proj.weight": w_o}
    module.load_state_dict(weights)  # MHA whose K/V heads are equal within each group
    with torch.no_grad():
        reference = module(x, x, x, need_weights=False)[0]  # (1, seq_len, d_model)

    full = k.expand_as(q).contiguous()  # as K or V would be with a head for each query head
    flops, mha_flops = count_flops(lambda: attend(q, k, v)), count_flops(lambda: attend(q, full, full))
    mha, grouped = decoding_step(num_heads, num_heads, device), decoding_step(num_heads, num_kv_heads, device)
    return Result(
        max_abs_error=max((heads - operator).abs().max().item(), (output - reference).abs().max().item()),
        group_size=group_size,
        cache_bytes=k.nbytes + v.nbytes,
        mha_cache_bytes=2 * full.nbytes,
        cache_ratio=(k.nbytes + v.nbytes) / (2 * full.nbytes),
        kv_parameters=w_k.numel() + w_v.numel(),
        parameter_ratio=sum(w.numel() for w in (w_q, w_k, w_v, w_o)) / sum(w.numel() for w in module.parameters()),
        score_flops=flops,
        score_flops_ratio=flops / mha_flops,
        decode_speed_up=mha.ms / grouped.ms,
        repeated_speed_up=mha.ms / decoding_step(num_heads, num_kv_heads, device, repeat=True).ms,
        decode_gb_per_s=grouped.gb_per_s,
        copy_gb_per_s=measure_ceilings(device, torch.float32, budget_s=0.02).copy_gb_per_s,
        decode_backend=grouped.backend,
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
    )


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention by hand: q (1, num_kv_heads, group_size, seq_len, head_dim); k and v with group_size or 1 instead."""
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (1, num_kv_heads, group_size, seq_len, seq_len)
    return scores.softmax(-1) @ v


def claims(result: Result) -> dict[str, bool]:
    return {
        "attention equals torch's own grouped-query operator, and an MHA module with K/V heads repeated": (
            result.max_abs_error < 1e-5
        ),
        "the cache shrinks by the group size": result.mha_cache_bytes == result.cache_bytes * result.group_size,
        "score FLOPs are those of MHA": result.score_flops_ratio == 1,
        "at least half of the attention parameters stay, whatever the group size": result.parameter_ratio > 0.5,
    }


def figure(result: Result) -> Chart:
    divisors = [kv_heads for kv_heads in range(1, result.num_heads + 1) if result.num_heads % kv_heads == 0]
    shares = [kv_heads / result.num_heads for kv_heads in divisors]
    curves = {
        "KV cache": shares,
        "attention parameters": [(1 + share) / 2 for share in shares],
        "score FLOPs": [1.0] * len(shares),
    }
    return line_chart(
        divisors,
        curves,
        x_title="K/V heads (log scale)",
        y_title="fraction of MHA",
        y_domain=(0, 1.2),
        log="x",
        here=result.num_kv_heads,
        at={"KV cache": (-2, "right"), "attention parameters": (-2, "right"), "score FLOPs": 0},
    )
