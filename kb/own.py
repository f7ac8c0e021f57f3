"""The learner's own questions beside those of the bank: which are studied, and in which topic.

Leaves out reading their files, which is `kb.drafts` and costs the Markdown parser: here they come from the cache.
"""

from dataclasses import replace
from pathlib import Path

from kb.bank import Bank
from kb.bank_cache import load_bank_quickly
from kb.syllabus import Syllabus, Topic

OWN_TOPIC = "own"  # of a question that names no topic of the bank
_TITLE = {"en": "My own questions", "zh": "我自己的题"}


def own_questions(folder: Path) -> Bank:
    """The questions of the folder that are ready and in order, as a bank without a syllabus; none where it is not there."""
    return load_bank_quickly(folder, load=_load) if folder.is_dir() else Bank({}, Syllabus(), (), folder)


def with_own(bank: Bank, own: Bank) -> Bank:
    """The bank with the learner's own questions; where two have the same name, that of the bank stays."""
    taken = {*bank.questions, *bank.broken, *(slug for each in bank.outlines for slug in each.formerly)}
    added = {slug: question for slug, question in own.questions.items() if slug not in taken}
    if not added:
        return bank
    topics = bank.syllabus.topic_ids
    questions = {
        slug: question if question.topic in topics else replace(question, topic=OWN_TOPIC)
        for slug, question in added.items()
    }
    without = any(question.topic == OWN_TOPIC for question in questions.values()) and OWN_TOPIC not in topics
    syllabus = Syllabus((*bank.syllabus.topics, Topic(OWN_TOPIC, _TITLE, ()))) if without else bank.syllabus
    return replace(bank, questions={**bank.questions, **questions}, syllabus=syllabus)


def of_the_bank(bank: Bank) -> set[str]:
    """The slugs of the bank alone, its broken questions included."""
    shared = {slug for slug, question in bank.questions.items() if not Path(question.path).is_absolute()}
    return shared | bank.broken


def _load(folder: Path) -> Bank:
    from kb.drafts import load_own

    return load_own(folder)
