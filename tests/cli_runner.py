"""The command line as the tests call it: inside this process, over the complete example of content/README.md."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SLUG = "scale-by-root-d-k"
SYLLABUS = """\
topics:
  - id: attention
    title: {en: Attention, zh: 注意力}
    points:
      - id: attn-scaling-why
        title: {en: Why scores are scaled, zh: 分数为什么要缩放}
      - id: attn-scaling-derivation
        title: {en: Where the root comes from, zh: 根号从哪里来}
"""


@dataclass(frozen=True)
class Done:
    """What a command did: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Kb = Callable[..., Done]


def example_bank(folder: Path) -> Path:
    """A bank made in this folder of the one question that the README shows in full."""
    readme = (ROOT / "content" / "README.md").read_text(encoding="utf-8")
    example = readme.partition("## A complete example")[2]
    english, chinese = re.findall(r"```markdown\n(.*?)\n```\n", example, re.DOTALL)
    english = re.sub(r"(requires|follow_ups): \[.*?\]", r"\1: []", english)
    topic = folder / "attention"
    topic.mkdir(parents=True)
    (folder / "syllabus.yaml").write_text(SYLLABUS, encoding="utf-8")
    (topic / f"{SLUG}.md").write_text(english + "\n", encoding="utf-8")
    (topic / f"{SLUG}.zh.md").write_text(chinese + "\n", encoding="utf-8")
    return folder
