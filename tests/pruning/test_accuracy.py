"""Accuracy and loss as Keras itself finds them, and a model that is left as it was."""

import keras
import numpy as np
import pytest

from fm_keras.hashes import model_hash
from fm_keras.pruning.accuracy import evaluate


@pytest.mark.parametrize("probabilities", [False, True])
def test_accuracy_and_loss_are_those_of_keras(network, dataset, probabilities):
    model = network
    if probabilities:
        model = keras.Model(network.input, keras.layers.Softmax()(network.output))
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    other.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=not probabilities), metrics=["accuracy"])
    loss, accuracy = other.evaluate(dataset.test.images, dataset.test.labels, verbose=0)

    found = evaluate(model, dataset.test)

    assert found == (pytest.approx(accuracy), pytest.approx(loss, rel=1e-4))


def test_preprocessing_is_applied(network, dataset):
    black = evaluate(network, dataset.test, preprocess=lambda x: x * 0.0)

    logits = np.asarray(keras.ops.convert_to_numpy(network(np.zeros((1, 8, 8, 2), "float32"))))
    assert black[0] == pytest.approx((dataset.test.labels == logits.argmax()).mean())


def test_the_model_is_left_uncompiled_and_unchanged(network, dataset):
    before = model_hash(network)
    evaluate(network, dataset.test)
    assert model_hash(network) == before
    assert not network.compiled


def test_progress_ends_with_the_accuracy(network, dataset):
    steps = []
    accuracy, _ = evaluate(network, dataset.test, name="cut", progress=steps.append)
    assert (steps[-1].stage, steps[-1].done, steps[-1].total) == ("cut", 1, 1)
    assert steps[-1].note == f"test accuracy {accuracy:.3f}"
