"""Which questions had their answer given away today: follow-ups of what was asked, and others on the same point.

Leaves out what follows from it: in the long term such a question waits behind all others (kb/choosing.py), and towards an
interview behind those that are worth nearly as much (kb/towards.py).
"""

from collections.abc import Iterable, Mapping

from kb.bank import Outline


class GivenAway:
    """The questions that say little of memory today, since an answer shown today tells theirs; grows with each one asked."""

    def __init__(self, questions: Mapping[str, Outline], asked: Iterable[str] = ()) -> None:
        self._questions = questions
        self._asked: set[str] = set()
        self._points: set[str] = set()
        self._follow_ups: set[str] = set()
        for slug in asked:
            self.add(slug)

    def copy(self) -> "GivenAway":
        """The same, to go on from by itself."""
        copied = GivenAway(self._questions)
        copied._asked, copied._points, copied._follow_ups = (
            self._asked.copy(),
            self._points.copy(),
            self._follow_ups.copy(),
        )
        return copied

    def add(self, slug: str) -> None:
        """Counts this question as asked."""
        question = self._questions.get(slug)
        if question is not None and slug not in self._asked:
            self._asked.add(slug)
            self._points.update(question.covers)
            self._follow_ups.update(question.follow_ups)

    def __contains__(self, slug: str) -> bool:
        if slug in self._asked or slug not in self._questions:
            return False
        question = self._questions[slug]
        names = (slug, *question.formerly)
        return not self._points.isdisjoint(question.covers) or not self._follow_ups.isdisjoint(names)
