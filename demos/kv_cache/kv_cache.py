"""Decoding with a KV cache gives the logits of running the whole prefix again, from one row of new work a step.

Leaves out: positions, sampling, batches, and the allocation of the cache, which grows here by concatenation.
Source: Shazeer 2019, Fast Transformer Decoding, section 2.4, https://arxiv.org/abs/1911.02150; Pope et al. 2022, Efficiently
Scaling Transformer Inference, section 2, https://arxiv.org/abs/2211.05102
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._measure import measure_ceilings
from demos.kv_cache._decoding import decoding_step

HEADS, D_MODEL = 4, 32


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[
        float, Field("largest difference of the outputs from running the whole prefix again", measured=True)
    ]
    token_work_ratio: Annotated[float, Field("rows through projections and FFN without a cache, over those with it")]
    rows_without_cache: Annotated[int, Field("rows computed in each layer over all steps, without a cache")]
    rows_with_cache: Annotated[int, Field("rows computed in each layer over all steps, prompt included")]
    scores_ratio: Annotated[float, Field("scores q·k computed without a cache, over those with it")]
    old_rows_moved: Annotated[float, Field("relative change of old hidden states as a token is appended, causal mask")]
    old_rows_moved_two_way: Annotated[float, Field("the same without a mask, as in an encoder")]
    decode_gb_per_s: Annotated[
        float, Field("cache read in a large step of attention, a second", unit="GB/s", measured=True)
    ]
    copy_gb_per_s: Annotated[float, Field("rate of a large copy here, read and written", unit="GB/s", measured=True)]
    decode_backend: Annotated[str, Field("torch's name for the kernel of that step", measured=True)]
    curve_step: Annotated[tuple[int, ...], Field("generated tokens along the curves")]
    curve_without: Annotated[tuple[int, ...], Field("rows computed so far, without a cache")]
    curve_with: Annotated[tuple[int, ...], Field("rows computed so far, with a cache")]


def run(
    *,
    prompt_len: Annotated[int, Param("tokens of the prompt", minimum=1, maximum=128)] = 1,
    new_tokens: Annotated[int, Param("tokens generated", minimum=2, maximum=128)] = 64,
    num_layers: Annotated[int, Param("layers", minimum=2, maximum=6)] = 2,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    weights = (torch.randn(num_layers, 6, D_MODEL, D_MODEL, generator=generator) / math.sqrt(D_MODEL)).to(device)
    inputs = torch.randn(prompt_len + new_tokens - 1, D_MODEL, generator=generator).to(device)  # the last is not fed

    cache = torch.zeros(num_layers, 2, 0, D_MODEL, device=device)  # keys and values of each layer, by position
    error, with_cache, without = 0.0, [], []
    for end in range(prompt_len, prompt_len + new_tokens):
        fresh, cache = decode(inputs[cache.shape[2] : end], weights, cache)  # the prompt, then one row at a time
        again, _ = decode(inputs[:end], weights, cache[:, :, :0])
        error = max(error, (fresh[-1] - again[-1]).abs().max().item())
        with_cache.append(len(fresh))
        without.append(len(again))
    causal, two_way = (moved(inputs, weights, mask) for mask in (True, False))
    totals = [tuple(sum(rows[: i + 1]) for i in range(new_tokens)) for rows in (without, with_cache)]
    pairs = (
        sum(rows * (rows + 1) for rows in without),
        without[-1] * (without[-1] + 1),
    )  # each row meets its past, twice
    step = decoding_step(32, 32, device) if device.type == "cuda" else decoding_step(8, 8, device)
    return Result(
        max_abs_error=error,
        token_work_ratio=sum(without) / sum(with_cache),
        rows_without_cache=sum(without),
        rows_with_cache=sum(with_cache),
        scores_ratio=pairs[0] / pairs[1],
        old_rows_moved=causal,
        old_rows_moved_two_way=two_way,
        decode_gb_per_s=step.gb_per_s,
        copy_gb_per_s=measure_ceilings(device, torch.float32, budget_s=0.02).copy_gb_per_s,
        decode_backend=step.backend,
        curve_step=tuple(range(1, new_tokens + 1)),
        curve_without=totals[0],
        curve_with=totals[1],
    )


def decode(x: Tensor, weights: Tensor, cache: Tensor, causal: bool = True) -> tuple[Tensor, Tensor]:
    """The output rows of x, (rows, D_MODEL), behind what is cached, and the cache with the keys and values of x added."""
    past, total = cache.shape[2], cache.shape[2] + len(x)
    visible = torch.ones(len(x), total, dtype=torch.bool, device=x.device)
    if causal:
        visible = visible.tril(past)
    layers = []
    for (w_q, w_k, w_v, w_o, w_in, w_out), old in zip(weights, cache, strict=True):
        normed = F.layer_norm(x, (D_MODEL,))
        kv = torch.cat([old, torch.stack([normed @ w_k, normed @ w_v])], 1)  # (2, total, D_MODEL)
        q, k, v = (rows.unflatten(-1, (HEADS, -1)).transpose(0, 1) for rows in (normed @ w_q, *kv))
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)  # (HEADS, rows, head_dim)
        x = x + heads.transpose(0, 1).flatten(1) @ w_o
        x = x + F.gelu(F.layer_norm(x, (D_MODEL,)) @ w_in) @ w_out
        layers.append(kv)
    return x, torch.stack(layers)


def moved(inputs: Tensor, weights: Tensor, causal: bool) -> float:
    """The relative change of all earlier output rows when the last row is appended."""
    empty = inputs.new_zeros(len(weights), 2, 0, D_MODEL)
    before, after = (decode(rows, weights, empty, causal)[0][: len(inputs) - 1] for rows in (inputs[:-1], inputs))
    return float((after - before).norm() / before.norm())


def claims(result: Result) -> dict[str, bool]:
    steps, prompt = len(result.curve_step), result.curve_with[0]
    return {
        "decoding with the cache gives the outputs of running the whole prefix again": result.max_abs_error < 1e-4,
        "with the cache each token passes through projections and FFN once": (
            result.rows_with_cache == prompt + steps - 1
        ),
        "from a single token on, the cache saves a factor of (n + 1) / 2 of these rows": (
            prompt > 1 or math.isclose(result.token_work_ratio, (steps + 1) / 2)
        ),
        "under the causal mask an appended token leaves all old rows as they were": result.old_rows_moved < 1e-5,
        "without a mask it moves them, so that nothing could be kept": result.old_rows_moved_two_way > 1e-3,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_step,
        {"whole prefix again": result.curve_without, "KV cache": result.curve_with},
        x_title="tokens generated",
        y_title="rows through each layer so far",
        points=False,
        at={"whole prefix again": (-1 - len(result.curve_step) // 8, "right"), "KV cache": -1},
    )
