"""WordPiece differs from BPE twice: merges are chosen by likelihood gain, not count; words are split by longest match.

Leaves out: Google's own trainer, which was never published, and which estimated the gain with a language model.
Source: Schuster and Nakajima 2012, Japanese and Korean Voice Search (the gain); Wu et al. 2016, Google's Neural Machine
Translation System, section 4.1, https://arxiv.org/abs/1609.08144; Song et al. 2021, Fast WordPiece Tokenization,
https://arxiv.org/abs/2012.15524 (longest match). The quotient is the reconstruction in chapter 6 of the Hugging Face course.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

import altair as alt
import torch
from tokenizers import Tokenizer, models

from demos import Field, Param
from demos._figures import BLUE, GREEN, HEIGHT, SKY, VERMILION, WIDTH
from demos.tokenisation._pieces import Pair, count, join, merge_all

TEXT = """the keeper winds the clock and trims the lamp and writes the wind and the weather of the morning in the log
    sailors in the wind look for the light before they look for the land and slow down at the lowest of the rocks"""
CORPORA = {
    "hugs": {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5},
    "tent": {"tent": 10, "heat": 6, "he": 4, "ten": 9, "than": 10, "queue": 10, "then": 3},
    "english": dict(Counter(TEXT.split())),
}
MARK = "##"  # before every piece that does not begin a word


@dataclass(frozen=True)
class Result:
    first_by_count: Annotated[str, Field("first merge by count, as BPE chooses")]
    first_by_gain: Annotated[str, Field("first merge by the gain in log-likelihood of a unigram model")]
    first_by_quotient: Annotated[str, Field("first merge by freq(ab) / (freq(a) · freq(b))")]
    gain_by_gain: Annotated[float, Field("gain in log-likelihood of the merge chosen by gain", unit="nat")]
    gain_by_quotient: Annotated[float, Field("gain in log-likelihood of the merge chosen by quotient", unit="nat")]
    gain_error: Annotated[
        float, Field("largest difference of a gain from the log-likelihood recounted after the merge")
    ]
    tokens_by_count: Annotated[int, Field("tokens of the corpus after num_merges merges by count")]
    tokens_by_gain: Annotated[int, Field("tokens of the corpus after num_merges merges by gain")]
    tokens_by_quotient: Annotated[int, Field("tokens of the corpus after num_merges merges by quotient")]
    stretches_compared: Annotated[int, Field("stretches of three or more letters inside the words of the corpus")]
    stretches_differing: Annotated[
        int, Field("those that merge order and longest match split differently, on the vocabulary of count")
    ]
    example_by_merge_order: Annotated[str, Field("the first such stretch, split in the order of the merges")]
    example_by_longest_match: Annotated[
        str, Field("the same stretch, split by longest match; empty where none differs")
    ]
    unknown_by_merge_order: Annotated[str, Field("a word with one unknown character, split in the order of the merges")]
    unknown_by_longest_match: Annotated[str, Field("the same word, split by longest match")]
    matches_tokenizers: Annotated[bool, Field("all longest matches equal those of the tokenizers library")]
    pairs: Annotated[tuple[str, ...], Field("all pairs of the corpus before the first merge")]
    pair_counts: Annotated[tuple[int, ...], Field("how often each pair occurs")]
    pair_pmi: Annotated[
        tuple[float, ...], Field("ln(freq(ab) · tokens / (freq(a) · freq(b))) of each pair", unit="nat")
    ]
    pair_gains: Annotated[tuple[float, ...], Field("gain in log-likelihood of merging each pair", unit="nat")]
    corpus: Annotated[str, Field("the corpus")]
    num_merges: Annotated[int, Field("merges asked for")]


def run(
    *,
    corpus: Annotated[str, Param("word counts to learn from", choices=("hugs", "tent", "english"))] = "tent",
    num_merges: Annotated[int, Param("merges to learn, if there are pairs left", minimum=1, maximum=60)] = 8,
    device: torch.device,
) -> Result:
    words = CORPORA[corpus]
    splits = {word: letters(word) for word in words}
    pairs, pieces = count(splits, words)
    gains = {pair: score("gain", pair, pairs, pieces) for pair in pairs}
    recounted = [
        log_likelihood(count(merge_all(pair, splits, MARK), words)[1]) - log_likelihood(pieces) for pair in pairs
    ]
    merges, tokens_by_count = learn(words, "count", num_merges)
    by_gain, tokens_by_gain = learn(words, "gain", num_merges)
    by_quotient, tokens_by_quotient = learn(words, "quotient", num_merges)
    characters = sorted(set("".join(words)))
    base = ["[UNK]", *characters, *(MARK + character for character in characters)]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys([*base, *(join(pair, MARK) for pair in merges)]))}
    stretches = dict.fromkeys(word[i:j] for word in words for i, j in combinations(range(len(word) + 1), 2))
    probes = [*(stretch for stretch in stretches if len(stretch) >= 3), next(iter(words)) + "é"]
    in_merge_order = Tokenizer(models.BPE(vocab, merges, unk_token="[UNK]", continuing_subword_prefix=MARK))
    wordpiece = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    ordered = [in_merge_order.encode(word).tokens for word in probes]
    longest = [longest_match(word, vocab) for word in probes]
    differing = [i for i in range(len(probes) - 1) if ordered[i] != longest[i]]
    return Result(
        first_by_count=" ".join(merges[0]),
        first_by_gain=" ".join(by_gain[0]),
        first_by_quotient=" ".join(by_quotient[0]),
        gain_by_gain=gains[by_gain[0]],
        gain_by_quotient=gains[by_quotient[0]],
        gain_error=max(abs(gain - other) for gain, other in zip(gains.values(), recounted, strict=True)),
        tokens_by_count=tokens_by_count,
        tokens_by_gain=tokens_by_gain,
        tokens_by_quotient=tokens_by_quotient,
        stretches_compared=len(probes) - 1,
        stretches_differing=len(differing),
        example_by_merge_order=" ".join(ordered[differing[0]]) if differing else "",
        example_by_longest_match=" ".join(longest[differing[0]]) if differing else "",
        unknown_by_merge_order=" ".join(ordered[-1]),
        unknown_by_longest_match=" ".join(longest[-1]),
        matches_tokenizers=all(wordpiece.encode(word).tokens == longest[i] for i, word in enumerate(probes)),
        pairs=tuple(" ".join(pair) for pair in pairs),
        pair_counts=tuple(pairs.values()),
        pair_pmi=tuple(math.log(n * pieces.total() / (pieces[a] * pieces[b])) for (a, b), n in pairs.items()),
        pair_gains=tuple(gains.values()),
        corpus=corpus,
        num_merges=num_merges,
    )


def learn(words: Mapping[str, int], rule: str, num_merges: int) -> tuple[list[Pair], int]:
    """The merges in the order that the rule chooses them, and the tokens of the corpus after the last."""
    splits = {word: letters(word) for word in words}
    merges: list[Pair] = []
    pairs, pieces = count(splits, words)
    while pairs and len(merges) < num_merges:
        best = min(pairs, key=lambda pair: (-round(score(rule, pair, pairs, pieces), 9), pair))
        merges.append(best)
        splits = merge_all(best, splits, MARK)
        pairs, pieces = count(splits, words)
    return merges, pieces.total()


def score(rule: str, pair: Pair, pairs: Counter[Pair], pieces: Counter[str]) -> float:
    """How much the rule wants to merge the pair."""
    times, (left, right) = pairs[pair], pair
    if rule == "count":
        return times
    if rule == "quotient":
        return times / (pieces[left] * pieces[right])
    merged = pieces + Counter({join(pair, MARK): times}) - Counter([left, right] * times)
    return log_likelihood(merged) - log_likelihood(pieces)


def log_likelihood(pieces: Counter[str]) -> float:
    """The log-likelihood of the corpus if each piece is drawn alone, with the frequency that it has."""
    return sum(times * math.log(times / pieces.total()) for times in pieces.values())


def letters(word: str) -> list[str]:
    """The characters of the word, all but the first marked by ##."""
    return [word[0], *(MARK + character for character in word[1:])]


