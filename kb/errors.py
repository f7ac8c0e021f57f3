"""Every error that kb raises on purpose; a shell catches `KbError`, prints it and exits, anything else is a bug."""


class KbError(Exception):
    """Root of the errors of this package; its text is one sentence for the learner."""


class UsageError(KbError):
    """A call or a command that asks for something impossible."""


class QuestionError(KbError):
    """Something in a question that cannot be used: what was expected, and what was found."""


class UnknownQuestionError(QuestionError):
    """No question of the bank has this slug, now or formerly."""


class AnswerError(KbError):
    """An answer that cannot be read, such as a number with letters in it."""


class FigureError(KbError):
    """A demo gave no result for a figure that the bank quotes."""


class SchedulingError(KbError):
    """A review, a rating or a setting that the scheduler must not accept."""


class StoreError(KbError):
    """The learner's progress could not be read or written."""


class NewerDatabaseError(StoreError):
    """The database was written by a newer version of this program."""


class CorruptDatabaseError(StoreError):
    """The file is not a database, or is damaged."""


class StoreUnavailableError(StoreError):
    """The database is locked, unwritable, or its disk is full."""
