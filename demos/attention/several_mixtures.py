"""A head gives each token one mixture of values: what one neighbour gains in it, the other loses; a second head has both.

Leaves out: how queries and keys would make the weights, which are set or drawn here; the width of a head, into which one
content fits; read-outs that are not linear. Tokens are independent, so none can be guessed from another.
Source: Vaswani et al. 2017, Attention Is All You Need, section 3.2.2 ("averaging inhibits this"),
https://arxiv.org/abs/1706.03762
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from demos import Field, Param
from demos._charts import Chart, line_chart

NUM_KEYS, CONTENT_DIM, SAMPLES = 16, 4, 4096


@dataclass(frozen=True)
class Result:
    recovered: Annotated[float, Field("share of the wanted contents' variance that a linear read-out recovers")]
    recovered_one_head: Annotated[float, Field("the same with one head of the full width")]
    best_of_random: Annotated[float, Field("the most that 50 random settings of the weights recover, num_heads heads")]
    first_at_half: Annotated[float, Field("share of the first wanted token, one head, weights 1/2 and 1/2")]
    first_at_four_fifths: Annotated[float, Field("share of the first wanted token, one head, weights 0.8 and 0.2")]
    second_at_four_fifths: Annotated[float, Field("share of the second wanted token at those weights")]
    curve_weight: Annotated[tuple[float, ...], Field("weight of the first of two wanted tokens, one head")]
    curve_first: Annotated[tuple[float, ...], Field("share of the first wanted token that is recovered")]
    curve_second: Annotated[tuple[float, ...], Field("share of the second wanted token that is recovered")]
    num_heads: Annotated[int, Field("heads, that is, rows of weights for one query")]
    num_wanted: Annotated[int, Field("tokens whose contents are wanted at once")]


def run(
    *,
    num_heads: Annotated[int, Param("heads, that is, rows of weights for one query", minimum=1, maximum=8)] = 2,
    num_wanted: Annotated[int, Param("tokens whose contents are wanted at once", minimum=2, maximum=8)] = 2,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    values = torch.randn(SAMPLES, NUM_KEYS, CONTENT_DIM, generator=draw, dtype=torch.float64)
    values = values.to(device, torch.float32 if device.type == "mps" else torch.float64)
    wanted = values[:, :num_wanted]  # (SAMPLES, num_wanted, CONTENT_DIM)

    def pointing(heads: int) -> Tensor:
        """Weights with which each head takes wanted tokens of its own, several to a head where heads are too few."""
        rows = torch.zeros(heads, NUM_KEYS)
        for token in range(max(heads, num_wanted)):
            rows[token % heads, token % num_wanted] = 1.0
        return rows / rows.sum(-1, keepdim=True)

    def shares(rows: Tensor, of: Tensor) -> Tensor:
        return recovered(torch.einsum("hk,skc->shc", rows.to(values), values).flatten(1), of)

    random = [torch.rand(num_heads, NUM_KEYS, generator=draw).pow(8) for _ in range(50)]
    steps = torch.linspace(0, 1, 21).tolist()
    mixed = [torch.tensor([[weight, 1 - weight] + [0.0] * (NUM_KEYS - 2)]) for weight in steps]
    curve = [shares(rows, values[:, :2]).tolist() for rows in mixed]
    return Result(
        recovered=shares(pointing(num_heads), wanted).mean().item(),
        recovered_one_head=shares(pointing(1), wanted).mean().item(),
        best_of_random=max(shares(rows / rows.sum(-1, keepdim=True), wanted).mean().item() for rows in random),
        first_at_half=curve[10][0],
        first_at_four_fifths=curve[16][0],
        second_at_four_fifths=curve[16][1],
        curve_weight=tuple(steps),
        curve_first=tuple(first for first, _ in curve),
        curve_second=tuple(second for _, second in curve),
        num_heads=num_heads,
        num_wanted=num_wanted,
    )


def recovered(outputs: Tensor, wanted: Tensor) -> Tensor:
    """R² of each wanted token from the heads' outputs (samples, numbers) by least squares, shape (num_wanted,)."""
    gram = outputs.T @ outputs + 1e-6 * len(outputs) * torch.eye(outputs.shape[1]).to(outputs)
    target = wanted.flatten(1)  # (samples, num_wanted * CONTENT_DIM)
    fitted = outputs @ torch.linalg.solve(gram, outputs.T @ target)
    left = (target - fitted).square().sum(0).view(wanted.shape[1:]).sum(-1)
    return 1 - left / wanted.square().sum((0, 2))


def claims(result: Result) -> dict[str, bool]:
    bound = min(result.num_heads, result.num_wanted) / result.num_wanted
    total = [first + second for first, second in zip(result.curve_first, result.curve_second, strict=True)]
    return {
        "with one head, the two tokens share one whole between them, whatever the weights": (
            all(abs(value - 1) < 0.02 for value in total)
        ),
        "heads that each point at a token recover num_heads of num_wanted, and all of them once there are enough": (
            abs(result.recovered - bound) < 0.02
        ),
        "one head recovers one part in num_wanted": abs(result.recovered_one_head - 1 / result.num_wanted) < 0.02,
        "no drawn weights recover more than that": result.best_of_random < bound + 0.02,
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_weight,
        {"second token": result.curve_second, "first token": result.curve_first},
        x_title="weight of the first of the two tokens",
        y_title="share that is recovered",
        y_domain=(0, 1),
        points=False,
        at={"first token": (15, "right"), "second token": (14, "right")},
        below=("second token",),
    )
