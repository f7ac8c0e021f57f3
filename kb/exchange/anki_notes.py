"""The note types that the bank has in Anki: one for each kind of question and language.

Their ids never change: Anki knows by them that a second import brings the same notes. Fields may be added at the end.
"""

from functools import cache

import genanki

from kb.i18n import LANGUAGES, translator

FIELDS = (
    "Id",
    "Question",
    "Context",
    "Choices",
    "Predict",
    "Right",
    "Predicted",
    "Answer",
    "Key points",
    "Pitfalls",
    "Pictures",
    "Sources",
)
REVISION_TAG = "revision::"
_KINDS = {"choice": 1, "multiple": 2, "numeric": 3, "open": 4, "claim": 5}
_LANGUAGES = {"en": 0, "zh": 1}
_FIRST_ID = 1_763_600_000_000

_STYLE = """\
.card { font: 18px/1.5 system-ui, sans-serif; max-width: 42em; margin: 0 auto; padding: 0 1em; text-align: left; }
.question { font-size: 1.25em; font-weight: 600; margin: 0.5em 0; }
.hint, .sources { opacity: 0.7; font-size: 0.85em; }
.figure { border-bottom: 1px dotted; }
h4 { margin: 1em 0 0.2em; }
img { max-width: 100%; background: white; }
table { border-collapse: collapse; } td, th { border: 1px solid; padding: 0.2em 0.6em; }
"""


def deck(language: str) -> genanki.Deck:
    """An empty deck for this language."""
    return genanki.Deck(_FIRST_ID + _LANGUAGES[language], f"Livecards::{LANGUAGES[language]}")


@cache
def note_type(kind: str, language: str) -> genanki.Model:
    """The note type of this kind of question in this language."""
    _ = translator(language).gettext
    hints = {
        "choice": _("One choice is right."),
        "multiple": _("Several choices may be right."),
        "numeric": _("Answer with a number."),
        "open": _("Say your answer aloud, then compare its key points."),
        "claim": _("True, false, or does it depend?"),
    }
    front = (
        f'<div class="question">{{{{Question}}}}</div>\n{{{{Context}}}}\n{{{{Choices}}}}\n<p class="hint">{hints[kind]}</p>\n'
        + _section("Predict", _("Predict before you look"))
    )
    back = (
        "{{FrontSide}}\n<hr id=answer>\n{{Right}}\n"
        + _section("Predicted", _("Computed"))
        + _section("Answer", _("Answer"))
        + _section("Key points", _("Key points"))
        + _section("Pitfalls", _("Pitfalls"))
        + "{{Pictures}}\n"
        + _section("Sources", _("Sources"), "sources")
    )
    return genanki.Model(
        _FIRST_ID + 10 * _KINDS[kind] + _LANGUAGES[language],
        f"Livecards {kind} ({LANGUAGES[language]})",
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Card 1", "qfmt": front, "afmt": back}],
        css=_STYLE,
    )


def _section(field: str, heading: str, style: str = "part") -> str:
    return f'{{{{#{field}}}}}<div class="{style}"><h4>{heading}</h4>{{{{{field}}}}}</div>{{{{/{field}}}}}\n'
