"""Writes docs/reference.md, the public names of every wing, from their docstrings:  python docs/reference.py"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

WINGS = (
    "analysis",
    "data",
    "models",
    "training",
    "slicing",
    "filters",
    "reports",
    "pruning",
    "complexity",
    "scaling",
    "callbacks",
    "serving",
    "settings",
    "errors",
)
PAGE = Path(__file__).parent / "reference.md"


def page() -> str:
    """The whole page."""
    contents = ", ".join(f"[{wing}](#{wing})" for wing in WINGS)
    parts = ["# Reference", "Made from the docstrings by `python docs/reference.py`.", contents]
    for wing in WINGS:
        module = import_module(f"fm_keras.{wing}")
        parts += [f"## {wing}", f"```text\n{inspect.getdoc(module)}\n```"]
        parts += [_entry(name, getattr(module, name)) for name in _public(module)]
    return "\n\n".join(parts) + "\n"


def _public(module) -> list[str]:
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


def _entry(name: str, value: object) -> str:
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return f"### {name}\n\nConstant."
    settings = getattr(value, "model_fields", None)
    signature = "" if settings is not None or inspect.isclass(value) else _signature(value)
    lines = [f"### {name}", f"```text\n{name}{signature}\n\n{inspect.getdoc(value)}\n```"]
    members = _members(value) if inspect.isclass(value) and settings is None else []
    if members:
        lines.append("\n".join(["| member | what it is |", "| --- | --- |", *members]))
    if settings:
        rows = [f"| `{field}` | `{info.default!r}` | {info.description} |" for field, info in settings.items()]
        lines.append("\n".join(["| setting | default | what it is |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(lines)


def _members(cls: type) -> list[str]:
    """Public methods and properties of a class, with the first line of their docstrings."""
    rows = []
    for name, value in vars(cls).items():
        function = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if inspect.isfunction(function) and not name.startswith("_") and function.__doc__:
            call = "" if function is not value and not isinstance(value, classmethod) else "()"
            rows.append(f"| `{name}{call}` | {inspect.getdoc(function).splitlines()[0]} |")
    return rows


def _signature(value: object) -> str:
    """Signature without the quotes of postponed annotations."""
    text = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", str(inspect.signature(value)))
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
