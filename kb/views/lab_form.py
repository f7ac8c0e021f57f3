"""The form of a demo: a control for each parameter, chosen from its bounds, and the address that holds the values.

A setting travels in the address, `/lab?demo=softmax_saturation&head_dim=512&seed=1`, so that it can be shared; what the
address has wrong is told in a sentence and replaced by the default.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from demos import DemoError, DemoSpec, ParameterError, ParamSpec, check_params, describe
from demos._contract import Value
from demos._runner import DEVICES
from kb.i18n import format_number
from kb.views import shell
from kb.views.rows import escaped
from kb.views.shell import _

WIDE, DOUBLINGS = 32, 8
"""From this ratio between largest and smallest value on, a slider of numbers, or of sizes, moves in growing steps."""

FEW_STEPS, SIZES = 1000, 50
"""Up to this many whole numbers, or sizes, a slider moves by one."""

SEGMENTS_LENGTH = 34
LARGEST_SEED = 2**53 - 1  # what a browser can count to

Kind = Literal["toggle", "segments", "select", "slider", "steps"]


@dataclass(frozen=True)
class Control:
    """How a parameter is shown: `options` for segments, select and steps, `step` for a slider."""

    kind: Kind
    options: tuple[Value, ...] = ()
    step: float = 1


@dataclass(frozen=True)
class Setting:
    """What a run is made with: a demo, all its parameters, the seed and the device."""

    demo: str
    params: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"

    def changed(self) -> dict[str, Value]:
        """The parameters that are not at their defaults."""
        return {
            param.name: self.params[param.name]
            for param in describe(self.demo).params
            if self.params[param.name] != param.default
        }

    def address(self) -> dict[str, str]:
        """The query of the Lab's address, without what is at its default."""
        query = {name: written(value) for name, value in self.changed().items()}
        if self.seed:
            query["seed"] = str(self.seed)
        if self.device != "auto":
            query["device"] = self.device
        return query

    def command(self) -> str:
        """The command that runs the same in a terminal."""
        words = ["kb demo run", self.demo]
        for param in describe(self.demo).params:
            value = self.params[param.name]
            if value == param.default:
                continue
            if isinstance(value, bool):
                words.append(param.option if value else param.option.replace("--", "--no-", 1))
            else:
                words.append(f"{param.option} {written(value)}")
        words += [f"--seed {self.seed}"] * bool(self.seed) + [f"--device {self.device}"] * (self.device != "auto")
        return " ".join(words)


