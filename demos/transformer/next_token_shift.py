"""A causal model must predict the next token: trained on its own token, it reaches a lower loss and learns to copy.

Leaves out: attention. The text is a Markov chain, where a table from token to next token is the best model there is.
Source: Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 3.1 (equation 1)
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

SHIFTS = (0, 1, 2)


@dataclass(frozen=True)
class Result:
    train_loss: Annotated[
        tuple[float, ...], Field("loss on the labels it was given, labels 0, 1, 2 ahead", unit="nats")
    ]
    next_token_loss: Annotated[tuple[float, ...], Field("loss of those models on the next token", unit="nats")]
    next_token_accuracy: Annotated[tuple[float, ...], Field("how often their likeliest token is the next one")]
    repeats: Annotated[tuple[float, ...], Field("how often greedy generation repeats its last token")]
    entropy_rate: Annotated[float, Field("entropy of the next token given the current one", unit="nats")]
    chance_loss: Annotated[float, Field("loss of a uniform guess, log vocab_size", unit="nats")]
    targets_per_sequence: Annotated[int, Field("next tokens that seq_len tokens contain")]
    seq_len: Annotated[int, Field("tokens of one sequence")]


def run(
    *,
    vocab_size: Annotated[int, Param("tokens of the vocabulary", minimum=8, maximum=64)] = 32,
    branching: Annotated[int, Param("tokens that may follow a token, equally likely", minimum=1, maximum=4)] = 3,
    seq_len: Annotated[int, Param("tokens of one sequence", minimum=64, maximum=512)] = 256,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    text = markov_text(vocab_size, branching, seq_len, draw).to(device)  # (sequences, seq_len)
    train, test = text.chunk(2)
    logits = [table(train, shift, vocab_size) for shift in SHIFTS]  # (vocab_size, vocab_size) each
    return Result(
        train_loss=tuple(loss(each, train, shift) for each, shift in zip(logits, SHIFTS, strict=True)),
        next_token_loss=tuple(loss(each, test, 1) for each in logits),
        next_token_accuracy=tuple(
            (each[test[:, :-1]].argmax(-1) == test[:, 1:]).cpu().double().mean().item() for each in logits
        ),
        repeats=tuple((each.argmax(-1).cpu() == torch.arange(vocab_size)).double().mean().item() for each in logits),
        entropy_rate=math.log(branching),
        chance_loss=math.log(vocab_size),
        targets_per_sequence=text[0, 1:].numel(),
        seq_len=seq_len,
    )


def markov_text(vocab_size: int, branching: int, seq_len: int, draw: torch.Generator) -> Tensor:
    """Sequences in which each token is one of the `branching` followers of the token before, never the token itself."""
    steps = torch.randperm(vocab_size - 1, generator=draw)[:branching] + 1  # distances to the followers
    first = torch.randint(vocab_size, (512, 1), generator=draw)
    moves = steps[torch.randint(branching, (512, seq_len - 1), generator=draw)]
    return torch.cat([first, first + moves.cumsum(-1)], -1) % vocab_size


def table(text: Tensor, shift: int, vocab_size: int) -> Tensor:
    """The logits that minimise the loss on labels `shift` ahead: log-counts, by which training of a table would end."""
    inputs, labels = text[:, : text.shape[1] - shift].flatten(), text[:, shift:].flatten()
    counts = torch.bincount(inputs * vocab_size + labels, minlength=vocab_size**2).view(vocab_size, vocab_size)
    return (counts + 1e-3).float().log()  # a little smoothing instead of log 0


def loss(logits: Tensor, text: Tensor, shift: int) -> float:
    """Mean cross-entropy on labels `shift` ahead."""
    labels = text[:, shift:].flatten()
    return F.cross_entropy(logits[text[:, : text.shape[1] - shift].flatten()], labels).item()


def claims(result: Result) -> dict[str, bool]:
    unshifted, shifted, twice = result.train_loss
    return {
        "labels one ahead: the loss is the entropy of the text": abs(shifted - result.entropy_rate) < 0.02,
        "labels not shifted: the training loss is almost zero, below the entropy of any uncertain text": unshifted
        < 0.01,
        "that model predicts the next token worse than chance and repeats its last token": (
            result.next_token_loss[0] > result.chance_loss
            and result.repeats[0] == 1
            and result.next_token_accuracy[0] == 0
        ),
        "labels shifted twice: the loss looks healthy but is higher, unless the text is certain": (
            twice > shifted + 0.05 or result.entropy_rate == 0
        ),
        "that model predicts the next token worse than the one with labels one ahead": (
            result.next_token_loss[2] > result.next_token_loss[1] + 0.5
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    kinds = ["on its labels", "on the next token"]
    rows = [
        {"labels": shift, "loss": value, "kind": kind}
        for kind, losses in zip(kinds, (result.train_loss, result.next_token_loss), strict=True)
        for shift, value in zip(SHIFTS, losses, strict=True)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("labels:O", title="labels, tokens ahead").axis(labelAngle=0),
        xOffset=alt.XOffset("kind:N", sort=kinds),
        y=alt.Y("loss:Q", title="loss in nats"),
        color=alt.Color("kind:N", title=None).scale(domain=kinds, range=[VERMILION, BLUE]),
    )
    text = base.mark_text(dy=-8).encode(text=alt.Text("loss:Q", format=".2f"))
    return alt.layer(base.mark_bar(), text).properties(width=WIDTH, height=HEIGHT)
