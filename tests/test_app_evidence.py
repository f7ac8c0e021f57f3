"""What is said of a run behind an answer, drawn by AppTest."""

import inspect
import json

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    """The fields that the environment names, of a run of `several_mixtures`."""
    import json
    import os

    import demos
    from kb.views.evidence import Evidence, show_outcome

    outcome = demos.Outcome(
        name="several_mixtures",
        params=demos.check_params("several_mixtures", {}),
        device="cpu",
        device_name="CPU",
        torch="2.13.0",
        seed=0,
        result={"recovered": 0.75, "recovered_one_head": 0.5},
        claims={},
        figure=None,
        seconds=0.1,
    )
    fields = tuple((name, None) for name in json.loads(os.environ["FIELDS"]))
    show_outcome(Evidence(outcome.name, outcome.params, fields), outcome)


def shown(monkeypatch: pytest.MonkeyPatch, *fields: str) -> list[str]:
    """The lines of these fields."""
    monkeypatch.setenv("FIELDS", json.dumps(fields))
    app = AppTest.from_string(f"{inspect.getsource(page)}\npage()\n", default_timeout=60).run()
    assert not app.exception
    lines: list[str] = app.markdown[0].value.splitlines()
    return lines


LINES = [
    "- **0.75** share of the wanted contents' variance that a linear read-out recovers",
    "- **0.5** the same with one head of the full width",
]


def test_a_field_that_says_the_same_of_another_stands_after_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, "recovered_one_head", "recovered") == LINES


def test_what_is_meant_is_shown_too_where_the_answer_does_not_quote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, "recovered_one_head") == LINES
    assert shown(monkeypatch, "recovered") == LINES[:1]
