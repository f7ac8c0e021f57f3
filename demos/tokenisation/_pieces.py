"""Words in pieces, and the counting and joining of neighbours that BPE and WordPiece share.

A `mark` such as ## stands before every piece that does not begin a word; it is dropped where two pieces are joined.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

Pair = tuple[str, str]
Splits = Mapping[str, list[str]]


def count(splits: Splits, words: Mapping[str, int]) -> tuple[Counter[Pair], Counter[str]]:
    """How often each pair of neighbours occurs in the corpus, and each piece."""
    pairs: Counter[Pair] = Counter()
    pieces: Counter[str] = Counter()
    for word, split in splits.items():
        for piece in split:
            pieces[piece] += words[word]
        for pair in pairwise(split):
            pairs[pair] += words[word]
    return pairs, pieces


def join(pair: Pair, mark: str = "") -> str:
    """The piece that the two make together."""
    return pair[0] + pair[1].removeprefix(mark)


def merge(pair: Pair, pieces: list[str], mark: str = "") -> list[str]:
    """The pieces with each occurrence of the pair joined, from left to right."""
    merged: list[str] = []
    for piece in pieces:
        if merged and (merged[-1], piece) == pair:
            merged[-1] = join(pair, mark)
        else:
            merged.append(piece)
    return merged


def merge_all(pair: Pair, splits: Splits, mark: str = "") -> dict[str, list[str]]:
    """Every word with the pair merged."""
    return {word: merge(pair, split, mark) for word, split in splits.items()}
