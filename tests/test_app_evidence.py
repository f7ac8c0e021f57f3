"""What is said of a run behind an answer, drawn by AppTest from real runs."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from kb.views import shell


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """Ends the workers that ran demos."""
    yield
    shell.runner().close()


def shown(*fields: str) -> list[str]:
    """The lines of these fields beside a real figure."""

    def page() -> None:
        import os

        import demos
        from kb.views.evidence import Evidence, show_outcome

        outcome = demos.run("several_mixtures", {})
        fields = tuple((name, None) for name in os.environ["FIELDS"].split())
        show_outcome(Evidence(outcome.name, outcome.params, fields), outcome)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIELDS", " ".join(fields))
        app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    return [line.partition("** ")[2] for line in app.markdown[0].value.splitlines()]


def test_a_field_that_says_the_same_of_another_stands_after_that_one() -> None:
    lines = shown("recovered_one_head", "recovered")
    assert len(lines) == 2
    assert not lines[0].startswith("the same")
    assert lines[1] == "the same with one head of the full width"


def test_what_is_meant_is_shown_too_where_the_answer_does_not_quote_it() -> None:
    assert shown("recovered_one_head") == shown("recovered", "recovered_one_head")
