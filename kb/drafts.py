"""The learner's own questions: files like those of the bank in a folder of the learner's, studied once they say `ready: true`.

They need no sources, points covered, key points or translation, and name their topic in the front matter or by their folder.
Leaves out how they come there (`kb.exchange`), and what the bank demands of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kb.bank import Bank
from kb.check import DemoSpec, check
from kb.errors import UnknownQuestionError, UsageError
from kb.exchange.files import page_text, replacing
from kb.front_matter import split
from kb.own import OWN_TOPIC, with_own
from kb.parsing import parse_question
from kb.problems import Problem, Report, shown
from kb.questions import LANGUAGES, OpenQuestion, Question, Text
from kb.syllabus import Syllabus
from kb.translation import parse_translation

_WHOLE_ANSWER = {"en": "What the answer says", "zh": "答案所说的内容"}
_HAN = re.compile(r"[\u4e00-\u9fff]")
_READY = re.compile(r"^ready:[ ]*(true|True|TRUE)[ ]*(?:#.*)?$", re.MULTILINE)
_READY_LINE = re.compile(r"^ready:.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Draft:
    """One file: a question where nothing is wrong with it, studied where it is `ready` too."""

    path: Path
    ready: bool
    title: str
    question: Question | None
    problems: tuple[Problem, ...]

    @property
    def slug(self) -> str:
        """The id of the question that it is or becomes."""
        return self.path.stem


def load_own(folder: Path) -> Bank:
    """The questions of the folder that are ready and in order, as a bank without a syllabus."""
    drafts = [_read(path) for path in _files(folder) if _is_ready(path)]
    questions = {draft.slug: draft.question for draft in drafts if draft.question is not None}
    problems = tuple(problem for draft in drafts for problem in draft.problems)
    return Bank(questions, Syllabus(), problems, folder)


def read_drafts(bank: Bank, folder: Path, demos: Mapping[str, DemoSpec]) -> tuple[Draft, ...]:
    """Every file of the folder with all that is wrong with it, by name; `bank` is the bank alone."""
    drafts = [_read(path) for path in _files(folder)]
    questions = {draft.slug: draft.question for draft in drafts if draft.question is not None}
    others = frozenset(draft.slug for draft in drafts) | bank.broken
    everything = replace(with_own(bank, Bank(questions, Syllabus(), (), folder)), problems=(), broken=others)
    found = check(everything, demos)
    return tuple(_checked(draft, bank, found) for draft in drafts)


def mark(draft: Draft, ready: bool) -> None:
    """Writes into the file whether it is to be studied.

    Raises: UsageError where the file cannot be written.
    """
    text = page_text(draft.path)
    parts = split(text)
    if parts is None:
        raise UsageError(f"{draft.path}: expected keys between two lines `---`; found none.")
    front = f"ready: {'true' if ready else 'false'}\n{_READY_LINE.sub('', parts[0])}"
    with replacing(draft.path) as written:
        written.write_text(f"---\n{front}---\n{parts[1]}", encoding="utf-8")


def chosen(drafts: tuple[Draft, ...], slug: str) -> Draft:
    """The draft of this name. Raises: UnknownQuestionError where there is none."""
    found = next((draft for draft in drafts if draft.slug == slug), None)
    if found is None:
        raise UnknownQuestionError(f"draft '{slug}': there is none of that name; `kb drafts` shows them all.")
    return found


def _files(folder: Path) -> Iterator[Path]:
    """The questions of the folder and of the folders in it."""
    for path in sorted((*folder.glob("*.md"), *folder.glob("*/*.md"))):
        if "." not in path.stem and path.is_file() and not path.parent.name.startswith("."):
            yield path


def _is_ready(path: Path) -> bool:
    try:
        parts = split(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return False
    return parts is not None and _READY.search(parts[0]) is not None


def _read(path: Path) -> Draft:
    """The draft in this file, with what is wrong in the file itself."""
    name = path.absolute().as_posix()
    try:
        text = page_text(path)
    except UsageError as error:
        return Draft(
            path, False, path.stem, None, (Problem(name, 0, str(error).removeprefix(f"{path}: "), "save it as UTF-8."),)
        )
    parts = split(text)
    ready = parts is not None and _READY.search(parts[0]) is not None
    parsed = parse_question(name, text, own=True)
    title = parsed.body.text.title if parsed.body else path.stem
    if parsed.question is None:
        return Draft(path, ready, title, None, parsed.problems)
    texts, problems = {"en": parsed.question.text("en")}, list(parsed.problems)
    for language in LANGUAGES[1:]:
        translated = path.with_name(f"{path.stem}.{language}.md")
        if translated.is_file():
            found, faults = parse_translation(translated.absolute().as_posix(), page_text(translated), parsed)
            problems += faults
            texts |= {} if found is None else {language: found}
    question = parsed.question.with_texts(
        {language: _with_points(parsed.question, each) for language, each in texts.items()}
    )
    return Draft(path, ready, title, question, tuple(problems))


def _with_points(question: Question, text: Text) -> Text:
    """The text, for an open question without key points with its whole answer as the only one."""
    if not isinstance(question, OpenQuestion) or text.key_points:
        return text
    return replace(text, key_points=(_WHOLE_ANSWER["zh" if _HAN.search(text.title + text.answer) else "en"],))


def _checked(draft: Draft, bank: Bank, found: tuple[Problem, ...]) -> Draft:
    """The draft with what is wrong beside others, and no question where anything is."""
    report = Report(draft.path.absolute().as_posix())
    if draft.slug in (*bank.questions, *bank.broken):
        report.add(0, "slug", "a name that no question of the bank has", shown(draft.slug), "rename the file.")
    question = draft.question
    topics = bank.syllabus.topic_ids
    if question is not None and "topic" in question.lines and question.topic not in (*topics, OWN_TOPIC):
        fix = "name a topic of the bank, or leave the key out."
        report.add(question.lines["topic"], "topic", f"one of {', '.join(topics)}", shown(question.topic), fix)
    beside = [problem for problem in found if problem.path.removesuffix(".zh.md") == report.path.removesuffix(".md")]
    own = [problem for problem in found if problem.path == report.path]
    problems = tuple(dict.fromkeys((*draft.problems, *report.problems, *own, *beside)))
    return replace(draft, question=None if problems else question, problems=problems)
