"""One step of decoding, timed against a KV cache that fills the device, for the demos that ask what such a step costs."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import sdpa_kernel

from demos._measure import fused_backend, measure_time, noise

HEAD_DIM = 128


@dataclass(frozen=True)
class Step:
    """What was measured: the time of the step, the bytes of cache that it reads, and torch's name for the kernel."""

    ms: float
    cache_bytes: int
    backend: str

    @property
    def gb_per_s(self) -> float:
        return self.cache_bytes / self.ms / 1e6


def decoding_step(num_heads: int, num_kv_heads: int, device: torch.device, *, repeat: bool = False) -> Step:
    """Attention of one new token a sequence; `repeat` first copies each K/V head for every query head of its group."""
    on_cuda = device.type == "cuda"
    batch, tokens, dtype = (8, 8192, torch.bfloat16) if on_cuda else (1, 2048, torch.float32)
    q = noise((batch, num_heads, 1, HEAD_DIM), device, dtype)
    k, v = (noise((batch, num_kv_heads, tokens, HEAD_DIM), device, dtype) for _ in range(2))
    group = num_heads // num_kv_heads

    def step() -> Tensor:
        keys, values = (x.repeat_interleave(group, 1) if repeat else x for x in (k, v))
        return F.scaled_dot_product_attention(q, keys, values, enable_gqa=group > 1 and not repeat)

    backend = fused_backend(device, dtype, shared_heads=group > 1)
    with sdpa_kernel(backend):
        return Step(measure_time(step, device, budget_s=0.03).median_ms, k.nbytes + v.nbytes, backend.name)
