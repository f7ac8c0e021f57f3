"""Attention in a causal band, computed in blocks as wide as the band: how exact, how much work, and at what rate."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from demos._measure import count_flops, measure_ceilings, measure_time, noise


def in_blocks(window: int, device: torch.device) -> tuple[float, float, float, str]:
    """Error, FLOPs saved, FLOP rate and kernel of a band in blocks: w queries against their own block and the last."""
    on_cuda = device.type == "cuda"
    batch, width, dtype = (65536 // window, 128, torch.bfloat16) if on_cuda else (4, 32, torch.float32)
    q, k, v = (noise((batch, 16 * window, width), device, dtype) for _ in range(3))
    ones = torch.ones(window, 2 * window, dtype=torch.bool, device=device)
    band = ones.tril(window).triu(1).expand(1, 16, -1, -1).clone()  # (1, block, query, key)
    band[:, 0, :, :window] = False  # nothing lies before the first block

    def blocks(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys, values = (
            F.pad(x, (0, 0, window, 0)).unfold(1, 2 * window, window).mT for x in (k, v)
        )  # (batch, 16, 2w, width)
        return F.scaled_dot_product_attention(q.unflatten(1, (16, window)), keys, values, attn_mask=band).flatten(1, 2)

    few = q[:2].float(), k[:2].float(), v[:2].float()
    mask = torch.ones(16 * window, 16 * window, dtype=torch.bool, device=device).tril().triu(1 - window)
    error = (blocks(*few) - F.scaled_dot_product_attention(*few, attn_mask=mask)).abs().max().item()
    flops = count_flops(lambda: blocks(q, k, v))
    full = count_flops(lambda: F.scaled_dot_product_attention(q[:1], k[:1], v[:1])) * batch
    fused = {"cpu": SDPBackend.FLASH_ATTENTION, "cuda": SDPBackend.EFFICIENT_ATTENTION}  # these take a mask
    backend = fused.get(device.type, SDPBackend.MATH)
    with sdpa_kernel(backend):
        time = measure_time(lambda: blocks(q, k, v), device, budget_s=0.02)
    ceiling = measure_ceilings(device, dtype, budget_s=0.02).matmul_gflop_per_s
    return error, full / flops, flops / time.median_ms / 1e6 / ceiling, backend.name
