"""VGG-16, the smaller VGGs, and the A-VGG family with its pools next to the last convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from math import prod
from typing import TYPE_CHECKING

from fm_keras.models.blocks import classify, convolve
from fm_keras.models.inputs import image_input
from fm_keras.settings import ModelSpec

if TYPE_CHECKING:
    import keras

PAIRS_AND_TRIPLES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
PAIRS = ((1, 2), (2, 2), (4, 2), (8, 2), (8, 2))
SINGLES = ((1, 1), (2, 1), (4, 1), (8, 1), (8, 1))


@dataclass(frozen=True)
class Layout:
    """Blocks of (multiple of the width, convolutions), and the side of the pool after each block (1: none)."""

    blocks: tuple[tuple[int, int], ...]
    pools: tuple[int, ...]
    output_bias: bool = True

    @property
    def convs(self) -> int:
        """Number of convolutions."""
        return sum(number for _, number in self.blocks)

    def widths(self, spec: ModelSpec) -> tuple[int, ...]:
        """Filters of the convolutions of each block."""
        return spec.block_widths or tuple(multiple * spec.width for multiple, _ in self.blocks)

    @property
    def smallest(self) -> int:
        """Smallest side of an image, in pixels, that survives all pools."""
        return prod(self.pools)


VGG_16 = Layout(PAIRS_AND_TRIPLES, pools=(2, 2, 2, 2, 2))
VGG_11 = Layout(PAIRS_AND_TRIPLES[:4], pools=(2, 2, 2, 2), output_bias=False)
VGG_6 = Layout(SINGLES, pools=(2, 2, 2, 2, 2))

A_VGG_POOLS = (1, 1, 4, 1, 2)
A_VGG_FIVE = Layout(SINGLES, A_VGG_POOLS, output_bias=False)
A_VGG_TEN = Layout(PAIRS, A_VGG_POOLS, output_bias=False)
A_VGG_THIRTEEN = Layout(PAIRS_AND_TRIPLES, A_VGG_POOLS, output_bias=False)


def vgg(spec: ModelSpec, layout: Layout) -> keras.Model:
    """A VGG: 3 x 3 convolutions with BatchNorm and ReLU, pools between the blocks, linear Dense layers.

    Layers are named `conv5_3`, or `conv5` where a block has one convolution; a pool has the number
    of the block it follows.

    In A-VGG the 2 x 2 pools between the blocks give way to two pools next to the last convolutions, one
    average, one max.  For A-VGG16 their place, sizes and order are those of the authors' code
    (github.com/yuval-meir/advanced-VGG): average 4 x 4 after conv 7, max 2 x 2 after conv 13, output
    without bias.  *Ours*: the smaller ones are read likewise, with the first pool where the width grows
    from 4d to 8d (d the width); `pool_order="max_average"` swaps the operators and leaves the sizes; the hidden Dense
    layers are linear, which the paper found to be as accurate, where that code has ReLU.

    Args:
        spec: complete (see `full_spec`).
        layout: blocks and pools.

    Source: arXiv:2305.18078 (VGG-16); Phys Rev E 111, 065307 (the ten convolutions called VGG-11);
        arXiv:2303.05800 (A-VGG).  VGG-6 is *ours*.
    """
    import keras

    image, x = image_input(spec.image_shape, layout.smallest)
    operators = cycle(spec.pool_order.split("_") if spec.pool_order else ["max"])
    pool_layers = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
    blocks = zip(layout.widths(spec), layout.blocks, layout.pools)
    for block, (width, (_, number), pool) in enumerate(blocks, start=1):
        for i in range(1, number + 1):
            name = f"conv{block}_{i}" if number > 1 else f"conv{block}"
            x = convolve(x, width, name=name, batch_norm=spec.batch_norm)
        if pool > 1:
            x = pool_layers[next(operators)](pool, name=f"pool{block}")(x)
    x = classify(x, spec.labels, hidden=spec.dense_widths or (), bias=layout.output_bias)
    return keras.Model(image, x, name=spec.name)
