"""The two parts all networks here are made of: convolution with its activation, and the Dense head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import keras


def convolve(
    x: keras.KerasTensor,
    filters: int,
    *,
    name: str,
    batch_norm: bool,
    size: int = 3,
    padding: Literal["same", "valid"] = "same",
) -> keras.KerasTensor:
    """Convolution, BatchNorm (or else a bias) and ReLU as layers `name`, `name_bn` and `name_relu`."""
    from keras import layers

    x = layers.Conv2D(
        filters, size, padding=padding, use_bias=not batch_norm, kernel_initializer="he_normal", name=name
    )(x)
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def classify(
    x: keras.KerasTensor,
    labels: int,
    *,
    hidden: Sequence[int] = (),
    linear: bool = True,
    bias: bool = True,
) -> keras.KerasTensor:
    """Logits of the labels: Flatten, Dense `fc1`, `fc2`, ... of the hidden widths, Dense `predictions`.

    Args:
        x: (N, H, W, U) output of the last convolution or pool.
        labels: number of labels, K.
        hidden: widths of the Dense layers before the output.
        linear: no activation between Dense layers; otherwise ReLU.
        bias: the output layer has a bias.

    Returns:
        (N, K) logits, float32 under every precision policy.
    """
    from keras import layers

    x = layers.Flatten(name="flatten")(x)
    for i, width in enumerate(hidden, start=1):
        x = layers.Dense(width, name=f"fc{i}")(x)
        if not linear:
            x = layers.ReLU(name=f"fc{i}_relu")(x)
    return layers.Dense(labels, use_bias=bias, dtype="float32", name="predictions")(x)
