"""The Lab in AppTest: the list, a form from the bounds, its address, results, comparison, records and failures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_pages import again, environment, links, opened, words
from streamlit.testing.v1 import AppTest

import demos
from demos import ParameterError, ParamSpec, _runner
from kb.views import records, shell
from kb.views.lab_form import Setting, control_for, packed, read_address, unpacked


@pytest.fixture(autouse=True, scope="module")
def workers() -> Iterator[None]:
    """Ends the workers that ran demos."""
    yield
    shell.runner().close()


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environment(tmp_path, monkeypatch)


def settled(app: AppTest) -> AppTest:
    """The app once no run is under way."""
    for _attempt in range(100):
        if not app.main.get("skeleton") and "Runs on this computer" not in words(app):
            return app
        again(app)
    raise AssertionError(words(app))


def demo(name: str = "softmax_saturation", language: str = "en", **values: str) -> AppTest:
    return settled(opened("lab", language, demo=name, **values))


def slider(app: AppTest, name: str, value: float | str) -> AppTest:
    """The app after a slider of growing steps was moved."""
    app.select_slider(key=f"lab-softmax_saturation-{name}").set_value(value)
    return settled(again(app))


def pressed(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return settled(again(app))


def charts(app: AppTest) -> list[object]:
    return list(app.get("vega_lite_chart"))


# The list


def test_every_demo_is_listed_under_its_topic_with_its_claim() -> None:
    app = opened("lab")
    named = {query.removeprefix("demo=") for _label, query in links(app)}
    assert named == set(demos.names())
    assert app.subheader[0].value == "Attention"


def test_the_list_is_narrowed_by_words_in_names_titles_and_claims() -> None:
    app = opened("lab")
    app.text_input(key="lab-search").set_value("one-hot gradient")
    again(app)
    assert [query for _label, query in links(app)] == ["demo=softmax_saturation"]
    app.text_input(key="lab-search").set_value("zzzz")
    again(app)
    assert "No demo has all these words." in words(app)


def test_an_unknown_demo_is_one_sentence_above_the_list() -> None:
    app = opened("lab", demo="softmax_satur")
    assert "did you mean 'softmax_saturation'?" in app.error[0].value
    assert links(app)


# The form


def param(kind: str, default: object, low: float | None, high: float | None, choices: tuple | None = None) -> ParamSpec:
    return ParamSpec("size", kind, default, low, high, choices, "a size")


@pytest.mark.parametrize(
    ("spec", "kind", "options"),
    [
        (param("bool", True, None, None), "toggle", ()),
        (param("str", "a", None, None, ("a", "b")), "segments", ("a", "b")),
        (param("str", "a", None, None, ("llama-2-7b", "llama-2-70b", "llama-3-70b")), "select", None),
        (param("int", 64, 1, 256), "steps", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
        (param("int", 48, 3, 5000), "steps", (3, 5, 10, 20, 48, 50, 100, 200, 500, 1000, 2000, 5000)),
        (param("int", 0, 0, 80), "steps", (0, 1, 2, 4, 8, 16, 32, 64, 80)),
        (param("float", 1.0, 0.05, 2), "steps", (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)),
        (param("int", 12, 2, 24), "slider", ()),
        (param("float", 0.5, 0, 1), "slider", ()),
        (param("float", 0.0, -2000, 0), "slider", ()),
    ],
)
def test_the_control_follows_from_the_bounds(spec: ParamSpec, kind: str, options: tuple | None) -> None:
    control = control_for(spec)
    assert control.kind == kind
    if options is not None:
        assert control.options == options


@pytest.mark.parametrize("name", demos.names())
def test_the_default_of_every_parameter_can_be_set_with_its_control(name: str) -> None:
    for each in demos.describe(name).params:
        control = control_for(each)
        if control.options:
            assert each.default in control.options
        elif control.kind == "slider":
            steps = (float(each.default) - float(each.minimum)) / control.step
            assert steps == pytest.approx(round(steps), abs=1e-6)


def test_an_address_is_read_and_written_without_defaults() -> None:
    setting, problems = read_address("softmax_saturation", {"head_dim": "64", "seed": "3", "device": "cpu"})
    assert problems == ()
    assert (setting.params["head_dim"], setting.params["num_keys"], setting.seed, setting.device) == (64, 128, 3, "cpu")
    assert setting.address() == {"head_dim": "64", "seed": "3", "device": "cpu"}
    assert setting.command() == "kb demo run softmax_saturation --head-dim 64 --seed 3 --device cpu"
    assert unpacked("softmax_saturation", packed(setting)) == (setting, ())
    defaults = read_address("softmax_saturation", {})[0]
    assert unpacked("softmax_saturation", packed(defaults)) == (defaults, ())


@pytest.mark.parametrize(
    "query",
    [{"head_dim": "99999"}, {"head_dim": "x"}, {"nothing": "1"}, {"seed": "-1"}, {"seed": "9" * 30}, {"device": "x"}],
)
def test_what_an_address_has_wrong_is_told_and_the_default_taken(query: dict[str, str]) -> None:
    setting, problems = read_address("softmax_saturation", query)
    assert len(problems) == 1
    assert isinstance(problems[0], ParameterError)
    assert setting == read_address("softmax_saturation", {})[0]


# A run


def test_a_light_demo_runs_at_once_and_shows_figure_claims_and_values() -> None:
    app = demo()
    assert len(charts(app)) == 1
    told = words(app)
    assert "Computed here in" in told
    assert ":green[✓] without the root the largest weight grows with head_dim" in told
    assert "| 0.9222 |" in told
    assert "kb demo run softmax_saturation" in told
    assert "arxiv.org/abs/1706.03762" in told
    assert "def run(" not in told
    assert {query for _label, query in links(app)} >= {"question=scale-by-root", "question=exploding-softmax"}


def test_the_program_and_the_whole_result_are_drawn_when_they_are_opened() -> None:
    app = demo()
    app.session_state["lab-program-softmax_saturation"] = True
    app.session_state["lab-json-softmax_saturation"] = True
    told = words(settled(again(app)))
    assert "def run(" in told
    assert '"max_weight_unscaled": ' in told


def test_moving_a_slider_runs_it_anew_and_the_address_follows() -> None:
    app = slider(demo(), "head_dim", 64)
    assert "| 0.7765 |" in words(app)
    assert app.query_params["head_dim"] == "64"
    assert "kb demo run softmax_saturation --head-dim 64" in words(app)
    app = pressed(app, "lab-defaults")
    assert "| 0.9222 |" in words(app)
    assert "head_dim" not in app.query_params


def test_a_value_between_the_steps_comes_from_the_address_or_the_exact_field() -> None:
    app = demo(head_dim="100")
    assert app.select_slider(key="lab-softmax_saturation-head_dim").value == 100
    app.number_input(key="lab-softmax_saturation-num_keys-exact").set_value(37)
    app = settled(again(app))
    assert app.query_params["num_keys"] == "37"
    assert app.query_params["head_dim"] == "100"


def test_a_wrong_address_is_a_sentence_and_the_defaults_run() -> None:
    app = demo(head_dim="99999", foo="1")
    assert [error.value for error in app.error] == [
        "demo softmax_saturation: head_dim: expected a whole number from 1 to 4096; found '99999'.",
        "demo softmax_saturation: parameter 'foo' does not exist; it takes head_dim, num_keys, num_queries.",
    ]
    assert "The defaults are used in their place." in words(app)
    assert "| 0.9222 |" in words(app)


def test_two_settings_stand_side_by_side_and_in_the_address() -> None:
    app = slider(pressed(demo(), "lab-keep"), "head_dim", 64)
    assert len(charts(app)) == 2
    told = words(app)
    assert "**Kept** head_dim 512" in told
    assert "**Now** head_dim 64" in told
    assert "| 0.9222 | 0.7765 |" in told
    assert app.query_params["with"] == "defaults"
    app = pressed(app, "lab-unkeep")
    assert len(charts(app)) == 1
    shared = demo(head_dim="64", **{"with": "num_keys=16"})
    assert "**Kept** head_dim 512, num_keys 16" in words(shared)


def test_another_demo_begins_with_its_own_defaults() -> None:
    app = demo(head_dim="64")
    app.query_params.clear()
    app.query_params["demo"] = "scale_variance"
    app = settled(again(app))
    assert "kb demo run scale_variance" in words(app)
    assert "head_dim" not in app.query_params
    app.query_params.clear()
    assert "Back to `scale_variance` as you left it" in [label for label, _query in links(again(app))]


def test_every_control_has_a_label() -> None:
    app = demo("kv_cache_bytes")
    widgets = [*app.select_slider, *app.slider, *app.selectbox, *app.number_input, *app.button]
    assert len(widgets) > 8
    assert all(widget.label for widget in widgets)


def test_a_demo_that_trains_waits_until_it_is_asked_and_can_be_cancelled() -> None:
    app = opened("lab", demo="warmup_postln", seed="77")
    assert "press Run." in words(app)
    assert not charts(app)
    app.button(key="lab-run").click()
    again(app)
    assert "Runs on this computer for" in words(app)
    again(app)
    app.button(key="lab-cancel-now").click()
    again(app)
    assert "You cancelled this run." in words(app)
    assert app.button(key="lab-retry").label == "Run again"


# What goes wrong


def test_a_device_that_is_not_there_is_one_sentence_and_the_next_run_works() -> None:
    if not shell.runner().run("softmax_saturation", device="auto").device.startswith("cuda"):
        app = demo(device="cuda")
        assert "no CUDA device" in app.error[0].value
        app.selectbox(key="lab-softmax_saturation-device").set_value("cpu")
        app = settled(again(app))
        assert not app.error
        assert "| 0.9222 |" in words(app)


def test_a_run_over_its_limit_is_one_sentence_and_the_next_works(monkeypatch: pytest.MonkeyPatch) -> None:
    app = demo()
    monkeypatch.setattr(_runner, "TIMEOUT_S", 0.01)
    app = slider(app, "num_keys", 1024)
    assert "ran longer than its limit" in app.error[0].value
    assert "Below is the result before, with other values." in words(app)
    assert len(charts(app)) == 1
    monkeypatch.setattr(_runner, "TIMEOUT_S", 30.0)
    app = pressed(app, "lab-retry")
    assert not app.error
    assert "Computed here in" in words(app)


def test_a_demo_out_of_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = _runner.Runner.submit

    def tight(runner: _runner.Runner, *given: object, **options: object) -> _runner.Run:
        return submit(runner, *given, **(options | {"memory_bytes": 2**20}))

    monkeypatch.setattr(_runner.Runner, "submit", tight)
    app = demo(num_keys="1024", num_queries="1024", head_dim="4096")
    assert "memory" in app.error[0].value
    monkeypatch.setattr(_runner.Runner, "submit", submit)
    assert not pressed(app, "lab-retry").error


# Records


def recorded(folder: Path, content: object, name: str = "h200") -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


RUN = {
    "name": "softmax_saturation",
    "params": {"head_dim": 512, "num_keys": 128, "num_queries": 256},
    "seed": 0,
    "result": {"max_weight_unscaled": 0.92221},
    "seconds": 0.01,
}
FILE = {
    "device": "cuda",
    "device_name": "NVIDIA H200",
    "torch": "2.13.0",
    "recorded_at": "2026-11-18T10:00:00+00:00",
    "runs": [RUN],
}


def test_a_record_is_shown_beside_the_local_result_with_device_and_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, FILE)
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    told = words(demo())
    assert "Recorded: NVIDIA H200, 18 November 2026, torch 2.13.0." in told
    assert "| Here | NVIDIA H200 |" in told
    assert "It was run with other values: head_dim 512." in words(demo(head_dim="64"))


@pytest.mark.parametrize(
    ("device", "label"), [("cuda", "What does a GPU give?"), ("cpu", "What did another computer give?")]
)
def test_a_record_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, label: str
) -> None:
    recorded(tmp_path, {**FILE, "device": device})
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    assert label in [each.label for each in demo().expander]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        {"runs": 3},
        {"runs": [3, {}, {"name": "softmax_saturation"}]},
        {**FILE, "device_name": 7, "device": None},
    ],
)
def test_a_damaged_record_is_left_out(tmp_path: Path, content: object) -> None:
    recorded(tmp_path, content)
    setting = Setting("softmax_saturation", demos.check_params("softmax_saturation", {}))
    assert records.records_of(setting, tmp_path) == ()


def test_the_record_of_the_same_values_goes_before_others(tmp_path: Path) -> None:
    other = {**RUN, "params": {**RUN["params"], "head_dim": 64}, "result": {"max_weight_unscaled": 0.7}}
    recorded(tmp_path, {**FILE, "runs": [other, RUN]})
    recorded(tmp_path, {**FILE, "device_name": "Apple M4", "recorded_at": 3}, "m4")
    setting = Setting("softmax_saturation", demos.check_params("softmax_saturation", {}))
    found = {record.device: record for record in records.records_of(setting, tmp_path)}
    assert found["NVIDIA H200"].result == RUN["result"]
    assert found["Apple M4"].recorded_on is None


def test_the_page_speaks_chinese() -> None:
    app = demo(language="zh")
    told = words(app)
    assert "在终端里运行同样的命令" in told
    assert app.button(key="lab-keep").label == "留作对比"
