"""`kb new`: starts a question or a demo from a form that says what belongs where."""

import keyword
import re
from pathlib import Path

import click

import demos
from kb.cli.session import Session, note, pass_session
from kb.errors import UsageError
from kb.questions import KINDS

HEAD = """\
---
kind: {kind}
difficulty: 2
covers: [{point}]
tags: []
demos: []
{extra}sources:
  - {{title: Title of the paper, year: 2017, where: section, url: "https://arxiv.org/abs/"}}
---
"""
EXTRA = {
    "numeric": 'value: 0\nunit: ""\ntolerance: 0.01\n',
    "claim": "verdict: false\n",
}
TITLE = {"claim": ("The claim, as it is widely repeated", "流传的说法，照原样写")}
DEFAULT_TITLE = ("The question, as an interviewer asks it?", "面试官会怎么问？")
CHOICES = {
    "choice": (
        "- [x] The right answer\n- [ ] What informed people believe\n- [ ] Another such\n- [ ] A third\n",
        "- [x] 正确答案\n- [ ] 懂行的人常有的看法\n- [ ] 另一种看法\n- [ ] 第三种看法\n",
    ),
    "multiple": (
        "- [x] A right one\n- [x] Another right one\n- [ ] What informed people believe\n",
        "- [x] 正确的一项\n- [x] 正确的另一项\n- [ ] 懂行的人常有的看法\n",
    ),
}
BODY = (
    "## Answer\n\nWhat a good candidate says in two minutes: the answer first, then the reason.\n\n"
    "## Key points\n\n- One fact that can be ticked\n- Another\n- A third\n\n"
    "## Pitfalls\n\n- The mistake that most people make, and what is true instead\n",
    "## Answer\n\n好的候选人两分钟里会说的话：先给结论，再讲理由。\n\n"
    "## Key points\n\n- 一个可以打勾的事实\n- 另一个\n- 第三个\n\n"
    "## Pitfalls\n\n- 多数人会犯的错，以及正确的说法\n",
)  # fmt: skip


@click.group("new")
def new_command() -> None:
    """Start a question or a demo."""


@new_command.command("question")
@click.argument("slug")
@click.option("--topic", required=True, help="A topic of content/syllabus.yaml.")
@click.option("--kind", type=click.Choice(list(KINDS)), default="choice", show_default=True)
@pass_session
def question_command(session: Session, slug: str, topic: str, kind: str) -> None:
    """Write the two files of a question, English and Chinese, for you to fill in."""
    bank = session.shared_bank
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise UsageError(f"ID: expected lower-case words joined by hyphens; found '{slug}'.")
    topics = {each.id: each for each in bank.syllabus.topics}
    if topic not in topics:
        raise UsageError(f"--topic: expected one of {', '.join(topics)}; found '{topic}'.")
    if slug in bank.questions or slug in bank.broken:
        raise UsageError(f"ID: '{slug}' is taken; `kb show {slug}` shows it.")
    covered = {point for question in bank.questions.values() for point in question.covers}
    points = [point.id for point in topics[topic].points]
    point = next((each for each in points if each not in covered), points[0])
    for position, suffix in enumerate((".md", ".zh.md")):
        head = HEAD.format(kind=kind, point=point, extra=EXTRA.get(kind, "")) if position == 0 else ""
        choices = f"## Choices\n\n{CHOICES[kind][position]}\n" if kind in CHOICES else ""
        text = f"{head}# {TITLE.get(kind, DEFAULT_TITLE)[position]}\n\n{choices}{BODY[position]}"
        _write(bank.root / topic / f"{slug}{suffix}", text)


@new_command.command("demo")
@click.argument("name")
@click.option("--topic", required=True, help="A folder of demos/, as in content/.")
@pass_session
def demo_command(session: Session, name: str, topic: str) -> None:
    """Write a demo that runs, for you to change."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageError(f"NAME: expected lower-case words joined by underscores; found '{name}'.")
    if name in demos.names():
        raise UsageError(f"NAME: '{name}' is taken; `kb demo show {name}` shows it.")
    topics = [each.id for each in session.shared_bank.syllabus.topics]
    if topic not in topics:
        raise UsageError(f"--topic: expected one of {', '.join(topics)}; found '{topic}'.")
    folder = Path(demos.__file__).parent / topic
    if not (folder / "__init__.py").exists():
        _write(folder / "__init__.py", "")
    _write(folder / f"{name}.py", (Path(__file__).parent / "new_demo.py.txt").read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    note(str(path))
