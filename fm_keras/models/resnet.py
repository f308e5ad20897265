"""ResNet-20 and its deeper relatives, the residual networks for small images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fm_keras.models.blocks import classify, convolve
from fm_keras.models.inputs import image_input
from fm_keras.settings import ModelSpec

if TYPE_CHECKING:
    import keras

SMALLEST = 8  # 8 -> 4 -> 2 through two strides: on a 2 x 2 map every element of a 3 x 3 kernel still acts
STAGES = ((1, 1), (2, 2), (4, 2))  # (multiple of the width, stride of the first block)


def stage_convs(blocks: int) -> tuple[int, ...]:
    """Convolutions in each of the three stages, the first and those in shortcuts included."""
    return tuple(2 * blocks + 1 for _ in STAGES)


def resnet(spec: ModelSpec, blocks: int) -> keras.Model:
    """A ResNet for small images: a convolution, three stages of residual blocks, global average, linear Dense.

    A block is two 3 x 3 convolutions, each with BatchNorm, the first with ReLU; what went in is added and a ReLU
    follows.  The stages have 1, 2 and 4 times the width, and the second and third halve the map.  Counted are the
    6 `blocks` + 1 convolutions outside the shortcuts and the Dense layer: 3 blocks a stage make ResNet-20.

    Layers are named `conv1`, which is stage 1 by itself, then `stage2_block1_conv1`, `stage2_block1_conv2`,
    `stage2_block1_add` and so on to stage 4; where the map changes, `stage3_block1_shortcut`.

    Where the map changes its size, the shortcut is a 1 x 1 convolution with BatchNorm (option B of the paper).  The
    paper's own networks for CIFAR-10 take every second pixel there and fill up with empty filters (option A), which
    has no parameters.  *Ours*: weights start from He's normal distribution over the fan-in.

    Args:
        spec: complete (see `full_spec`).
        blocks: residual blocks in each stage.

    Source: arXiv:1512.03385, section 4.2.
    """
    import keras

    image, x = image_input(spec.image_shape, SMALLEST)
    widths = spec.block_widths or tuple(multiple * spec.width for multiple, _ in STAGES)
    x = convolve(x, widths[0], name="conv1", batch_norm=spec.batch_norm)
    for stage, (width, (_, first_stride)) in enumerate(zip(widths, STAGES), start=2):
        for block in range(1, blocks + 1):
            x = _residual_block(
                x,
                width,
                strides=first_stride if block == 1 else 1,
                name=f"stage{stage}_block{block}",
                batch_norm=spec.batch_norm,
            )
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x)
    x = classify(x, spec.labels, hidden=spec.dense_widths or ())
    return keras.Model(image, x, name=spec.name)


def _residual_block(
    x: keras.KerasTensor, filters: int, *, strides: int, name: str, batch_norm: bool
) -> keras.KerasTensor:
    from keras import layers

    y = _convolve(x, filters, strides=strides, name=f"{name}_conv1", batch_norm=batch_norm)
    y = layers.ReLU(name=f"{name}_conv1_relu")(y)
    y = _convolve(y, filters, name=f"{name}_conv2", batch_norm=batch_norm)
    if strides > 1:
        x = _convolve(x, filters, size=1, strides=strides, name=f"{name}_shortcut", batch_norm=batch_norm)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_add_relu")(x)


def _convolve(
    x: keras.KerasTensor, filters: int, *, name: str, batch_norm: bool, size: int = 3, strides: int = 1
) -> keras.KerasTensor:
    """Convolution and BatchNorm (or else a bias), without an activation."""
    from keras import layers

    x = layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x) if batch_norm else x
