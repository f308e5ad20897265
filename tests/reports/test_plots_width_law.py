import numpy as np
import pandas as pd
import pytest

from fm_keras.reports import plots


@pytest.fixture
def table():
    frame = pd.DataFrame({"layer": ["conv1", "conv2", "conv3"], "product": [40.0, 40.0, 20.0]})
    return frame.assign(deviation=frame["product"] / 40 - 1)


def lines(axes):
    return {line.get_label(): line.get_ydata() for line in axes.lines if not line.get_label().startswith("_")}


def test_the_products_are_a_line_through_the_layers_and_zero_is_seen(table):
    (axes,) = plots.width_law(table, "mine").axes

    np.testing.assert_array_equal(lines(axes)["as it is"], [40, 40, 20])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["conv1", "conv2", "conv3"]
    assert axes.get_ylim() == (0, pytest.approx(44))
    assert axes.get_legend() is None


def test_the_proposal_is_a_second_line_with_its_deviation_in_words(table):
    proposed = table.assign(product=50.0, deviation=0.0)

    picture = plots.width_law(table, "mine", proposed=proposed)

    np.testing.assert_array_equal(lines(picture.axes[0])["by the law"], [50, 50, 50])
    words = " ".join(text.get_text() for text in picture.texts)
    assert "off the law: 28.9% as it is, 0.0% by the law" in words
