"""The plan towards an interview: what to answer now (`choice`), and what to expect of the day (`forecast`); pure.

Leaves out reading the log and the settings (kb/choosing.py), and the time without an interview ahead, which is FSRS's own.
Named here is what every command needs; `forecast` is taken from its module, by those that show it.
"""

from kb.planning.choice import Effort, Interview, Subject, ahead, ranked, valued

__all__ = ["Effort", "Interview", "Subject", "ahead", "ranked", "valued"]
