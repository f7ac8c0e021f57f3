"""Full-text search over all texts of the bank in both languages, as one types, by SQLite FTS5 in memory.

Texts are indexed as plain words: formulas by the names of their signs (√ is `sqrt`, so `\\sqrt` finds it), each Chinese
character as a word of its own. A run of characters is then looked for as a phrase, which finds any substring, one
character or many; FTS5's trigram tokenizer cannot find words of one or two, such as 头 or 掩码.
Leaves out stemming (every word also matches as a beginning) and a cache on disk (300 questions index in about 0.2 s).
"""

import itertools
import re
import sqlite3
import threading
import unicodedata
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kb.bank import Bank
from kb.plaintext import LETTERS, OPERATORS, plain
from kb.questions import LANGUAGES, Question, Text

WEIGHTS = {"title": 12.0, "points": 4.0, "answer": 2.0, "choices": 1.5, "about": 1.0}
"""What a hit in each part of a question counts; `about` has tags, topic, syllabus points, sources, word parts."""

SNIPPET_LENGTH = 140
LONGEST_QUERY = 24
FEW = 8  # so few hits leave room for what holds the same words less closely

_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_NAMES = {sign: name for name, sign in (LETTERS | OPERATORS | {"sqrt": "√"}).items() if sign != "|"}
_SIGNS = re.escape("".join(_NAMES))
_WORD = re.compile(rf"[{_CJK}{_SIGNS}]|[^\W_{_CJK}{_SIGNS}⁰¹²³⁴-⁹]+")
_HUMP = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
_CHUNK = re.compile(r'"([^"]*)"|\S+')
_PLURAL = re.compile(r"(?<=[a-z]{3})(?:es|(?<!s)s)$")


@dataclass(frozen=True)
class Hit:
    """A question that was found, in the language it was found in; `title` is Markdown, `snippet` plain text.

    `marks` are the stretches of the snippet that were looked for, as (start, end). A higher `score` is a better hit.
    """

    slug: str
    language: str
    title: str
    snippet: str
    score: float
    marks: tuple[tuple[int, int], ...] = ()

    def marked(self, before: str, after: str) -> str:
        """The snippet with something before and after each stretch that was looked for."""
        text = self.snippet
        for start, end in reversed(self.marks):
            text = f"{text[:start]}{before}{text[start:end]}{after}{text[end:]}"
        return text


@dataclass(frozen=True)
class _Term:
    """Words that must follow each other; the last one also matches as the beginning of a longer word."""

    words: tuple[str, ...]
    quoted: bool = False

    def expression(self) -> str:
        """The term for FTS5; a word found whole counts twice, a plural also finds its singular."""
        *first, last = (f'"{word}"' for word in self.words)
        if _is_cjk(self.words[-1]):
            return " + ".join([*first, last])
        ends = [last, f"{last} *"]
        singular = _PLURAL.sub("", self.words[-1])
        if singular != self.words[-1]:
            ends.append(f'"{singular}" *')
        return "(" + " OR ".join(" + ".join([*first, end]) for end in ends) + ")"

    def loosely(self) -> str:
        """The words for FTS5 wherever they stand, Chinese in pairs, which are counted from either end of a run.

        What stands between double quotes stays as it is.
        """
        if self.quoted:
            return self.expression()
        parts: list[str] = []
        for is_chinese, run in itertools.groupby(self.words, _is_cjk):
            words = list(run)
            if not is_chinese:
                parts += (_Term((word,)).expression() for word in words)
                continue
            splits = dict.fromkeys(_in_pairs(words, start) for start in (0, len(words) % 2))
            parts.append("(" + " OR ".join(splits) + ")")
        return " AND ".join(parts)

    def pieces(self) -> Iterator["_Term"]:
        """The same words, each on its own, and Chinese in pairs, for when nothing holds them all in a row."""
        run: list[str] = []
        for word in (*self.words, ""):
            if word and _is_cjk(word):
                run.append(word)
                continue
            yield from (_Term(tuple(pair)) for pair in itertools.pairwise(run))
            if len(run) == 1:
                yield _Term((run[0],))
            run = []
            if len(word) > 1:
                yield _Term((word,))


@dataclass(frozen=True)
class Found:
    """A question that was found, before its text is looked at."""

    slug: str
    language: str
    score: float
    terms: tuple[_Term, ...]


