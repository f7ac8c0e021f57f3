"""Reads syllabus.yaml; what is broken in it is reported, and the rest is used."""

from kb.front_matter import NAME, SLUG, Keys, read_yaml
from kb.problems import Report, shown
from kb.questions import LANGUAGES
from kb.syllabus import Point, Syllabus, Topic


def parse_syllabus(text: str, report: Report) -> Syllabus:
    """The syllabus that the YAML text holds, without the topics and points that are reported as broken."""
    keys = read_yaml(text, report)
    if keys is None:
        return Syllabus()
    keys.unknown(("topics",))
    fix = "write `topics:` with items `- id: ...`, `title: {en: ..., zh: ...}`, `points: [...]`."
    topics = keys.each("topics", _topic, "a list of topics", fix)
    _report_twice(keys, topics)
    return Syllabus(tuple(topic for topic in topics if topic.id))


def _topic(keys: Keys) -> Topic:
    keys.unknown(("id", "title", "points"))
    topic_id = keys.text("id")
    if topic_id and not NAME.fullmatch(topic_id):
        keys.wrong("id", "lower-case words joined by underscores", "name it like its folder, such as `kv_cache`.")
    fix = "write items `- id: ...` with `title: {en: ..., zh: ...}`."
    return Topic(topic_id, _title(keys), keys.each("points", _point, "a list of points", fix))


def _point(keys: Keys) -> Point:
    keys.unknown(("id", "title"))
    point_id = keys.text("id")
    if point_id and not SLUG.fullmatch(point_id):
        keys.wrong("id", "lower-case words joined by hyphens", "write it like `attn-scaling-why`.")
    return Point(point_id, _title(keys))


def _title(keys: Keys) -> dict[str, str]:
    titles = keys.inside("title", keys.value.get("title"), "{en: ..., zh: ...}", "write `title: {en: ..., zh: ...}`.")
    if titles is None:
        return {}
    titles.unknown(LANGUAGES)
    return {language: titles.text(language) for language in LANGUAGES}


def _report_twice(keys: Keys, topics: tuple[Topic, ...]) -> None:
    """Reports an id that stands twice: all topics share one set of ids, all points another."""
    seen: set[str] = set()
    for index, topic in enumerate(topics):
        ids = [(f"topics.{index}", topic.id)]
        ids += [(f"topics.{index}.points.{place}", f"point {point.id}") for place, point in enumerate(topic.points)]
        for path, found in ids:
            if found in seen:
                name = shown(found.removeprefix("point "))
                keys.report.add(keys.line(path), "id", "each once", f"{name} again", "rename one of the two.")
            seen.add(found)
