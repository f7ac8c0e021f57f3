"""Reads a translation and compares it with the English text: the same parts, choices, points and links."""

from collections import Counter

from kb import links
from kb.errors import QuestionError
from kb.markdown import Body, BodyLink, read_body
from kb.parsing import Parsed, check_drawn, vary_of
from kb.problems import Problem, Report
from kb.questions import Text


def parse_translation(path: str, text: str, english: Parsed) -> tuple[Text | None, tuple[Problem, ...]]:
    """The text that the translation at `path` holds, or None where it has problems, and those problems.

    It is compared with the English text only where that is sound.
    """
    report = Report(path)
    if not text.strip():
        report.add(1, "file", "a translation", "an empty file", "translate the English text.")
    elif text.startswith("---\n"):
        fix = "remove everything up to the second `---`; the keys stand in the English file alone."
        report.add(1, "front matter", "none in a translation", "some", fix)
    else:
        body = read_body(text, report)
        if english.question is not None and english.body is not None:
            _compare(english.body, body, report)
            check_drawn(report, body, vary_of(english.question))
        if not report.problems:
            return body.text, ()
    return None, tuple(report.problems)


def _compare(english: Body, body: Body, report: Report) -> None:
    for heading in english.headings:
        if heading not in body.headings:
            fix = "translate that part too; headings stay in English."
            report.add(body.title_line, "heading", f"'## {heading}', as in the English text", "none", fix)
    for heading, line in body.headings.items():
        if heading not in english.headings:
            fix = "remove the part, or add it to the English text."
            report.add(line, "heading", f"no '## {heading}', as in the English text", "one", fix)
    _compare_choices(english, body, report)
    for name, points, translated in (
        ("Key points", english.text.key_points, body.text.key_points),
        ("Pitfalls", english.text.pitfalls, body.text.pitfalls),
    ):
        if name in english.headings and name in body.headings and len(points) != len(translated):
            fix = "translate every point, in the same order."
            expected = f"{len(points)} points, as in the English text"
            report.add(body.headings[name], name, expected, str(len(translated)), fix)
    if bool(english.text.stem) != bool(body.text.stem):
        expected = "text under the title" if english.text.stem else "no text under the title"
        found = "none" if english.text.stem else "some"
        report.add(body.title_line, "text", f"{expected}, as in the English text", found, "translate every part.")
    for part in ("title", "stem", *english.headings):
        if part in ("title", "stem") or part in body.headings:
            _compare_links(part, english, body, report)


def _compare_choices(english: Body, body: Body, report: Report) -> None:
    if "Choices" not in english.headings or "Choices" not in body.headings:
        return
    wanted, found = english.text.choices, body.text.choices
    if len(wanted) != len(found):
        expected = f"{len(wanted)} choices, as in the English text"
        fix = "translate every choice, in the same order."
        report.add(body.headings["Choices"], "Choices", expected, str(len(found)), fix)
        return
    for place, (choice, translated) in enumerate(zip(wanted, found, strict=True)):
        line = body.choice_lines[place]
        if choice.correct != translated.correct:
            marks = {True: "[x]", False: "[ ]"}
            fix = "copy the marks of the English text; keep the choices in its order."
            expected = f"{marks[choice.correct]}, as in the English text"
            report.add(line, "Choices", expected, marks[translated.correct], fix)
        if bool(choice.why) != bool(translated.why):
            expected = "an explanation" if choice.why else "no explanation"
            found_here = "none" if choice.why else "one"
            fix = "translate the paragraph under the choice too."
            report.add(line, "Choices", f"{expected} under the choice, as in the English text", found_here, fix)


def _compare_links(part: str, english: Body, body: Body, report: Report) -> None:
    """Reports the links that only one of the two texts has in this part; their order may differ."""
    wanted = Counter(_meaning(link) for link in english.links if link.part == part)
    found = Counter(_meaning(link) for link in body.links if link.part == part)
    start = body.headings.get(part, body.title_line)
    for meaning in (wanted - found).elements():
        fix = "put the same link where the translation says it."
        report.add(start, "link", f"{meaning} in this part, as in the English text", "none", fix)
    for link in body.links:
        if link.part == part and found[_meaning(link)] > wanted[_meaning(link)]:
            found[_meaning(link)] -= 1
            fix = "copy the link from the English text, or remove it."
            report.add(link.line, "link", "only links of the English text in this part", _meaning(link), fix)


def _meaning(link: BodyLink) -> str:
    """What must be the same in both languages: the target, and the text of a figure unless it states a bound."""
    other = links.reference(link.target)
    if other is not None:
        return f"question:{other.slug}"
    try:
        free = not links.is_demo(link.target) or bool(links.demo_link(link.text, link.target).op)
    except QuestionError:
        free = True
    return link.target if free else f"[{link.text}]({link.target})"
