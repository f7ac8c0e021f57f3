"""T5 adds a learned scalar per head and bucket of the signed offset: exact when near, logarithmic further, one far bucket.

Leaves out: the content scores q·k (T5 does not scale them), several heads, and cross-attention, which has no such bias.
Source: Raffel et al. 2020, section 2.1, https://arxiv.org/abs/1910.10683; the rule as published in
https://github.com/tensorflow/mesh/blob/master/mesh_tensorflow/transformer/transformer_layers.py, _relative_position_bucket
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param, ParameterError
from demos._charts import Chart, line_chart


@dataclass(frozen=True)
class Result:
    first_saturated_distance: Annotated[int, Field("smallest distance of a past key in the last bucket of its side")]
    exact_distances: Annotated[int, Field("distances of a past key, 0 included, that have a bucket of their own")]
    bucket_of_previous: Annotated[int, Field("bucket of the key just before the query")]
    bucket_of_next: Annotated[int, Field("bucket of the key just after the query")]
    target_bucket_width: Annotated[int, Field("distances that share the target's bucket, up to 2 max_distance")]
    learned_peak: Annotated[int, Field("smallest distance at which the trained bias is largest")]
    weight_on_target: Annotated[float, Field("weight that the trained bias alone puts on the target's key")]
    rule_mismatches: Annotated[int, Field("offsets for which a computation in whole numbers finds another bucket")]
    curve_offset: Annotated[tuple[int, ...], Field("offset, key minus query, along the curve")]
    curve_bucket: Annotated[tuple[int, ...], Field("bucket of that offset")]
    bidirectional: Annotated[bool, Field("whether the sign of the offset chooses the half of the buckets")]
    num_buckets: Annotated[int, Field("buckets of one head")]
    max_distance: Annotated[int, Field("distance at which the logarithmic buckets end")]
    target_distance: Annotated[int, Field("how far back the key stands that the head learns to attend to")]


def run(
    *,
    bidirectional: Annotated[bool, Param("as in the encoder; else past keys only, as in the decoder")] = True,
    num_buckets: Annotated[int, Param("buckets of one head", minimum=4, maximum=256)] = 32,
    max_distance: Annotated[int, Param("distance at which the logarithmic buckets end", minimum=2, maximum=2048)] = 128,
    target_distance: Annotated[int, Param("how far back a head learns to look", minimum=0, maximum=2048)] = 5,
    device: torch.device,
) -> Result:
    exact = num_buckets // (4 if bidirectional else 2)
    if max_distance <= exact:
        raise ParameterError(f"max_distance: expected more than the {exact} exact distances; found {max_distance}.")
    if target_distance > 2 * max_distance:
        raise ParameterError(f"target_distance: expected at most 2 max_distance; found {target_distance}.")
    offsets = torch.arange(-2 * max_distance, 2 * max_distance + 1)  # key − query; a table, made on the CPU
    buckets = bucket(offsets, bidirectional, num_buckets, max_distance)
    past = buckets[: 2 * max_distance + 1].flip(0).to(device)  # (distance,), from 0 on
    bias = train(past, num_buckets, target_distance)[past]  # (distance,)
    rule = [whole_number_bucket(value, bidirectional, num_buckets, max_distance) for value in offsets.tolist()]
    return Result(
        first_saturated_distance=int((past == past[-1]).nonzero()[0]),
        exact_distances=exact,
        bucket_of_previous=int(past[1]),
        bucket_of_next=int(buckets[2 * max_distance + 1]),
        target_bucket_width=int((past == past[target_distance]).sum()),
        learned_peak=int((bias == bias.max()).nonzero()[0]),
        weight_on_target=bias.softmax(0)[target_distance].item(),
        rule_mismatches=sum(a != b for a, b in zip(rule, buckets.tolist(), strict=True)),
        curve_offset=tuple(offsets.tolist()),
        curve_bucket=tuple(buckets.tolist()),
        bidirectional=bidirectional,
        num_buckets=num_buckets,
        max_distance=max_distance,
        target_distance=target_distance,
    )


def bucket(offset: Tensor, bidirectional: bool, num_buckets: int, max_distance: int) -> Tensor:
    """The bucket of each offset key − query by the published rule, in float32 as there."""
    start = torch.zeros_like(offset)
    distance = -offset
    if bidirectional:
        num_buckets //= 2
        start += (distance < 0) * num_buckets
        distance = distance.abs()
    distance = distance.clamp_min(0)  # without the other direction, all keys to come share bucket 0
    exact = num_buckets // 2
    steps = torch.log(distance.float() / exact) / math.log(max_distance / exact) * (num_buckets - exact)
    far = (exact + steps.clamp_min(0).int()).clamp_max(num_buckets - 1)
    return start + torch.where(distance < exact, distance, far)


def whole_number_bucket(offset: int, bidirectional: bool, num_buckets: int, max_distance: int) -> int:
    """The same by comparing powers of whole numbers: step s begins where (distance/exact)^n ≥ (max_distance/exact)^s."""
    side = num_buckets // 2 if bidirectional else num_buckets
    start = side if bidirectional and offset > 0 else 0
    distance = abs(offset) if bidirectional else max(-offset, 0)
    exact = side // 2
    if distance < exact:
        return start + distance
    steps = side - exact
    reached = (s for s in range(steps - 1, 0, -1) if distance**steps >= max_distance**s * exact ** (steps - s))
    return start + exact + next(reached, 0)


def train(past: Tensor, num_buckets: int, target_distance: int) -> Tensor:
    """Biases (num_buckets,) after gradient descent on −log weight of the key at target_distance, from zero."""
    bias = torch.zeros(num_buckets, device=past.device)
    for _ in range(200):
        weights = bias[past].softmax(0)  # (distance,)
        gradient = torch.zeros_like(bias).index_add(0, past, weights)
        gradient[past[target_distance]] -= 1
        bias = bias - 10 * gradient
    return bias


def claims(result: Result) -> dict[str, bool]:
    buckets = dict(zip(result.curve_offset, result.curve_bucket, strict=True))
    width = result.target_bucket_width
    return {
        "the published rule in float32 puts each offset where whole numbers put it": result.rule_mismatches == 0,
        "in the encoder the key before and the key after the query have different buckets": (
            not result.bidirectional or result.bucket_of_previous != result.bucket_of_next
        ),
        "in the decoder every key to come shares the query's own bucket, 0": (
            result.bidirectional or all(value == 0 for offset, value in buckets.items() if offset >= 0)
        ),
        "the last bucket begins no later than max_distance and never ends": (
            result.first_saturated_distance <= result.max_distance
            and buckets[-result.max_distance] == buckets[-2 * result.max_distance]
        ),
        "a head learns to look back to the target's bucket, so the nearest key need not have the largest bias": (
            buckets[-result.learned_peak] == buckets[-result.target_distance]
        ),
        "within a bucket the bias cannot choose: the target gets at most an equal share": (
            0.9 / width < result.weight_on_target <= 1.0001 / width
        ),
    }


def figure(result: Result) -> Chart:
    last = result.curve_offset[-1]
    before, after = result.curve_bucket[last - 1 :: -1], result.curve_bucket[last + 1 :]
    return line_chart(
        range(1, last + 1),
        {"keys after it": after, "keys before the query": before},
        x_title="distance of key and query (log scale)",
        y_title="bucket",
        log="x",
        points=False,
        interpolate="step-after",
        here=result.first_saturated_distance,
        at=-1,
    )
