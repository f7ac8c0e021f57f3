"""Linear attention reorders φ(Q)(φ(K)ᵀV), so its cost is linear in the length; its fixed state forgets, as softmax does not.

Leaves out: training, gates and the delta rule, and chunked kernels; rotary positions are in rope_linear_attention.
Source: Katharopoulos et al. 2020, Transformers are RNNs, sections 3.2 and 3.4, https://arxiv.org/abs/2006.16236; recall of a
fixed state: Arora et al. 2024, Simple linear attention language models, https://arxiv.org/abs/2402.18668
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import sdpa_kernel

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._measure import count_flops, fused_backend, measure_ceilings, measure_time, noise


@dataclass(frozen=True)
class Result:
    recurrent_error: Annotated[float, Field("largest difference of the recurrent from the parallel form, causal")]
    reorder_error: Annotated[float, Field("largest difference of φ(Q)(φ(K)ᵀV) from (φ(Q)φ(K)ᵀ)V, without a mask")]
    softmax_gap: Annotated[float, Field("relative difference of the output from softmax attention")]
    state_numbers: Annotated[int, Field("numbers that the recurrence keeps, whatever the length")]
    flops_ratio: Annotated[float, Field("FLOPs of softmax attention over linear attention, no mask, counted")]
    recall_linear: Annotated[float, Field("pairs found again out of num_pairs stored, φ(x) = elu(x) + 1")]
    recall_signed: Annotated[float, Field("the same with φ(x) = x and no normaliser, as in later models")]
    recall_softmax: Annotated[float, Field("pairs found again out of num_pairs stored, softmax attention")]
    traffic_share: Annotated[float, Field("bytes of q, k, v and output a second over a copy's rate", measured=True)]
    softmax_over_linear: Annotated[
        float, Field("time of fused softmax attention over linear, long text", measured=True)
    ]
    softmax_backend: Annotated[str, Field("torch's name for the kernel of that softmax attention", measured=True)]
    curve_pairs: Annotated[tuple[int, ...], Field("pairs stored along the curves")]
    curve_linear: Annotated[tuple[float, ...], Field("recall of linear attention")]
    curve_signed: Annotated[tuple[float, ...], Field("recall with φ(x) = x and no normaliser")]
    curve_softmax: Annotated[tuple[float, ...], Field("recall of softmax attention")]
    head_dim: Annotated[int, Field("width of one head")]
    seq_len: Annotated[int, Field("tokens")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=16, maximum=2048)] = 512,
    head_dim: Annotated[int, Param("width of q, k and v", choices=(16, 32, 64, 128))] = 32,
    num_pairs: Annotated[int, Param("key-value pairs to recall", minimum=1, maximum=1024)] = 64,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    q, k, v = (torch.randn(seq_len, head_dim, generator=generator, dtype=torch.float64) for _ in range(3))
    weights = (phi(q) @ phi(k).T).tril()  # (seq_len, seq_len), causal
    causal = weights / weights.sum(-1, keepdim=True) @ v
    dense = phi(q) @ phi(k).T
    x, y, z = (each.float().to(device) for each in (q, k, v))
    softmax = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    counts = tuple(2**power for power in range(2, 11))
    recalls = [recall(count, head_dim, device) for count in counts]
    here = recall(num_pairs, head_dim, device)
    full = count_flops(lambda: F.scaled_dot_product_attention(x[None], y[None], z[None]))
    share, times, backend = rates(device)
    return Result(
        recurrent_error=(recurrent(phi(q), phi(k), v) - causal).abs().max().item(),
        reorder_error=(linear(q, k, v) - dense / dense.sum(-1, keepdim=True) @ v).abs().max().item(),
        softmax_gap=float((linear(q, k, v) - softmax).norm() / softmax.norm()),
        state_numbers=head_dim * head_dim + head_dim,
        flops_ratio=full / count_flops(lambda: linear(x, y, z)),
        recall_linear=here[0],
        recall_signed=here[1],
        recall_softmax=here[2],
        traffic_share=share,
        softmax_over_linear=times,
        softmax_backend=backend,
        curve_pairs=counts,
        curve_linear=tuple(each[0] for each in recalls),
        curve_signed=tuple(each[1] for each in recalls),
        curve_softmax=tuple(each[2] for each in recalls),
        head_dim=head_dim,
        seq_len=seq_len,
    )


def phi(x: Tensor) -> Tensor:
    """The feature map elu(x) + 1, positive, of the same shape."""
    return F.elu(x) + 1


def linear(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Linear attention without a mask, the product with the values first, (…, seq_len, head_dim)."""
    state = phi(k).mT @ v  # (…, head_dim, head_dim)
    return phi(q) @ state / (phi(q) @ phi(k).sum(-2)[..., None])


