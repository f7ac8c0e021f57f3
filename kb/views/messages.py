"""`python -m kb.views.messages` brings the catalogues up to date with the source; --check only tells what is missing.

Messages are the first arguments of `_()` and `ngettext()` in kb/ and app.py, and what the demos say of themselves: title, what
they leave out, the meaning of parameters and fields, their claims, and the texts of their figures. A message that is gone
leaves the catalogue with its translation; nothing is guessed from similar messages.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

import demos
from kb.i18n import DOMAIN, LANGUAGES, catalogue_path

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": 1, "ngettext": 2}  # how many of the first arguments are messages
HEADER = "# Livecards. Written by `python -m kb.views.messages`; the translations are written by hand."
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # a date of its own would make every update a change
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def template() -> Catalog:
    """Every message of the source, with the files it stands in."""
    catalogue = _empty(None)
    for path, message in (*_source_messages(), *_demo_messages()):
        catalogue.add(message, locations=[(path, 0)])
    return catalogue


def catalogue(language: str) -> Catalog:
    """The catalogue of this language as it is on disk; empty where there is none."""
    path = catalogue_path(language)
    if not path.is_file():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def update(language: str) -> None:
    """Writes the catalogue of this language with every message of the source, keeping the translations it has."""
    old, new = catalogue(language), template()
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _empty(language)
    for message in new:
        if message.id:
            known = old.get(_key(message))
            flags = known.flags if known else set()
            written.add(message.id, known.string if known else "", locations=message.locations, flags=flags)
    written.creation_date = written.revision_date = UNDATED
    buffer = io.BytesIO()
    write_po(buffer, written, width=120, sort_by_file=True, include_lineno=False)
    path.write_bytes(buffer.getvalue())


def missing(language: str) -> list[str]:
    """What the catalogue of this language lacks, one line for each message; empty where it is complete."""
    known = catalogue(language)
    problems = []
    for message in template():
        if not message.id:
            continue
        found = known.get(_key(message))
        if found is None:
            problems.append(f"{_where(message)}: {_key(message)!r} is not in the catalogue")
        elif not all(found.string if isinstance(found.string, tuple) else (found.string,)):
            problems.append(f"{_where(message)}: {_key(message)!r} is not translated")
        elif found.fuzzy:
            problems.append(f"{_where(message)}: {_key(message)!r} is marked fuzzy")
        elif _placeholders(found.string) - _placeholders(message.id):
            problems.append(f"{_where(message)}: {_key(message)!r} has other {{placeholders}} in its translation")
    return problems


def _empty(language: str | None) -> Catalog:
    return Catalog(
        locale=language,
        domain=DOMAIN,
        header_comment=HEADER,
        project="Livecards",
        version="1",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        fuzzy=False,
    )


def _key(message: Message) -> str:
    return str(message.id if isinstance(message.id, str) else message.id[0])


def _where(message: Message) -> str:
    return ", ".join(sorted({path for path, _line in message.locations}))


def _placeholders(texts: object) -> set[str]:
    every = texts if isinstance(texts, list | tuple) else (texts,)
    return {name for text in every for name in _PLACEHOLDER.findall(str(text))}


def _source_messages() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """The literal arguments of every call of KEYWORDS, those inside f-strings included, which Babel itself does not find.

    A call with a computed argument is passed over: what it can say has to stand literally in another one.
    """
    for path in (*sorted((ROOT / "kb").rglob("*.py")), ROOT / "app.py"):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in KEYWORDS:
                    texts = tuple(map(_literal, node.args[: KEYWORDS[called]]))
                    if all(texts):
                        yield name, texts[0] if len(texts) == 1 else texts


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _demo_messages() -> Iterator[tuple[str, str]]:
    for name in demos.names():
        spec = demos.describe(name)
        path = spec.path.relative_to(ROOT).as_posix()
        meanings = [param.help for param in spec.params] + [field.help for field in spec.fields]
        texts = (spec.title, spec.leaves_out, *meanings, *spec.claims, *spec.figure_texts)
        for text in dict.fromkeys(filter(None, texts)):
            yield path, text


def main(arguments: list[str]) -> int:
    """The exit code: 1 where a message of a language is missing, or a demo cannot be read."""
    languages = [language for language in LANGUAGES if language != "en"]
    try:
        if "--check" not in arguments:
            for language in languages:
                update(language)
        problems = [problem for language in languages for problem in missing(language)]
    except demos.DemoError as error:
        problems = [str(error)]
    print("\n".join(problems) or "Every message is translated.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
