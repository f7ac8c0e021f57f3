"""An attention mask does not keep padding out of the loss: the mean over all positions falls with every pad that is added.

Leaves out: the model. Logits are drawn, and a trained model's certainty about padding is imitated by one large logit.
Source: PyTorch documentation of torch.nn.CrossEntropyLoss (ignore_index, reduction),
https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

VOCAB_SIZE, PAD, IGNORED, CERTAIN = 50, 0, -100, 40.0


@dataclass(frozen=True)
class Result:
    loss_alone: Annotated[float, Field("mean cross-entropy of the real tokens, without padding", unit="nats")]
    loss_ignored: Annotated[float, Field("the same with padding added and ignored", unit="nats")]
    loss_all: Annotated[float, Field("mean over all positions, padding predicted with certainty", unit="nats")]
    reported_fraction: Annotated[float, Field("loss_all as a fraction of loss_alone")]
    pad_gradient: Annotated[float, Field("largest gradient of the ignoring loss at a logit of padding")]
    mean_of_means: Annotated[float, Field("mean of the two micro-batches' own means", unit="nats")]
    token_mean: Annotated[float, Field("mean over the tokens of both micro-batches", unit="nats")]
    short_token_weight: Annotated[
        float, Field("weight of a short micro-batch's token over a long one's, mean of means")
    ]
    all_ignored_loss: Annotated[float, Field("mean reduction over a micro-batch of padding alone", unit="nats")]
    curve_num_pads: Annotated[tuple[int, ...], Field("padding positions along the curves")]
    curve_all: Annotated[tuple[float, ...], Field("loss_all for each of them", unit="nats")]
    curve_ignored: Annotated[tuple[float, ...], Field("loss_ignored for each of them", unit="nats")]
    num_pads: Annotated[int, Field("padding positions of the single values")]


def run(
    *,
    num_real: Annotated[int, Param("real tokens", minimum=8, maximum=1024)] = 100,
    num_pads: Annotated[int, Param("positions of padding", minimum=1, maximum=4096)] = 300,
    short_tokens: Annotated[int, Param("real tokens of the shorter of two micro-batches", minimum=2, maximum=512)] = 10,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    logits = torch.randn(num_real, VOCAB_SIZE, generator=draw, dtype=torch.float64)
    targets = torch.randint(1, VOCAB_SIZE, (num_real,), generator=draw).to(device)
    logits = logits.to(device, torch.float32 if device.type == "mps" else torch.float64)

    def padded(pads: int) -> tuple[Tensor, Tensor]:
        """Logits and targets with so many positions of padding behind, predicted with certainty."""
        sure = F.one_hot(torch.full((pads,), PAD, device=device), VOCAB_SIZE).to(logits.dtype) * CERTAIN
        return torch.cat([logits, sure]), torch.cat([targets, targets.new_full((pads,), PAD)])

    def loss(pads: int, ignored: int) -> float:
        return F.cross_entropy(*padded(pads), ignore_index=ignored).item()

    alone = F.cross_entropy(logits, targets)
    leaf, labels = padded(num_pads)
    leaf.requires_grad_()
    F.cross_entropy(leaf, labels, ignore_index=PAD).backward()
    assert leaf.grad is not None
    # Two micro-batches: the real tokens as they are, and short_tokens of uniform logits, whose loss is log VOCAB_SIZE.
    short = F.cross_entropy(logits.new_zeros(short_tokens, VOCAB_SIZE), targets.new_ones(short_tokens))
    nothing = targets.new_full((2,), IGNORED)
    counts = (25, 50, 100, 200, 400, 800, 1600)
    return Result(
        loss_alone=alone.item(),
        loss_ignored=loss(num_pads, PAD),
        loss_all=loss(num_pads, IGNORED),
        reported_fraction=loss(num_pads, IGNORED) / alone.item(),
        pad_gradient=leaf.grad[num_real:].abs().max().item(),
        mean_of_means=(0.5 * (alone + short)).item(),
        token_mean=((num_real * alone + short_tokens * short) / (num_real + short_tokens)).item(),
        short_token_weight=num_real / short_tokens,
        all_ignored_loss=F.cross_entropy(logits[:2], nothing, ignore_index=IGNORED).item(),
        curve_num_pads=counts,
        curve_all=tuple(loss(pads, IGNORED) for pads in counts),
        curve_ignored=tuple(loss(pads, PAD) for pads in counts),
        num_pads=num_pads,
    )


def claims(result: Result) -> dict[str, bool]:
    return {
        "with padding ignored the loss is that of the real tokens, however much padding there is": all(
            abs(value / result.loss_alone - 1) < 1e-5 for value in (*result.curve_ignored, result.loss_ignored)
        ),
        "without that, certain padding shrinks the mean, and more padding shrinks it further": (
            result.reported_fraction < 1 and list(result.curve_all) == sorted(result.curve_all, reverse=True)
        ),
        "ignored padding receives no gradient": result.pad_gradient == 0,
        "a micro-batch of padding alone has a mean of NaN": result.all_ignored_loss != result.all_ignored_loss,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_num_pads,
        {"mean over all positions": result.curve_all, "padding ignored": result.curve_ignored},
        x_title="positions of padding (log scale)",
        y_title="loss in nats",
        log="x",
        here=result.num_pads,
        at={"mean over all positions": 1, "padding ignored": -1},
    )
