"""In training, BatchNorm lets a token's output depend on the rest of its batch; LayerNorm sees that token alone.

Leaves out: running averages (bn_train_eval), gain and bias, and what such noise does to training, which may be good.
Source: Ioffe and Szegedy 2015, Batch Normalization, algorithm 1, https://arxiv.org/abs/1502.03167;
Ba et al. 2016, Layer Normalization, section 3, https://arxiv.org/abs/1607.06450
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart

REDRAWS = 32


@dataclass(frozen=True)
class Result:
    bn_jitter: Annotated[float, Field("standard deviation of a sequence's output when its batch mates are redrawn")]
    ln_jitter: Annotated[float, Field("the same for LayerNorm")]
    first_order_jitter: Annotated[float, Field("bn_jitter by the first-order law, from the noise of mean and variance")]
    effective_tokens: Annotated[float, Field("independent tokens whose mean is as noisy as the mean of the batch")]
    bn_from_later_tokens: Annotated[float, Field("bn_jitter of a first token when only its own later tokens change")]
    ln_from_later_tokens: Annotated[float, Field("the same for LayerNorm")]
    bn_mean_abs: Annotated[float, Field("mean absolute BatchNorm output")]
    bn_statistics: Annotated[int, Field("means that BatchNorm computes")]
    ln_statistics: Annotated[int, Field("means that LayerNorm computes")]
    curve_batch: Annotated[tuple[int, ...], Field("batch along the curves")]
    curve_bn: Annotated[tuple[float, ...], Field("bn_jitter for each of them")]
    curve_ln: Annotated[tuple[float, ...], Field("ln_jitter for each of them")]
    batch: Annotated[int, Field("sequences in the batch")]
    seq_len: Annotated[int, Field("tokens of a sequence")]


def run(
    *,
    batch: Annotated[int, Param("sequences in the batch", minimum=2, maximum=256)] = 8,
    seq_len: Annotated[int, Param("tokens of a sequence", minimum=1, maximum=64)] = 16,
    d_model: Annotated[int, Param("features of a token", minimum=16, maximum=64)] = 32,
    shared: Annotated[float, Param("share of variance common to the tokens of a sequence", minimum=0, maximum=1)] = 0.5,
    device: torch.device,
) -> Result:
    def outputs(count: int, only_own: bool = False) -> tuple[Tensor, Tensor]:
        """Both norms' output for the first sequence in redrawn company, (REDRAWS, seq_len, d_model) each."""
        generator = torch.Generator().manual_seed(torch.initial_seed())
        batch_norm = nn.BatchNorm1d(d_model, affine=False, device=device)  # in training mode: statistics over all rows
        layer_norm = nn.LayerNorm(d_model, elementwise_affine=False, device=device)
        kept = draw(count, seq_len, d_model, shared, generator).to(device)  # (batch, seq_len, d_model)
        by_bn, by_ln = [], []
        for _ in range(REDRAWS):
            x = draw(count, seq_len, d_model, shared, generator).to(device)
            if only_own:
                x[1:], x[0, 0] = kept[1:], kept[0, 0]
            else:
                x[0] = kept[0]
            by_bn.append(batch_norm(x.flatten(0, 1)).view_as(x)[0])
            by_ln.append(layer_norm(x)[0])
        return torch.stack(by_bn), torch.stack(by_ln)

    by_bn, by_ln = outputs(batch)
    own_bn, own_ln = outputs(batch, only_own=True)
    counts = tuple(2**power for power in range(1, 9))
    curve = [outputs(count) for count in counts]
    of_mean = (1 + (seq_len - 1) * shared) / seq_len  # variance of one sequence's mean
    of_square = (1 + (seq_len - 1) * shared**2) / seq_len  # half the variance of its mean square
    return Result(
        bn_jitter=jitter(by_bn),
        ln_jitter=jitter(by_ln),
        first_order_jitter=math.sqrt((of_mean + of_square / 2) * (batch - 1)) / batch,
        effective_tokens=batch / of_mean,
        bn_from_later_tokens=jitter(own_bn[:, :1]),
        ln_from_later_tokens=jitter(own_ln[:, :1]),
        bn_mean_abs=by_bn.abs().mean().item(),
        bn_statistics=d_model,
        ln_statistics=batch * seq_len,
        curve_batch=counts,
        curve_bn=tuple(jitter(bn) for bn, _ in curve),
        curve_ln=tuple(jitter(ln) for _, ln in curve),
        batch=batch,
        seq_len=seq_len,
    )


def draw(batch: int, seq_len: int, d_model: int, shared: float, generator: torch.Generator) -> Tensor:
    """Tokens of unit variance, of which the sequence explains the share `shared`, (batch, seq_len, d_model)."""
    sequence = torch.randn(batch, 1, d_model, generator=generator)
    token = torch.randn(batch, seq_len, d_model, generator=generator)
    return math.sqrt(shared) * sequence + math.sqrt(1 - shared) * token


def jitter(outputs: Tensor) -> float:
    """The standard deviation over the redraws (first axis), root mean square over the rest."""
    return (outputs - outputs[0]).var(0).mean().sqrt().item()


def claims(result: Result) -> dict[str, bool]:
    return {
        "LayerNorm's output does not move": max(result.ln_jitter, result.ln_from_later_tokens) < 1e-6,
        "BatchNorm's output moves, from 8 sequences on as the first-order law says, within a quarter": (
            result.bn_jitter > 0.002 and (result.batch < 8 or 0.8 < result.bn_jitter / result.first_order_jitter < 1.25)
        ),
        "it moves four to eight times less with 256 sequences than with 8": (
            4 < result.curve_bn[2] / result.curve_bn[-1] < 8
        ),
        "BatchNorm tells a token of the later tokens of its own sequence": (
            result.seq_len == 1 or result.bn_from_later_tokens > 1e-4
        ),
        "two sequences of one token become plus and minus one": (
            result.batch > 2 or result.seq_len > 1 or 0.97 < result.bn_mean_abs < 1.001
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_batch,
        {"BatchNorm": result.curve_bn, "LayerNorm": result.curve_ln},
        x_title="sequences in the batch (log scale)",
        y_title="jitter of one sequence's output",
        log="x",
        here=result.batch,
        at=(4, "left"),
    )
