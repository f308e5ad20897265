import numpy as np
import pandas as pd
import pytest

from fm_keras.errors import InvalidInput
from fm_keras.reports import plots


def course(over, values, layers=("input", "conv", "fc")):
    """A row for each value and layer; n3 is a tenth of the layer's number and a hundredth of the value's."""
    rows = [
        {over: value, "layer": layer, "points": 50, "n3": depth / 10 + number / 100, "n3_low": 0.0, "n3_high": 0.5}
        for number, value in enumerate(values)
        for depth, layer in enumerate(layers)
    ]
    return pd.DataFrame(rows).assign(failed="")


def test_each_layer_is_a_line_over_the_epochs_with_its_interval():
    picture = plots.complexity_course(course("epoch", [2, 1, 3]), "made up")

    axes, legend = picture.axes
    assert [text.get_text() for text in legend.get_legend().get_texts()] == ["input", "conv", "fc"]
    np.testing.assert_allclose(axes.lines[1].get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(axes.lines[1].get_ydata(), [0.11, 0.1, 0.12])
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0, 0.5)
    assert axes.get_xlabel() == "epoch"


def test_seeds_are_drawn_as_their_mean_and_range():
    picture = plots.complexity_course(course("width", [4, 4, 8]), "made up", over="width", layers=["conv"])

    (line,), (band,) = picture.axes[0].lines, picture.axes[0].collections
    np.testing.assert_allclose(line.get_ydata(), [0.105, 0.12])
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.1, 0.12))


def test_values_that_differ_by_factors_stand_on_a_logarithmic_scale_of_their_own():
    axes = plots.complexity_course(course("samples", [1000, 5000, 50000]), "made up", over="samples").axes[0]

    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1,000", "5,000", "50,000"]


def test_of_many_layers_six_are_drawn_evenly_through_the_depth():
    layers = ["input", *(f"conv{number}" for number in range(1, 16))]
    picture = plots.complexity_course(course("epoch", [1, 2], layers), "made up")

    names = [text.get_text() for text in picture.axes[-1].get_legend().get_texts()]
    assert names == ["input", "conv3", "conv6", "conv9", "conv12", "conv15"]


def test_what_cannot_be_drawn_is_named():
    table = course("epoch", [1, 2])
    with pytest.raises(InvalidInput, match="no numbers in 'width'"):
        plots.complexity_course(table, "made up", over="width")
    with pytest.raises(InvalidInput, match="no layer 'conv9'"):
        plots.complexity_course(table, "made up", layers=["conv9"])
