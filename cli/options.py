"""Options made from the settings classes: name, default, bounds and help text are written there, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
from click.core import ParameterSource
from pydantic.fields import FieldInfo

from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    ModelSpec,
    PresetSettings,
    ProbeSettings,
    PruneSettings,
    ServeSettings,
    Settings,
    SweepSettings,
    TrainSettings,
)

SECTIONS = {
    DataSettings: "Images",
    SweepSettings: "Sweep",
    ModelSpec: "Network",
    TrainSettings: "Training",
    ProbeSettings: "Probes",
    AnalysisSettings: "Measuring",
    ComplexitySettings: "Complexity",
    PruneSettings: "Pruning",
    ServeSettings: "Serving",
}
_PREFIXES = {ProbeSettings: "probe_"}
_NAMES = {
    (ModelSpec, "name"): "model",
    (SweepSettings, "models"): "model",
    (AnalysisSettings, "batch_size"): "measure_batch_size",
    (ComplexitySettings, "batch_size"): "measure_batch_size",
}
_SHARED = ("preset", "seed", "devices")  # one option, however many of a command's settings have it
_FROM_DATA = {(ModelSpec, "image_shape"), (ModelSpec, "labels")}


class SettingOption(click.Option):
    """Option of one setting; a value that is given goes to `given`, not to the command's function."""

    def __init__(self, cls: type[Settings], field: str, default: Any) -> None:
        info = cls.model_fields[field]
        name = option_name(cls, field)
        flag = name.replace("_", "-")
        kind, more = _click_type(info)
        declared = f"--{flag}/--no-{flag}" if kind is click.BOOL else f"--{flag}"
        super().__init__(
            [declared, name],
            type=kind,
            default=default or None if isinstance(default, tuple) else default,
            show_default=default not in (None, ()),
            help=info.description,
            expose_value=False,
            callback=self._keep,
            **more,
        )
        self.section = SECTIONS[cls]
        self.owners = {cls}
        self.field = field

    def _keep(self, ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if ctx.get_parameter_source(self.name) is not ParameterSource.DEFAULT:
            for cls in self.owners:
                ctx.meta.setdefault(_key(cls), {})[self.field] = value


def settings_options(
    *classes: type[Settings], without: Sequence[str] = (), defaults: Mapping[str, Any] | None = None
) -> Callable[[Callable], Callable]:
    """Decorator that gives a command the options of some settings classes.

    Args:
        classes: which ones.
        without: fields that mean nothing to the command.
        defaults: what the command takes for a field where nothing is given, if that is another default; for the help,
            since only what is given reaches the settings.
    """

    def add(function: Callable) -> Callable:
        found: dict[str, SettingOption] = {}
        for cls, field in _fields(classes):
            if field in without:
                continue
            default = (defaults or {}).get(field, cls.model_fields[field].default)
            option = found.setdefault(option_name(cls, field), SettingOption(cls, field, default))
            option.owners.add(cls)
        # Click's own decorators put the last one first, too.
        parameters = function.__dict__.setdefault("__click_params__", [])
        parameters.extend(reversed(found.values()))
        return function

    return add


def given(cls: type[Settings]) -> dict[str, Any]:
    """The settings of a class that the user has given, by field."""
    return dict(click.get_current_context().meta.get(_key(cls), {}))


def with_preset(cls: type[PresetSettings]) -> dict[str, Any]:
    """What was given for `cls.from_preset`, its default preset included."""
    return {"preset": cls.model_fields["preset"].default, **given(cls)}


def option_name(cls: type[Settings], field: str) -> str:
    """Name of the option of a setting, with underscores: epochs, probe_epochs, model, seed."""
    if field in _SHARED:
        return field
    return _NAMES.get((cls, field), f"{_PREFIXES.get(cls, '')}{field}")


def _fields(classes: tuple[type[Settings], ...]) -> Iterator[tuple[type[Settings], str]]:
    return ((cls, field) for cls in classes for field in cls.model_fields if (cls, field) not in _FROM_DATA)


def _key(cls: type[Settings]) -> str:
    return f"fm_keras_cli.{cls.__name__}"


def _click_type(info: FieldInfo) -> tuple[click.ParamType, dict[str, Any]]:
    """Click's type of a setting, and what else its option needs."""
    kind = info.annotation
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind)), {}
    if get_origin(kind) is tuple:
        return (
            (Names(), {})
            if Ellipsis in get_args(kind)
            else (click.IntRange(min=1), {"nargs": len(get_args(kind)), "metavar": "N N"})
        )
    if kind is bool:
        return click.BOOL, {}
    if kind in (int, float):
        return _range(kind, info), {"metavar": "N" if kind is int else "X"}
    return click.STRING, {}


def _range(kind: type, info: FieldInfo) -> click.ParamType:
    bounds = {
        key: getattr(part, key) for part in info.metadata for key in ("ge", "gt", "le", "lt") if hasattr(part, key)
    }
    return (click.IntRange if kind is int else click.FloatRange)(
        min=bounds.get("ge", bounds.get("gt")),
        max=bounds.get("le", bounds.get("lt")),
        min_open="gt" in bounds,
        max_open="lt" in bounds,
    )


class Names(click.ParamType):
    """Several names with commas between them."""

    name = "A,B,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names."""
        names = value if isinstance(value, tuple) else tuple(part.strip() for part in value.split(",") if part.strip())
        return names or self.fail("give at least one name", param, ctx)
