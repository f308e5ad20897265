"""LeNet-5 and its generalization to any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fm_keras.models.blocks import classify, convolve
from fm_keras.models.inputs import image_input
from fm_keras.settings import ModelSpec

if TYPE_CHECKING:
    import keras

SMALLEST = 16  # 16 -> 12 -> 6 -> 2 -> 1 through two 5 x 5 convolutions without padding and two 2 x 2 pools
DEPTH_RATIO = 16 / 6  # LeNet-5; arXiv:2211.11106 keeps it fixed while the width grows
DENSE_WIDTHS = (120, 84)


def lenet(spec: ModelSpec) -> keras.Model:
    """Generalized LeNet: two 5 x 5 convolutions, each with a 2 x 2 pool, then Dense 120, 84 and K.

    The second convolution has `depth_ratio` filters for each of the first's `width`; width 6 is LeNet-5.
    How the Dense widths grow with the width in the paper is not known to us: they stay 120 and 84 unless
    `dense_widths` says otherwise.  *Ours*: ReLU and max-pooling.

    Args:
        spec: complete (see `full_spec`).

    Source: arXiv:2211.11106.
    """
    import keras

    image, x = image_input(spec.image_shape, SMALLEST)
    second = max(1, round(spec.depth_ratio * spec.width))
    for i, filters in enumerate((spec.width, second), start=1):
        x = convolve(x, filters, name=f"conv{i}", batch_norm=spec.batch_norm, size=5, padding="valid")
        x = keras.layers.MaxPooling2D(name=f"pool{i}")(x)
    x = classify(x, spec.labels, hidden=spec.dense_widths or (), linear=False)
    return keras.Model(image, x, name=spec.name)
