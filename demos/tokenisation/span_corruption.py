"""Span corruption puts one sentinel for each hidden span into the input, and the spans behind their sentinels into the target.

Leaves out: the model, packing of several texts, and how real text becomes ids.
Source: Raffel et al. 2020, Exploring the Limits of Transfer Learning (T5), section 3.1.4, https://arxiv.org/abs/1910.10683, and
its released code, random_spans_noise_mask in t5/data/preprocessors.py
"""

from dataclasses import dataclass
from typing import Annotated

import torch

from demos import Field, Param
from demos._charts import Chart, line_chart

EOS, FIRST_SENTINEL = 1, 32099  # sentinels count down from the top of the vocabulary, as in T5


@dataclass(frozen=True)
class Result:
    input_tokens: Annotated[int, Field("tokens of the input: kept text, sentinels, end of sequence")]
    target_tokens: Annotated[int, Field("tokens of the target: sentinels, hidden text, end of sequence")]
    noise_tokens: Annotated[int, Field("tokens hidden")]
    num_spans: Annotated[int, Field("spans, each with a sentinel of its own")]
    decoder_saving: Annotated[float, Field("target tokens as a fraction of a target that repeats the whole text")]
    round_trip: Annotated[bool, Field("whether input and target give back the text, for 20 drawn masks")]
    bert_targets: Annotated[int, Field("positions that carry a loss if 15 % are predicted in place, as in BERT")]
    first_sentinel_id: Annotated[int, Field("id of the first sentinel")]
    curve_span: Annotated[tuple[float, ...], Field("mean span length along the curves")]
    curve_input: Annotated[tuple[int, ...], Field("input tokens")]
    curve_target: Annotated[tuple[int, ...], Field("target tokens")]
    seq_len: Annotated[int, Field("tokens of the text")]


def run(
    *,
    seq_len: Annotated[int, Param("tokens of the text", minimum=32, maximum=4096)] = 568,
    noise_density: Annotated[float, Param("fraction of the tokens that is hidden", minimum=0.05, maximum=0.5)] = 0.15,
    mean_span: Annotated[float, Param("mean length of a hidden span", minimum=1, maximum=16)] = 3.0,
    device: torch.device,
) -> Result:
    generator = torch.Generator().manual_seed(torch.initial_seed())
    text = torch.randint(100, 30_000, (seq_len,), generator=generator).to(device)
    noise, spans = counts(seq_len, noise_density, mean_span)
    pairs = [corrupt(text, noise_mask(seq_len, noise, spans, generator).to(device)) for _ in range(20)]
    lengths = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0)
    sizes = [counts(seq_len, noise_density, length) for length in lengths]
    return Result(
        input_tokens=len(pairs[0][0]),
        target_tokens=len(pairs[0][1]),
        noise_tokens=noise,
        num_spans=spans,
        decoder_saving=len(pairs[0][1]) / (seq_len + 1),
        round_trip=all(restore(*pair) == text.tolist() for pair in pairs),
        bert_targets=round(0.15 * seq_len),
        first_sentinel_id=max(pairs[0][0]),
        curve_span=lengths,
        curve_input=tuple(seq_len - hidden + count + 1 for hidden, count in sizes),
        curve_target=tuple(hidden + count + 1 for hidden, count in sizes),
        seq_len=seq_len,
    )


def counts(seq_len: int, noise_density: float, mean_span: float) -> tuple[int, int]:
    """How many tokens are hidden, and in how many spans; rounded as in the released code."""
    noise = min(max(round(seq_len * noise_density), 1), seq_len - 1)
    return noise, max(round(noise / mean_span), 1)


def noise_mask(seq_len: int, noise: int, spans: int, generator: torch.Generator) -> torch.Tensor:
    """Which tokens are hidden, (seq_len,): kept and hidden stretches in turn, kept first, lengths drawn at random."""

    def parts(total: int) -> torch.Tensor:
        cuts = torch.randperm(total - 1, generator=generator)[: spans - 1].sort().values + 1
        return torch.cat([cuts, torch.tensor([total])]).diff(prepend=torch.tensor([0]))  # (spans,), none is empty

    lengths = torch.stack([parts(seq_len - noise), parts(noise)], 1).flatten()
    return torch.repeat_interleave(torch.arange(2 * spans) % 2 == 1, lengths)


def corrupt(text: torch.Tensor, hidden: torch.Tensor) -> tuple[list[int], list[int]]:
    """Input and target: each hidden span becomes a sentinel in the input, and follows that sentinel in the target."""
    source: list[int] = []
    target: list[int] = []
    sentinel, before = FIRST_SENTINEL + 1, False
    for token, hide in zip(text.tolist(), hidden.tolist(), strict=True):
        if hide and not before:
            sentinel -= 1
            source.append(sentinel)
            target.append(sentinel)
        (target if hide else source).append(token)
        before = hide
    return [*source, EOS], [*target, EOS]


def restore(source: list[int], target: list[int]) -> list[int]:
    """The text, from its input and target."""
    spans: dict[int, list[int]] = {}
    for token in target[:-1]:
        if token >= 30_000:
            spans[token] = filled = []
        else:
            filled.append(token)
    return [token for each in source[:-1] for token in spans.get(each, [each])]


def claims(result: Result) -> dict[str, bool]:
    kept = result.seq_len - result.noise_tokens
    return {
        "input and target together give back the text": result.round_trip,
        "the input has the kept tokens, a sentinel for each span, and the end": (
            result.input_tokens == kept + result.num_spans + 1
        ),
        "the target has the hidden tokens, a sentinel for each span, and the end": (
            result.target_tokens == result.noise_tokens + result.num_spans + 1
        ),
        "longer spans shorten input and target": (
            result.curve_input[-1] <= result.curve_input[0] and result.curve_target[-1] <= result.curve_target[0]
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_span,
        {"target": result.curve_target, "input": result.curve_input},
        x_title="mean length of a hidden span",
        y_title="tokens",
        at=-1,
    )
