"""What is left of a layer's weights is what belongs to the units that stay."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.pruning import remove_units, unit_groups


@pytest.fixture
def cut(randomized):
    """The layer 'odd' before and after units of its neighbors and of itself go."""

    def run(layer, removed, shape=(6, 6, 2)):
        image = keras.Input(shape)
        x = layer(layers.Conv2D(4, 1, name="before")(image))
        x = layers.Conv2D(3, 1, name="after")(x)
        model = randomized(keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x))))
        pruned = remove_units(model, removed).model
        return [[ops.convert_to_numpy(each) for each in net.get_layer("odd").weights] for net in (model, pruned)]

    return run


IN, OUT = [0, 2, 3], [0, 1, 4]
BOTH = {"before": [1], "odd": [2, 3]}


def test_a_convolution_loses_slices_of_what_it_reads_and_makes(cut):
    (kernel, bias), (small, rest) = cut(layers.Conv2D(5, 3, name="odd"), BOTH)
    np.testing.assert_array_equal(small, kernel[:, :, IN][..., OUT])
    np.testing.assert_array_equal(rest, bias[OUT])


def test_a_transposed_convolution_has_its_axes_the_other_way_round(cut):
    (kernel, bias), (small, rest) = cut(layers.Conv2DTranspose(5, 3, name="odd"), BOTH)
    np.testing.assert_array_equal(small, kernel[:, :, OUT][..., IN])
    np.testing.assert_array_equal(rest, bias[OUT])


def test_a_separable_convolution_loses_from_both_kernels(cut):
    layer = layers.SeparableConv2D(5, 3, depth_multiplier=2, name="odd")
    (depthwise, pointwise, bias), (small, point, rest) = cut(layer, BOTH)
    np.testing.assert_array_equal(small, depthwise[:, :, IN])
    np.testing.assert_array_equal(point, pointwise[:, :, [0, 1, 4, 5, 6, 7]][..., OUT])
    np.testing.assert_array_equal(rest, bias[OUT])


def test_a_depthwise_convolution_loses_whole_channels(cut):
    layer = layers.DepthwiseConv2D(3, depth_multiplier=2, name="odd")
    (kernel, bias), (small, rest) = cut(layer, {"before": [1], "odd": [2, 3]})
    np.testing.assert_array_equal(small, kernel[:, :, IN])
    np.testing.assert_array_equal(rest, bias[[0, 1, 4, 5, 6, 7]])


def test_a_grouped_convolution_loses_the_same_places_of_all_groups(cut):
    layer = layers.Conv2D(6, 3, groups=2, name="odd")
    (kernel, bias), (small, rest) = cut(layer, {"before": [1, 3], "odd": [0, 3]})
    np.testing.assert_array_equal(small, kernel[:, :, [0]][..., [1, 2, 4, 5]])
    np.testing.assert_array_equal(rest, bias[[1, 2, 4, 5]])


def test_batch_norm_loses_scale_shift_and_statistics(cut):
    whole, small = cut(layers.BatchNormalization(name="odd"), {"before": [1]})
    for before, after in zip(whole, small, strict=True):
        np.testing.assert_array_equal(after, before[IN])


@pytest.mark.parametrize(("shared", "expected"), [(None, (6, 6, 3)), ((1, 2), (1, 1, 3)), ((3,), (6, 6, 1))])
def test_prelu_loses_the_slopes_of_the_units(cut, shared, expected):
    layer = layers.PReLU(alpha_initializer="glorot_uniform", shared_axes=shared, name="odd")
    (slopes,), (rest,) = cut(layer, {"before": [1]})
    assert rest.shape == expected
    np.testing.assert_array_equal(rest, slopes[..., IN] if expected[-1] == 3 else slopes)


@pytest.mark.parametrize(("equation", "shape"), [("abcd,de->abce", (6, 6, 5)), ("...d,ed->...e", 5)])
def test_an_einsum_over_the_last_axis_is_a_dense_layer(cut, equation, shape):
    layer = layers.EinsumDense(equation, output_shape=shape, bias_axes="e", name="odd")
    (kernel, bias), (small, rest) = cut(layer, BOTH)
    expected = kernel[IN][:, OUT] if equation.endswith("abce") else kernel[OUT][:, IN]
    np.testing.assert_array_equal(small, expected)
    np.testing.assert_array_equal(rest, bias[OUT])


def test_an_einsum_with_more_than_a_matrix_stays_whole():
    image = keras.Input((4, 3))
    x = layers.EinsumDense("abc,cde->abde", output_shape=(4, 2, 5), name="heads")(layers.Dense(4, name="dense")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    assert {group.name: group.reason for group in unit_groups(model)} == dict.fromkeys(
        ["dense", "heads"], "heads (EinsumDense) multiplies by more than one matrix"
    )


def test_a_constant_behind_a_silent_unit_goes_into_a_bias_that_was_not_there():
    image = keras.Input((2,))
    x = layers.Dense(2, name="dense")(image)
    bent = layers.BatchNormalization(beta_initializer="ones")(x)
    reader = layers.Dense(2, use_bias=False, name="reader")
    model = keras.Model(image, layers.Dense(1)(layers.Concatenate(name="both")([reader(bent), x])))
    reader.kernel.assign([[1, 2], [3, 4]])
    small = remove_units(model, {"dense": [1]}).model.get_layer("reader")
    np.testing.assert_allclose(small.kernel, [[1, 2]])
    np.testing.assert_allclose(small.bias, [3, 4])


def test_a_layer_with_weights_of_another_making_stays_whole():
    image = keras.Input((4,))
    adapted = layers.Dense(5, name="adapted")
    model = keras.Model(image, layers.Dense(2)(adapted(layers.Dense(3, name="before")(image))))
    adapted.enable_lora(2)
    reasons = {group.name: group.reason for group in unit_groups(model)}
    assert reasons["before"] == "adapted (Dense) has weights that surgery does not know, such as those of quantization"
