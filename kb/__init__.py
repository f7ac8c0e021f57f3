"""Livecards: the bank of questions, grading, scheduling and progress, without any user interface.

Only what is cheap to import is named here; the rest is taken from its module, such as `kb.bank.load_bank`.
"""

from kb.errors import KbError
from kb.problems import Problem
from kb.questions import Question
from kb.rating import Rating

__all__ = ["KbError", "Problem", "Question", "Rating"]
