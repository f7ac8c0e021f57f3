"""Words leave unknowns, characters make long sequences, subwords lie between; only bytes are never unknown.

Leaves out: models. Perplexities are those of a model that spends one bit on each byte of text, whatever its tokens.
Source: Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; for Chinese, Li et al. 2019, Is Word Segmentation Necessary for
Deep Learning of Chinese Representations?, https://arxiv.org/abs/1905.05526; bits per byte: Gao et al. 2020, The Pile,
section 3.1, https://arxiv.org/abs/2101.00027
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from demos import Field, Param
from demos._charts import Chart, line_chart
from demos._figures import BLUE, VERMILION
from demos.tokenisation._texts import ENGLISH

TEST = """the sailor looks for the lower light and the keeper's lamps are lit before morning at 20 past six the slow
    clock failed and a naïve keeper wrote the log in the weather of the rocks those lights are never slower"""


@dataclass(frozen=True)
class Result:
    unknown_words: Annotated[float, Field("words of the test text that are unknown, words as units")]
    unknown_subwords: Annotated[float, Field("words of the test text with an unknown piece, BPE of characters")]
    unknown_characters: Annotated[float, Field("words of the test text with an unknown character")]
    unknown_bytes: Annotated[float, Field("words of the test text with an unknown piece, BPE of bytes")]
    tokens_words: Annotated[int, Field("tokens of the test text, words as units")]
    tokens_subwords: Annotated[int, Field("tokens of the test text, BPE of characters")]
    tokens_characters: Annotated[int, Field("tokens of the test text, characters without spaces")]
    bytes_per_subword: Annotated[float, Field("bytes of the test text for each token, BPE of bytes, spaces counted")]
    perplexity_words: Annotated[float, Field("perplexity per token at one bit per byte, words")]
    perplexity_subwords: Annotated[float, Field("perplexity per token at one bit per byte, BPE of bytes")]
    perplexity_bytes: Annotated[float, Field("perplexity per token at one bit per byte, bytes")]
    curve_vocab_size: Annotated[tuple[int, ...], Field("vocabulary of a BPE of characters along the curve")]
    curve_tokens: Annotated[tuple[int, ...], Field("tokens of the test text")]


def run(
    *,
    num_merges: Annotated[int, Param("merges that the BPE vocabularies learn", minimum=0, maximum=200)] = 60,
    device: torch.device,
) -> Result:
    words, known = TEST.split(), set(ENGLISH.split())
    alphabet = set(ENGLISH)
    subwords, of_bytes = bpe(num_merges, by_bytes=False), bpe(num_merges, by_bytes=True)
    text = " ".join(words)
    size = len(text.encode())
    byte_tokens = len(of_bytes.encode(text).tokens)
    merges = (0, 10, 20, 40, 80, 120, 160)
    return Result(
        unknown_words=share(word not in known for word in words),
        unknown_subwords=share("<unk>" in subwords.encode(word).tokens for word in words),
        unknown_characters=share(not set(word) <= alphabet for word in words),
        unknown_bytes=share("<unk>" in of_bytes.encode(word).tokens for word in words),
        tokens_words=len(words),
        tokens_subwords=len(subwords.encode(text).tokens),
        tokens_characters=len("".join(words)),
        bytes_per_subword=size / byte_tokens,
        perplexity_words=2 ** (size / len(words)),
        perplexity_subwords=2 ** (size / byte_tokens),
        perplexity_bytes=2.0,
        curve_vocab_size=tuple(bpe(count, by_bytes=False).get_vocab_size() for count in merges),
        curve_tokens=tuple(len(bpe(count, by_bytes=False).encode(text).tokens) for count in merges),
    )


def bpe(num_merges: int, by_bytes: bool) -> Tokenizer:
    """A BPE tokenizer with so many merges learned from ENGLISH, over its characters or over all 256 bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False) if by_bytes else pre_tokenizers.Whitespace()
    base = pre_tokenizers.ByteLevel.alphabet() if by_bytes else sorted(set(re.sub(r"\s", "", ENGLISH)))
    tokenizer.pre_tokenizer = level
    trainer = trainers.BpeTrainer(
        vocab_size=len(base) + 1 + num_merges, special_tokens=["<unk>"], initial_alphabet=base, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(ENGLISH.split())], trainer)
    return tokenizer


def share(flags: Iterable[bool]) -> float:
    """The share of true ones."""
    found = list(flags)
    return sum(found) / len(found)


def claims(result: Result) -> dict[str, bool]:
    return {
        "words leave more unknown than subwords": result.unknown_words > result.unknown_subwords,
        "subwords and characters leave the same words unknown: those with a character never seen": (
            result.unknown_subwords == result.unknown_characters > 0
        ),
        "bytes leave none": result.unknown_bytes == 0,
        "the sequence of characters is the longest, that of words the shortest": (
            result.tokens_words <= result.tokens_subwords <= result.tokens_characters
        ),
        "at equal bits per byte, longer tokens have the larger perplexity": (
            result.perplexity_words > result.perplexity_subwords >= result.perplexity_bytes
        ),
        "more merges never make the text longer": (
            list(result.curve_tokens) == sorted(result.curve_tokens, reverse=True)
        ),
    }


def figure(result: Result) -> Chart:
    return line_chart(
        result.curve_vocab_size,
        {"": result.curve_tokens},
        x_title="BPE vocabulary",
        y_title="tokens of the test text",
        colours=[BLUE],
        levels={"characters": result.tokens_characters, "words": result.tokens_words},
        level_colour=VERMILION,
    )