def longest_match(word: str, vocab: Mapping[str, int]) -> list[str]:
    """The pieces of the word as WordPiece finds them: the longest known piece, again and again, or [UNK] for it all."""
    split: list[str] = []
    start = 0
    while start < len(word):
        prefix = MARK if start else ""
        ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in vocab)
        end = next(ends, None)
        if end is None:
            return ["[UNK]"]
        split.append(prefix + word[start:end])
        start = end
    return split


def claims(result: Result) -> dict[str, bool]:
    first = (result.first_by_count, result.first_by_gain, result.first_by_quotient)
    gains = zip(result.pair_gains, result.pair_counts, result.pair_pmi, strict=True)
    return {
        "on 'tent' count, gain and quotient choose three different first merges": (
            result.corpus != "tent" or len(set(first)) == 3
        ),
        "on 'hugs' the gain chooses the same first merge as count, and only the quotient another": (
            result.corpus != "hugs" or first[0] == first[1] != first[2]
        ),
        "the gain equals the change of the log-likelihood recounted after the merge": result.gain_error < 1e-9,
        "the gain is count times pointwise mutual information, within one nat for each occurrence": all(
            abs(gain - times * pmi) <= times + 1e-9 for gain, times, pmi in gains
        ),
        "the quotient never shortens the corpus more than count": result.tokens_by_quotient >= result.tokens_by_count,
        "one vocabulary gives two segmentations, on 'tent' from 8 merges on, on 'english' from 20": (
            result.num_merges < {"tent": 8, "english": 20}.get(result.corpus, 99) or result.stretches_differing > 0
        ),
        "one unknown character costs longest match the whole word, merge order one piece": (
            result.unknown_by_longest_match == "[UNK]" != result.unknown_by_merge_order
        ),
        "all longest matches equal those of the tokenizers library": result.matches_tokenizers,
    }


def figure(result: Result) -> alt.TopLevelMixin:
    rows = [
        {"pair": pair, "times": times, "pmi": pmi}
        for pair, times, pmi in zip(result.pairs, result.pair_counts, result.pair_pmi, strict=True)
    ]
    chosen = {"count": result.first_by_count, "gain": result.first_by_gain, "quotient": result.first_by_quotient}
    marked = [
        row | {"rule": rule, "line": list(chosen.values())[:number].count(pair)}  # of the names at one point
        for number, (rule, pair) in enumerate(chosen.items())
        for row in rows
        if row["pair"] == pair
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("times:Q", title="how often the pair occurs").scale(domain=[0, 1.4 * max(result.pair_counts)]),
        y=alt.Y("pmi:Q", title="pointwise mutual information (nat)"),
    )
    colour = alt.Color("rule:N", legend=None).scale(domain=list(chosen), range=[VERMILION, BLUE, GREEN])
    best = base.properties(data=alt.Data(values=marked)).encode(color=colour)
    names = [
        best.transform_filter(f"datum.line == {line}")
        .mark_text(align="left", dx=8, dy=-8 - 14 * line)
        .encode(text="rule:N")
        for line in range(3)
    ]
    pairs = best.mark_text(align="left", dx=8, dy=8).encode(text="pair:N")
    return alt.layer(base.mark_point(color=SKY), best.mark_point(size=100), pairs, *names).properties(
        width=WIDTH, height=HEIGHT
    )
