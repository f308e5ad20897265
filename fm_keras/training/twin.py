"""The working copy that is trained in another precision, so that the user's model stays plain float32."""

from __future__ import annotations

import itertools

import keras

from fm_keras.models.graph import walk

_FLOAT32_LAYERS = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Softmax)


def training_twin(model: keras.Model, *, precision: str, l2: float, seed: int, devices: int = 1) -> keras.Model:
    """Copy of a model with its weights, for training.

    Args:
        model: functional or Sequential; nested models included.
        precision: dtype policy of the layers that are float32 in the model; scaling of pixels, softmax and the
            layers that make the outputs stay float32.
        l2: penalty on every kernel that has none of its own.
        seed: seeds layers that draw at random and have no seed of their own.
        devices: how many share a batch: BatchNorm then takes its statistics over all of it.
    """
    outputs = _output_layers(model)
    numbers = itertools.count(seed)

    def copy(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if isinstance(layer, keras.Layer):
            if layer.dtype_policy.name == "float32" and id(layer) not in outputs:
                config["dtype"] = "float32" if isinstance(layer, _FLOAT32_LAYERS) else precision
            for key in config.keys() & {"kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer"}:
                config[key] = config[key] or (keras.regularizers.L2(l2) if l2 else None)
            if config.get("seed", seed) is None:
                config["seed"] = next(numbers)
            if "synchronized" in config and devices > 1:
                config["synchronized"] = keras.backend.backend() == "tensorflow"  # elsewhere a batch is one anyway
        return type(layer).from_config(config)

    twin = keras.models.clone_model(model, clone_function=copy, recursive=True)
    twin.set_weights(model.get_weights())
    for call in walk(twin).calls:
        if isinstance(call.layer, keras.layers.Normalization):
            call.layer.finalize_state()  # what acts is kept beside the weights
    return twin


def _output_layers(model: keras.Model) -> set[int]:
    """Ids of the layers that make a model's outputs, back to the last ones with weights."""
    graph = walk(model)
    wanted, found = set(graph.outputs), set()
    for call in reversed(graph.calls):
        if wanted.intersection(call.outputs):
            found.add(id(call.layer))
            if not getattr(call.layer, "weights", []):
                wanted.update(call.inputs)
    return found
