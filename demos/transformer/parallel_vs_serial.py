"""A causal Transformer trains all positions in one pass that equals one-by-one decoding; a plain RNN needs n dependent steps.

Leaves out: several heads, norms, batches, recurrences that can be scanned in parallel (linear RNNs, state-space models).
Source: Vaswani et al. 2017, Attention Is All You Need, section 4 and table 1, https://arxiv.org/abs/1706.03762
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._measure import count_flops, measure_time

NUM_LAYERS = 2


@dataclass(frozen=True)
class Result:
    max_abs_error: Annotated[float, Field("largest difference between one masked pass and steps with a KV cache")]
    depth_attention: Annotated[int, Field("longest chain of dependent operations, attention over the sequence")]
    depth_rnn: Annotated[int, Field("longest chain of dependent operations, RNN over the sequence")]
    flops_attention: Annotated[int, Field("FLOPs of the matrix products, attention")]
    flops_rnn: Annotated[int, Field("FLOPs of the matrix products, RNN")]
    flops_ratio: Annotated[float, Field("flops_attention over flops_rnn")]
    attention_ms: Annotated[float, Field("time of attention on this device", unit="ms", measured=True)]
    rnn_ms: Annotated[float, Field("time of the RNN on this device", unit="ms", measured=True)]
    curve_seq_len: Annotated[tuple[int, ...], Field("tokens along the curves")]
    curve_attention: Annotated[tuple[int, ...], Field("depth_attention for each of them")]
    curve_rnn: Annotated[tuple[int, ...], Field("depth_rnn for each of them")]
    seq_len: Annotated[int, Field("tokens")]
    d_model: Annotated[int, Field("width of the tokens and of the RNN's state")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens", minimum=2, maximum=512)] = 64,
    d_model: Annotated[int, Param("width of the tokens and of the RNN's state", minimum=8, maximum=256)] = 64,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    weights = (torch.randn(NUM_LAYERS, 4, d_model, d_model, generator=draw) / math.sqrt(d_model)).to(device)
    x = torch.randn(512, d_model, generator=draw).to(device)
    rnn = nn.RNN(d_model, d_model, num_layers=NUM_LAYERS).to(device)

    def attention(length: int) -> Tensor:
        return masked_pass(x[:length], weights)

    def recurrence(length: int) -> Tensor:
        return steps_of_rnn(x[:length], rnn)

    with torch.no_grad():
        flops = [count_flops(partial(each, seq_len)) for each in (attention, recurrence)]
        times = [
            measure_time(call, device, budget_s=0.02).median_ms
            for call in (lambda: attention(seq_len), lambda: rnn(x[:seq_len])[0])
        ]
        error = (attention(seq_len) - cached_steps(x[:seq_len], weights)).abs().max().item()
    weights.requires_grad_()
    lengths = (4, 8, 16, 32, 64, 128)
    return Result(
        max_abs_error=error,
        depth_attention=depth(attention(seq_len)),
        depth_rnn=depth(recurrence(seq_len)),
        flops_attention=flops[0],
        flops_rnn=flops[1],
        flops_ratio=flops[0] / flops[1],
        attention_ms=times[0],
        rnn_ms=times[1],
        curve_seq_len=lengths,
        curve_attention=tuple(depth(attention(length)) for length in lengths),
        curve_rnn=tuple(depth(recurrence(length)) for length in lengths),
        seq_len=seq_len,
        d_model=d_model,
    )


def masked_pass(x: Tensor, weights: Tensor) -> Tensor:
    """All positions at once under a causal mask, (length, d_model)."""
    future = torch.ones(len(x), len(x), dtype=torch.bool, device=x.device).triu(1)
    for w_q, w_k, w_v, w_o in weights:
        scores = (x @ w_q) @ (x @ w_k).T / math.sqrt(x.shape[-1])  # (query, key)
        x = x + scores.masked_fill(future, -math.inf).softmax(-1) @ (x @ w_v) @ w_o
    return x


def cached_steps(x: Tensor, weights: Tensor) -> Tensor:
    """The same one position after another, with a KV cache and without any mask, (length, d_model)."""
    cache = [(x[:0], x[:0]) for _ in weights]  # keys and values of each layer
    outputs = []
    for token in x:
        h = token[None]  # (1, d_model)
        for index, (w_q, w_k, w_v, w_o) in enumerate(weights):
            keys, values = (torch.cat([old, h @ w]) for old, w in zip(cache[index], (w_k, w_v), strict=True))
            cache[index] = (keys, values)
            h = h + ((h @ w_q) @ keys.T / math.sqrt(x.shape[-1])).softmax(-1) @ values @ w_o
        outputs.append(h)
    return torch.cat(outputs)


def steps_of_rnn(x: Tensor, rnn: nn.RNN) -> Tensor:
    """The RNN's outputs by its definition, h_t = tanh(W x_t + b + U h_{t−1} + c), one step after another."""
    for layer in range(NUM_LAYERS):
        w, u, b, c = (getattr(rnn, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        inputs, state, outputs = x @ w.T + b, x.new_zeros(1, u.shape[0]), []
        for each in inputs:
            state = torch.tanh(each + state @ u.T + c)
            outputs.append(state)
        x = torch.cat(outputs)
    return x


def depth(output: Tensor) -> int:
    """The longest chain of operations in the graph behind the output, each of which waits for the one before."""
    stack: list[tuple[Any, bool]] = [(output.grad_fn, False)]
    order: list[Any] = []
    seen: set[Any] = set()
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.next_functions)
    depths: dict[Any, int] = {None: 0}
    for node in order:  # parents come first
        depths[node] = 1 + max((depths[parent] for parent, _ in node.next_functions), default=0)
    return depths[output.grad_fn]


def claims(result: Result) -> dict[str, bool]:
    longer, shorter = result.curve_rnn[-1] - result.curve_rnn[-2], result.curve_rnn[-2] - result.curve_rnn[-3]
    return {
        "one masked pass equals decoding position by position with a cache": result.max_abs_error < 1e-3,
        "attention's chain of dependent operations is as long for 128 tokens as for 4": (
            result.curve_attention[0] == result.curve_attention[-1]
        ),
        "the RNN's chain grows in proportion to the tokens": longer == 2 * shorter > 0,
        "attention takes 2 + seq_len / d_model times the FLOPs of the RNN": math.isclose(
            result.flops_ratio, 2 + result.seq_len / result.d_model
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_seq_len,
        {"RNN": result.curve_rnn, "causal attention": result.curve_attention},
        x_title="tokens (log scale)",
        y_title="dependent operations (log scale)",
        log="xy",
        at=-1,
    )
