"""LeNet-5 and its generalization."""

import pytest

from fm_keras.models import ModelSpec, build_model


def test_lenet5_has_its_61706_parameters():
    assert build_model(ModelSpec(name="lenet5", image_shape=(32, 32, 1))).count_params() == 61_706


@pytest.mark.parametrize(("width", "second"), [(1, 3), (6, 16), (12, 32), (24, 64)])
def test_the_second_convolution_grows_with_the_first(width, second):
    model = build_model(ModelSpec(name="lenet", width=width))
    assert [model.get_layer(name).filters for name in ("conv1", "conv2")] == [width, second]


def test_the_ratio_of_the_convolutions_and_the_dense_widths_are_parameters():
    model = build_model(ModelSpec(name="lenet", width=4, depth_ratio=1.5, dense_widths=(20, 9)))
    assert [model.get_layer(name).filters for name in ("conv1", "conv2")] == [4, 6]
    assert [model.get_layer(name).units for name in ("fc1", "fc2")] == [20, 9]


def test_a_tiny_ratio_leaves_one_filter():
    assert build_model(ModelSpec(name="lenet", width=1, depth_ratio=0.1)).get_layer("conv2").filters == 1


def test_lenet_has_an_activation_after_every_layer_but_the_last():
    names = [layer.name for layer in build_model(ModelSpec(name="lenet5")).layers]
    assert names[2:] == [
        *("conv1", "conv1_relu", "pool1", "conv2", "conv2_relu", "pool2", "flatten"),
        *("fc1", "fc1_relu", "fc2", "fc2_relu", "predictions"),
    ]
