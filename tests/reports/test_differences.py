import numpy as np
import pandas as pd
import pytest

from fm_keras.reports.compare import compare
from fm_keras.reports.differences import largest_differences, say_differences

_MEASURES = ("snr", "noise", "n_clusters", "cluster_size", "accuracy", "dead")


@pytest.fixture
def changed():
    """Two layers, a and b, of which some measures differ from a first network where all are 1."""

    def make(**measures):
        table = {"layer": ["a", "b"]}
        for measure in _MEASURES:
            here = np.array(measures.get(measure, [1.0, 1.0]))
            with np.errstate(invalid="ignore"):
                table |= {measure: here, f"{measure}_first": [1.0, 1.0], f"{measure}_change": here - 1}
        return pd.DataFrame(table)

    return make


def test_measures_are_ordered_by_their_largest_relative_difference(changed):
    found = largest_differences(changed(snr=[2.0, 1.0], noise=[1.0, 0.2], accuracy=[0.9, 0.7]))

    assert [(each.measure, each.layer) for each in found] == [("noise", "b"), ("snr", "a"), ("accuracy", "b")]
    assert [each.size for each in found] == pytest.approx([0.8, 0.5, 0.3])


def test_a_step_to_infinity_is_the_largest_difference_and_what_is_missing_is_none(changed):
    found = largest_differences(changed(snr=[1.1, np.inf], cluster_size=[np.nan, 1.0]))

    assert [(each.measure, each.layer, each.size) for each in found] == [("snr", "b", 1.0)]
    assert str(found[0]) == "in b (∞ instead of 1.00)"


def test_networks_that_are_the_same_are_said_to_be(made_up):
    analysis = made_up()

    (said,) = say_differences(compare({"a": analysis, "b": analysis}))

    assert said == (
        "b against a: no layer differs in any measure. "
        "Every filter has its equal; 100% of all matched filters have the same clusters."
    )


def test_the_largest_difference_and_the_matches_are_said_for_every_network(made_up):
    comparison = compare({name: made_up(both=False) for name in "abc"})

    said = say_differences(comparison)

    assert [text.split(":")[0] for text in said] == ["b against a", "c against a"]
    for text in said:
        assert " most, in " in text
        assert "Compared with chance, matched filters are most alike in " in text
