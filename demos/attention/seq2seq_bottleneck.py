"""A decoder with one fixed vector loses touch with the first word; attention reads all states, diluted but in one step.

Leaves out: training, the decoder's recurrence and output layer, and a limit that no gradient shows: the fixed vector holds
as many numbers for a long sentence as for a short one.
Source: Sutskever et al. 2014, https://arxiv.org/abs/1409.3215; Bahdanau et al. 2015, section 3,
https://arxiv.org/abs/1409.0473; Luong et al. 2015, section 3.1, https://arxiv.org/abs/1508.04025
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import GRU
from torch.nn.functional import scaled_dot_product_attention

from demos import Field, Param
from demos._charts import Chart, line_chart

BATCH, HIDDEN = 16, 64


@dataclass(frozen=True)
class Result:
    gradient_fixed: Annotated[float, Field("share of the gradient that reaches the first word, fixed vector")]
    gradient_attention: Annotated[float, Field("the same with attention over all states")]
    qkv_error: Annotated[float, Field("largest difference: the sum over words, one by one, against softmax(q Kᵀ) V")]
    fixed_numbers: Annotated[int, Field("numbers of the states that change what the decoder reads, fixed vector")]
    attention_numbers: Annotated[int, Field("the same with attention over all states")]
    curve_source_len: Annotated[tuple[int, ...], Field("words of the source along the curves")]
    curve_fixed: Annotated[tuple[float, ...], Field("gradient_fixed at each length")]
    curve_attention: Annotated[tuple[float, ...], Field("gradient_attention at each length")]
    source_len: Annotated[int, Field("words of the source")]
    gate_bias: Annotated[float, Field("bias of the update gate")]


def run(
    *,
    source_len: Annotated[int, Param("words of the source", minimum=2, maximum=128)] = 50,
    gate_bias: Annotated[float, Param("bias of the GRU's update gate: higher keeps more", minimum=0, maximum=8)] = 0.0,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    encoder = GRU(HIDDEN, HIDDEN, batch_first=True)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.uniform_(-(HIDDEN**-0.5), HIDDEN**-0.5, generator=draw)  # torch's own initialisation
        dict(encoder.named_parameters())["bias_ih_l0"][HIDDEN : 2 * HIDDEN] += gate_bias
    encoder = encoder.to(device)
    words = torch.randn(BATCH, 128, HIDDEN, generator=draw).to(device)
    decoder_state = (torch.randn(BATCH, HIDDEN, generator=draw) / 4).to(device)  # the query, as large as a GRU's state
    direction = torch.randn(BATCH, HIDDEN, generator=draw).to(device)

    def first_share(length: int, attention: bool) -> float:
        """‖∂c/∂first word‖ over the sum of such norms for all words, for the context c along a random direction."""
        read = words[:, :length].clone().requires_grad_()
        states, _ = encoder(read)  # (BATCH, length, HIDDEN)
        context = attend(decoder_state, states) if attention else states[:, -1]
        norms = torch.autograd.grad((context * direction).sum(), read)[0].cpu().double().norm(dim=-1)  # (BATCH, length)
        return (norms[:, 0] / norms.sum(-1)).mean().item()

    def numbers_read(attention: bool) -> int:
        """How many numbers of the first sentence's states have a gradient in the context."""
        leaf = states[:1].clone().requires_grad_()
        context = attend(decoder_state[:1], leaf) if attention else leaf[:, -1]
        return int((torch.autograd.grad((context * direction[:1]).sum(), leaf)[0] != 0).sum())

    with torch.no_grad():
        states = encoder(words[:, :source_len])[0]
    lengths = (2, 4, 8, 16, 32, 64, 128)
    return Result(
        gradient_fixed=first_share(source_len, attention=False),
        gradient_attention=first_share(source_len, attention=True),
        qkv_error=(one_by_one(decoder_state, states) - attend(decoder_state, states)).abs().max().item(),
        fixed_numbers=numbers_read(attention=False),
        attention_numbers=numbers_read(attention=True),
        curve_source_len=lengths,
        curve_fixed=tuple(first_share(length, attention=False) for length in lengths),
        curve_attention=tuple(first_share(length, attention=True) for length in lengths),
        source_len=source_len,
        gate_bias=gate_bias,
    )


def attend(query: Tensor, states: Tensor) -> Tensor:
    """Luong's dot attention as torch's operator: one query, keys = values = states, no scaling; (BATCH, HIDDEN)."""
    return scaled_dot_product_attention(query[:, None], states, states, scale=1.0)[:, 0]


def one_by_one(query: Tensor, states: Tensor) -> Tensor:
    """The context as the papers write it: e_j = s·h_j, a_j = exp(e_j) / Σ exp(e), c = Σ a_j h_j; (BATCH, HIDDEN)."""
    exponentials = [(query * states[:, j]).sum(-1, keepdim=True).exp() for j in range(states.shape[1])]
    weighted = [exponential * states[:, j] for j, exponential in enumerate(exponentials)]
    return torch.stack(weighted).sum(0) / torch.stack(exponentials).sum(0)


def claims(result: Result) -> dict[str, bool]:
    plain = result.gate_bias == 0
    return {
        "with torch's initialisation, the first word's share in the fixed vector is below a millionth at 64 words": (
            not plain or result.curve_fixed[5] < 1e-6
        ),
        "with attention the first word's share is at least half of an even share, 1/n, at every length up to 128": all(
            share * length > 0.5 for length, share in zip(result.curve_source_len, result.curve_attention, strict=True)
        ),
        "with a bias of 6 or more on the update gate, the fixed vector gives it a thousandth or more": (
            result.gate_bias < 6 or result.curve_fixed[5] > 1e-3
        ),
        "the papers' sum over words is attention with one query and keys = values = encoder states": (
            result.qkv_error < 1e-5
        ),
        "what attention can read grows with the source, the fixed vector does not": (
            result.attention_numbers == result.source_len * result.fixed_numbers
        ),
    }


def figure(result: Result) -> Chart:
    curves = {"fixed vector": [max(each, 1e-30) for each in result.curve_fixed], "attention": result.curve_attention}
    return line_chart(
        result.curve_source_len,
        curves,
        x_title="words of the source (log scale)",
        y_title="share of the first word (log scale)",
        y_format="~e",
        log="xy",
        here=result.source_len,
        at=5,
        below=curves,
    )