def written(value: Value) -> str:
    """A value as an address or a command line has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def read_address(demo: str, query: Mapping[str, str]) -> tuple[Setting, tuple[DemoError, ...]]:
    """The setting that an address names, and what in it could not be used.

    Raises: UnknownDemoError, BrokenDemoError.
    """
    setting, problems = Setting(demo, check_params(demo, {})), []
    for name, text in query.items():
        try:
            if name == "seed":
                setting = replace(setting, seed=_seed(demo, text))
            elif name == "device":
                setting = replace(setting, device=_device(demo, text))
            else:
                setting = replace(setting, params={**setting.params, name: check_params(demo, {name: text})[name]})
        except ParameterError as error:
            problems.append(error)
    return setting, tuple(problems)


def packed(setting: Setting) -> str:
    """A setting inside the address of another one, to compare the two."""
    return urlencode(setting.address()) or "defaults"


def unpacked(demo: str, text: str) -> tuple[Setting, tuple[DemoError, ...]]:
    """The setting that `packed` wrote."""
    return read_address(demo, {} if text == "defaults" else dict(parse_qsl(text)))


def _seed(demo: str, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:17]) <= LARGEST_SEED and len(text) <= 16:
        return int(text)
    raise ParameterError(f"demo {demo}: seed: expected a whole number from 0 to {LARGEST_SEED}; found {text!r}.")


def _device(demo: str, text: str) -> str:
    if text in DEVICES:
        return text
    raise ParameterError(f"demo {demo}: device: expected one of {', '.join(DEVICES)}; found {text!r}.")


# Which control


def control_for(param: ParamSpec) -> Control:
    """The control that fits the bounds: small ranges by their own steps, wide ones by doubling or 1-2-5 steps."""
    if param.type == "bool":
        return Control("toggle")
    if param.choices is not None:
        short = sum(len(written(choice)) + 2 for choice in param.choices) <= SEGMENTS_LENGTH
        return Control("segments" if short else "select", param.choices)
    low, high = float(param.minimum or 0), float(param.maximum or 0)
    if _is_wide(param, low, high):
        return Control("steps", _growing(param, low, high))
    if param.type == "int":
        return Control("slider", step=1 if low >= 0 else max(1, math.ceil((high - low) / FEW_STEPS)))
    return Control("slider", step=_fine(param, low, high))


def _is_wide(param: ParamSpec, low: float, high: float) -> bool:
    if param.type == "float":
        return low > 0 and high / low >= WIDE
    if _doubles(param):
        return low >= 0 and high / max(low, 1.0) >= DOUBLINGS and high - low > SIZES
    return low >= 0 and high - low > FEW_STEPS


def _doubles(param: ParamSpec) -> bool:
    """Whether the parameter is a size that one thinks of in powers of two."""
    default = float(param.default)
    return param.type == "int" and (default == 0 or math.log2(default).is_integer())


def _growing(param: ParamSpec, low: float, high: float) -> tuple[Value, ...]:
    """The values of a wide range: powers of two where the default is one, else 1, 2, 5, 10, 20, 50, ..."""
    if _doubles(param):
        series = [2.0**power for power in range(math.floor(math.log2(high)) + 1)]
    else:
        powers = range(math.floor(math.log10(low or 1)), math.ceil(math.log10(high)) + 1)
        series = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    values = sorted({low, high, float(param.default)} | {value for value in series if low < value < high})
    return tuple(int(value) if param.type == "int" else float(f"{value:.12g}") for value in values)


def _fine(param: ParamSpec, low: float, high: float) -> float:
    """A round step of about a hundredth of the range, on whose grid the default lies."""
    step = 10.0 ** math.floor(math.log10((high - low) / 50))
    for _halved in range(3):
        places = (float(param.default) - low) / step
        if math.isclose(places, round(places), abs_tol=1e-6):
            return step
        step /= 10
    return step


# Drawing it


def key_of(demo: str, name: str) -> str:
    """The key of the control of a parameter, or of `seed` and `device`."""
    return f"lab-{demo}-{name}"


def fill_controls(setting: Setting) -> None:
    """Sets the controls to a setting, before they are drawn."""
    for name, value in {**setting.params, "seed": setting.seed, "device": setting.device}.items():
        st.session_state[key_of(setting.demo, name)] = value


def show_form(spec: DemoSpec, setting: Setting) -> Setting:
    """Draws the controls and returns the setting they show."""
    params = {param.name: _show(spec.name, param, setting.params[param.name]) for param in spec.params}
    wide = [param for param in spec.params if control_for(param).kind == "steps"]
    if wide:
        with st.expander(_("Exact values"), type="compact"):
            for param in wide:
                _show_exact(spec.name, param, params[param.name])
    seed, device = st.columns([1, 1.4], wrap=False)
    with seed:
        chosen_seed = st.number_input(
            _("Seed"),
            min_value=0,
            max_value=LARGEST_SEED,
            step=1,
            key=_with_default(spec.name, "seed", setting.seed),
            help=_("Draws the random numbers. The same seed gives the same result on every computer."),
        )
    with device:
        chosen_device = st.selectbox(
            _("Device"),
            DEVICES,
            key=_with_default(spec.name, "device", setting.device),
            format_func=_device_name,
            filter_mode=None,
        )
    return Setting(spec.name, check_params(spec.name, params), int(chosen_seed or 0), chosen_device)


def _device_name(device: str) -> str:
    """A device as the form names it; the one of the settings where it is left open and they name one."""
    if device == shell.AUTO:
        usual = shell.known_settings().device
        return _("auto") if usual == shell.AUTO else _("auto: {device}", device=_device_name(usual))
    return device.upper() if device == "cpu" else device


def _with_default(demo: str, name: str, value: Value) -> str:
    """The key of a control whose value is set, where nothing has set it yet."""
    key = key_of(demo, name)
    if key not in st.session_state:
        st.session_state[key] = value
    return key


def _show(demo: str, param: ParamSpec, value: Value) -> Value:
    control = control_for(param)
    key = _with_default(demo, param.name, value)
    label = _label(param)
    match control.kind:
        case "toggle":
            return st.toggle(label, key=key)
        case "segments":
            chosen = st.segmented_control(
                label, control.options, key=key, format_func=_shown(param), required=True, width="stretch"
            )
            return param.default if chosen is None else chosen
        case "select":
            return st.selectbox(label, control.options, key=key, format_func=_shown(param))
        case "steps":
            options = _with_current(control.options, st.session_state[key])
            return st.select_slider(label, options, key=key, format_func=_shown(param))
        case "slider":
            number = int if param.type == "int" else float
            return st.slider(
                label,
                number(param.minimum or 0),
                number(param.maximum or 0),
                step=number(control.step),
                format=None if param.type == "int" else "%g",
                key=key,
            )


def _show_exact(demo: str, param: ParamSpec, value: Value) -> None:
    """A field to type a value in that lies between the steps of the slider."""
    number = int if param.type == "int" else float
    exact = f"{key_of(demo, param.name)}-exact"
    st.session_state[exact] = number(value)

    def take() -> None:
        st.session_state[key_of(demo, param.name)] = st.session_state[exact]

    st.number_input(
        f"{_label(param)} ({param.minimum:,g} – {param.maximum:,g})",
        min_value=number(param.minimum or 0),
        max_value=number(param.maximum or 0),
        step=1 if param.type == "int" else None,
        key=exact,
        on_change=take,
    )


def _label(param: ParamSpec) -> str:
    """What a parameter means, and its name as the program and the command line have it."""
    meaning = escaped(shell.translated(param.help))
    return f"{meaning[:1].upper()}{meaning[1:]} · {param.name}"


def _with_current(options: tuple[Value, ...], current: Any) -> tuple[Value, ...]:
    return options if current in options else tuple(sorted({*options, current}))


def _shown(param: ParamSpec) -> Callable[[Value], str]:
    """How a value of this parameter reads on its control."""
    if param.type == "str":
        return str
    return lambda value: format_number(float(value), shell.language(), digits=6)