class Index:
    """An index over a bank, made at the first search. Safe to share between threads."""

    def __init__(self, bank: Bank):
        self._bank = bank
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def search(self, words: str, languages: Sequence[str] = LANGUAGES, limit: int = 50) -> tuple[Hit, ...]:
        """The questions that hold all the words, best first; where few do, then those that hold what is written in one run in
        another order or apart, as 缓存的大小 for 缓存大小; where none does, those that hold some of the words.

        Each question comes once, in the first of `languages` in which it was found. Nothing that can be typed is an error.
        """
        return tuple(map(self.hit, self.find(words, languages)[: max(limit, 0)]))

    def find(self, words: str, languages: Sequence[str] = LANGUAGES) -> tuple[Found, ...]:
        """All that `search` finds, without the snippets, which take most of its time."""
        terms = tuple(dict.fromkeys(_terms(words)))
        if not terms or not languages:
            return ()
        pieces = tuple(dict.fromkeys(piece for term in terms for piece in term.pieces()))
        best: dict[str, Found] = {}
        with self._lock:
            self._add(best, " AND ".join(term.expression() for term in terms), languages, terms)
            if len(best) < FEW and pieces != terms:
                self._add(best, " AND ".join(term.loosely() for term in terms), languages, pieces)
            if not best and pieces:
                self._add(best, " OR ".join(term.expression() for term in pieces), languages, pieces)
        return tuple(best.values())

    def _add(self, best: dict[str, Found], expression: str, languages: Sequence[str], terms: tuple[_Term, ...]) -> None:
        """Adds what this finds, best first, after what was found already."""
        before = set(best)
        for slug, language, score in self._find(expression, languages):
            known = best.get(slug)
            if known is None:
                best[slug] = Found(slug, language, score, terms)
            elif slug not in before and languages.index(language) < languages.index(known.language):
                best[slug] = replace(known, language=language)

    def _find(self, expression: str, languages: Sequence[str]) -> list[tuple[str, str, float]]:
        marks = ", ".join("?" * len(languages))
        weights = ", ".join(map(str, WEIGHTS.values()))
        rows = self._connection().execute(
            f"SELECT slug, language, -bm25(words, {weights}) AS score FROM words JOIN texts ON texts.id = words.rowid"
            f" WHERE words MATCH ? AND language IN ({marks}) ORDER BY score DESC, texts.id",
            [expression, *languages],
        )
        return rows.fetchall()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = _build(self._bank)
        return self._open

    def hit(self, found: Found) -> Hit:
        """What was found, with the stretch of the text that shows it."""
        text = self._bank.questions[found.slug].text(found.language)
        snippet, marks = _snippet(_parts(text), found.terms)
        return Hit(found.slug, found.language, text.title, snippet, found.score, marks)


_latest: tuple[weakref.ref[Bank], Index] | None = None


def index_of(bank: Bank) -> Index:
    """The index over this bank; kept while the same bank is asked for again."""
    global _latest
    if _latest is None or _latest[0]() is not bank:
        _latest = weakref.ref(bank), Index(bank)
    return _latest[1]


def _build(bank: Bank) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, slug TEXT NOT NULL, language TEXT NOT NULL)")
    connection.execute(
        f"CREATE VIRTUAL TABLE words USING fts5({', '.join(WEIGHTS)}, content='', tokenize='unicode61 remove_diacritics 2')"
    )
    about = _About(bank)
    number = 0
    for question in bank.questions.values():
        for language in question.languages:
            number += 1
            columns = _columns(question.text(language), about.of(question, language))
            connection.execute("INSERT INTO texts VALUES (?, ?, ?)", [number, question.slug, language])
            connection.execute(
                f"INSERT INTO words (rowid, {', '.join(WEIGHTS)}) VALUES (?, ?, ?, ?, ?, ?)", [number, *columns]
            )
    connection.commit()
    return connection


def _columns(text: Text, about: str) -> list[str]:
    choices = "\n\n".join(f"{choice.text}\n\n{choice.why}" for choice in text.choices)
    parts = (
        text.title,
        "\n\n".join(text.key_points),
        "\n\n".join((text.stem, text.answer)),
        "\n\n".join((choices, text.predict, *text.pitfalls)),
    )
    texts = [plain(part) for part in parts]
    return [_indexed(each) for each in (*texts, " ".join((about, *_humps(" ".join(texts)))))]


