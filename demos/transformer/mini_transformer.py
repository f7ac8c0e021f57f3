"""The 2017 Transformer in sixty lines: equal to nn.Transformer but for the two final LayerNorms that torch adds.

Leaves out: dropout, label smoothing, the learning-rate schedule, beam search, and padding.
Source: Vaswani et al. 2017, Attention Is All You Need, sections 3 and 5.4, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param, ParameterError
from demos._charts import Chart, bar_chart

VOCAB_SIZE, SOURCE, TARGET, BATCH = 50, 7, 5, 8


@dataclass(frozen=True)
class Result:
    encoder_layer_parameters: Annotated[int, Field("parameters of one encoder layer")]
    decoder_layer_parameters: Annotated[int, Field("parameters of one decoder layer")]
    decoder_surplus: Annotated[int, Field("how many more a decoder layer has")]
    torch_surplus: Annotated[int, Field("parameters of nn.Transformer beyond the paper's stacks")]
    max_abs_error: Annotated[float, Field("largest difference from nn.Transformer, given its weights")]
    future_change: Annotated[float, Field("largest change of earlier outputs when the last target changes")]
    loss_before: Annotated[float, Field("loss before the first training step", unit="nats")]
    loss_after: Annotated[float, Field("loss on the same batch after one step of gradient descent", unit="nats")]
    parts: Annotated[
        tuple[int, ...], Field("parameters of encoder attention, FFN, norms; decoder: self, cross, FFN, norms")
    ]
    d_model: Annotated[int, Field("width of the tokens")]
    num_layers: Annotated[int, Field("layers of each stack")]


def run(
    *,
    d_model: Annotated[int, Param("width of the tokens", minimum=16, maximum=1024)] = 64,
    num_heads: Annotated[int, Param("heads", choices=(1, 2, 4, 8))] = 4,
    ffn_factor: Annotated[int, Param("width of the feed-forward layer over d_model", minimum=1, maximum=8)] = 4,
    num_layers: Annotated[int, Param("layers of each stack", minimum=1, maximum=6)] = 2,
    device: torch.device,
) -> Result:
    if d_model % num_heads:
        raise ParameterError(f"num_heads: expected a divisor of d_model, {d_model}; found {num_heads}.")
    with torch.device("meta"):  # counted without being allocated
        full = reference(d_model, num_heads, num_layers, ffn_factor)
    encoder, decoder = full.encoder.layers[0], full.decoder.layers[0]
    width = min(d_model, 128) // num_heads * num_heads  # computed at no more than this width
    torch_model = reference(width, num_heads, num_layers, ffn_factor).to(device)
    draw = torch.Generator().manual_seed(torch.initial_seed())
    source = torch.randint(VOCAB_SIZE, (BATCH, SOURCE), generator=draw).to(device)
    target = torch.randint(VOCAB_SIZE, (BATCH, TARGET + 1), generator=draw).to(device)
    table = nn.Parameter((torch.randn(VOCAB_SIZE, width, generator=draw) / math.sqrt(width)).to(device))
    future = torch.ones(TARGET, TARGET, dtype=torch.bool, device=device).triu(1)

    src, tgt = embed(table, source), embed(table, target[:, :-1])
    out = decode(torch_model, tgt, encode(torch_model, src), future)  # the paper's: (BATCH, TARGET, width)
    normed = decode(torch_model, tgt, torch_model.encoder.norm(encode(torch_model, src)), future)
    expected = torch_model(src, tgt, tgt_mask=future)
    moved = tgt.clone()
    moved[:, -1] += 1
    shifted = decode(torch_model, moved, encode(torch_model, src), future)

    def loss() -> Tensor:
        memory = encode(torch_model, embed(table, source))
        logits = decode(torch_model, embed(table, target[:, :-1]), memory, future) @ table.T  # tied output
        return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten())

    before = loss()
    parameters = [*torch_model.parameters(), table]
    gradients = torch.autograd.grad(before, parameters, allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(0.05 * gradient / norm)
        after = loss()
    per_layer = [size(each) for each in (encoder, decoder)]
    norms = [2 * size(encoder.norm1), 3 * size(decoder.norm1)]
    attention, ffn = size(encoder.self_attn), size(encoder.linear1) + size(encoder.linear2)
    return Result(
        encoder_layer_parameters=per_layer[0],
        decoder_layer_parameters=per_layer[1],
        decoder_surplus=per_layer[1] - per_layer[0],
        torch_surplus=size(full) - num_layers * sum(per_layer),
        max_abs_error=(torch_model.decoder.norm(normed) - expected).abs().max().item(),
        future_change=(shifted - out)[:, :-1].abs().max().item(),
        loss_before=before.item(),
        loss_after=after.item(),
        parts=(attention, ffn, norms[0], attention, attention, ffn, norms[1]),
        d_model=d_model,
        num_layers=num_layers,
    )


def reference(width: int, num_heads: int, num_layers: int, ffn_factor: int) -> nn.Transformer:
    """torch's own post-norm Transformer, without dropout."""
    layer = nn.TransformerEncoderLayer(width, num_heads, ffn_factor * width, 0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, num_layers, nn.LayerNorm(width), enable_nested_tensor=False)
    return nn.Transformer(
        width, num_heads, num_layers, num_layers, ffn_factor * width, 0.0, custom_encoder=encoder, batch_first=True
    )


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def embed(table: Tensor, ids: Tensor) -> Tensor:
    """Embedding times √d_model plus sinusoidal positions, (batch, length, width)."""
    width = table.shape[1]
    position = torch.arange(ids.shape[1], device=table.device)[:, None]
    angle = position / 10000 ** (torch.arange(0, width, 2, device=table.device) / width)
    codes = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :width]
    return table[ids] * math.sqrt(width) + codes


