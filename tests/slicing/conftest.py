"""A small network with every kind of chain, few images, and what the user's model must look like afterwards."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from hypothesis import strategies as st
from keras import layers, ops

from fm_keras.data import Dataset, Split

LABELS = ("a", "b", "c")


@pytest.fixture
def network(rng):
    """Two convolutions, a residual add and a hidden Dense layer on 8 x 8 images, away from its first weights."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = layers.Conv2D(4, 3, padding="same", name="conv1")(x)
    x = layers.BatchNormalization(name="bn1")(x)
    x = layers.ReLU(name="relu1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    y = layers.Conv2D(4, 3, padding="same", name="conv2")(x)
    x = layers.Activation("relu", name="relu2")(layers.Add(name="add")([x, y]))
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.5, name="drop")(layers.Dense(6, activation="relu", name="hidden")(x))
    model = keras.Model(image, layers.Dense(3, name="predictions")(x), name="small")
    model.set_weights([rng.uniform(0.2, 1.2, w.shape) if w.ndim == 1 else w for w in model.get_weights()])
    return model


@pytest.fixture
def activations():
    """Reads the user's own model at a layer: (N, *P, U)."""

    def read(model, layer, images):
        return keras.Model(model.input, model.get_layer(layer).output).predict(images, verbose=0, batch_size=16)

    return read


@pytest.fixture
def dataset(rng):
    """43 + 37 unbalanced images whose brightness tells the label a little."""

    def split(count):
        labels = np.sort(rng.choice(3, count, p=[0.6, 0.3, 0.1]))
        labels[:3] = range(3)
        return Split(
            rng.integers(0, 150, (count, 8, 8, 3), dtype=np.uint8)
            + np.uint8(40) * labels[:, None, None, None].astype(np.uint8),
            labels,
        )

    return Dataset("small", split(43), split(37), LABELS)


class Scale(layers.Layer):
    """Multiplies units by weights, at first one: the literal gate to check against."""

    def build(self, shape):
        self.factors = self.add_weight(shape=shape[-1:], initializer="ones")

    def call(self, x):
        return x * self.factors


@dataclass(frozen=True)
class Architecture:
    """A small random classifier: 6 x 6 images of two channels, three logits, channels last."""

    blocks: tuple[str, ...]
    head: str
    hidden: bool
    softmax: str
    sequential: bool
    smooth: bool = False
    homogeneous: bool = False

    def model(self) -> keras.Model:
        """The network as a user has it."""
        model = _Construction(self, lambda path, x: x).network(self.softmax)
        if self.sequential and set(self.blocks) <= set(CHAINS) and self.softmax != "operation":
            model = keras.Sequential([keras.Input((6, 6, 2)), *model.layers[1:]])
        self._give_weights(model)
        return model

    def literal(self) -> tuple[keras.Model, dict[str, Scale]]:
        """The same network up to its logits, with a Scale at every cut."""
        scales: dict[str, Scale] = {}

        def gate(path, x):
            scales[path] = Scale(name=f"scale_{len(scales)}")
            return scales[path](x)

        model = _Construction(self, gate).network("none")
        self._give_weights(model)
        return model, scales

    def _give_weights(self, model):
        rng = np.random.default_rng(0)
        for weight in model.weights:
            if "scale_" in weight.path:
                continue
            low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.8, 0.8)
            values = rng.uniform(low, high, weight.shape)
            weight.assign(0 * values if self.homogeneous and weight.name == "moving_mean" else values)


CHAINS = ("conv", "normalized", "pooled", "depthwise", "nested")
BLOCKS = (*CHAINS, "residual", "concatenated", "shared", "attention")


class _Construction:
    """Makes the layers of an architecture; `gate(path, x)` is called at every cut."""

    def __init__(self, architecture, gate):
        self.of, self.gate = architecture, gate
        self.activation = "silu" if architecture.smooth else "relu"
        self.biased = not architecture.homogeneous

    def network(self, softmax):
        image = x = keras.Input((6, 6, 2))
        for number, block in enumerate(self.of.blocks):
            x = getattr(self, block)(x, f"{block}{number}")
        x = layers.Flatten()(x) if self.of.head == "flatten" else layers.GlobalAveragePooling2D()(x)
        if self.of.hidden:
            x = self.gate("hidden", layers.Dense(4, self.activation, use_bias=self.biased, name="hidden")(x))
        inside = softmax if softmax in ("softmax", "log_softmax") else None
        x = layers.Dense(3, inside, use_bias=self.biased, name="out")(x)
        behind = {"layer": layers.Softmax(), "Activation": layers.Activation("softmax"), "operation": ops.softmax}
        return keras.Model(image, behind[softmax](x) if softmax in behind else x, name="drawn")

    def make(self, x, name, filters=3, activation=True):
        kind = self.activation if activation else None
        return layers.Conv2D(filters, 3, padding="same", activation=kind, use_bias=self.biased, name=name)(x)

    def conv(self, x, name):
        return self.gate(name, self.make(x, name))

    def normalized(self, x, name):
        x = layers.BatchNormalization(center=self.biased)(self.make(x, name, activation=False))
        return self.gate(name, layers.Activation(self.activation)(x))

    def pooled(self, x, name):
        pool = layers.AveragePooling2D if self.of.smooth else layers.MaxPooling2D
        return self.gate(name, pool(2, padding="same")(self.make(x, name)))

    def depthwise(self, x, name):
        made = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=self.biased, name=name)(x)
        return self.gate(name, layers.Activation(self.activation)(layers.AveragePooling2D(1)(made)))

    def nested(self, x, name):
        inner = keras.Input(x.shape[1:])
        made = self.gate(f"{name}/conv", self.make(inner, "conv"))
        return keras.Model(inner, made, name=name)(x)

    def residual(self, x, name):
        made = self.gate(f"{name}_side", self.make(x, f"{name}_side", x.shape[-1]))
        return self.gate(name, layers.Activation(self.activation)(layers.Add(name=name)([x, made])))

    def concatenated(self, x, name):
        parts = [self.gate(f"{name}_{part}", self.make(x, f"{name}_{part}", 2)) for part in "ab"]
        return self.gate(name, layers.Concatenate(name=name)(parts))

    def shared(self, x, name):
        layer = layers.Conv2D(x.shape[-1], 3, padding="same", use_bias=self.biased, name=name)
        x = self.gate(name, layers.Activation(self.activation)(layer(x)))
        return self.gate(f"{name}:2", layers.Activation(self.activation)(layer(x)))

    def attention(self, x, name):
        tokens = layers.Reshape((x.shape[1] * x.shape[2], x.shape[3]))(x)
        x = self.gate(name, layers.MultiHeadAttention(2, 3, use_bias=self.biased, name=name)(tokens, tokens))
        return layers.Reshape((1, *x.shape[1:]))(x)


@pytest.fixture(scope="session")
def architecture():
    """One architecture by its parts."""
    return Architecture


@pytest.fixture(scope="session")
def architectures():
    """Strategy of random architectures: smooth ones have no kinks; homogeneous ones no biases, shifts or attention."""

    def strategy(**options):
        names = [name for name in BLOCKS if name != "attention" or not options.get("homogeneous")]
        return st.builds(
            Architecture,
            blocks=st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple),
            head=st.sampled_from(["flatten", "average"]),
            hidden=st.booleans(),
            softmax=st.sampled_from(["none", "softmax", "log_softmax", "layer", "Activation", "operation"]),
            sequential=st.booleans(),
            **{name: st.just(value) for name, value in options.items()},
        )

    return strategy
