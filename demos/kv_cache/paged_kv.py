"""A KV cache in small blocks wastes less than one block a request; reserving the maximum wastes most of the memory.

Leaves out: time (looking up blocks makes the attention kernel slower), swapping, copy-on-write, and what a scheduler does.
Source: Kwon et al. 2023, Efficient Memory Management for Large Language Model Serving with PagedAttention, sections 3 and 4,
https://arxiv.org/abs/2309.06180
"""

import math
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import BLUE, VERMILION

HEADS, HEAD_DIM, REQUESTS = 2, 16, 256


@dataclass(frozen=True)
class Result:
    utilisation: Annotated[float, Field("slots that hold a token, as a fraction of all slots in allocated blocks")]
    utilisation_reserved: Annotated[float, Field("the same when max_len slots are reserved for each request")]
    room_ratio: Annotated[float, Field("requests that blocks are found for, over those with max_len slots reserved")]
    wasted_per_request: Annotated[float, Field("empty slots of a request, mean, paged")]
    sharing_ratio: Annotated[float, Field("blocks without sharing the common prefix, over blocks with it")]
    max_abs_error: Annotated[
        float,
        Field("largest difference of attention through block tables, prefix shared, from contiguous", measured=True),
    ]
    mean_len: Annotated[float, Field("tokens of a request, mean")]
    block_size: Annotated[int, Field("tokens in a block")]
    prefix_len: Annotated[int, Field("tokens that all prompts begin with")]
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
    shared, own = prefix_len // block_size, tables(lengths.tolist(), block_size, 0)  # full blocks only are shared
    sharing = tables(lengths.tolist(), block_size, shared)
    sizes = tuple(2**power for power in range(12))
    return Result(
        utilisation=used(lengths, block_size),
        utilisation_reserved=lengths.sum().item() / (REQUESTS * max_len),
        room_ratio=admitted(lengths.tolist(), block_size, REQUESTS * max_len) / REQUESTS,
        wasted_per_request=sum(len(table) for table in own) * block_size / REQUESTS - lengths.double().mean().item(),
        sharing_ratio=distinct(own) / distinct(sharing),
        max_abs_error=through_tables(sharing[:4], lengths[:4].tolist(), block_size, shared, generator, device),
        mean_len=lengths.double().mean().item(),
        block_size=block_size,
        prefix_len=prefix_len,
        curve_block_size=sizes,
        curve_utilisation=tuple(used(lengths, size) for size in sizes),
    )


def used(lengths: Tensor, block_size: int) -> float:
    """Tokens as a fraction of the slots in the blocks that they need."""
    return lengths.sum().item() / ((lengths + block_size - 1) // block_size * block_size).sum().item()


def tables(lengths: list[int], block_size: int, shared: int) -> list[list[int]]:
    """The block table of each request, blocks handed out as they come; the first `shared` are the same for all."""
    fresh = count(shared)
    return [[*range(shared), *islice(fresh, math.ceil(length / block_size) - shared)] for length in lengths]


def distinct(every: list[list[int]]) -> int:
    return len({block for table in every for block in table})


def admitted(lengths: list[int], block_size: int, slots: int) -> int:
    """The requests that find blocks in so many slots, one after another, the lengths again from the first."""
    free = slots // block_size
    for number, length in enumerate(cycle(lengths)):
        free -= math.ceil(length / block_size)
        if free < 0:
            return number
    return 0


def through_tables(
    every: list[list[int]],
    lengths: list[int],
    block_size: int,
    shared: int,
    generator: torch.Generator,
    device: torch.device,
) -> float:
    """The largest difference of one decoding step of each request, keys found through its block table, from contiguous keys."""
    place = torch.randperm(1 + max(map(max, every)), generator=generator).to(device)  # blocks lie in no order
    pool = torch.full((len(place), block_size, 2, HEADS, HEAD_DIM), math.nan, device=device)  # keys and values
    prefix = torch.randn(shared * block_size, 2, HEADS, HEAD_DIM, generator=generator)
    largest = 0.0
    for length, table in zip(lengths, every, strict=True):
        own = torch.randn(length - len(prefix), 2, HEADS, HEAD_DIM, generator=generator)
        kv, token = torch.cat([prefix, own]).to(device), torch.arange(length, device=device)
        blocks = place[torch.tensor(table, device=device)]
        written = token[len(prefix) if table is not every[0] else 0 :]  # the first request alone writes the prefix
        pool[blocks[written // block_size], written % block_size] = kv[written]
        q = torch.randn(1, HEADS, 1, HEAD_DIM, generator=generator).to(device)
        paged = pool[blocks].flatten(0, 1)[:length]  # (length, 2, HEADS, HEAD_DIM), the empty slots cut off
        outputs = [F.scaled_dot_product_attention(q, *x.permute(1, 2, 0, 3)[:, None]) for x in (kv, paged)]
        largest = max(largest, (outputs[0] - outputs[1]).abs().nan_to_num(math.inf).max().item())
    return largest


def claims(result: Result) -> dict[str, bool]:
    return {
        "attention through block tables that share the prefix equals attention over keys of each request's own": (
            result.max_abs_error < 1e-5
        ),
        "a request wastes less than one block": result.wasted_per_request < result.block_size,
        "with blocks up to a sixteenth of the mean length, more than 90 % of the slots hold a token": (
            16 * result.block_size > result.mean_len or result.utilisation > 0.9
        ),
        "the memory takes in as many more requests as its use improves, within a tenth": (
            abs(result.room_ratio * result.utilisation_reserved / result.utilisation - 1) < 0.1
        ),
        "a prefix of two blocks or more, shared, saves blocks; one shorter than a block saves none": (
            result.sharing_ratio > 1.01
            if result.prefix_len >= 2 * result.block_size
            else result.prefix_len >= result.block_size or result.sharing_ratio == 1
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_block_size,
        {"": [100 * share for share in result.curve_utilisation]},
        x_title="tokens in a block (log scale)",
        y_title="slots that hold a token, %",
        y_domain=(0, 100),
        colours=[BLUE],
        log="x",
        here=result.block_size,
        levels={"maximum reserved for each request": 100 * result.utilisation_reserved},
        level_colour=VERMILION,
    )
