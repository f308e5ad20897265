"""Whether a model and a data set fit each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from fm_keras.data import Dataset, measuring_batches
from fm_keras.errors import InvalidInput
from fm_keras.models.graph import walk


def check_fits(model: keras.Model, dataset: Dataset, preprocess: Callable[[Any], Any] | None = None) -> None:
    """Check that a model can be trained on a data set, its images gone through `preprocess`.

    Raises:
        InvalidInput: the number of labels or the image shape differ.
    """
    outputs = model.output_shape[-1] if isinstance(model.output_shape, tuple) else None
    if outputs != len(dataset.label_names):
        raise InvalidInput(
            f"Model {model.name!r} has {outputs or 'no single'} output{'' if outputs == 1 else 's'}, but "
            f"{dataset.name} has {len(dataset.label_names)} labels. Choose as many labels, or build the model for them."
        )
    check_shape(model, dataset, preprocess)


def check_shape(model: keras.Model, dataset: Dataset, preprocess: Callable[[Any], Any] | None = None) -> None:
    """Check that images, gone through `preprocess`, fit the inputs of a model.

    Raises:
        InvalidInput: the names or shapes differ; the message gives both.
    """
    wanted, shapes = dict(zip(input_names(model), model.inputs)), network_shape(dataset, preprocess)
    if not isinstance(shapes, dict):
        if len(wanted) > 1:
            raise InvalidInput(
                f"Model {model.name!r} has the inputs {', '.join(wanted)}, but {dataset.name} has one array. Give a "
                "dict of arrays by these names."
            )
        shapes = dict.fromkeys(wanted, shapes)
    if set(wanted) != set(shapes):
        raise InvalidInput(
            f"Model {model.name!r} has the inputs {', '.join(wanted)}, but {dataset.name} has {', '.join(shapes)}. "
            "Name the arrays as the inputs."
        )
    for name, tensor in wanted.items():
        sides, given = tuple(tensor.shape[1:]), shapes[name]
        if len(sides) != len(given) or any(side not in (None, size) for side, size in zip(sides, given)):
            of = f" as input {name}" if len(wanted) > 1 else ""
            made = " after preprocess" if preprocess else ""
            raise InvalidInput(
                f"Model {model.name!r} takes images of shape {sides}{of}, but those of {dataset.name} are "
                f"{given}{made}. Resize the images, or build the model for their shape."
            )


def network_shape(
    dataset: Dataset, preprocess: Callable[[Any], Any] | None
) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    """Shape of one image as a network gets it, found out with one; of every input by name where there are several."""
    if preprocess is None:
        return dataset.image_shape
    one = dataset.train.take(slice(1))
    x, _ = next(iter(measuring_batches(one, batch_size=1, preprocess=preprocess)))
    return keras.tree.map_structure(lambda each: tuple(each.shape[1:]), x)


def input_names(model: keras.Model) -> list[str]:
    """Names under which a functional model takes its inputs, in their order."""
    return [tensor.name for tensor in model.inputs]


def ends_in_softmax(model: keras.Model) -> bool:
    """Whether a model puts out probabilities by a softmax of its own."""
    graph = walk(model)
    last = next(call.layer for call in reversed(graph.calls) if graph.outputs[0] in call.outputs)
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or getattr(activation, "__name__", "") == "softmax"
