"""Signatures that take images: what the network, its layers and its filters make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fm_keras.serving.saved.body import Body
from fm_keras.serving.saved.pictures import decode_picture, takes_pictures
from fm_keras.serving.saved.tables import LayerTables

if TYPE_CHECKING:
    import tensorflow as tf

IMAGE_BYTES = "image_bytes"


def predict(body: Body, images: Sequence) -> dict[str, Any]:
    """probabilities (N, L), logits (N, L), label (N,); zeros and -1 for an image that makes NaN or infinite logits."""
    import tensorflow as tf

    logits, fine = finite(body.logits(images), images)
    label = tf.argmax(logits, axis=1, output_type=tf.int32)
    return {
        "probabilities": tf.where(fine[:, None], tf.nn.softmax(logits), 0.0),
        "logits": logits,
        "label": tf.where(fine, label, -1),
    }


def classify(body: Body, output_names: Sequence[str], examples) -> dict[str, Any]:
    """classes (N, L) and scores (N, L) for serialized tf.Examples (N,)."""
    import tensorflow as tf

    scores = predict(body, read_examples(examples, body.image_specs()))["probabilities"]
    names = tf.constant([list(output_names)])
    return {"classes": tf.tile(names, [tf.shape(scores)[0], 1]), "scores": scores}


def layer_predictions(body: Body, layers: Sequence[LayerTables], images: Sequence, layer, valid) -> dict[str, Any]:
    """logits (N, K) of the probe of one layer for each image."""
    import tensorflow as tf

    activations = body.activations(images)
    logits = by_layer(
        layer, len(layers), lambda number, rows: layers[number].logits(tf.gather(activations[number], rows))
    )
    logits, fine = finite(tf.where(valid[:, None], logits, 0.0), images)
    return {"logits": logits, "valid": valid & fine}


def filter_response(body: Body, layers: Sequence[LayerTables], images: Sequence, layer, unit, valid) -> dict[str, Any]:
    """field (N, K) that one filter puts on each output of its layer's probe, for each image."""
    import tensorflow as tf

    activations = body.activations(images)
    field = by_layer(
        layer,
        len(layers),
        lambda number, rows: layers[number].response(tf.gather(activations[number], rows), tf.gather(unit, rows)),
    )
    field, fine = finite(tf.where(valid[:, None], field, 0.0), images)
    return {"field": field, "valid": valid & fine}


def by_layer(layer, layers: int, answer: Callable[[int, Any], Any]):
    """What some layers answer to the rows (N,) that ask them, in the order of the rows.

    A layer works on its own rows alone, so a request costs what it asks for.
    """
    import tensorflow as tf

    rows = [tf.cast(tf.where(layer == number)[:, 0], tf.int32) for number in range(layers)]
    answers = [answer(number, asking) for number, asking in enumerate(rows)]
    return tf.dynamic_stitch(rows, answers)


def finite(values, images: Sequence):
    """Values (N, K) with zeros in every row that is not finite, or whose image is not, and the rows that are (N,).

    A ReLU can turn NaN into zero, so what comes out does not tell what went in.
    """
    import tensorflow as tf

    numbers = [values, *(image for image in images if image.dtype.is_floating)]
    fine = [tf.reduce_all(tf.math.is_finite(each), axis=list(range(1, each.shape.rank))) for each in numbers]
    fine = tf.reduce_all(tf.stack(fine), axis=0)
    return tf.where(fine[:, None], values, 0.0), fine


def read_examples(examples, specs: Sequence[tf.TensorSpec]) -> list:
    """Images from serialized tf.Examples (N,), one tensor for each input.

    A feature for each input holds its numbers row by row; a picture may come as `image_bytes` (PNG, JPEG) instead.
    """
    import tensorflow as tf

    kinds = [tf.int64 if spec.dtype.is_integer else tf.float32 for spec in specs]
    if takes_pictures(specs):
        found = tf.io.parse_example(
            examples,
            {
                specs[0].name: tf.io.RaggedFeature(kinds[0]),
                IMAGE_BYTES: tf.io.FixedLenFeature([], tf.string, default_value=""),
            },
        )
        return [_pixels_or_pictures(found[specs[0].name], found[IMAGE_BYTES], specs[0])]
    found = tf.io.parse_example(
        examples, {spec.name: tf.io.FixedLenFeature(spec.shape[1:], kind) for spec, kind in zip(specs, kinds)}
    )
    return [tf.cast(found[spec.name], spec.dtype) for spec in specs]


def _pixels_or_pictures(pixels, encoded, spec: tf.TensorSpec):
    import tensorflow as tf

    def one(each):
        pixels, encoded = each
        return tf.cond(
            tf.strings.length(encoded) > 0,
            lambda: decode_picture(encoded, spec),
            lambda: tf.cast(tf.reshape(pixels, spec.shape[1:]), spec.dtype),
        )

    return tf.map_fn(one, (pixels, encoded), fn_output_signature=tf.TensorSpec(spec.shape[1:], spec.dtype))