def attend(x: Tensor, memory: Tensor, module: nn.MultiheadAttention, blocked: Tensor | None = None) -> Tensor:
    """Multi-head attention with the module's weights: queries from x, keys and values from memory."""
    pairs = zip((x, memory, memory), module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True)
    q, k, v = (F.linear(*each).unflatten(-1, (module.num_heads, -1)).transpose(1, 2) for each in pairs)
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (batch, num_heads, query, key)
    if blocked is not None:
        scores = scores.masked_fill(blocked, -math.inf)
    return F.linear((scores.softmax(-1) @ v).transpose(1, 2).flatten(2), module.out_proj.weight, module.out_proj.bias)


def encode(model: nn.Transformer, x: Tensor) -> Tensor:
    for layer in model.encoder.layers:
        x = layer.norm1(x + attend(x, x, layer.self_attn))  # post-norm: LayerNorm(x + sublayer(x))
        x = layer.norm2(x + layer.linear2(layer.linear1(x).relu()))
    return x


def decode(model: nn.Transformer, x: Tensor, memory: Tensor, future: Tensor) -> Tensor:
    for layer in model.decoder.layers:
        x = layer.norm1(x + attend(x, x, layer.self_attn, future))
        x = layer.norm2(x + attend(x, memory, layer.multihead_attn))
        x = layer.norm3(x + layer.linear2(layer.linear1(x).relu()))
    return x


def claims(result: Result) -> dict[str, bool]:
    d = result.d_model
    return {
        "with its two final norms added, the paper's forward pass equals nn.Transformer": result.max_abs_error < 1e-4,
        "nn.Transformer has 4 · d_model parameters more than the paper's stacks": result.torch_surplus == 4 * d,
        "a decoder layer has one attention and one LayerNorm more: 4 d² + 6 d": result.decoder_surplus
        == 4 * d * d + 6 * d,
        "a changed last target moves no earlier output": result.future_change == 0,
        "one step of gradient descent lowers the loss": result.loss_after < result.loss_before,
    }


def figure(result: Result) -> Chart:
    names = ["encoder self-attention", "encoder FFN", "encoder norms"]
    names += ["decoder self-attention", "decoder cross-attention", "decoder FFN", "decoder norms"]
    bars = dict(zip(names, result.parts, strict=True))
    return bar_chart(bars, x_title="parameters of one layer", text_format=",")
