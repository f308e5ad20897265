"""A layer called by itself does as it does in inference."""

import numpy as np
from keras import layers, ops

from fm_keras.models.inference import in_inference


def test_random_layers_leave_images_alone_whatever_a_call_says(rng):
    images = rng.normal(size=(3, 8, 8, 1)).astype("float32")
    moving = layers.RandomTranslation(0.5, 0.5)
    assert np.ptp(ops.convert_to_numpy(moving(images)) - images) > 0
    np.testing.assert_array_equal(in_inference(moving)(images), images)
    np.testing.assert_array_equal(in_inference(layers.Dropout(0.5))(images, training=True), images)


def test_what_knows_no_training_is_called_as_it_is(rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(in_inference(layers.ReLU())(x), np.maximum(x, 0))
    assert in_inference(relu := layers.ReLU()) is relu
