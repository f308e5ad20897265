"""Whether a model and a data set fit each other."""

from __future__ import annotations

import keras

from fm_keras.data import Dataset
from fm_keras.errors import InvalidInput
from fm_keras.models.graph import walk


def check_fits(model: keras.Model, dataset: Dataset) -> None:
    """Check that a model can be trained on a data set.

    Raises:
        InvalidInput: the number of labels or the image shape differ.
    """
    outputs = model.output_shape[-1] if isinstance(model.output_shape, tuple) else None
    if outputs != len(dataset.label_names):
        raise InvalidInput(
            f"Model {model.name!r} has {outputs or 'no single'} output{'' if outputs == 1 else 's'}, but "
            f"{dataset.name} has {len(dataset.label_names)} labels. Choose as many labels, or build the model for them."
        )
    check_shape(model, dataset)


def check_shape(model: keras.Model, dataset: Dataset) -> None:
    """Check that images fit the input of a model.

    Raises:
        InvalidInput: the shapes differ; the message gives both.
    """
    if isinstance(dataset.train.images, dict) or not isinstance(model.input_shape, tuple):
        return
    wanted, given = model.input_shape[1:], dataset.train.images.shape[1:]
    if len(wanted) != len(given) or any(side not in (None, size) for side, size in zip(wanted, given)):
        raise InvalidInput(
            f"Model {model.name!r} takes images of shape {wanted}, but those of {dataset.name} are {given}. "
            "Resize the images, or build the model for their shape."
        )


def ends_in_softmax(model: keras.Model) -> bool:
    """Whether a model puts out probabilities by a softmax of its own."""
    graph = walk(model)
    last = next(call.layer for call in reversed(graph.calls) if graph.outputs[0] in call.outputs)
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or getattr(activation, "__name__", "") == "softmax"
