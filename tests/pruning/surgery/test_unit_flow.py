"""Every channel of every tensor carries one unit, and silent units have the value that the layers make of zero."""

import keras
import numpy as np
import pytest
from keras import layers

from fm_keras.models.graph import walk
from fm_keras.pruning.surgery.unit_flow import UnitFlow
from fm_keras.slicing import cut_points


@pytest.fixture
def flow_of():
    def follow(model):
        graph = walk(model)
        return graph, UnitFlow(graph, cut_points(model))

    return follow


@pytest.fixture
def forked():
    """A convolution read by BatchNorm and ReLU, and by an add."""
    image = keras.Input((4, 4, 2))
    x = layers.Conv2D(3, 1, name="conv")(image)
    norm = layers.BatchNormalization(name="norm", epsilon=0)
    y = layers.ReLU(name="relu")(norm(x))
    norm.beta.assign([0.5, -1, 2])
    x = layers.Add(name="add")([x, layers.Conv2D(3, 1, name="side")(y)])
    return keras.Model(image, layers.Dense(2, name="out")(layers.Flatten(name="flatten")(x)))


def test_every_channel_of_every_tensor_carries_a_unit(flow_of, network, forked):
    for model in (network, forked):
        graph, flow = flow_of(model)
        for call in graph.calls:
            for key, shape in zip(call.outputs, call.output_shapes):
                carried = flow.carried[key]
                assert len(carried.units) == len(carried.silent) == shape[carried.axis]


def test_constants_behind_a_fork_are_what_the_layers_make_of_zero(flow_of, forked):
    graph, flow = flow_of(forked)
    silent = {call.path: flow.carried[call.outputs[0]].silent for call in graph.calls}
    np.testing.assert_allclose(silent["norm"], [0.5, -1, 2])
    np.testing.assert_allclose(silent["relu"], [0.5, 0, 2])
    assert not silent["conv"].any()
    assert not silent["add"].any()


def test_units_pass_layers_that_make_none_and_are_repeated_by_flattening(flow_of, forked):
    graph, flow = flow_of(forked)
    units = {call.path: flow.carried[call.outputs[0]].units for call in graph.calls}
    np.testing.assert_array_equal(units["relu"], units["conv"])
    np.testing.assert_array_equal(units["flatten"], np.tile(units["add"], 16))
    assert not np.intersect1d(units["conv"], units["side"]).size


def test_units_that_meet_are_linked_and_inputs_and_outputs_stay(flow_of, forked):
    graph, flow = flow_of(forked)
    units = {call.path: flow.carried[call.outputs[0]].units for call in graph.calls}
    linked = {pair for one, other in flow.links for pair in zip(one.tolist(), other.tolist())}
    assert linked == set(zip(units["conv"].tolist(), units["side"].tolist()))
    assert set(flow.whole) == {*flow.carried[graph.inputs[0]].units.tolist(), *units["out"].tolist()}
    assert flow.follows == {"add"}
