"""Keys equal values only where one projection is tied to serve as both; the cache then halves, RoPE permitting.

Leaves out: quality, and several heads. RoPE pairs component i with i + d/2.
Source: Vaswani et al. 2017, section 3.2.2, https://arxiv.org/abs/1706.03762; Su et al. 2021, RoFormer, section 3.2,
https://arxiv.org/abs/2104.09864
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from demos import Field, Param
from demos._charts import Chart, line_chart

D_MODEL, BASE = 256, 10000.0


@dataclass(frozen=True)
class Result:
    gap_separate: Annotated[float, Field("‖K − V‖ / ‖K‖ with W_K and W_V drawn apart")]
    gap_rotated: Annotated[float, Field("‖RoPE(K) − V‖ / ‖K‖ with W_V = W_K")]
    cache_ratio: Annotated[float, Field("bytes cached when tied, over those for K and V apart")]
    unrotated_error: Annotated[
        float, Field("largest output difference without RoPE, one array against W_K = W_V twice")
    ]
    rotate_on_read_error: Annotated[
        float, Field("one unrotated cache, keys rotated at reading: largest output difference")
    ]
    rotated_as_value_error: Annotated[
        float, Field("one cache of rotated keys, also read as values: relative difference")
    ]
    curve_position: Annotated[tuple[int, ...], Field("position of the token along the curves")]
    curve_rotated: Annotated[tuple[float, ...], Field("‖RoPE(K) − V‖ / ‖K‖ at each position, tied")]
    curve_separate: Annotated[tuple[float, ...], Field("‖K − V‖ / ‖K‖ at each position, apart")]
    seq_len: Annotated[int, Field("tokens that are cached")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens that are cached", minimum=16, maximum=1024)] = 128,
    head_dim: Annotated[int, Param("width of the head, even", minimum=8, maximum=256)] = 64,
    device: torch.device,
) -> Result:
    head_dim -= head_dim % 2
    draw = torch.Generator().manual_seed(torch.initial_seed())
    dtype = torch.float32 if device.type == "mps" else torch.float64

    def normal(rows: int, columns: int, std: float) -> Tensor:
        return (torch.randn(rows, columns, generator=draw, dtype=torch.float64) * std).to(device, dtype)

    x = normal(max(seq_len, 256), D_MODEL, 1.0)
    w_q, w_k, w_v = (normal(D_MODEL, head_dim, D_MODEL**-0.5) for _ in range(3))
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (tokens, head_dim) each
    rotated = rope(k)
    gaps = [((k - other).norm(dim=-1) / k.norm(dim=-1)).tolist() for other in (rotated, v)]
    q, k, v, rotated = rope(q)[:seq_len], k[:seq_len], v[:seq_len], rotated[:seq_len]

    def attend(keys: Tensor, values: Tensor) -> Tensor:
        return scaled_dot_product_attention(q[None], keys[None], values[None], is_causal=True)[0]

    expected = attend(rotated, k)  # tied: the value is the key before its rotation
    cache = k.clone()  # one array for both
    positions = (0, 1, 2, 4, 8, 16, 32, 64, 128, 255)
    return Result(
        gap_separate=((k - v).norm() / k.norm()).item(),
        gap_rotated=((rotated - k).norm() / k.norm()).item(),
        cache_ratio=stored(cache, cache) / stored(k.clone(), v.clone()),
        unrotated_error=(attend(cache, cache) - attend(x[:seq_len] @ w_k, x[:seq_len] @ w_k)).abs().max().item(),
        rotate_on_read_error=(attend(rope(cache), cache) - expected).abs().max().item(),
        rotated_as_value_error=((attend(rotated, rotated) - expected).norm() / expected.norm()).item(),
        curve_position=positions,
        curve_rotated=tuple(gaps[0][position] for position in positions),
        curve_separate=tuple(gaps[1][position] for position in positions),
        seq_len=seq_len,
    )


def stored(*tensors: Tensor) -> int:
    """The bytes behind the tensors, an array that serves as two counted once."""
    return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}.values())


def rope(x: Tensor) -> Tensor:
    """Each row turned by its position, pair (i, i + width/2) by the angle position · BASE^(−2i/width)."""
    half = x.shape[-1] // 2
    angles = torch.arange(len(x)).double().outer(BASE ** (-torch.arange(half).double() / half))
    cos, sin = angles.cos().to(x), angles.sin().to(x)  # (tokens, half)
    first, second = x[:, :half], x[:, half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


def claims(result: Result) -> dict[str, bool]:
    return {
        "projections drawn apart give keys and values as far apart as unrelated vectors, √2 within 10 %": (
            abs(result.gap_separate - 2**0.5) < 0.14
        ),
        "tied and without rotation one array serves as both, and the cache halves": (
            result.unrotated_error < 1e-5 and result.cache_ratio == 0.5
        ),
        "RoPE turns the key away from the value at every position but the first": (
            result.curve_rotated[0] < 1e-6 and min(result.curve_rotated[1:]) > 0.05
        ),
        "a cache of unrotated keys serves as both, if keys are rotated whenever they are read": (
            result.rotate_on_read_error < 1e-5
        ),
        "a cache of rotated keys does not": result.rotated_as_value_error > 0.05,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_position[1:],
        {"tied, key rotated": result.curve_rotated[1:], "W_K and W_V apart": result.curve_separate[1:]},
        x_title="position of the token (log scale)",
        y_title="distance of key and value / length of the key",
        y_domain=(0, 2),
        log="x",
        at={"tied, key rotated": (2, "left"), "W_K and W_V apart": (3, "center")},
        below=("tied, key rotated",),
    )
