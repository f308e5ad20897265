"""Compact convolutional transformers: convolutions make tokens, encoder blocks mix them, one Dense layer reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fm_keras.models.blocks import classify, convolve
from fm_keras.models.inputs import image_input
from fm_keras.settings import ModelSpec

if TYPE_CHECKING:
    import keras

SMALLEST = 16  # 16 -> 8 -> 4 through two pools: 16 tokens are the least that attention has something to choose from
CONVS = (1, 1)


def transformer(spec: ModelSpec, *, blocks: int, ratio: int) -> keras.Model:
    """A compact convolutional transformer with two convolutions, CCT-`blocks`/3x2.

    Two 3 x 3 convolutions, each with ReLU and a 3 x 3 max-pool of stride 2, make tokens of `width` nodes; each
    token gets a learned bias of its own, the positional embedding.  In every encoder block attention, then two Dense
    layers with GELU between them, read the normalized tokens and are added to them.  A weighted mean over the tokens,
    its weights a softmax of learned scores, goes to the head.  All layers are Keras' own.

    *Ours*: the first convolution has half as many filters as there are nodes (64 of 128 in the paper's small
    networks); a head has width / heads nodes, rounded up; blocks add what they read as it is, where the authors' code
    normalizes it first; neither dropout nor stochastic depth.

    Args:
        spec: complete (see `full_spec`); its width are the nodes of a token.
        blocks: number of encoder blocks.
        ratio: hidden nodes of the feed-forward part for each node of a token.

    Source: arXiv:2104.05704; its single-nodal performance: arXiv:2501.12900.
    """
    import keras

    image, x = image_input(spec.image_shape, SMALLEST)
    for i, filters in enumerate((-(-spec.width // 2), spec.width), start=1):
        x = convolve(x, filters, name=f"conv{i}", batch_norm=spec.batch_norm)
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{i}")(x)
    x = _with_positions(x)
    for block in range(1, blocks + 1):
        x = _encoder_block(x, heads=spec.heads, ratio=ratio, name=f"block{block}")
    x = _pool_tokens(keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x))
    x = classify(x, spec.labels, hidden=spec.dense_widths or ())
    return keras.Model(image, x, name=spec.name)


def _with_positions(x: keras.KerasTensor) -> keras.KerasTensor:
    """Tokens (N, T, width) of a map (N, H, W, width), each with a learned bias of its own; their nodes are scaled, too.

    Scale and bias of a stock layer, so that a saved network needs nothing of ours to be read.
    """
    from keras import layers

    x = layers.Reshape((-1, x.shape[-1]), name="tokens")(x)
    return layers.EinsumDense(
        "btu,u->btu",
        output_shape=x.shape[1:],
        bias_axes="tu",
        kernel_initializer="ones",
        bias_initializer="truncated_normal",
        name="positions",
    )(x)


def _encoder_block(x: keras.KerasTensor, *, heads: int, ratio: int, name: str) -> keras.KerasTensor:
    from keras import layers

    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(heads, key_dim=-(-width // heads), name=f"{name}_attention")(y, y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm2")(x)
    y = layers.Dense(ratio * width, name=f"{name}_hidden")(y)
    y = layers.Activation("gelu", name=f"{name}_hidden_gelu")(y)
    y = layers.Dense(width, name=f"{name}_feed_forward")(y)
    return layers.Add(name=f"{name}_add2")([x, y])


def _pool_tokens(x: keras.KerasTensor) -> keras.KerasTensor:
    """Mean over the tokens (N, 1, width), weighted by a softmax of what one node says of each."""
    from keras import layers

    scores = layers.Dense(1, name="pool_score")(x)
    weights = layers.Softmax(axis=1, name="pool_weights")(scores)
    return layers.Dot(axes=1, name="pool")([weights, x])
