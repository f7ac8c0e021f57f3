"""The noise of BatchNorm's statistics falls with the root of the samples behind them, and SyncBN pools devices for it.

Leaves out: correlated samples such as the tokens of a sentence (bn_vs_ln), and whether the noise helps as a regulariser.
Source: Wu and He 2018, Group Normalization, section 1 and figure 1, https://arxiv.org/abs/1803.08494
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart

DRAWS, CHANNELS = 200, 32
BATCHES = (2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Result:
    mean_noise: Annotated[float, Field("standard deviation of a batch mean, channels of variance 1")]
    mean_law: Annotated[float, Field("1/√batch")]
    variance_noise: Annotated[float, Field("standard deviation of a batch variance")]
    variance_law: Annotated[float, Field("√(2 (batch − 1)) / batch, for normal samples")]
    mean_noise_synced: Annotated[float, Field("mean_noise with the statistics of all devices pooled")]
    error_against_torch: Annotated[float, Field("largest difference of the statistics from those of torch's BatchNorm")]
    curve_batch: Annotated[tuple[int, ...], Field("samples on a device along the curves")]
    curve_alone: Annotated[tuple[float, ...], Field("mean_noise for each of them")]
    curve_synced: Annotated[tuple[float, ...], Field("mean_noise_synced for each of them")]
    batch: Annotated[int, Field("samples on a device")]
    num_devices: Annotated[int, Field("devices whose statistics SyncBN pools")]


def run(
    *,
    batch: Annotated[int, Param("samples on one device", minimum=2, maximum=256)] = 4,
    num_devices: Annotated[int, Param("devices whose statistics SyncBN pools", minimum=1, maximum=16)] = 8,
    device: torch.device,
) -> Result:
    device = torch.device("cpu") if device.type == "mps" else device  # float64 throughout
    samples = draw(batch, device)  # (DRAWS, batch, CHANNELS)
    norm = nn.BatchNorm1d(CHANNELS, momentum=1.0, dtype=torch.float64, device=device)
    norm(samples[0])  # with momentum 1 the running mean is the batch mean
    running = norm.running_mean
    if running is None:
        raise RuntimeError("BatchNorm keeps no running mean")
    return Result(
        mean_noise=samples.mean(1).std().item(),
        mean_law=batch**-0.5,
        variance_noise=samples.var(1, correction=0).std().item(),
        variance_law=(2 * (batch - 1)) ** 0.5 / batch,
        mean_noise_synced=draw(batch * num_devices, device).mean(1).std().item(),
        error_against_torch=(running - samples[0].mean(0)).abs().max().item(),
        curve_batch=BATCHES,
        curve_alone=tuple(draw(each, device).mean(1).std().item() for each in BATCHES),
        curve_synced=tuple(draw(each * num_devices, device).mean(1).std().item() for each in BATCHES),
        batch=batch,
        num_devices=num_devices,
    )


def draw(batch: int, device: torch.device) -> Tensor:
    """Batches of independent samples from N(0, 1), (DRAWS, batch, CHANNELS)."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    return torch.randn(DRAWS, batch, CHANNELS, generator=generator, dtype=torch.float64).to(device)


def claims(result: Result) -> dict[str, bool]:
    return {
        "the batch mean is that of torch's BatchNorm": result.error_against_torch < 1e-12,
        "the mean's noise is 1/√batch, within 8 %": 0.92 < result.mean_noise / result.mean_law < 1.08,
        "the variance's noise is √(2 (batch − 1)) / batch, within 12 %": (
            0.88 < result.variance_noise / result.variance_law < 1.12
        ),
        "pooling devices divides the mean's noise by √num_devices, within 15 %": (
            0.85 < result.mean_noise / result.mean_noise_synced / result.num_devices**0.5 < 1.15
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_batch,
        {"one device": result.curve_alone, "SyncBN over all": result.curve_synced},
        x_title="samples on one device (log scale)",
        y_title="noise of a batch mean (log scale)",
        log="xy",
        here=result.batch,
        at={"one device": (1, "left"), "SyncBN over all": -1},
        below=("SyncBN over all",),
    )
