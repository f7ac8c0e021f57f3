"""Post-norm needs warm-up where depth and learning rate are high, and only there; pre-norm trains there without it.

Leaves out: decay after the warm-up, real data, and the final quality of the two placements.
Source: Xiong et al. 2020, On Layer Normalization in the Transformer Architecture, https://arxiv.org/abs/2002.04745;
Liu et al. 2020, Understanding the Difficulty of Training Transformers, https://arxiv.org/abs/2004.08249.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from demos import Field, Param
from demos._charts import Chart, line_chart

SLOW = True
STEPS, BATCH, SEQ_LEN, D_MODEL, VOCAB_SIZE = 150, 16, 16, 32, 16


@dataclass(frozen=True)
class Result:
    loss_post: Annotated[float, Field("training loss, mean of the last ten steps, post-norm without warm-up")]
    loss_post_warm: Annotated[float, Field("training loss, mean of the last ten steps, post-norm with warm-up")]
    loss_pre: Annotated[float, Field("training loss, mean of the last ten steps, pre-norm without warm-up")]
    chance_loss: Annotated[float, Field("loss of a uniform guess, ln vocab_size")]
    spread_start: Annotated[float, Field("share of the output's power that differs between tokens, post-norm, step 1")]
    spread_post: Annotated[float, Field("that share at its lowest during training, post-norm without warm-up")]
    spread_post_warm: Annotated[float, Field("that share at its lowest during training, post-norm with warm-up")]
    spread_pre: Annotated[float, Field("that share at its lowest during training, pre-norm without warm-up")]
    curve_step: Annotated[tuple[int, ...], Field("step along the curves")]
    curve_post: Annotated[tuple[float, ...], Field("training loss at each step, post-norm without warm-up")]
    curve_post_warm: Annotated[tuple[float, ...], Field("training loss at each step, post-norm with warm-up")]
    curve_pre: Annotated[tuple[float, ...], Field("training loss at each step, pre-norm without warm-up")]
    num_layers: Annotated[int, Field("layers of the decoder")]
    learning_rate: Annotated[float, Field("peak learning rate of Adam")]
    warmup_steps: Annotated[int, Field("steps over which the rate rises, in the arm that warms up")]


def run(
    *,
    num_layers: Annotated[int, Param("layers of the decoder", minimum=1, maximum=12)] = 6,
    learning_rate: Annotated[float, Param("peak learning rate of Adam", minimum=0.001, maximum=0.03)] = 0.01,
    warmup_steps: Annotated[int, Param("steps of linear warm-up, of 150 in all", minimum=1, maximum=150)] = 75,
    device: torch.device,
) -> Result:
    post, spread_post = train(False, num_layers, learning_rate, 1, device)
    warm, spread_warm = train(False, num_layers, learning_rate, warmup_steps, device)
    pre, spread_pre = train(True, num_layers, learning_rate, 1, device)
    return Result(
        loss_post=sum(post[-10:]) / 10,
        loss_post_warm=sum(warm[-10:]) / 10,
        loss_pre=sum(pre[-10:]) / 10,
        chance_loss=math.log(VOCAB_SIZE),
        spread_start=spread_post[0],
        spread_post=min(spread_post),
        spread_post_warm=min(spread_warm),
        spread_pre=min(spread_pre),
        curve_step=tuple(range(1, STEPS + 1)),
        curve_post=post,
        curve_post_warm=warm,
        curve_pre=pre,
        num_layers=num_layers,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
    )


def train(
    norm_first: bool, num_layers: int, learning_rate: float, warmup_steps: int, device: torch.device
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Loss and spread of the output at each step of learning to repeat the previous token; every matrix is Xavier's."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    layer = nn.TransformerEncoderLayer(
        D_MODEL, 2, 2 * D_MODEL, dropout=0.0, batch_first=True, norm_first=norm_first, bias=False
    )
    final = nn.LayerNorm(D_MODEL) if norm_first else None
    decoder = nn.TransformerEncoder(layer, num_layers, final, enable_nested_tensor=False)
    token, position = nn.Embedding(VOCAB_SIZE, D_MODEL), nn.Embedding(SEQ_LEN, D_MODEL)
    head = nn.Linear(D_MODEL, VOCAB_SIZE, bias=False)
    model = nn.ModuleList([decoder, token, position, head])
    for matrix in model.parameters():
        if matrix.dim() == 2:
            nn.init.xavier_normal_(matrix, generator=generator)
    model.to(device)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    mask = nn.Transformer.generate_square_subsequent_mask(SEQ_LEN, device=device)
    losses, spreads = [], []
    for step in range(1, STEPS + 1):
        optimiser.param_groups[0]["lr"] = learning_rate * min(1, step / warmup_steps)
        tokens = torch.randint(VOCAB_SIZE, (BATCH, SEQ_LEN), generator=generator).to(device)
        hidden = decoder(token(tokens) + position.weight, mask=mask, is_causal=True)  # (BATCH, SEQ_LEN, D_MODEL)
        loss = F.cross_entropy(head(hidden[:, 1:]).flatten(0, 1), tokens[:, :-1].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rows = hidden.detach().flatten(0, 1)  # (BATCH * SEQ_LEN, D_MODEL)
        losses.append(loss.item())
        spreads.append((rows - rows.mean(0)).square().mean().item() / rows.square().mean().item())
    return tuple(losses), tuple(spreads)


def claims(result: Result) -> dict[str, bool]:
    layers, rate, warmup = result.num_layers, result.learning_rate, result.warmup_steps
    high = layers >= 6 and rate >= 0.01
    return {
        "from 6 layers and a rate of 0.01 on, post-norm without warm-up stays within 0.3 of chance": (
            not high or result.loss_post > result.chance_loss - 0.3
        ),
        "there all tokens have come to share one output vector": not high or result.spread_post < 1e-5,
        "at 6 layers and a rate of 0.01, 50 or more steps of warm-up bring post-norm below a third of chance": (
            (layers, rate) != (6, 0.01) or warmup < 50 or result.loss_post_warm < result.chance_loss / 3
        ),
        "up to 2 layers and at rates from 0.003 to 0.01, post-norm learns without warm-up": (
            layers > 2 or not 0.003 <= rate <= 0.01 or result.loss_post < result.chance_loss / 3
        ),
        "up to 6 layers and a rate of 0.003, warm-up does not lower post-norm's loss by more than 0.1": (
            layers > 6 or rate > 0.003 or result.loss_post < result.loss_post_warm + 0.1
        ),
        "from 8 layers and a rate of 0.02 on, up to 100 steps of warm-up do not free post-norm": (
            layers < 8 or rate < 0.02 or warmup > 100 or result.loss_post_warm > result.chance_loss - 0.3
        ),
        "up to a rate of 0.01, pre-norm learns without warm-up at every depth": (
            rate > 0.01 or result.loss_pre < result.chance_loss / 3
        ),
    }


def figure(result: Result) -> Chart:
    curves = {
        "post-norm": result.curve_post,
        "pre-norm": result.curve_pre,
        "post-norm, warm-up": result.curve_post_warm,
    }
    return line_chart(
        result.curve_step,
        curves,
        x_title="step",
        y_title="training loss (nat per token)",
        points=False,
        levels={"chance": result.chance_loss},
    )
