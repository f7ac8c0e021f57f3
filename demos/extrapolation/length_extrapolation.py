"""Trained on 24 tokens, sinusoidal, learned and narrow rotary positions fail on longer texts; a distance penalty holds.

Leaves out: language and depth. One attention layer learns to name the previous token, which needs the nearest key only:
the easiest task for ALiBi, and no evidence of long memory. A quarter of the targets are noise, so that no loss is near zero.
Source: Press et al. 2022, Train Short, Test Long, sections 2 and 4, https://arxiv.org/abs/2108.12409; on other tasks the
order differs: Kazemnejad et al. 2023, https://arxiv.org/abs/2305.19466
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._figures import HEIGHT, PALETTE, WIDTH

SLOW = True
ENCODINGS = ("none", "learned", "sinusoidal", "rotary", "t5", "alibi")
VOCAB_SIZE, TRAIN_LEN, BATCH, HEADS, STEPS = 16, 24, 32, 2, 150
NOISE = 0.25  # share of the targets that are drawn at random
RIGHT, WRONG = 1 - NOISE + NOISE / VOCAB_SIZE, NOISE / VOCAB_SIZE  # chance of the right token, and of each other one
BUCKETS = 8  # of T5's bias: distances 0 to 6, and all beyond, each met in training


@dataclass(frozen=True)
class Result:
    encodings: Annotated[tuple[str, ...], Field("encodings, in the order of the following fields")]
    loss_ratio_by_encoding: Annotated[tuple[float, ...], Field("loss beyond the trained length over loss within it")]
    loss_in_range: Annotated[tuple[float, ...], Field("loss at positions within the trained length")]
    loss_beyond: Annotated[tuple[float, ...], Field("loss at positions beyond the trained length")]
    window_ratio_by_encoding: Annotated[tuple[float, ...], Field("loss ratio if each token sees the last 24 only")]
    rotary_ratio: Annotated[float, Field("the first of these ratios for rotary positions alone")]
    floor: Annotated[float, Field("loss of a perfect model, the entropy of the noise")]
    chance_loss: Annotated[float, Field("loss of a uniform guess")]
    curve_position: Annotated[tuple[int, ...], Field("first position of each stretch along the curves")]
    curve_loss: Annotated[tuple[float, ...], Field("loss in each stretch, one encoding after another")]
    length_ratio: Annotated[int, Field("length tested, in units of the trained length")]
    head_dim: Annotated[int, Field("width of one head")]
    steepest_slope: Annotated[float, Field("slope of ALiBi's first head")]


def run(
    *,
    length_ratio: Annotated[int, Param("length tested, in trained lengths", minimum=2, maximum=16)] = 8,
    head_dim: Annotated[int, Param("width of one of the two heads", choices=(16, 32, 64))] = 16,
    steepest_slope: Annotated[float, Param("slope of ALiBi's first head", minimum=0.004, maximum=2)] = 1.0,
    device: torch.device,
) -> Result:
    pieces = tuple(TRAIN_LEN * 2**power for power in range(length_ratio.bit_length()) if 2**power < length_ratio)
    models = [train(name, head_dim, steepest_slope, length_ratio, device) for name in ENCODINGS]
    losses = [model.losses(TRAIN_LEN * length_ratio) for model in models]  # (position,) each
    windowed = [model.losses(TRAIN_LEN * length_ratio, window=TRAIN_LEN) for model in models]
    floor = -(RIGHT * math.log(RIGHT) + (1 - RIGHT) * math.log(WRONG))
    return Result(
        encodings=ENCODINGS,
        loss_ratio_by_encoding=tuple(ratio(loss) for loss in losses),
        loss_in_range=tuple(loss[1:TRAIN_LEN].mean().item() for loss in losses),
        loss_beyond=tuple(loss[TRAIN_LEN:].mean().item() for loss in losses),
        window_ratio_by_encoding=tuple(ratio(loss) for loss in windowed),
        rotary_ratio=ratio(losses[ENCODINGS.index("rotary")]),
        floor=floor,
        chance_loss=math.log(VOCAB_SIZE),
        curve_position=(1, *pieces),
        curve_loss=tuple(
            part.mean().item() for loss in losses for part in loss[1:].tensor_split([p - 1 for p in pieces])
        ),
        length_ratio=length_ratio,
        head_dim=head_dim,
        steepest_slope=steepest_slope,
    )


class Model(nn.Module):
    """One causal attention layer between embedding and logits; only the encoding of positions differs."""

    slopes: Tensor
    theta: Tensor
    rotary_theta: Tensor

    def __init__(self, encoding: str, head_dim: int, steepest_slope: float, length_ratio: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(torch.initial_seed())
        d_model = HEADS * head_dim

        def normal(rows: int, columns: int, std: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=draw) * std)

        self.encoding = encoding
        self.token = normal(VOCAB_SIZE, d_model)
        self.qkv = normal(d_model, 3 * d_model, d_model**-0.5)
        self.head = normal(d_model, VOCAB_SIZE, d_model**-0.5)
        self.position = normal(TRAIN_LEN * length_ratio, d_model)  # used by "learned" alone
        self.bias = nn.Parameter(torch.zeros(HEADS, BUCKETS))  # used by "t5" alone
        self.register_buffer("slopes", torch.tensor([steepest_slope, 2**-8]))  # used by "alibi" alone
        self.register_buffer("theta", 10_000 ** -(torch.arange(0, d_model, 2) / d_model))
        self.register_buffer("rotary_theta", 10_000 ** -(torch.arange(0, head_dim, 2) / head_dim))

    def forward(self, tokens: Tensor, window: int | None = None) -> Tensor:
        """The logits, (batch, position, VOCAB_SIZE); with a window each token sees so many last positions, its own included."""
        place = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token[tokens]  # (batch, position, d_model)
        if self.encoding == "learned":
            x = x + self.position[place]
        if self.encoding == "sinusoidal":
            x = x + codes(place, self.theta)
        q, k, v = (x @ self.qkv).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        if self.encoding == "rotary":
            q, k = rotate(q, codes(place, self.rotary_theta)), rotate(k, codes(place, self.rotary_theta))
        distance = place[:, None] - place[None, :]  # query − key
        hidden = (distance < 0) | (distance >= (window or len(place)))
        bias = torch.zeros(1, *distance.shape, device=tokens.device)
        if self.encoding == "t5":
            bias = self.bias[:, distance.clamp(0, BUCKETS - 1)]
        if self.encoding == "alibi":
            bias = -self.slopes[:, None, None] * distance
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.masked_fill(hidden, -math.inf))
        return heads.transpose(1, 2).flatten(-2) @ self.head

    @torch.no_grad()
    def losses(self, length: int, window: int | None = None) -> Tensor:
        """The expected loss at each position of BATCH new texts of that length, (length,)."""
        draw = torch.Generator().manual_seed(torch.initial_seed() + 1)
        tokens = torch.randint(VOCAB_SIZE, (BATCH, length), generator=draw).to(self.token.device)
        target = WRONG + (RIGHT - WRONG) * F.one_hot(tokens.roll(1, 1), VOCAB_SIZE)
        return -(target * self(tokens, window).log_softmax(-1)).sum(-1).mean(0)


def codes(place: Tensor, theta: Tensor) -> Tensor:
    """Sines and then cosines of place · theta, (position, 2 · pairs)."""
    angles = place[:, None] * theta
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def rotate(x: Tensor, sin_cos: Tensor) -> Tensor:
    """Each pair of components, half a head apart, turned by its angle, shape as x."""
    (a, b), (sin, cos) = x.chunk(2, -1), sin_cos.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def train(encoding: str, head_dim: int, steepest_slope: float, length_ratio: int, device: torch.device) -> Model:
    """The model after STEPS steps on texts of TRAIN_LEN random tokens, the same texts for each encoding."""
    model = Model(encoding, head_dim, steepest_slope, length_ratio).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    draw = torch.Generator().manual_seed(torch.initial_seed() + 2)
    for _ in range(STEPS):
        tokens, noise = torch.randint(VOCAB_SIZE, (2, BATCH, TRAIN_LEN), generator=draw)
        noisy = torch.rand(BATCH, TRAIN_LEN, generator=draw) < NOISE
        target = torch.where(noisy, noise, tokens.roll(1, 1))[:, 1:].to(device)
        loss = F.cross_entropy(model(tokens.to(device))[:, 1:].flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


def ratio(losses: Tensor) -> float:
    """The mean loss beyond the trained length over the mean loss within it."""
    return (losses[TRAIN_LEN:].mean() / losses[1:TRAIN_LEN].mean()).item()


def claims(result: Result) -> dict[str, bool]:
    loss_ratio = dict(zip(result.encodings, result.loss_ratio_by_encoding, strict=True))
    windowed = dict(zip(result.encodings, result.window_ratio_by_encoding, strict=True))
    in_range = dict(zip(result.encodings, result.loss_in_range, strict=True))
    eight = result.length_ratio >= 8
    return {
        "learned and sinusoidal positions lose half as much again or more beyond the trained length": (
            min(loss_ratio["learned"], loss_ratio["sinusoidal"]) > 1.5
        ),
        "ALiBi's loss stays within 20 %, whatever its slopes": 0.8 < loss_ratio["alibi"] < 1.2,
        "its level depends on them: a slope of 0.5 or more is needed to come within 0.4 of the floor": (
            (in_range["alibi"] < result.floor + 0.4) or result.steepest_slope < 0.5
        ),
        "from 8 times the trained length on, rotary positions with heads of 16 lose 40 % or more": (
            not eight or result.head_dim > 16 or loss_ratio["rotary"] > 1.4
        ),
        "a window of the trained length repairs rotary positions and T5's bias, within 15 %": (
            max(windowed["rotary"], windowed["t5"]) < 1.15
        ),
        "it does not repair learned or sinusoidal positions": min(windowed["learned"], windowed["sinusoidal"]) > 1.5,
        "without positions one layer hardly learns the task, so that its small ratio means nothing": (
            in_range["none"] > result.floor + 0.8 and loss_ratio["none"] < 1.3
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    stretches = len(result.curve_position)
    ends = [*(f"{end - 1}" for end in result.curve_position[1:]), f"{TRAIN_LEN * result.length_ratio - 1}"]
    names = [f"{start} to {end}" for start, end in zip(result.curve_position, ends, strict=True)]
    rows = [
        {"stretch": names[i % stretches], "loss": loss, "encoding": result.encodings[i // stretches]}
        for i, loss in enumerate(result.curve_loss)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("stretch:O", title="position in the text; trained on 0 to 23").sort(names).axis(labelAngle=0),
        y=alt.Y("loss:Q", title="loss (nat per token)").scale(zero=False),
        color=alt.Color("encoding:N", title=None)
        .scale(domain=list(result.encodings), range=list(PALETTE))
        .legend(columns=3),
    )
    marks = [{"loss": result.floor, "label": "floor"}, {"loss": result.chance_loss, "label": "uniform guess"}]
    levels = alt.Chart(alt.Data(values=marks)).encode(y="loss:Q")
    return alt.layer(
        levels.mark_rule(strokeDash=[4, 3]),
        levels.mark_text(align="left", x=4, dy=-8).encode(text="label:N"),
        base.mark_line(point=True),
    ).properties(width=WIDTH, height=HEIGHT)
