"""The four ratings that a learner gives an answer; FSRS counts them from 1 to 4."""

from enum import IntEnum


class Rating(IntEnum):
    """How well an answer was recalled."""

    Again = 1
    Hard = 2
    Good = 3
    Easy = 4
