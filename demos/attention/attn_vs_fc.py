"""A fully connected layer over tokens finds what stands in a fixed place; attention finds what looks right, anywhere.

Leaves out: training. The fixed weights are the best there are, by least squares; the query of the attention is one
constant vector, so its weights depend on the data through the keys alone.
Source: Tolstikhin et al. 2021, MLP-Mixer, section 2, https://arxiv.org/abs/2105.01601; constant queries: Lee et al. 2019,
Set Transformer, section 3.2, https://arxiv.org/abs/1810.00825
"""

from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from torch import Tensor
from torch.nn.functional import one_hot, scaled_dot_product_attention

from demos import Field, Param
from demos._figures import HEIGHT, ORANGE, SKY, WIDTH

CONTENT_DIM, SAMPLES = 8, 2048


@dataclass(frozen=True)
class Result:
    fixed_marked: Annotated[float, Field("share of the marked token's content that the best fixed weights recover")]
    attention_marked: Annotated[float, Field("share of it that attention with one constant query recovers")]
    fixed_third: Annotated[float, Field("share of the third token's content that the best fixed weights recover")]
    attention_third: Annotated[float, Field("share of it that attention recovers, the mark being elsewhere")]
    attention_change: Annotated[float, Field("total variation between the attention weights of two inputs, mean")]
    longer_marked: Annotated[
        float, Field("attention_marked with twice the tokens, for which fixed weights have no rows")
    ]
    num_tokens: Annotated[int, Field("tokens of an input")]
    mark: Annotated[float, Field("score of the marked token; the others score 0")]


def run(
    *,
    num_tokens: Annotated[int, Param("tokens of an input", minimum=4, maximum=64)] = 16,
    mark: Annotated[float, Param("score of the marked token; the others score 0", minimum=0, maximum=20)] = 12.0,
    device: torch.device,
) -> Result:
    content, marked, _ = inputs(num_tokens, mark, device)
    test_content, test_marked, test_x = inputs(num_tokens, mark, device, offset=1)
    long_content, long_marked, long_x = inputs(2 * num_tokens, mark, device, offset=2)
    output, weights = attend(test_x)
    places = torch.arange(SAMPLES, device=device)
    wanted, third = test_content[places, test_marked], test_content[:, 2]
    long_output, _ = attend(long_x)
    return Result(
        fixed_marked=share(mix(test_content, best_fixed(content, content[places, marked])), wanted),
        attention_marked=share(output, wanted),
        fixed_third=share(mix(test_content, best_fixed(content, content[:, 2])), third),
        attention_third=share(output, third),
        attention_change=(weights[1:] - weights[:-1]).abs().sum(-1).mean().item() / 2,
        longer_marked=share(long_output, long_content[places, long_marked]),
        num_tokens=num_tokens,
        mark=mark,
    )


def inputs(num_tokens: int, mark: float, device: torch.device, offset: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Contents (SAMPLES, num_tokens, CONTENT_DIM), the place of the mark (SAMPLES,), and tokens that hold both."""
    draw = torch.Generator().manual_seed(torch.initial_seed() + offset)
    content = torch.randn(SAMPLES, num_tokens, CONTENT_DIM, generator=draw)
    marked = torch.randint(num_tokens, (SAMPLES,), generator=draw)
    flags = one_hot(marked, num_tokens).float() * mark
    return content.to(device), marked.to(device), torch.cat([content, flags[..., None]], -1).to(device)


def attend(x: Tensor) -> tuple[Tensor, Tensor]:
    """The output (SAMPLES, CONTENT_DIM) and the weights (SAMPLES, num_tokens) of one constant query that seeks the mark."""
    query = torch.zeros(x.shape[-1], device=x.device)
    query[-1] = 1.0
    weights = (x @ query).softmax(-1)
    values = x[..., :-1]
    output = scaled_dot_product_attention(query.expand(len(x), 1, -1), x, values, scale=1.0)[:, 0]
    return output, weights


def best_fixed(content: Tensor, target: Tensor) -> Tensor:
    """The weights, one for each place, with the least squared error over all samples and components, (num_tokens,)."""
    tokens = content.transpose(1, 2).flatten(0, 1)  # (SAMPLES * CONTENT_DIM, num_tokens)
    return torch.linalg.solve(tokens.T @ tokens, tokens.T @ target.flatten())


def mix(content: Tensor, weights: Tensor) -> Tensor:
    """The contents mixed with the same weights in every sample, (SAMPLES, CONTENT_DIM)."""
    return torch.einsum("skc,k->sc", content, weights)


def share(output: Tensor, target: Tensor) -> float:
    """The share of the target's variance that the output recovers: R², 0 for an output of zeros."""
    return 1 - ((output - target).square().sum() / target.square().sum()).item()


def claims(result: Result) -> dict[str, bool]:
    clear = result.mark >= 12
    return {
        "fixed weights find the third token, whatever it holds": result.fixed_third > 0.99,
        "of a token marked at a random place they recover one part in num_tokens": (
            abs(result.fixed_marked - 1 / result.num_tokens) < 0.03
        ),
        "from a mark of 12 on, attention recovers nine tenths of it or more, with twice the tokens too": (
            not clear or (result.attention_marked > 0.9 and result.longer_marked > 0.9)
        ),
        "and not the third token, which nothing marks for it": not clear or result.attention_third < 0.3,
        "with one constant query its weights still follow the input": not clear or result.attention_change > 0.5,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    values = {
        ("the marked token", "fixed weights"): result.fixed_marked,
        ("the marked token", "attention"): result.attention_marked,
        ("the third token", "fixed weights"): result.fixed_third,
        ("the third token", "attention"): result.attention_third,
    }
    rows = [{"task": task, "layer": layer, "share": value} for (task, layer), value in values.items()]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("share:Q", title="share of the content recovered").scale(domain=[-1.2, 1.5]),
        y=alt.Y("task:N", title=None, sort=None),
        yOffset=alt.YOffset("layer:N", sort=None),
    )
    bars = base.mark_bar().encode(color=alt.Color("layer:N", title=None).scale(range=[SKY, ORANGE]))
    return alt.layer(
        bars, base.mark_text(align="left", dx=4).encode(text=alt.Text("share:Q", format=".2f"))
    ).properties(width=WIDTH, height=HEIGHT)
