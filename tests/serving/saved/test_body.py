"""Networks of every kind, called as an export calls them, against what Python says."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.errors import InvalidInput
from fm_keras.pruning import remove_units
from fm_keras.serving.saved.body import Body
from fm_keras.serving.saved.check import check_export
from fm_keras.serving.saved.python_answers import PythonAnswers
from fm_keras.serving.saved.queries import Knowledge
from fm_keras.serving.saved.requests import example_requests
from fm_keras.serving.saved.signatures import make_signatures

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("tensorflow_backend")]


@dataclass
class Unsaved:
    """Signatures that are called as those of a SavedModel, without one."""

    signatures: dict


def answers_as_python_does(model, analysis, *, preprocess=None, outputs=None):
    """Names of the signatures, after all of them answered as Python does."""
    body = Body(model, analysis, preprocess)
    knowledge = Knowledge(analysis, outputs or [str(number) for number in range(body.outputs)])
    made = make_signatures(body, knowledge)
    called = {
        name: lambda made=each, **inputs: made.function(*[inputs[spec.name] for spec in made.inputs])
        for name, each in made.items()
    }
    requests = example_requests(
        list(made), body.image_specs(), knowledge.units, len(analysis.label_names), rows=6, rng=np.random.default_rng(0)
    )
    check_export(Unsaved(called), requests, PythonAnswers(model, analysis, preprocess))
    return list(made)


def picture_network(shape=(6, 6, 3), end=None, outputs=3):
    image = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dense(outputs, activation=end if isinstance(end, str) else None, name="out")(x)
    return keras.Model(image, x if end is None or isinstance(end, str) else end(x))


def nested():
    block = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(3, 2, name="conv"), layers.ReLU()], name="block")
    return keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), block, layers.Flatten(), layers.Dense(3)]
    )


@pytest.mark.parametrize(
    "model",
    [
        lambda: picture_network(end="softmax"),
        lambda: picture_network(end=layers.Softmax()),
        lambda: picture_network(end="log_softmax"),
        lambda: picture_network(shape=(6, 6, 1)),
        nested,
    ],
    ids=["softmax", "softmax layer", "log softmax", "gray", "nested"],
)
def test_classifiers_of_pictures_answer_every_signature(model, random_analysis):
    model = model()

    assert len(answers_as_python_does(model, random_analysis(model))) == 10


def test_a_network_of_many_outputs_may_be_measured_on_fewer_labels(random_analysis):
    model = picture_network(outputs=40)

    assert len(answers_as_python_does(model, random_analysis(model, labels=3))) == 10


def test_a_map_that_is_pooled_for_the_probe_is_pooled_inside(random_analysis):
    model = picture_network(shape=(10, 10, 3))

    assert "layer_predictions" in answers_as_python_does(model, random_analysis(model, max_positions=5))


def test_images_are_preprocessed_as_when_they_were_measured(random_analysis):
    model = picture_network()
    preprocess = keras.applications.imagenet_utils.preprocess_input
    analysis = random_analysis(model)

    assert answers_as_python_does(model, analysis, preprocess=preprocess)
    image = keras.ops.full((1, 6, 6, 3), 100.0)
    plain, prepared = (np.array(Body(model, analysis, each).logits([image])) for each in (None, preprocess))
    assert not np.allclose(plain, prepared, atol=1e-3)
    np.testing.assert_allclose(prepared, model(preprocess(image)), atol=1e-5)


def test_vectors_of_numbers_have_no_picture_signature(random_analysis):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, "relu", name="hidden"), layers.Dense(3)])

    signatures = answers_as_python_does(model, random_analysis(model))

    assert "classify" in signatures and "image_bytes" not in signatures


def test_whole_numbers_are_taken_as_such(random_analysis):
    token = keras.Input((7,), dtype="int32")
    x = layers.Conv1D(4, 2, activation="relu", name="conv")(layers.Embedding(2, 3)(token))
    model = keras.Model(token, layers.Dense(3)(layers.Flatten()(x)))

    assert "classify" in answers_as_python_does(model, random_analysis(model))


@pytest.mark.parametrize("structure", [dict, list])
def test_several_inputs_keep_their_names(structure, random_analysis):
    inputs = {"right": keras.Input((4,), name="right"), "left": keras.Input((3,), name="left")}
    both = layers.Concatenate()([inputs["left"], inputs["right"]])
    x = layers.Dense(5, "relu", name="hidden")(both)
    given = inputs if structure is dict else list(inputs.values())
    model = keras.Model(given, layers.Dense(3)(x))
    analysis = random_analysis(model)

    answers_as_python_does(model, analysis)

    assert sorted(spec.name for spec in Body(model, analysis).image_specs()) == ["left", "right"]


def test_images_of_any_size_are_taken_by_a_network_of_any_size(random_analysis):
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    model = keras.Model(image, layers.Dense(3)(layers.Dense(6, "relu", name="hidden")(x)))

    signatures = answers_as_python_does(model, random_analysis(model))

    assert "classify" not in signatures and "image_bytes" not in signatures


def test_network_fields_alone_leave_out_what_needs_a_probe(measured):
    signatures = answers_as_python_does(measured.model, measured.analysis.network)

    assert not {"layer_predictions", "filter_response"}.intersection(signatures)
    assert {"filter_quality", "filter_field", "top_filters"} <= set(signatures)


def test_a_pruned_network_answers_for_the_units_that_it_kept(random_analysis):
    pruned = remove_units(picture_network(), {"conv": [1, 2]}).model

    analysis = random_analysis(pruned)

    assert len(analysis["conv"]) == 2
    assert len(answers_as_python_does(pruned, analysis)) == 10


def test_the_model_is_left_as_it_was(random_analysis):
    model = picture_network(end="softmax")
    before = [weight.numpy().copy() for weight in model.weights]

    answers_as_python_does(model, random_analysis(model))

    assert all((weight.numpy() == old).all() for weight, old in zip(model.weights, before))
    assert model.trainable and model.get_layer("out").activation is keras.activations.softmax


def test_an_analysis_of_another_network_is_refused(random_analysis, message_of):
    model, other = picture_network(shape=(6, 6, 3)), picture_network(shape=(8, 8, 3))

    message = message_of(Body, model, random_analysis(other))

    assert "Layer 'conv' of model" in message and "the analysis is of another network" in message


def test_an_input_with_the_name_of_an_index_is_refused(random_analysis):
    inputs = [keras.Input((3,), name="layer_index"), keras.Input((3,), name="other")]
    x = layers.Dense(5, "relu", name="hidden")(layers.Concatenate()(inputs))
    model = keras.Model(inputs, layers.Dense(3)(x))

    with pytest.raises(InvalidInput, match="has an input called 'layer_index'"):
        Body(model, random_analysis(model))
