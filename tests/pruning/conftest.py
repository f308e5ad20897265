"""Small networks with every kind of unit, images of three labels, and an analysis of them."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from fm_keras.analysis import Analysis, LayerFilters, analyze
from fm_keras.data import Dataset, Split
from fm_keras.filters import find_clusters, threshold_fields
from fm_keras.models.graph import rebuild, walk
from fm_keras.pruning import ConnectionMasks, connection_masks
from fm_keras.pruning.masks.connections import connections_of
from fm_keras.pruning.surgery.dependencies import Dependencies
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import cut_points


@pytest.fixture
def network() -> keras.Model:
    """The network that was analyzed, to be changed at will."""
    return build_network(np.random.default_rng(0))


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """60 + 37 images whose brightness tells the label a little, some pixels negative."""
    rng = np.random.default_rng(1)

    def split(count: int) -> Split:
        labels = np.arange(count) % 3
        noise = rng.normal(size=(count, 8, 8, 2))
        return Split((noise + labels[:, None, None, None]).astype("float32"), labels)

    return Dataset("small", split(60), split(37), ("a", "b", "c"))


@pytest.fixture(scope="session")
def analyzed() -> keras.Model:
    """The same network, not to be changed."""
    return build_network(np.random.default_rng(0))


@pytest.fixture(scope="session")
def analysis(analyzed, dataset) -> Analysis:
    """Maps of 4 x 4 are pooled to 2 x 2 for the probes."""
    settings = AnalysisSettings(max_positions=9, batch_size=20)
    return analyze(analyzed, dataset, settings=settings, probe=ProbeSettings(epochs=3))


def build_network(rng: np.random.Generator) -> keras.Model:
    """A nested convolution with BatchNorm and pool, a residual add, a hidden Dense layer; not as they begin."""
    keras.utils.set_random_seed(0)
    inner = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(inner)
    norm = layers.BatchNormalization(name="bn")
    x = layers.ReLU()(norm(x))
    block = keras.Model(inner, layers.MaxPooling2D()(x), name="block")
    image = keras.Input((8, 8, 2))
    x = block(image)
    y = layers.Conv2D(4, 3, padding="same", name="side")(x)
    x = layers.ReLU(name="relu")(layers.Add(name="add")([x, y]))
    x = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten()(x))
    model = keras.Model(image, layers.Dense(3, name="out")(x), name="small")
    model.set_weights([rng.uniform(0.1, 1, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    norm.gamma.assign([-0.7, 0.3, 1.2, 0.5])
    return model


class Mask(keras.layers.Layer):
    """Silences units, literally."""

    def __init__(self, cut, units):
        super().__init__(name=f"mask_{cut.tensor}")
        mask = np.ones(cut.units, "float32")
        mask[units] = 0
        self.mask = mask.reshape(-1, *(1,) * len(cut.positions)) if cut.channels_first else mask

    def call(self, inputs):
        return inputs * self.mask


@pytest.fixture
def outputs_of():
    """All outputs of a model, in inference."""
    return lambda model, x: [ops.convert_to_numpy(each) for each in keras.tree.flatten(model(x, training=False))]


@pytest.fixture
def silenced(outputs_of):
    """Outputs of a network with some units of its cuts set to zero."""

    def run(model, x, removed):
        graph = walk(model)
        masks = {cut.tensor: Mask(cut, removed[cut.layer]) for cut in cut_points(model, layers=list(removed))}
        return outputs_of(rebuild(model, graph, list(graph.outputs), through=masks), x)

    return run


@pytest.fixture
def assert_alike():
    """Outputs that are equal to 1e-5 of the largest, and no constants."""

    def check(found, expected):
        for one, other in zip(found, expected, strict=True):
            assert np.ptp(other) > 0
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())

    return check


@pytest.fixture
def randomized(rng):
    """A model whose biases, scales and BatchNorm statistics are not as they begin."""

    def change(model):
        for weight in model.weights:
            low = 0.5 if weight.path.endswith(("variance", "gamma")) else -0.5
            if len(weight.shape) == 1:
                weight.assign(rng.uniform(low, 1.5 if low > 0 else 0.5, weight.shape))
        return model

    return change


@pytest.fixture
def third_of(rng):
    """A third of the units of every group that can go, at random; at least one is left."""

    def choose(groups, share=1 / 3):
        removed = {}
        for group in groups:
            if group.removable and len(group) > 1:
                units = rng.choice(len(group), max(1, int(len(group) * share)), replace=False)
                for path, channels in group.channels(units).items():
                    removed.setdefault(path, []).extend(channels)
        return removed

    return choose


@pytest.fixture
def labeled():
    """An analysis in which fields of given layers are known: by path, (U, K) share of the largest for each label."""

    def build(own):
        count = len(next(iter(own.values()))[0])
        return Analysis(
            label_names=tuple(f"label {number}" for number in range(count)),
            measured=tuple(_filters(layer, np.array(shares, "float32")) for layer, shares in own.items()),
            data="by hand",
            images=1,
            settings=AnalysisSettings(),
            probe=None,
        )

    return build


def _filters(layer: str, shares: np.ndarray) -> LayerFilters:
    fields = np.zeros((*shares.shape, shares.shape[1]), "float32")
    fields[:, 0, 1] = 1
    labels = np.arange(shares.shape[1])
    fields[:, labels, labels] = shares
    return LayerFilters(
        layer=layer,
        map="-",
        accuracy=np.nan,
        class_means=None,
        kernel=None,
        cluster_of=find_clusters(threshold_fields(fields, 0.3)),
        table=pd.DataFrame(),
        threshold=0.3,
        held=fields,
    )


@pytest.fixture
def connected(randomized) -> keras.Model:
    """Every kind of kernel that connects units, not as they begin; two labels."""
    keras.utils.set_random_seed(3)
    image = keras.Input((4, 4, 4), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = layers.Activation("tanh")(layers.BatchNormalization()(x))
    x = layers.Conv2D(6, 3, padding="same", groups=2, activation="tanh", name="grouped")(x)
    x = layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="tanh", name="separable")(x)
    x = layers.Conv2DTranspose(3, 2, activation="tanh", name="transposed")(x)
    x = layers.DepthwiseConv2D(2, depth_multiplier=2, name="depthwise")(x)
    x = layers.EinsumDense("abcd,ed->abce", (2, 2, 5), activation="tanh", name="einsum")(x)
    twice = layers.Dense(5, activation="tanh", name="twice")
    x = layers.Dense(4, name="hidden")(layers.Flatten()(twice(twice(x))))
    model = keras.Model(image, layers.Softmax()(layers.Dense(2, name="out")(x)), name="connected")
    return randomized(model)


@pytest.fixture
def connected_analysis(labeled, connected, rng) -> Analysis:
    """Two labels of the units of all layers of that network, at random; one unit has none."""
    own = {
        cut.layer: rng.choice([0.1, 0.2, 0.25, 0.4, 0.9], (cut.units, 2))
        for cut in cut_points(connected)
        if cut.kind != "depthwise"
    }
    own["hidden"][1] = 0
    return labeled(own)


@pytest.fixture
def half(connected) -> ConnectionMasks:
    """Masks that cut half of the connections of every layer of that network, at random."""
    rng = np.random.default_rng(4)
    shapes = {path: each.shape for path, each in connections_of(Dependencies(connected)).items()}
    return connection_masks(connected, {path: rng.random(shape) < 0.5 for path, shape in shapes.items()})
