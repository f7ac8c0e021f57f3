"""The shapes of published models, as far as their parameters depend on them, and torch's own modules of such a shape."""

from typing import NamedTuple

import torch
from torch import nn


class Shape(NamedTuple):
    vocab_size: int
    d_model: int
    encoder_layers: int  # or the layers of the only stack
    decoder_layers: int = 0  # with cross-attention
    positions: int = 0  # learned positions of all stacks
    ffn_factor: int = 4
    table_width: int = 0  # width of the embedding where it is not d_model
    uses: int = 2  # places that use the table: inputs and output
    share_layers: bool = False
    norms: int = 1  # LayerNorms outside the layers


PRESETS = {
    "transformer-base": Shape(37000, 512, 6, 6, uses=3, norms=0),
    "bert-base": Shape(30522, 768, 12, positions=512 + 2),  # and two segments
    "albert-base": Shape(30000, 768, 12, positions=512 + 2, table_width=128, share_layers=True),
    "gpt2": Shape(50257, 768, 12, positions=1024),
    "gpt2-medium": Shape(50257, 1024, 24, positions=1024),
    "gpt2-large": Shape(50257, 1280, 36, positions=1024),
    "gpt2-xl": Shape(50257, 1600, 48, positions=1024),
    "mbart-large": Shape(250027, 1024, 12, 12, positions=2 * 1026, uses=3, norms=4),
}


def count_modules(shape: Shape, tied: bool) -> int:
    """Parameters of torch's modules, built on the meta device; one that is shared counts once."""
    d, width = shape.d_model, shape.table_width or shape.d_model
    heads, ffn = d // 64, shape.ffn_factor * d
    with torch.device("meta"):
        table = embedding(shape.vocab_size, width)
        outputs = [nn.Linear(width, shape.vocab_size, bias=False) for _ in range(shape.uses - 1)]
        for output in outputs if tied else []:
            output.weight = table.weight
        shared = nn.TransformerEncoderLayer(d, heads, ffn)
        layers: list[nn.Module] = [
            shared if shape.share_layers else nn.TransformerEncoderLayer(d, heads, ffn)
            for _ in range(shape.encoder_layers)
        ]
        layers += [nn.TransformerDecoderLayer(d, heads, ffn) for _ in range(shape.decoder_layers)]
        rest: list[nn.Module] = [nn.LayerNorm(width) for _ in range(shape.norms)]
        rest += [embedding(shape.positions, width)] if shape.positions else []
        rest += [nn.Linear(width, d)] if width != d else []
        model = nn.ModuleList([table, *outputs, *layers, *rest])
    return sum(parameter.numel() for parameter in model.parameters())


def embedding(rows: int, width: int) -> nn.Embedding:
    """A table that is not drawn: drawing on the meta device first loads a second's worth of modules."""
    return nn.Embedding(rows, width, _weight=torch.empty(rows, width))
