"""A small measured network and its export; a toy model of all kinds of signatures, and the server that hosts it."""

import json
import shutil
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import keras
import numpy as np
import pytest

import fm_keras
from fm_keras.analysis import Analysis
from fm_keras.analysis.measure import measure_layer
from fm_keras.data import Dataset, Split
from fm_keras.settings import AnalysisSettings, ProbeSettings
from fm_keras.slicing import Probe, cut_points, probe_positions


@dataclass(frozen=True, eq=False)
class Measured:
    model: keras.Model
    analysis: Analysis
    dataset: Dataset


@pytest.fixture(scope="session")
def measured() -> Measured:
    """Three labels of 4 x 4 images in color; a convolution and a Dense layer; probe fields, network fields, quality."""
    keras.utils.set_random_seed(0)
    rng, layers = np.random.default_rng(0), keras.layers
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3), name="pixels"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(5, 3, padding="same", name="conv"),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(7, activation="relu", name="hidden"),
            layers.Dense(3, name="out"),
        ],
        name="tiny",
    )
    labels = np.arange(60) % 3
    images = rng.integers(0, 256, (60, 4, 4, 3)).astype(np.uint8)
    images[np.arange(60), labels] //= 4  # a dark row for each label
    dataset = Dataset(
        "rows", Split(images[:36], labels[:36]), Split(images[36:], labels[36:]), ("top", "middle", "<b>")
    )
    analysis = fm_keras.analyze(model, dataset, fields="both", probe=ProbeSettings(epochs=1))
    return Measured(model, analysis, dataset)


@pytest.fixture(scope="session")
def tensorflow_backend() -> None:
    """Skips what only the TensorFlow backend does."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is written by the TensorFlow backend")
    pytest.importorskip("tensorflow_serving")


@pytest.fixture(scope="session")
def served(tensorflow_backend, measured, tmp_path_factory) -> Path:
    """A folder of served models with one version of `tiny`."""
    folder = tmp_path_factory.mktemp("served")
    fm_keras.export(measured.model, measured.analysis, to=folder, name="tiny")
    return folder


@pytest.fixture
def random_analysis(rng):
    """An analysis of a model with random probes: what it says is wrong, and whole."""

    def make(model, labels=3, **settings) -> Analysis:
        settings = AnalysisSettings(**settings)
        measured = []
        for cut in cut_points(model):
            shape = (*probe_positions(cut, settings.max_positions), cut.units)
            kernel = rng.normal(size=(*shape, labels)).astype(np.float32)
            means = rng.normal(size=(labels, *shape)).astype(np.float32)
            measured.append(measure_layer(cut, Probe(cut.layer, kernel, 0.5, 0.5), means, settings))
        names = tuple(f"label {number}" for number in range(labels))
        return Analysis(names, tuple(measured), "random", 9, settings, ProbeSettings())

    return make


@dataclass(frozen=True)
class Answer:
    """What a REST server said."""

    status: int
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self) -> str:
        assert list(self.json) == ["error"]
        return self.json["error"]


@pytest.fixture(scope="session")
def toys(tmp_path_factory) -> Path:
    """Versions 1, 2 and 3 of a model that multiplies by its version, to be copied."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: the embedded server needs it")
    pytest.importorskip("tensorflow_serving")
    folder = tmp_path_factory.mktemp("toys")
    for version in (1, 2, 3):
        write_toy(folder / str(version), version)
    return folder


