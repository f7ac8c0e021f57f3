"""BPE merges the most frequent adjacent pair, again and again: frequent words become one token, rare ones stay in pieces.

Leaves out: the regular expression that splits real text into words, special tokens, and speed (it recounts every pair).
Source: Sennrich et al. 2016, Neural Machine Translation of Rare Words with Subword Units, section 3.2,
https://arxiv.org/abs/1508.07909; bytes as the alphabet: Radford et al. 2019, Language Models are Unsupervised Multitask
Learners, section 2.2. The example of hugs and pugs is that of the Hugging Face course, chapter 6.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
from tokenizers import Tokenizer, models, trainers

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, WIDTH
from demos.tokenisation._pieces import Pair, Splits, count, join, merge, merge_all
from demos.tokenisation._texts import CHINESE, ENGLISH

TEXTS = {
    "hugs": "hug " * 10 + "pug " * 5 + "pun " * 12 + "bun " * 4 + "hugs " * 5,
    "english": ENGLISH,
    "chinese": CHINESE,
}
UNSEEN = {"hugs": "bugs", "english": "slowly", "chinese": "灯塔的水手"}


@dataclass(frozen=True)
class Result:
    merges: Annotated[tuple[str, ...], Field("the merges in the order learned")]
    tokens_before: Annotated[int, Field("tokens of the corpus before any merge")]
    tokens_after: Annotated[int, Field("tokens of the corpus after all merges")]
    tokens_per_character: Annotated[float, Field("tokens per character after all merges")]
    unseen_word: Annotated[str, Field("a word that the corpus does not have")]
    unseen_pieces: Annotated[str, Field("that word in pieces")]
    unknown_in_emoji: Annotated[int, Field("pieces of an emoji that the vocabulary does not have")]
    matches_tokenizers: Annotated[bool, Field("merges, vocabulary and encodings equal those of the tokenizers library")]
    curve_merges: Annotated[tuple[int, ...], Field("merges along the curves")]
    curve_tokens: Annotated[tuple[int, ...], Field("tokens of the corpus after each merge")]
    curve_count: Annotated[tuple[int, ...], Field("how often each merged pair occurred when it was chosen")]
    alphabet: Annotated[str, Field("what the pieces are made of")]


def run(
    *,
    corpus: Annotated[str, Param("text to learn from", choices=("hugs", "english", "chinese"))] = "english",
    alphabet: Annotated[
        str, Param("characters of the corpus, or all 256 bytes", choices=("characters", "bytes"))
    ] = "characters",
    num_merges: Annotated[int, Param("merges to learn, if there are pairs left", minimum=1, maximum=200)] = 60,
    device: torch.device,
) -> Result:
    original = Counter(re.findall(r"\w+", TEXTS[corpus]))
    words = Counter({symbols(word, alphabet): count for word, count in original.items()})
    base = sorted(set("".join(words))) if alphabet == "characters" else [chr(byte) for byte in range(256)]
    merges, counts, lengths = learn(words, base, num_merges)
    ids = {piece: i for i, piece in enumerate(dict.fromkeys([*base, *map(join, merges)]))}
    library = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=len(base) + len(merges), initial_alphabet=base, show_progress=False)
    library.train_from_iterator(words.elements(), trainer)
    learned = json.loads(library.to_str())["model"]
    unseen, emoji = symbols(UNSEEN[corpus], alphabet), symbols("🙂", alphabet)
    return Result(
        merges=tuple("+".join(shown(piece, alphabet) for piece in pair) for pair in merges),
        tokens_before=lengths[0],
        tokens_after=lengths[-1],
        tokens_per_character=lengths[-1] / sum(len(word) * count for word, count in original.items()),
        unseen_word=UNSEEN[corpus],
        unseen_pieces=" ".join(shown(piece, alphabet) for piece in encode(unseen, merges)),
        unknown_in_emoji=sum(piece not in ids for piece in encode(emoji, merges)),
        matches_tokenizers=(
            [tuple(pair) for pair in learned["merges"]] == merges
            and learned["vocab"] == ids
            and all(library.encode(word).tokens == encode(word, merges) for word in [*words, unseen])
        ),
        curve_merges=tuple(range(len(lengths))),
        curve_tokens=tuple(lengths),
        curve_count=tuple(counts),
        alphabet=alphabet,
    )


def learn(words: Counter[str], base: list[str], num_merges: int) -> tuple[list[Pair], list[int], list[int]]:
    """The merges, how often each pair occurred when chosen, and the tokens of the corpus before and after each merge."""
    ids = {piece: i for i, piece in enumerate(base)}
    splits: Splits = {word: list(word) for word in words}
    pairs, pieces = count(splits, words)
    merges: list[Pair] = []
    counts, lengths = [], [pieces.total()]
    while pairs and len(merges) < num_merges:
        best = min(pairs, key=lambda pair: (-pairs[pair], ids[pair[0]], ids[pair[1]]))  # ties: the oldest pieces
        ids.setdefault(join(best), len(ids))
        merges.append(best)
        counts.append(pairs[best])
        splits = merge_all(best, splits)
        pairs, pieces = count(splits, words)
        lengths.append(pieces.total())
    return merges, counts, lengths


def encode(word: str, merges: list[Pair]) -> list[str]:
    """The pieces of a word: every merge in the order learned, wherever it fits."""
    pieces = list(word)
    for pair in merges:
        pieces = merge(pair, pieces)
    return pieces


def symbols(word: str, alphabet: str) -> str:
    """The word as one symbol for each character, or one for each byte of its UTF-8 form (byte b is written chr(b))."""
    return word if alphabet == "characters" else word.encode().decode("latin-1")


def shown(piece: str, alphabet: str) -> str:
    """The piece as it is read; bytes that are no whole character are shown as hexadecimal digits in angle brackets."""
    if alphabet == "characters":
        return piece
    raw = piece.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return f"<{raw.hex().upper()}>"


def claims(result: Result) -> dict[str, bool]:
    saved = result.tokens_before - result.tokens_after
    falling = all(a >= b for a, b in zip(result.curve_count, result.curve_count[1:], strict=False))
    return {
        "merges, vocabulary and encodings equal those of the tokenizers library": result.matches_tokenizers,
        "on these texts each merge saves as many tokens as its pair occurs": saved == sum(result.curve_count),
        "no merge is more frequent than the one before it": falling,
        "all 256 bytes know every emoji; an alphabet of the corpus's characters does not": (
            (result.unknown_in_emoji == 0) == (result.alphabet == "bytes")
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    last = result.curve_merges[-1]
    rows: list[dict[str, int | str]] = [
        {"merges": merges, "tokens": tokens}
        for merges, tokens in zip(result.curve_merges, result.curve_tokens, strict=True)
    ]
    named = [
        rows[number] | {"pair": result.merges[number - 1]}
        for number in {1, *range(last // 5, last, last // 5 + 1)} - {0}
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("merges:Q", title="merges learned").axis(tickMinStep=1),
        y=alt.Y("tokens:Q", title="tokens of the corpus").scale(zero=True),
    )
    points = base.properties(data=alt.Data(values=named))
    return alt.layer(
        base.mark_line(color=BLUE),
        points.mark_point(color=BLUE),
        points.mark_text(align="left", dx=4, dy=-12).encode(text="pair:N"),
    ).properties(width=WIDTH, height=HEIGHT)
