"""Reads a bank from its folder; a broken file is a problem and never an exception."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kb.bank import Bank
from kb.parsing import Parsed, parse_question
from kb.problems import Problem, Report, in_order, shown
from kb.questions import LANGUAGES, Question
from kb.syllabus import Syllabus
from kb.syllabus_file import parse_syllabus
from kb.translation import parse_translation

TRANSLATIONS = LANGUAGES[1:]
_PAGES = ("README.md", *(f"README.{language}.md" for language in TRANSLATIONS))


def load(root: Path) -> Bank:
    """Everything in the folder `root`, which is absolute; what cannot be used is left out and stands in `problems`."""
    return _Loader(root).load()


class _Loader:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.questions: dict[str, Question] = {}
        self.seen: dict[str, str] = {}

    def load(self) -> Bank:
        if not self.root.is_dir():
            fix = "give the folder that holds syllabus.yaml and the topics."
            self._problem(self.root.name, "bank", "a folder", "none at this path", fix)
            return Bank({}, Syllabus(), tuple(self.problems), self.root)
        syllabus = self._syllabus()
        topics = syllabus.topic_ids
        for entry in self._entries(self.root):
            path = f"{self.root.name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if topics and entry.name not in topics:
                    fix = "move its questions to a topic, or add the topic to syllabus.yaml."
                    self._problem(path, "topic", f"one of {', '.join(topics)}", shown(entry.name), fix)
                self._topic(Path(entry.path), usable=not topics or entry.name in topics)
            elif entry.name not in ("syllabus.yaml", *_PAGES):
                fix = "move it out of the bank, or into the folder of its topic."
                self._problem(path, "file", "README.md, syllabus.yaml and folders", shown(entry.name), fix)
        order = {topic: place for place, topic in enumerate(topics)}
        ordered = sorted(self.questions.values(), key=lambda each: (order.get(each.topic, len(order)), each.slug))
        questions = {each.slug: each for each in ordered}
        return Bank(
            questions, syllabus, in_order(self.problems), self.root, frozenset(self.seen) - frozenset(questions)
        )

    def _problem(self, path: str, what: str, expected: str, found: str, fix: str, line: int = 0) -> None:
        report = Report(path)
        report.add(line, what, expected, found, fix)
        self.problems += report.problems

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """Files and folders by name; hidden ones are skipped, links are reported and not followed."""
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.is_symlink():
                    fix = "copy the file into the bank."
                    path = f"{folder.relative_to(self.root.parent).as_posix()}/{entry.name}"
                    self._problem(path, "file", "an ordinary file or folder", "a symbolic link", fix)
                elif not entry.name.startswith("."):
                    yield entry

    def _syllabus(self) -> Syllabus:
        path = f"{self.root.name}/syllabus.yaml"
        file = self.root / "syllabus.yaml"
        if file.is_symlink():
            return Syllabus()
        if not file.is_file():
            fix = "write the topics and their points there; content/README.md has the form."
            self._problem(path, "syllabus", "the file", "none", fix)
            return Syllabus()
        text = self._read(file, path)
        if text is None:
            return Syllabus()
        report = Report(path)
        syllabus = parse_syllabus(text, report)
        self.problems += report.problems
        return syllabus

    def _topic(self, folder: Path, usable: bool) -> None:
        """Reads the questions of one folder; those of an unknown topic are checked and left out."""
        files: dict[str, Path] = {}
        for entry in self._entries(folder):
            path = f"{self.root.name}/{folder.name}/{entry.name}"
            if not entry.is_file(follow_symlinks=False):
                fix = "move its questions up into the topic."
                self._problem(path, "file", "questions without folders of their own", "a folder", fix)
            elif entry.name not in _PAGES:
                if _is_question(entry.name):
                    files[entry.name] = Path(entry.path)
                else:
                    expected = f"README.md, <slug>.md or <slug>.{'|'.join(TRANSLATIONS)}.md"
                    self._problem(path, "file", expected, shown(entry.name), "move it out of the bank.")
        for name in files:
            slug, language = _slug_and_language(name)
            if language == "en":
                self._question(slug, folder.name, files, usable)
            elif f"{slug}.md" not in files:
                path, fix = (
                    f"{self.root.name}/{folder.name}/{name}",
                    "write the English text, or rename the file like it.",
                )
                self._problem(path, "translation", f"{slug}.md beside it", "none", fix)

    def _question(self, slug: str, topic: str, files: Mapping[str, Path], usable: bool) -> None:
        path = f"{self.root.name}/{topic}/{slug}.md"
        text = self._read(files[f"{slug}.md"], path)
        parsed = Parsed(None, None, ()) if text is None else parse_question(path, text)
        self.problems += parsed.problems
        question = parsed.question
        texts = {} if question is None else dict(question.texts)
        for language in TRANSLATIONS:
            translated = f"{slug}.{language}.md"
            if translated not in files:
                fix = "translate the English text into a file of that name, without front matter."
                self._problem(path, "translation", f"{translated} beside it", "none", fix, line=1)
                continue
            translated_path = f"{self.root.name}/{topic}/{translated}"
            source = self._read(files[translated], translated_path)
            if source is not None:
                translation, problems = parse_translation(translated_path, source, parsed)
                self.problems += problems
                if translation is not None:
                    texts[language] = translation
        if slug in self.seen:
            fix = "rename one of the two files; the slug is the id of the question."
            self._problem(path, "slug", "each slug once in the bank", f"it again, first in {self.seen[slug]}", fix)
            return
        self.seen[slug] = path
        if question is not None and usable:
            self.questions[slug] = question.with_texts(texts)

    def _read(self, file: Path, path: str) -> str | None:
        """The text with plain line ends; None where it cannot be read."""
        try:
            data = file.read_bytes()
        except OSError as error:
            fix = "give it back, or make it readable."
            self._problem(path, "file", "a file that can be read", error.strerror or "an error", fix)
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            found = f"the byte 0x{data[error.start]:02x}"
            self._problem(path, "file", "UTF-8", found, "save the file as UTF-8.", line)
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _slug_and_language(name: str) -> tuple[str, str]:
    stem = name.removesuffix(".md")
    slug, dot, language = stem.rpartition(".")
    return (slug, language) if dot else (stem, "en")


def _is_question(name: str) -> bool:
    slug, language = _slug_and_language(name)
    return name.endswith(".md") and "." not in slug and language in LANGUAGES and not name.endswith(".en.md")
