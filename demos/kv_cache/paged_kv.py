"""A KV cache in small blocks wastes less than one block a request; reserving the maximum wastes most of the memory.

Leaves out: time (looking up blocks makes the attention kernel slower), swapping, copy-on-write, and what a scheduler does.
Source: Kwon et al. 2023, Efficient Memory Management for Large Language Model Serving with PagedAttention, sections 3 and 4,
https://arxiv.org/abs/2309.06180
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

HEADS, HEAD_DIM, REQUESTS = 2, 16, 256


@dataclass(frozen=True)
class Result:
    utilisation: Annotated[float, Field("slots that hold a token, as a fraction of all slots in allocated blocks")]
    utilisation_reserved: Annotated[float, Field("the same when max_len slots are reserved for each request")]
    room_ratio: Annotated[float, Field("requests of these lengths that the same memory holds, paged over reserved")]
    wasted_per_request: Annotated[float, Field("empty slots of a request, mean, paged")]
    sharing_ratio: Annotated[float, Field("blocks without sharing the common prefix, over blocks with it")]
    max_abs_error: Annotated[
        float, Field("largest difference of attention through the block table from contiguous", measured=True)
    ]
    mean_len: Annotated[float, Field("tokens of a request, mean")]
    block_size: Annotated[int, Field("tokens in a block")]
    curve_block_size: Annotated[tuple[int, ...], Field("tokens in a block along the curves")]
    curve_utilisation: Annotated[tuple[float, ...], Field("utilisation at that block size")]


def run(
    *,
    block_size: Annotated[int, Param("tokens in a block", minimum=1, maximum=2048)] = 16,
    mean_output: Annotated[int, Param("mean of the generated tokens, exponential", minimum=16, maximum=1024)] = 256,
    prefix_len: Annotated[int, Param("tokens that all prompts begin with", minimum=0, maximum=1024)] = 64,
    max_len: Annotated[int, Param("longest request allowed", minimum=1088, maximum=16384)] = 2048,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    uniform = torch.rand(REQUESTS, generator=generator, dtype=torch.float64)
    outputs = (-mean_output * (1 - uniform).log()).ceil().long().clamp(1, max_len - prefix_len)  # exponential
    lengths = prefix_len + outputs  # (REQUESTS,)
    blocks = (lengths + block_size - 1) // block_size
    shared = prefix_len // block_size  # only full blocks can be shared without a copy
    sizes = tuple(2**power for power in range(12))
    return Result(
        utilisation=used(lengths, block_size),
        utilisation_reserved=lengths.sum().item() / (REQUESTS * max_len),
        room_ratio=REQUESTS * max_len / (blocks.sum().item() * block_size),
        wasted_per_request=(blocks * block_size - lengths).double().mean().item(),
        sharing_ratio=blocks.sum().item() / (blocks.sum().item() - (REQUESTS - 1) * shared),
        max_abs_error=through_table(lengths[:4].tolist(), block_size, generator, device),
        mean_len=lengths.double().mean().item(),
        block_size=block_size,
        curve_block_size=sizes,
        curve_utilisation=tuple(used(lengths, size) for size in sizes),
    )


def used(lengths: Tensor, block_size: int) -> float:
    """Tokens as a fraction of the slots in the blocks that they need."""
    return lengths.sum().item() / ((lengths + block_size - 1) // block_size * block_size).sum().item()


def through_table(lengths: list[int], block_size: int, generator: torch.Generator, device: torch.device) -> float:
    """The largest difference of one decoding step of each request, keys found through a block table, from contiguous keys."""
    counts = [math.ceil(length / block_size) for length in lengths]
    order = torch.randperm(sum(counts), generator=generator).to(device)  # physical blocks in no order
    pool = torch.full((sum(counts), block_size, 2, HEADS, HEAD_DIM), math.nan, device=device)  # keys and values
    largest = 0.0
    for length, table in zip(lengths, torch.split(order, counts), strict=True):
        kv = torch.randn(length, 2, HEADS, HEAD_DIM, generator=generator).to(device)
        token = torch.arange(length, device=device)
        pool[table[token // block_size], token % block_size] = kv
        q = torch.randn(1, HEADS, 1, HEAD_DIM, generator=generator).to(device)
        paged = pool[table].flatten(0, 1)[:length]  # (length, 2, HEADS, HEAD_DIM), the empty slots cut off
        outputs = [F.scaled_dot_product_attention(q, *x.permute(1, 2, 0, 3)[:, None]) for x in (kv, paged)]
        largest = max(largest, (outputs[0] - outputs[1]).abs().max().item())
    return largest


def claims(result: Result) -> dict[str, bool]:
    return {
        "attention through the block table equals attention over contiguous keys": result.max_abs_error < 1e-5,
        "a request wastes less than one block": result.wasted_per_request < result.block_size,
        "with blocks up to a sixteenth of the mean length, more than 90 % of the slots hold a token": (
            16 * result.block_size > result.mean_len or result.utilisation > 0.9
        ),
        "the memory holds as many more requests as its use improves": math.isclose(
            result.room_ratio, result.utilisation / result.utilisation_reserved
        ),
        "sharing a prefix never needs more blocks": result.sharing_ratio >= 1,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"size": size, "used": 100 * share}
        for size, share in zip(result.curve_block_size, result.curve_utilisation, strict=True)
    ]
    reserved = [{"used": 100 * result.utilisation_reserved, "text": "maximum reserved for each request"}]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("size:Q", title="tokens in a block (log scale)").scale(type="log", base=2),
        y=alt.Y("used:Q", title="slots that hold a token, %").scale(domain=[0, 100]),
    )
    level = alt.Chart(alt.Data(values=reserved)).encode(y="used:Q")
    here = alt.Chart(alt.Data(values=[{"size": result.block_size}])).mark_rule(strokeDash=[4, 3])
    return alt.layer(
        here.encode(x="size:Q"),
        base.mark_line(point=True, color=BLUE),
        level.mark_rule(color=VERMILION, strokeWidth=2.5),
        level.mark_text(color=VERMILION, align="left", dx=6, dy=12).encode(text="text:N", x=alt.value(0)),
    ).properties(width=WIDTH, height=HEIGHT)
