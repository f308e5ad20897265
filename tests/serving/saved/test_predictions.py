import io

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

pytestmark = pytest.mark.tensorflow


def png(image, kind="png"):
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, kind)
    return file.getvalue()


def test_predictions_are_the_networks_own(query, measured, images):
    answer = query("serving_default", image=images)

    logits = measured.model.predict(images, verbose=0)
    np.testing.assert_allclose(answer["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(answer["probabilities"], softmax(logits, axis=1), atol=1e-5)
    np.testing.assert_array_equal(answer["label"], logits.argmax(axis=1))


@pytest.mark.parametrize("broken", [np.nan, np.inf, 3e38])
def test_an_image_that_is_not_finite_is_marked_and_its_neighbors_are_not(query, images, broken):
    image = images[:3].copy()
    image[1] = broken

    answer = query("serving_default", image=image)
    asked = {"image": image, "layer_index": [0, 0, 1]}
    predicted, field = query("layer_predictions", **asked), query("filter_response", **asked, filter_index=[0, 0, 0])

    alone = query("serving_default", image=images[:3])
    assert answer["label"][[0, 2]].tolist() == alone["label"][[0, 2]].tolist()
    assert all(np.isfinite(values).all() for each in (answer, predicted, field) for values in each.values())
    if not np.isfinite(broken):
        assert answer["label"][1] == -1
        assert not answer["logits"][1].any() and not answer["probabilities"][1].any()
        assert predicted["valid"].tolist() == field["valid"].tolist() == [True, False, True]


def test_a_picture_is_decoded_inside(query, images):
    plain = query("serving_default", image=images[:4])

    answer = query("image_bytes", image_bytes=[png(image) for image in images[:4]])

    for name in plain:
        np.testing.assert_allclose(answer[name], plain[name], atol=1e-5)


def test_a_picture_of_another_size_is_resized_bilinearly(query, rng):
    large = rng.integers(0, 256, (9, 6, 3)).astype(np.uint8)

    answer = query("image_bytes", image_bytes=[png(large)])

    small = keras.ops.image.resize(large[None].astype("float32"), (4, 4), antialias=False)
    np.testing.assert_allclose(answer["logits"], query("serving_default", image=small)["logits"], atol=1e-5)


def test_gray_pictures_transparent_ones_and_jpegs_are_taken_by_a_network_of_color(query, rng):
    gray = rng.integers(0, 256, (4, 4)).astype(np.uint8)
    color = np.repeat(gray[..., None], 3, axis=2)
    transparent = np.concatenate([color, np.full((4, 4, 1), 255, np.uint8)], axis=2)

    answer = query("image_bytes", image_bytes=[png(gray), png(transparent), png(color), png(color, "jpeg")])

    for row in (1, 2):
        np.testing.assert_allclose(answer["logits"][row], answer["logits"][0], atol=1e-5)
    assert answer["label"][3] >= 0


def test_what_is_no_picture_is_refused(query):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError):
        query("image_bytes", image_bytes=[b"no picture"])


def example(**features):
    import tensorflow as tf

    made = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        if isinstance(value, bytes)
        else tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(value)))
        for name, value in features.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def test_classify_takes_pixels_or_a_picture_and_names_every_label_with_its_score(query, images):
    answer = query("classify", inputs=[example(image=images[0]), example(image_bytes=png(images[1]))])

    assert answer["classes"].tolist() == [[b"top", b"middle", b"<b>"]] * 2
    scores = query("serving_default", image=images[:2])["probabilities"]
    np.testing.assert_allclose(answer["scores"], scores, atol=1e-5)


@pytest.mark.parametrize("features", [{}, {"image": np.zeros(47)}, {"image": np.zeros(49)}, {"image_bytes": b"GIF"}])
def test_an_example_without_a_whole_image_is_refused(query, images, features):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError):
        query("classify", inputs=[example(image=images[0]), example(**features)])


def test_the_mean_response_of_a_filter_to_a_labels_images_is_that_row_of_its_field(query, measured, images):
    labels = measured.dataset.test.labels
    for layer, unit in [(0, 3), (1, 6)]:
        pairs = [(layer, unit)] * len(images)

        response = query("filter_response", pairs, image=images)["field"]

        field = measured.analysis.measured[layer].fields[unit]
        means = [response[labels == label].mean(axis=0) for label in range(3)]
        np.testing.assert_allclose(means, field, atol=1e-5)


def test_the_responses_of_all_filters_add_up_to_the_prediction_of_their_layer(query, images):
    logits = query("layer_predictions", image=images[:2], layer_index=[0, 1])["logits"]

    for row, (layer, units) in enumerate([(0, 5), (1, 7)]):
        pairs = [(layer, unit) for unit in range(units)]
        parts = query("filter_response", pairs, image=np.repeat(images[row : row + 1], units, axis=0))["field"]
        np.testing.assert_allclose(parts.sum(axis=0), logits[row], atol=1e-5)


def test_rows_of_one_request_may_ask_different_layers_in_any_order(query, images):
    layers = [1, 0, 0, 1, 0]

    together = query("layer_predictions", image=images[:5], layer_index=layers)["logits"]

    alone = [
        query("layer_predictions", image=images[row : row + 1], layer_index=[layer])["logits"][0]
        for row, layer in enumerate(layers)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-5)