def recurrent(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal linear attention token by token, from a state of fixed size, (seq_len, head_dim)."""
    state, normaliser = torch.zeros_like(k.T @ v), torch.zeros_like(k[0])
    rows = []
    for query, key, value in zip(q, k, v, strict=True):
        state, normaliser = state + key[:, None] * value, normaliser + key
        rows.append(query @ state / (query @ normaliser))
    return torch.stack(rows)


def recall(num_pairs: int, head_dim: int, device: torch.device) -> tuple[float, float, float]:
    """How many stored random pairs a query with the stored key finds again: elu + 1, φ(x) = x, softmax attention."""
    generator = torch.Generator().manual_seed(torch.initial_seed() + 1)
    k, v = (torch.randn(num_pairs, head_dim, generator=generator) for _ in range(2))
    k = (4 * F.normalize(k, dim=-1) * head_dim**0.25).to(device)  # q·k / √head_dim is 16 for the right key
    v = F.normalize(v, dim=-1).to(device)
    right = torch.arange(num_pairs, device=device)
    outputs = linear(k, k, v), k @ (k.T @ v), F.scaled_dot_product_attention(k[None], k[None], v[None])[0]
    found = [((each @ v.T).argmax(-1) == right).float().mean().item() for each in outputs]
    return found[0], found[1], found[2]


def rates(device: torch.device) -> tuple[float, float, str]:
    """Bytes moved a second over those of a copy, time of softmax over linear attention, and the former's kernel; long text."""
    on_cuda = device.type == "cuda"
    heads, tokens, dtype = (64, 65536, torch.bfloat16) if on_cuda else (1, 4096, torch.float32)
    q, k, v = (noise((1, heads, tokens, 64), device, dtype) for _ in range(3))
    one = (q[:, :1], k[:, :1], v[:, :1])  # softmax attention over one head is slow enough
    all_heads = measure_time(lambda: linear(q, k, v), device, budget_s=0.02)
    single = measure_time(lambda: linear(*one), device, budget_s=0.02)
    backend = fused_backend(device, dtype)
    with sdpa_kernel(backend):
        softmax = measure_time(lambda: F.scaled_dot_product_attention(*one), device, budget_s=0.02)
    copy = measure_ceilings(device, dtype, budget_s=0.02).copy_gb_per_s
    return 4 * q.nbytes / all_heads.median_ms / 1e6 / copy, softmax.median_ms / single.median_ms, backend.name


def claims(result: Result) -> dict[str, bool]:
    half = result.curve_pairs.index(result.head_dim // 2)
    wide = 2 * result.seq_len / result.head_dim  # 4n²d FLOPs against 4nd², and 2nd for the normaliser
    return {
        "the recurrent form, with a state of fixed size, equals the parallel form": result.recurrent_error < 1e-9,
        "reordering the products changes nothing": result.reorder_error < 1e-9,
        "it is another function than softmax attention": result.softmax_gap > 0.1,
        "FLOPs fall by about seq_len / head_dim": wide / 2.2 < result.flops_ratio <= wide / 2,
        "softmax attention finds nearly all of up to 1024 pairs with keys this sharp": result.curve_softmax[-1] > 0.9,
        "a state with φ(x) = x finds most pairs up to half its width, and loses some of 1024": (
            result.curve_signed[half] > 0.8 and result.curve_signed[-1] < 0.9
        ),
        "elu(x) + 1, whose features all point one way, finds fewer of 32 pairs": (
            result.curve_linear[3] < result.curve_signed[3]
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "φ(x) = elu(x) + 1": result.curve_linear,
        "softmax": result.curve_softmax,
        "φ(x) = x": result.curve_signed,
    }
    return line_chart(
        result.curve_pairs,
        {name: [100 * recall for recall in curve] for name, curve in curves.items()},
        x_title="pairs stored (log scale)",
        y_title="pairs found again, %",
        y_domain=(0, 100),
        log="x",
        here=result.head_dim,
    )
