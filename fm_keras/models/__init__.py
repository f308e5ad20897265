"""The networks of the papers, every width a parameter, and the operations of any model.

Naming and listing networks needs no Keras: it is imported when a model is built or counted.
"""

from __future__ import annotations

from typing import Any

from fm_keras.models.registry import (
    ARCHITECTURES,
    architecture,
    build_model,
    enlargement,
    full_spec,
    input_size,
    model_names,
    suited_spec,
)
from fm_keras.settings import ModelSpec

__all__ = [
    "ARCHITECTURES",
    "AttentionHeads",
    "ModelSpec",
    "architecture",
    "attention_heads",
    "build_model",
    "choose_output",
    "count_operations",
    "enlargement",
    "expose_heads",
    "full_spec",
    "input_size",
    "load_model",
    "model_names",
    "read_model",
    "read_preprocess",
    "suited_spec",
]


def __getattr__(name: str) -> Any:
    if name == "count_operations":
        from fm_keras.models.operations import count_operations

        return count_operations
    if name == "choose_output":
        from fm_keras.models.outputs import choose_output

        return choose_output
    if name == "read_preprocess":
        from fm_keras.models.preprocessing import read_preprocess

        return read_preprocess
    if name in ("AttentionHeads", "attention_heads", "expose_heads"):
        from fm_keras.models import heads

        return getattr(heads, name)
    if name in ("load_model", "read_model"):
        from fm_keras.models import saved

        return getattr(saved, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
