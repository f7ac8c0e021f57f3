"""Tying the output matrix to the embedding saves vocab_size · width parameters; tying layers saves all layers but one.

Leaves out: heads for tasks, quality, and time, which tying does not change: every use of a table still costs its product.
Source: Press and Wolf 2017, https://arxiv.org/abs/1608.05859; Radford et al. 2019 (GPT-2), table 2; Lan et al. 2020 (ALBERT),
https://arxiv.org/abs/1909.11942; Liu et al. 2020 (mBART), https://arxiv.org/abs/2001.08210. Sizes: published configurations.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from demos import Field, Param
from demos._charts import Chart, bar_chart
from demos._figures import BLUE, GREEN, VERMILION
from demos.transformer._shapes import PRESETS, Shape, count_modules


@dataclass(frozen=True)
class Result:
    tied_parameters: Annotated[int, Field("parameters with one table for inputs and output")]
    untied_parameters: Annotated[int, Field("parameters with a table for each of them")]
    saved_parameters: Annotated[int, Field("what tying the tables saves")]
    table_share: Annotated[float, Field("the table as a fraction of the tied model")]
    saved_share: Annotated[float, Field("saved_parameters as a fraction of the untied model")]
    layer_parameters: Annotated[int, Field("parameters of one layer, of the encoder or only stack")]
    layers_saved: Annotated[int, Field("what sharing one layer's weights over the depth saves, 0 where none is shared")]
    rule_of_thumb: Annotated[int, Field("12 · layers · d_model²")]
    rows_untied: Annotated[int, Field("rows of an untied input table of 1,000 that get a gradient from 32 tokens")]
    rows_tied: Annotated[int, Field("the same for a tied table")]
    max_count_error: Annotated[int, Field("difference from counting torch's own modules")]


def run(
    *,
    preset: Annotated[
        str,
        Param(
            "model whose shape is counted",
            choices=(
                "transformer-base",
                "bert-base",
                "albert-base",
                "gpt2",
                "gpt2-medium",
                "gpt2-large",
                "gpt2-xl",
                "mbart-large",
            ),
        ),
    ] = "gpt2",
    num_layers: Annotated[int, Param("layers of the first stack; 0: the preset's", minimum=0, maximum=128)] = 0,
    vocab_size: Annotated[int, Param("vocabulary; 0: the preset's", minimum=0, maximum=300_000)] = 0,
    device: torch.device,
) -> Result:
    shape = PRESETS[preset]
    shape = shape._replace(encoder_layers=num_layers or shape.encoder_layers, vocab_size=vocab_size or shape.vocab_size)
    width = shape.table_width or shape.d_model
    table, saved = shape.vocab_size * width, (shape.uses - 1) * shape.vocab_size * width
    tied, untied = count(shape), count_modules(shape, tied=False)
    stored = 1 if shape.share_layers else shape.encoder_layers
    untied_rows, tied_rows = rows_with_gradient(False, device), rows_with_gradient(True, device)
    return Result(
        tied_parameters=tied,
        untied_parameters=untied,
        saved_parameters=saved,
        table_share=table / tied,
        saved_share=saved / untied,
        layer_parameters=layer(shape, cross=False),
        layers_saved=(shape.encoder_layers - stored) * layer(shape, cross=False),
        rule_of_thumb=12 * (shape.encoder_layers + shape.decoder_layers) * shape.d_model**2,
        rows_untied=untied_rows,
        rows_tied=tied_rows,
        max_count_error=abs(count_modules(shape, tied=True) - tied),
    )


def layer(shape: Shape, cross: bool) -> int:
    """Parameters of one layer: attentions of 4 d² + 4 d, a feed-forward of two matrices, a LayerNorm for each."""
    d, attentions = shape.d_model, 2 if cross else 1
    ffn = 2 * shape.ffn_factor * d * d + shape.ffn_factor * d + d
    return attentions * (4 * d * d + 4 * d) + ffn + (attentions + 1) * 2 * d


def count(shape: Shape) -> int:
    """Parameters with one table for all uses, by hand; task heads and poolers are left out."""
    d, width = shape.d_model, shape.table_width or shape.d_model
    tables = (shape.vocab_size + shape.positions) * width + shape.norms * 2 * width
    bridge = width * d + d if width != d else 0  # ALBERT: from the narrow table to d_model
    stored = 1 if shape.share_layers else shape.encoder_layers
    return tables + bridge + stored * layer(shape, False) + shape.decoder_layers * layer(shape, True)


def rows_with_gradient(tied: bool, device: torch.device) -> int:
    """Rows of the input table with a gradient after one step of predicting 32 tokens, each from the one before."""
    draw = torch.Generator().manual_seed(torch.initial_seed())
    tokens = torch.randperm(1000, generator=draw)[:33].to(device)  # 33 different tokens
    table, output = nn.Embedding(1000, 16, device=device), nn.Linear(16, 1000, bias=False, device=device)
    if tied:
        output.weight = table.weight
    nn.functional.cross_entropy(output(table(tokens[:-1])), tokens[1:]).backward()
    assert table.weight.grad is not None
    return int(table.weight.grad.any(-1).sum())


def claims(result: Result) -> dict[str, bool]:
    return {
        "the count by hand equals that of torch's modules": result.max_count_error == 0,
        "tying saves the table once for each use but one": (
            result.untied_parameters - result.tied_parameters == result.saved_parameters
        ),
        "an untied input table gets a gradient in the rows of its input tokens alone, a tied one in every row": (
            result.rows_untied == 32 and result.rows_tied == 1000
        ),
    }


def figure(result: Result) -> Chart:
    parts = {
        "one table": result.table_share * result.tied_parameters / 1e6,
        "everything else": (1 - result.table_share) * result.tied_parameters / 1e6,
        "further tables, if untied": result.saved_parameters / 1e6,
        "further layers, if not shared": result.layers_saved / 1e6,
    }
    colours = (BLUE, GREEN, VERMILION, VERMILION)
    return bar_chart(parts, x_title="parameters in millions", colours=colours, text_format=",.1f")
