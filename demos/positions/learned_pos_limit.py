"""A learned position table raises an error past its last row, and rows past the longest training text stay as drawn.

Leaves out: the model above the table; weight decay, which shrinks untrained rows; interpolating a table to more rows.
Source: Gehring et al. 2017, Convolutional Sequence to Sequence Learning, https://arxiv.org/abs/1705.03122 (learned
positions); Devlin et al. 2019, BERT, https://arxiv.org/abs/1810.04805 (512 rows)
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor, nn

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

NUM_TEXTS = 200


@dataclass(frozen=True)
class Result:
    accepted: Annotated[bool, Field("whether a text of seq_len tokens gets its positions")]
    error: Annotated[str, Field("torch's message if it does not")]
    table_parameters: Annotated[int, Field("numbers in the table")]
    rows_never_updated: Annotated[int, Field("rows that no training text has reached")]
    never_updated_change: Annotated[float, Field("sum of the changes of these rows in training; 0 if there are none")]
    updates_first_row: Annotated[int, Field("training texts that updated the row of position 0")]
    updates_late_row: Annotated[int, Field("training texts that updated the row at nine tenths of train_len")]
    shift_change: Annotated[float, Field("relative change of a text's input when it starts one position later")]
    curve_position: Annotated[tuple[int, ...], Field("position along the curve")]
    curve_updates: Annotated[tuple[int, ...], Field("training texts that updated the row of that position")]
    max_len: Annotated[int, Field("rows of the table")]
    train_len: Annotated[int, Field("tokens of the longest training text")]
    seq_len: Annotated[int, Field("tokens of the text that is tried")]


def run(
    *,
    max_len: Annotated[int, Param("rows of the table", minimum=64, maximum=2048)] = 512,
    d_model: Annotated[int, Param("width of a row", minimum=8, maximum=768)] = 64,
    train_len: Annotated[int, Param("tokens of the longest training text", minimum=16, maximum=2048)] = 384,
    seq_len: Annotated[int, Param("tokens of the text that is tried", minimum=1, maximum=8192)] = 513,
    device: torch.device,
) -> Result:
    train_len = min(train_len, max_len)
    draw = torch.Generator().manual_seed(torch.initial_seed())
    table = nn.Embedding(max_len, d_model)
    nn.init.normal_(table.weight, std=0.02, generator=draw)
    table.to(device)
    before = table.weight.detach().clone()  # (max_len, d_model)
    tokens = torch.randn(max_len, d_model, generator=draw).to(device) * 0.02
    lengths = torch.randint(1, train_len + 1, (NUM_TEXTS,), generator=draw)  # texts of 1 to train_len tokens
    lengths[0] = train_len
    updates = torch.zeros(max_len, dtype=torch.int64, device=device)
    for length in lengths.tolist():
        updates += touched(table, tokens[:length])
    never = updates == 0
    placed, later = before[:16] + tokens[:16], before[1:17] + tokens[:16]
    error = error_beyond(table, seq_len)
    positions = range(0, max_len, max(1, max_len // 128))
    return Result(
        accepted=not error,
        error=error,
        table_parameters=table.weight.numel(),
        rows_never_updated=int(never.sum()),
        never_updated_change=(table.weight.detach() - before)[never].abs().sum().item(),
        updates_first_row=int(updates[0]),
        updates_late_row=int(updates[train_len * 9 // 10]),
        shift_change=((later - placed).norm() / placed.norm()).item(),
        curve_position=tuple(positions),
        curve_updates=tuple(updates[list(positions)].tolist()),
        max_len=max_len,
        train_len=train_len,
        seq_len=seq_len,
    )


def touched(table: nn.Embedding, tokens: Tensor) -> Tensor:
    """Which rows get a gradient from one text, after one step of SGD on a loss of all its inputs, shape (max_len,)."""
    positions = torch.arange(len(tokens), device=tokens.device)
    loss = (tokens + table(positions)).square().mean()  # one row for each token, nothing is prepended
    (gradient,) = torch.autograd.grad(loss, [table.weight])  # (max_len, d_model)
    with torch.no_grad():
        table.weight -= 0.1 * gradient
    return gradient.abs().sum(-1) > 0


def error_beyond(table: nn.Embedding, seq_len: int) -> str:
    """The message for positions 0 to seq_len − 1, or nothing; on the CPU, as on CUDA it ends the process's context."""
    try:
        nn.functional.embedding(torch.arange(seq_len), table.weight.detach().cpu())
    except IndexError as error:
        return str(error)
    return ""


def claims(result: Result) -> dict[str, bool]:
    return {
        "a text is accepted exactly if the table has a row for each of its tokens": (
            result.accepted == (result.seq_len <= result.max_len)
        ),
        "rows from the longest training text on never get a gradient and keep their initial values": (
            result.rows_never_updated == result.max_len - result.train_len and result.never_updated_change == 0
        ),
        "texts of all lengths update late rows at most half as often as the first": (
            result.updates_late_row < result.updates_first_row / 2
        ),
        "the same text one position later is another input": result.shift_change > 0.1,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [{"position": p, "updates": n} for p, n in zip(result.curve_position, result.curve_updates, strict=True)]
    ends = [
        {"position": min(result.train_len, result.max_len - 1), "what": "longest training text", "y": 0.9},
        {"position": result.max_len, "what": "last row", "y": 0.6},
    ]
    curve = alt.Chart(alt.Data(values=rows)).mark_area(color=BLUE, opacity=0.7)
    rules = alt.Chart(alt.Data(values=ends)).encode(x="position:Q")
    return alt.layer(
        curve.encode(
            x=alt.X("position:Q", title="position"),
            y=alt.Y("updates:Q", title="training texts that updated the row"),
        ),
        rules.mark_rule(color=VERMILION, strokeDash=[4, 3]),
        rules.mark_text(align="right", dx=-5)
        .encode(y=alt.Y("height:Q"), text="what:N")
        .transform_calculate(height=f"datum.y * {result.updates_first_row}"),
    ).properties(width=WIDTH, height=HEIGHT)