def write_toy(path: Path, factor: int) -> None:
    """A SavedModel of all kinds of signatures, by TensorFlow alone."""
    import tensorflow as tf

    def takes(**specs):
        return tf.function(input_signature=[tf.TensorSpec(*spec, name=name) for name, spec in specs.items()])

    def examples(inputs):
        features = {"x": tf.io.FixedLenFeature([], tf.float32), "tag": tf.io.FixedLenFeature([], tf.string, "")}
        return tf.io.parse_example(inputs, features)

    class Toy(tf.Module):
        @takes(x=([None, 3], tf.float32))
        def triple(self, x):
            return {"y": x * self.scale}

        @takes(a=([None], tf.int32), b=([None], tf.float32))
        def pair(self, a, b):
            total = tf.cast(a, tf.float32) + b
            return {"total": total, "label": tf.strings.as_string(a), "many": total[:, None] * [1.0, 2.0]}

        @takes(s=([None], tf.string))
        def text(self, s):
            return {"echo": s, "echo_bytes": s}

        @takes(x=([None], tf.float32))
        def inverse(self, x):
            return {"y": 1.0 / x}

        @takes(x=([None], tf.float32))
        def mean(self, x):
            return {"mean": tf.reduce_mean(x)}

        @takes(x=([None], tf.float32))
        def uneven(self, x):
            return {"x": x, "twice": tf.concat([x, x], 0)}

        @takes(index=([None], tf.int32))
        def gather(self, index):
            return {"y": tf.gather([1.0, 2.0], index)}

        @takes(steps=([], tf.int32))
        def slow(self, steps):
            size = tf.ones([32, 32])
            return {"y": tf.while_loop(lambda i, _: i < steps, lambda i, x: (i + 1, x @ size / 32.0), (0, size))[1]}

        @takes(inputs=([None], tf.string))
        def classify(self, inputs):
            x = examples(inputs)["x"]
            return {
                "classes": tf.stack([tf.fill(tf.shape(x), "small"), examples(inputs)["tag"]], 1),
                "scores": tf.stack([x, x * self.scale], 1),
            }

        @takes(inputs=([None], tf.string))
        def regress(self, inputs):
            return {"outputs": examples(inputs)["x"] * self.scale}

        @tf.function(input_signature=[])
        def nothing(self):
            return {"scale": self.scale}

    toy = Toy()
    toy.scale = tf.Variable(float(factor))
    names = ("pair", "text", "inverse", "mean", "uneven", "gather", "slow", "classify", "regress", "nothing")
    signatures = {"serving_default": toy.triple} | {name: getattr(toy, name) for name in names}
    tf.saved_model.save(toy, str(path), signatures=signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(path))
    for name in ("classify", "regress"):
        updater.replace_method_name(signature_key=name, method_name=f"tensorflow/serving/{name}")
    updater.save(str(path))


@pytest.fixture
def host(toys):
    """Put a version of the toy where a server looks, as an exporter does: beside, then renamed."""

    def put(base: Path, version: int, *, toy: int | None = None) -> Path:
        beside = base / f".partial-{version}"
        shutil.copytree(toys / str(toy or version), beside)
        return beside.rename(base / str(version))

    return put


@pytest.fixture(scope="session")
def start(toys):
    """Start an embedded server at free ports; to be used with `with`."""
    pytest.importorskip("fastapi")
    from fm_keras.serving.server.server import Server
    from fm_keras.settings import ServeSettings

    def server(folder: Path, **settings):
        return Server(folder, ServeSettings(**{"rest_port": 0, "grpc_port": 0, "poll": 0.05, **settings}))

    return server


@pytest.fixture(scope="session")
def toy_server(toys, start, tmp_path_factory):
    """A server of the toy, versions 1 and 2, which are also called stable and canary."""
    folder = tmp_path_factory.mktemp("hosted")
    for version in (1, 2):
        shutil.copytree(toys / str(version), folder / "toy" / str(version))
    (folder / "models.config").write_text(
        'model_config_list { config { name: "toy" base_path: "/models/toy" model_platform: "tensorflow" '
        "model_version_policy { all {} } "
        'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } '
        'version_labels { key: "lost" value: 9 } } }'
    )
    with start(folder, timeout=2, max_request=1) as server:
        yield server


@pytest.fixture(scope="session")
def ask():
    """Send a request to a server: `ask(server, path, body)`; the body is JSON unless it is bytes."""

    def send(server, path: str, body=None, *, method: str | None = None, headers=None) -> Answer:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        host, port = server.rest_url.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, content, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    return send


@pytest.fixture(scope="session")
def loaded(served):
    """The export of `tiny`, read again."""
    import tensorflow as tf

    return tf.saved_model.load(str(served / "tiny" / "1"))


@pytest.fixture(scope="session")
def query(loaded):
    """Answers of a signature as arrays; pairs are layers and filters."""
    import tensorflow as tf

    def query(signature, pairs=None, **inputs):
        if pairs is not None:
            inputs["layer_index"], inputs["filter_index"] = np.array(pairs).T
        function = loaded.signatures[signature]
        kinds = function.structured_input_signature[1]
        tensors = {name: tf.constant(values, kinds[name].dtype) for name, values in inputs.items()}
        return {name: values.numpy() for name, values in function(**tensors).items()}

    return query


@pytest.fixture(scope="session")
def images(measured):
    """Test images of `tiny` as numbers."""
    return measured.dataset.test.images.astype(np.float32)
