"""Small networks with every kind of unit, images of three labels, and an analysis of them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from fm_keras.analysis import Analysis, analyze
from fm_keras.data import Dataset, Split
from fm_keras.models.graph import rebuild, walk
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
