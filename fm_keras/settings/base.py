"""What all settings share: frozen, validated, and a wrong value in one line."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from fm_keras.errors import InvalidInput

Preset = Literal["quick", "paper"]


class Settings(BaseModel):
    """Frozen, validated settings; a wrong value is one line that names the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def __init__(self, **values) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidInput(_one_line(type(self), error)) from None

    def changed(self, **values) -> Self:
        """Copy with other values, validated again."""
        return type(self)(**{**dict(self), **values})


class PresetSettings(Settings):
    """Settings whose defaults are the preset `quick`."""

    preset: Preset = "quick"
    """quick: good in minutes on a CPU; paper: the published schedule"""

    @classmethod
    def presets(cls) -> dict[str, dict]:
        """Values of each preset that differ from the defaults."""
        return {"quick": {}, "paper": {}}

    @classmethod
    def from_preset(cls, preset: Preset, **explicit) -> Self:
        """Settings of a preset; explicit values win over it."""
        if preset not in cls.presets():
            raise InvalidInput(f"There is no preset {preset!r}. Presets: {', '.join(cls.presets())}.")
        return cls(**{"preset": preset, **cls.presets()[preset], **explicit})


def _one_line(cls: type[Settings], error: ValidationError) -> str:
    """The first error of a validation: the setting, what is wrong, its value."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or cls.__name__
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name!r}. {cls.__name__} has: {', '.join(cls.model_fields)}."
    return f"Setting {name}: {first['msg'][:1].lower()}{first['msg'][1:]}; received {first['input']!r}."
