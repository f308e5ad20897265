"""What an export can be asked: every signature, its inputs and its outputs by name, all batched by their first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fm_keras.serving.saved.body import Body
from fm_keras.serving.saved.pictures import decode_pictures, takes_pictures
from fm_keras.serving.saved.predictions import (
    IMAGE_BYTES,
    classify,
    filter_response,
    layer_predictions,
    predict,
)
from fm_keras.serving.saved.queries import Knowledge

if TYPE_CHECKING:
    import tensorflow as tf

CLASSIFY = "classify"


@dataclass(frozen=True, eq=False)
class Signature:
    """A function of named tensors, each (N, ...), to a dict of named tensors, each (N, ...)."""

    function: Callable[..., dict[str, Any]]
    inputs: list[tf.TensorSpec]


def make_signatures(body: Body, knowledge: Knowledge) -> dict[str, Signature]:
    """The signatures of an export by name; serving_default comes first.

    `image_bytes` is there where the network takes pictures, `classify` where its inputs have a fixed size,
    `layer_predictions` and `filter_response` where the layers have probes.
    """
    images, names = body.image_specs(), knowledge.names.outputs
    found = {"serving_default": Signature(lambda *x: predict(body, x), images)}
    if all(None not in spec.shape[1:] for spec in images):
        found[CLASSIFY] = Signature(lambda inputs: classify(body, names, inputs), [_spec("inputs", "string")])
    if takes_pictures(images):
        found[IMAGE_BYTES] = Signature(
            lambda image_bytes: predict(body, [decode_pictures(image_bytes, images[0])]), [_spec(IMAGE_BYTES, "string")]
        )
    if all(tables.kernel is not None for tables in knowledge.layers):
        found |= _probe_signatures(body, knowledge, images)
    return found | _query_signatures(knowledge)


def _probe_signatures(body: Body, knowledge: Knowledge, images: Sequence[tf.TensorSpec]) -> dict[str, Signature]:
    def predictions(*inputs) -> dict[str, Any]:
        *images, layer_index = inputs
        _check_rows(inputs)
        layer, valid = knowledge.check_layer(layer_index)
        return layer_predictions(body, knowledge.layers, images, layer, valid)

    def response(*inputs) -> dict[str, Any]:
        *images, layer_index, filter_index = inputs
        _check_rows(inputs)
        return filter_response(body, knowledge.layers, images, *knowledge.check_filter(layer_index, filter_index))

    return {
        "layer_predictions": Signature(predictions, [*images, _spec("layer_index")]),
        "filter_response": Signature(response, [*images, _spec("layer_index"), _spec("filter_index")]),
    }


def _query_signatures(knowledge: Knowledge) -> dict[str, Signature]:
    asked = {
        "filter_quality": ("layer_index", "filter_index"),
        "filter_field": ("layer_index", "filter_index"),
        "top_filters": ("layer_index", "label", "count"),
        "layer_summary": ("layer_index",),
        "describe": ("layer_index",),
    }

    def signature(name: str, inputs: Sequence[str]) -> Signature:
        def answer(*indices) -> dict[str, Any]:
            _check_rows(indices)
            return getattr(knowledge, name)(*indices)

        return Signature(answer, [_spec(each) for each in inputs])

    return {name: signature(name, inputs) for name, inputs in asked.items()}


def _check_rows(inputs: Sequence) -> None:
    """Refuse, inside the graph, inputs of different lengths: TensorFlow would broadcast one row to all."""
    import tensorflow as tf

    for other in inputs[1:]:
        tf.debugging.assert_equal(
            tf.shape(other)[0], tf.shape(inputs[0])[0], "All inputs need the same number of rows."
        )


def _spec(name: str, dtype: str = "int32") -> tf.TensorSpec:
    import tensorflow as tf

    return tf.TensorSpec((None,), dtype, name=name)