class _About:
    """What a question is about, in the words of the syllabus."""

    def __init__(self, bank: Bank):
        self._topics = {topic.id: topic for topic in bank.syllabus.topics}
        self._points = bank.syllabus.points

    def of(self, question: Question, language: str) -> str:
        """Slug, tags and sources, with the titles of its topic and points."""
        topic = self._topics.get(question.topic)
        titles = [topic.title.get(language, "")] if topic else []
        titles += [
            plain(self._points[point].title.get(language, "")) for point in question.covers if point in self._points
        ]
        sources = [f"{source.title} {source.year or ''}" for source in question.sources]
        return " · ".join((question.slug, question.topic, *question.tags, *titles, *sources))


def _parts(text: Text) -> Iterator[str]:
    """The parts a snippet is taken from, the most telling first."""
    yield from text.key_points
    yield from (text.stem, text.answer)
    for choice in text.choices:
        yield from (choice.text, choice.why)
    yield from (*text.pitfalls, text.predict, text.title)


def _indexed(text: str) -> str:
    """The words as FTS5 gets them, separated by spaces."""
    return " ".join(_normal(word) for word in _WORD.findall(text))


@lru_cache(maxsize=1 << 16)
def _normal(word: str) -> str:
    """A word as it is compared: full-width and superscript forms, case, and the American -ize make no difference."""
    name = _NAMES.get(word, word)
    return unicodedata.normalize("NFKC", name).casefold().replace("iz", "is")


def _humps(text: str) -> Iterator[str]:
    """The parts of words such as LayerNorm, so that "layer norm" finds them."""
    for word in dict.fromkeys(_WORD.findall(text)):
        if word.isascii() and not word.islower() and len(humps := _HUMP.findall(word)) > 1:
            yield from humps


def _in_pairs(words: Sequence[str], start: int) -> str:
    """A run of Chinese for FTS5, cut after this many characters and then after every second."""
    cuts = sorted({0, *range(start, len(words), 2), len(words)})
    pairs = (words[first:last] for first, last in itertools.pairwise(cuts))
    return "(" + " AND ".join(_Term(tuple(pair)).expression() for pair in pairs) + ")"


def _is_cjk(word: str) -> bool:
    return re.fullmatch(f"[{_CJK}]", word) is not None


def _terms(query: str) -> Iterator[_Term]:
    """What is looked for: each run without spaces, and each stretch between double quotes, is a phrase."""
    left = LONGEST_QUERY
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFKC", query[:400])):
        words = tuple(_normal(word) for word in _WORD.findall(chunk[1] or chunk[0]))[:left]
        left -= len(words)
        if words:
            yield _Term(words, quoted=chunk[1] is not None)


def _snippet(parts: Iterable[str], terms: Sequence[_Term]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The stretch of a part that holds most of the terms, and where they stand in it."""
    best, best_spans, most = "", list[tuple[int, int]](), 0
    for part in parts:
        text = plain(part)
        best = best or text
        found = [spans for term in terms if (spans := _spans(text, term))]
        if len(found) > most:
            best, best_spans, most = text, sorted(itertools.chain.from_iterable(found)), len(found)
        if most == len(terms):
            break
    return _cut(best, best_spans)


def _spans(text: str, term: _Term) -> list[tuple[int, int]]:
    """Where the term stands in the text."""
    places = [(_normal(found.group()), found.start(), found.end()) for found in _WORD.finditer(text)]
    spans = []
    count = len(term.words)
    last = _PLURAL.sub("", term.words[-1])
    for start in range(len(places) - count + 1):
        words = [word for word, _, _ in places[start : start + count]]
        if words[:-1] == list(term.words[:-1]) and words[-1].startswith(last):
            spans.append((places[start][1], places[start + count - 1][2]))
    return spans


def _cut(text: str, spans: list[tuple[int, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """About `SNIPPET_LENGTH` characters around the first span, cut at words; Chinese needs about half of that."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    length = SNIPPET_LENGTH if wide * 3 < len(text) else SNIPPET_LENGTH // 2
    start = 0
    if spans and spans[0][1] > length:
        start = max(spans[0][0] - length // 3, 0)
        space = text.find(" ", start, spans[0][0])
        start = space + 1 if space >= 0 else start
    end = len(text)
    if end > start + length:
        space = text.rfind(" ", start + length * 3 // 4, start + length)
        end = space if space >= 0 else start + length
    before, after = "… " if start else "", " …" if end < len(text) else ""
    marks: list[tuple[int, int]] = []
    for first, last in spans:
        if start <= first and last <= end and (not marks or first - start + len(before) >= marks[-1][1]):
            marks.append((first - start + len(before), last - start + len(before)))
    return before + text[start:end] + after, tuple(marks)
