"""The syllabus: topics in teaching order, and in each the points that an interview can touch. Read by `kb.syllabus_file`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One thing that an interview can touch; `title` maps a language to Markdown."""

    id: str
    title: Mapping[str, str]


@dataclass(frozen=True)
class Topic:
    """A topic; its id is the name of a folder of content/ and of demos/."""

    id: str
    title: Mapping[str, str]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Syllabus:
    """All topics; empty where the file could not be read."""

    topics: tuple[Topic, ...] = ()

    @property
    def points(self) -> dict[str, Point]:
        """Every point by its id, in teaching order."""
        return {point.id: point for topic in self.topics for point in topic.points}

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """The ids of the topics, in teaching order."""
        return tuple(topic.id for topic in self.topics)
