"""A KV cache takes 2 · layers · K/V heads · head_dim · bytes per token: GQA divides it, MLA caches one latent instead.

Leaves out: sliding windows that bound it, paging, the scales of quantised caches, weights and activations.
Source: Shazeer 2019, https://arxiv.org/abs/1911.02150; Pope et al. 2022, https://arxiv.org/abs/2211.05102; DeepSeek-V2 2024,
section 2.1, https://arxiv.org/abs/2405.04434. Shapes: the model's paper, or the configuration published with its weights.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, dot_chart
from demos._measure import count_flops
from demos.kv_cache._shapes import PRESETS, Shape


@dataclass(frozen=True)
class Result:
    bytes_per_token: Annotated[int, Field("cached for one token over all layers", unit="bytes")]
    cache_bytes: Annotated[int, Field("cached for all tokens of the batch", unit="bytes")]
    mha_cache_bytes: Annotated[int, Field("the same with a K/V head for each query head, as allocated", unit="bytes")]
    cache_ratio: Annotated[float, Field("cache as a fraction of that with MHA")]
    equivalent_kv_heads: Annotated[float, Field("K/V heads of an ordinary cache of this size")]
    flops_per_byte: Annotated[float, Field("FLOPs of attention, counted, for each byte of cache that a step reads")]
    allocated_bytes: Annotated[int, Field("storage of tensors really allocated for two tokens", unit="bytes")]
    num_layers: Annotated[int, Field("layers")]
    num_heads: Annotated[int, Field("query heads")]
    num_kv_heads: Annotated[int, Field("K/V heads; with MLA, those computed from the latent")]
    head_dim: Annotated[int, Field("width of one head")]
    latent_dim: Annotated[int, Field("width of the cached latent with MLA, else 0")]
    bytes_per_element: Annotated[float, Field("bytes of one number", unit="bytes")]


def run(
    *,
    preset: Annotated[
        str,
        Param(
            "model whose shape stands in wherever a number below is 0",
            choices=(
                "gpt-2",
                "gpt-3-175b",
                "palm-540b",
                "falcon-7b",
                "llama-2-7b",
                "llama-2-70b",
                "llama-3-8b",
                "mistral-7b",
                "qwen2.5-7b",
                "deepseek-v2",
            ),
        ),
    ] = "llama-2-7b",
    num_layers: Annotated[int, Param("layers; 0: the preset's", minimum=0, maximum=256)] = 0,
    num_heads: Annotated[int, Param("query heads; 0: the preset's, or num_kv_heads", minimum=0, maximum=128)] = 0,
    num_kv_heads: Annotated[int, Param("K/V heads, and no MLA; 0: the preset's", minimum=0, maximum=128)] = 0,
    head_dim: Annotated[int, Param("width of a head, and no MLA; 0: the preset's", minimum=0, maximum=512)] = 0,
    seq_len: Annotated[int, Param("tokens of one sequence", minimum=1, maximum=10_000_000)] = 4096,
    batch: Annotated[int, Param("sequences", minimum=1, maximum=4096)] = 1,
    bytes_per_element: Annotated[float, Param("bytes of one number", choices=(0.5, 1.0, 2.0, 4.0))] = 2.0,
    device: torch.device,
) -> Result:
    shape = shape_of(PRESETS[preset], num_layers, num_heads, num_kv_heads, head_dim)
    mha = Shape(shape.num_layers, shape.num_heads, shape.num_heads, shape.head_dim)
    bytes_per_token = int(shape.num_layers * shape.numbers_per_layer * bytes_per_element)
    mha_bytes_per_token = allocate(mha, 2, bytes_per_element, device) // 2
    return Result(
        bytes_per_token=bytes_per_token,
        cache_bytes=bytes_per_token * seq_len * batch,
        mha_cache_bytes=mha_bytes_per_token * seq_len * batch,
        cache_ratio=bytes_per_token / mha_bytes_per_token,
        equivalent_kv_heads=shape.num_heads * bytes_per_token / mha_bytes_per_token,
        flops_per_byte=shape.num_layers * count_flops(lambda: step(shape, 2)) / (2 * bytes_per_token),
        allocated_bytes=allocate(shape, 2, bytes_per_element, device),
        num_layers=shape.num_layers,
        num_heads=shape.num_heads,
        num_kv_heads=shape.num_kv_heads,
        head_dim=shape.head_dim,
        latent_dim=shape.latent_dim,
        bytes_per_element=bytes_per_element,
    )


def shape_of(preset: Shape, num_layers: int, num_heads: int, num_kv_heads: int, head_dim: int) -> Shape:
    """The preset with the numbers given in place of its own; its query heads give way to K/V heads that do not fit."""
    num_layers = num_layers or preset.num_layers
    if preset.latent_dim and not (num_kv_heads or head_dim):
        heads = num_heads or preset.num_heads
        return preset._replace(num_layers=num_layers, num_heads=heads, num_kv_heads=heads)
    kv_heads = num_kv_heads or preset.num_kv_heads
    heads = num_heads or (kv_heads if preset.num_heads % kv_heads else preset.num_heads)
    if heads % kv_heads:
        raise ParameterError(f"num_kv_heads: expected a divisor of num_heads, {heads}; found {kv_heads}.")
    return Shape(num_layers, heads, kv_heads, head_dim or preset.head_dim)


def allocate(shape: Shape, tokens: int, bytes_per_element: float, device: torch.device) -> int:
    """The storage, in bytes, of tensors that hold so many tokens in every layer; two 4-bit numbers share a byte."""
    dtype = {0.5: torch.uint8, 1.0: torch.uint8, 2.0: torch.bfloat16, 4.0: torch.float32}[bytes_per_element]
    per_byte = 2 if bytes_per_element == 0.5 else 1
    kv_width = shape.num_kv_heads * shape.head_dim
    widths = (shape.latent_dim, shape.rope_dim) if shape.latent_dim else (kv_width, kv_width)
    cache = [
        torch.empty(tokens * width // per_byte, dtype=dtype, device=device)
        for _ in range(shape.num_layers)
        for width in widths  # K and V, or latent and rotary key
    ]
    return sum(tensor.untyped_storage().nbytes() for tensor in cache)


def step(shape: Shape, tokens: int) -> Tensor:
    """The attention of one layer for one new token over so many cached ones, for counting; the numbers are zeros."""
    if shape.latent_dim:  # MLA scores latent and rotary key together, and mixes the latent alone, for all heads at once
        read = torch.zeros(1, 1, tokens, shape.latent_dim + shape.rope_dim)
        q = torch.zeros(1, shape.num_heads, 1, shape.latent_dim + shape.rope_dim)
        return (q @ read.mT).softmax(-1) @ read[..., : shape.latent_dim]
    q = torch.zeros(1, shape.num_heads, 1, shape.head_dim)
    k, v = torch.zeros(2, 1, shape.num_kv_heads, tokens, shape.head_dim)
    return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)


def claims(result: Result) -> dict[str, bool]:
    shared, latent = result.num_heads // result.num_kv_heads, result.latent_dim > 0
    return {
        "tensors allocated for two tokens take what the formula says": (
            result.allocated_bytes == 2 * result.bytes_per_token
        ),
        "without MLA, the cache is that of MHA divided by the query heads of one K/V head": (
            latent or result.mha_cache_bytes == result.cache_bytes * shared
        ),
        "without MLA and at 2 bytes a number, each cached byte serves as many FLOPs as query heads share its head": (
            latent or result.flops_per_byte * result.bytes_per_element == 2 * shared
        ),
        "with MLA, the cache is smaller than that of any GQA with more than two K/V heads": (
            not latent or 2 < result.equivalent_kv_heads < 3
        ),
    }


def figure(result: Result) -> Chart:
    caches = {
        model: shape.num_layers * shape.numbers_per_layer * result.bytes_per_element / 1024
        for model, shape in PRESETS.items()
    }
    caches["this cache"] = result.bytes_per_token / 1024
    ordered = dict(sorted(caches.items(), key=lambda item: -item[1]))
    return dot_chart(ordered, x_title="KiB per token (log scale)", marked="this cache", text_format=",.4~r")
