import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

INPUTS = {
    "serving_default": {"image": "float32"},
    "classify": {"inputs": "string"},
    "image_bytes": {"image_bytes": "string"},
    "layer_predictions": {"image": "float32", "layer_index": "int32"},
    "filter_quality": {"layer_index": "int32", "filter_index": "int32"},
    "filter_field": {"layer_index": "int32", "filter_index": "int32"},
    "filter_response": {"image": "float32", "layer_index": "int32", "filter_index": "int32"},
    "top_filters": {"layer_index": "int32", "label": "int32", "count": "int32"},
    "layer_summary": {"layer_index": "int32"},
    "describe": {"layer_index": "int32"},
}
PREDICTION = {"probabilities": "float32", "logits": "float32", "label": "int32"}
COUNTS = dict.fromkeys(["n_clusters", "cluster_of", "signal", "internal_noise", "external_noise"], "int32")
MEANS = ["accuracy", "n_clusters", "cluster_size", "signal", "internal_noise", "noise", "noise_clustered", "snr"]
MEANS += ["dead", "label_cv", "quality", "quality_below_zero", "quality_around_zero"]
OUTPUTS = {
    "serving_default": PREDICTION,
    "classify": {"classes": "string", "scores": "float32"},
    "image_bytes": PREDICTION,
    "layer_predictions": {"logits": "float32", "valid": "bool"},
    "filter_quality": {
        **COUNTS,
        **dict.fromkeys(["snr", "quality", "quality_low", "quality_high"], "float32"),
        "dead": "bool",
        "valid": "bool",
    },
    "filter_field": {"field": "float32", "valid": "bool"},
    "filter_response": {"field": "float32", "valid": "bool"},
    "top_filters": {"filters": "int32", "share": "float32", "valid": "bool"},
    "layer_summary": {**dict.fromkeys(MEANS, "float32"), "units": "int32", "valid": "bool"},
    "describe": {
        **dict.fromkeys(["layer", "positions", "fields", "layer_names", "label_names", "output_names"], "string"),
        "threshold": "float32",
        "units": "int32",
        "valid": "bool",
    },
}
FAR = [(-1, 0), (2, 0), (0, -1), (0, 5), (1, 7), (2**31 - 1, 0), (0, 2**31 - 1), (-(2**31), -(2**31))]


def test_signatures_are_those_that_are_documented_with_named_inputs_and_outputs(loaded):
    found = {
        name: (
            {key: spec.dtype.name for key, spec in function.structured_input_signature[1].items()},
            {key: spec.dtype.name for key, spec in function.structured_outputs.items()},
        )
        for name, function in loaded.signatures.items()
    }

    assert {name: each[0] for name, each in found.items()} == INPUTS
    assert {name: each[1] for name, each in found.items()} == OUTPUTS


def test_every_input_and_output_is_batched_along_its_first_axis(loaded):
    for function in loaded.signatures.values():
        for spec in [*function.structured_input_signature[1].values(), *function.structured_outputs.values()]:
            assert spec.shape[0] is None and None not in spec.shape[1:]


def test_classify_has_the_method_name_that_servers_look_for(served):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    held = SavedModel.FromString((served / "tiny" / "1" / "saved_model.pb").read_bytes()).meta_graphs[0].signature_def

    assert held["classify"].method_name == "tensorflow/serving/classify"
    assert held["filter_quality"].method_name == "tensorflow/serving/predict"


def neutral(name):
    return {"cluster_of": -1, "filters": -1, "layer": b"", "positions": b""}.get(name, 0)


@pytest.mark.parametrize("signature", ["filter_quality", "filter_field", "filter_response"])
def test_a_filter_beyond_range_is_marked_with_nothing_in_its_row(query, images, signature):
    pairs = [(1, 6), *FAR]
    image = {"image": np.repeat(images[:1], len(pairs), axis=0)} if signature == "filter_response" else {}

    answer = query(signature, pairs, **image)

    assert answer.pop("valid").tolist() == [True] + [False] * len(FAR)
    assert all((values[1:] == neutral(name)).all() for name, values in answer.items())


@pytest.mark.parametrize("signature", ["layer_predictions", "layer_summary", "describe", "top_filters"])
def test_a_layer_beyond_range_is_marked_with_nothing_in_its_row(query, images, signature):
    more = {"layer_predictions": {"image": images[:3]}, "top_filters": {"label": [0] * 3, "count": [1] * 3}}

    answer = query(signature, layer_index=[1, -1, 2], **more.get(signature, {}))

    assert answer.pop("valid").tolist() == [True, False, False]
    known = {"fields", "threshold", "layer_names", "label_names", "output_names"}  # of the whole network
    assert all((answer[name][1:] == neutral(name)).all() for name in answer if name not in known)


def test_inputs_of_different_lengths_are_refused(query, images):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="same number of rows"):
        query("filter_quality", layer_index=[0], filter_index=[0, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="same number of rows"):
        query("layer_predictions", image=images[:3], layer_index=[0])
