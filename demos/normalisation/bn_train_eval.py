"""BatchNorm differs between training and eval, and in training its output moves with padding; LayerNorm does neither.

Leaves out: gain and bias, weight updates between the batches, and variants of BatchNorm that mask or synchronise.
Source: Ioffe and Szegedy 2015, Batch Normalization, section 3.1, https://arxiv.org/abs/1502.03167;
Shen et al. 2020, PowerNorm (batch statistics of text fluctuate), https://arxiv.org/abs/2003.07845
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart

D_MODEL, CHECKED = 16, 32


@dataclass(frozen=True)
class Result:
    bn_gap: Annotated[float, Field("root mean square of training output minus eval output, statistics of real tokens")]
    bn_gap_padded: Annotated[float, Field("the same where the zeros of the padding count in the statistics")]
    ln_gap: Annotated[float, Field("the same for LayerNorm")]
    padding_shift: Annotated[
        float, Field("the same for training output, padding counted, before and after more padding")
    ]
    padding_shift_eval: Annotated[float, Field("the same for eval output")]
    pad_share: Annotated[float, Field("share of padding in a batch, mean")]
    initial_share: Annotated[float, Field("share of its initial value in the running mean after all steps")]
    one_row_raises: Annotated[bool, Field("whether torch refuses a batch of one row in training")]
    curve_batch: Annotated[tuple[int, ...], Field("batch along the curves")]
    curve_bn_gap: Annotated[tuple[float, ...], Field("bn_gap for each of them")]
    curve_bn_gap_padded: Annotated[tuple[float, ...], Field("bn_gap_padded for each of them")]
    batch: Annotated[int, Field("sequences in a batch")]
    max_len: Annotated[int, Field("longest sequence")]
    momentum: Annotated[float, Field("weight of the newest batch in the running averages")]
    steps: Annotated[int, Field("batches in training")]


def run(
    *,
    batch: Annotated[int, Param("sequences in a batch", minimum=2, maximum=128)] = 8,
    max_len: Annotated[int, Param("lengths are drawn from 1 to this", minimum=2, maximum=64)] = 32,
    momentum: Annotated[float, Param("weight of the newest batch in the averages", minimum=0.01, maximum=1)] = 0.1,
    steps: Annotated[int, Param("batches in training before eval", minimum=1, maximum=200)] = 100,
    device: torch.device,
) -> Result:
    def differences(count: int) -> list[float]:
        """The mean square of each pair below for batches of `count` sequences, then the share of padding."""
        draw = torch.Generator().manual_seed(torch.initial_seed())
        offset = torch.randn(D_MODEL, generator=draw)  # every feature has a mean of its own
        of_real, of_all = (nn.BatchNorm1d(D_MODEL, momentum=momentum, affine=False, device=device) for _ in range(2))
        layer_norm = nn.LayerNorm(D_MODEL, device=device)
        found = []
        for step in range(steps + CHECKED):
            lengths = torch.randint(1, max_len + 1, (count,), generator=draw)
            real, padding = int(lengths.sum()), count * int(lengths.max()) - int(lengths.sum())
            tokens = (torch.randn(real, D_MODEL, generator=draw) + offset).to(device)  # (real, d_model)
            padded = F.pad(tokens, (0, 0, 0, padding))  # (real + padding, d_model), zeros last
            longer = F.pad(padded, (0, 0, 0, count * max_len))
            if step < steps:
                of_real(tokens), of_all(padded)  # a call in training mode updates the running averages
                continue
            pairs = (
                (in_training(tokens), of_real.eval()(tokens)),
                (in_training(padded)[:real], of_all.eval()(padded)[:real]),
                (in_training(padded)[:real], in_training(longer)[:real]),
                (of_all(padded)[:real], of_all(longer)[:real]),
                (layer_norm.train()(tokens), layer_norm.eval()(tokens)),
            )
            found.append([(a - b).square().mean().item() for a, b in pairs] + [padding / len(padded)])
        return torch.tensor(found).mean(0).tolist()

    chosen = differences(batch)
    bn_gap, bn_gap_padded, padding_shift, padding_shift_eval, ln_gap = (math.sqrt(square) for square in chosen[:-1])
    counts = tuple(2**power for power in range(1, 8))
    curve = [differences(count) for count in counts]
    return Result(
        bn_gap=bn_gap,
        bn_gap_padded=bn_gap_padded,
        ln_gap=ln_gap,
        padding_shift=padding_shift,
        padding_shift_eval=padding_shift_eval,
        pad_share=chosen[-1],
        initial_share=initial_share(momentum, steps),
        one_row_raises=one_row_raises(),
        curve_batch=counts,
        curve_bn_gap=tuple(math.sqrt(found[0]) for found in curve),
        curve_bn_gap_padded=tuple(math.sqrt(found[1]) for found in curve),
        batch=batch,
        max_len=max_len,
        momentum=momentum,
        steps=steps,
    )


def in_training(x: Tensor) -> Tensor:
    """BatchNorm with the statistics of this batch, as in training, without touching any running average."""
    return F.batch_norm(x, None, None, training=True)


def initial_share(momentum: float, steps: int) -> float:
    """What torch leaves of a running mean of 1 when every batch has mean 0."""
    mean, variance, zeros = torch.ones(1), torch.ones(1), torch.zeros(2, 1)
    for _ in range(steps):
        F.batch_norm(zeros, mean, variance, training=True, momentum=momentum)
    return mean.item()


def one_row_raises() -> bool:
    """Whether torch refuses one row: its variance would be 0."""
    try:
        in_training(torch.zeros(1, D_MODEL))
    except ValueError:
        return True
    return False


def claims(result: Result) -> dict[str, bool]:
    warm = result.initial_share < 1e-3
    real, padded = sum(result.curve_bn_gap[3:]), sum(result.curve_bn_gap_padded[3:])
    return {
        "LayerNorm gives the same in training and in eval": result.ln_gap < 1e-6,
        "BatchNorm does not": result.bn_gap > 0.005,
        "with warm averages, its gap at 128 sequences is under a third of that at 2": (
            not warm or result.curve_bn_gap[-1] < result.curve_bn_gap[0] / 3
        ),
        "with warm averages and lengths up to 32 or more, padding in the statistics widens it from 16 sequences on": (
            not warm or result.max_len < 32 or padded > 1.1 * real
        ),
        "more padding moves the training output by more than 0.3, and the eval output not at all": (
            result.padding_shift > 0.3 and result.padding_shift_eval < 1e-6
        ),
        "the running mean keeps (1 − momentum)^steps of its initial value": (
            abs(result.initial_share - (1 - result.momentum) ** result.steps) < 1e-5
        ),
        "torch refuses a batch of one row in training": result.one_row_raises,
    }


def figure(result: Result) -> Chart:
    curves = {
        "BatchNorm, padding counted": result.curve_bn_gap_padded,
        "LayerNorm": (result.ln_gap,) * len(result.curve_batch),
        "BatchNorm, real tokens": result.curve_bn_gap,
    }
    return line_chart(
        result.curve_batch,
        curves,
        x_title="sequences in a batch (log scale)",
        y_title="training output − eval output",
        log="x",
        here=result.batch,
    )
