"""One trial, done: the network trained, tested and measured.  Everything that a worker computes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fm_keras.data import Dataset, Split, choose_images, choose_labels, load_dataset
from fm_keras.errors import BadActivations, CannotCut, InvalidInput
from fm_keras.progress import Progress
from fm_keras.scaling.sweeping.builders import load_function
from fm_keras.scaling.sweeping.trials import Trial, drawn_labels, trial_spec
from fm_keras.settings import (
    AnalysisSettings,
    ComplexitySettings,
    DataSettings,
    Preset,
    ProbeSettings,
    Settings,
    TrainSettings,
)

if TYPE_CHECKING:
    import keras
    import pandas as pd


class Task(Settings):
    """All that a worker must know to run a trial; as JSON it crosses to other processes and machines."""

    trial: Trial
    """the trial"""
    data: DataSettings
    """where the images come from"""
    content: str
    """content hash of all images, which must be the same on every machine"""
    train: TrainSettings
    """how to train; the seed is that of the trial"""
    build: str | None = None
    """the user's function, see `builders.reference`"""
    measure: tuple[Literal["filters", "complexity"], ...] = ()
    """what is measured besides the error"""
    analysis: AnalysisSettings = AnalysisSettings()
    """how filters are measured"""
    probe: ProbeSettings = ProbeSettings()
    """how probes are trained"""
    complexity: ComplexitySettings = ComplexitySettings()
    """how complexity is measured"""


def run_task(task: Task, *, checkpoints: Path, progress: Progress) -> dict[str, Any]:
    """Train the network of a trial, test it in float32, and measure what is asked for.

    Args:
        task: the trial, and how.
        checkpoints: folder of the training's state, from which an interrupted trial goes on.
        progress: told about every step.

    Returns:
        Plain values: `row`, the columns of trials.csv that the trial brings; `layers` and `complexity`, rows of
        the layer tables where they are asked for.

    Raises:
        InvalidInput: other images than those of the sweep, or a model that does not fit them.
        BadActivations: the training diverged.
    """
    from fm_keras.training import train_model

    dataset = trial_images(task, progress)
    model = build_network(task.trial, dataset.image_shape, task.train.preset, task.build)
    facts, settings = network_facts(model), task.train.changed(seed=task.trial.seed)
    history = train_model(model, dataset, settings=settings, checkpoints=checkpoints, progress=progress)
    row = {"epochs": len(history), **facts, **_errors(model, dataset), "seconds": float(history["seconds"].sum())}
    measured, tables = _measured(model, dataset, task, progress)
    return {"row": row | measured, **tables}


def _measured(
    model: keras.Model, dataset: Dataset, task: Task, progress: Progress
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Columns and tables of what is measured besides the error; of a model that cannot be cut, why there are none."""
    found, measured = {}, {}
    try:
        if "filters" in task.measure:
            found["layers"], measured = _filters(model, dataset, task, progress)
        if "complexity" in task.measure:
            from fm_keras.complexity import measure_complexity

            table = measure_complexity(model, dataset, settings=task.complexity, progress=progress)
            found["complexity"] = table.to_dict("records")
    except CannotCut as error:
        measured = {**measured, "reason": f"Not measured: {error}"}
    return measured, found


def trial_images(task: Task, progress: Progress) -> Dataset:
    """The images of a trial: the labels and training images that its seed draws, all test images of these labels.

    Raises:
        InvalidInput: the images are not those that the sweep began with.
    """
    trial, data = task.trial, task.data
    whole = load_dataset(data.dataset, data.data_dir, labels=data.labels, limit=data.limit, progress=progress)
    if whole.content_hash != task.content:
        raise InvalidInput(f"{data.dataset} holds other images here than where the sweep was started: copy them.")
    dataset = whole
    if trial.labels < whole.labels:
        dataset = choose_labels(whole, drawn_labels(whole, trial.labels, trial.seed))
    train = choose_images(dataset.train, trial.samples, labels=trial.labels, seed=trial.seed)
    return Dataset(dataset.name, train, dataset.test, dataset.label_names)


def build_network(trial: Trial, image_shape: tuple[int, int, int], preset: Preset, build: str | None) -> keras.Model:
    """The network of a trial before training; the same weights for the same seed.

    Raises:
        InvalidInput: the user's function returns no model, or one with weights outside its layers.
    """
    import keras

    from fm_keras.models import build_model

    keras.utils.set_random_seed(trial.seed)
    if build is None:
        return build_model(trial_spec(trial, image_shape, preset))
    model = load_function(build)(trial.width)
    if not isinstance(model, keras.Model):
        raise InvalidInput(f"{build} returned {type(model).__name__} for width {trial.width}; a keras.Model is needed.")
    return _graph_on_images(model, image_shape)


def _graph_on_images(model: keras.Model, image_shape: tuple[int, ...]) -> keras.Model:
    """A model as a graph of layers on images of one size; of a subclassed one what its `call` does."""
    import keras

    from fm_keras.models.graph import is_graph

    if is_graph(model) and None not in model.inputs[0].shape[1:]:
        return model
    image = keras.Input(image_shape)
    scores = model(image)  # which builds it
    if is_graph(model):
        return keras.Model(image, scores, name=model.name)
    graph = keras.Model(image, model.call(image), name=model.name)
    if len(graph.weights) < len(model.weights):
        raise InvalidInput("The model has weights outside its layers: put them into a keras.layers.Layer.")
    return graph


def network_facts(model: keras.Model) -> dict[str, int | None]:
    """Parameters, and multiply-accumulates of one image: None if a layer hides products that nobody knows."""
    from fm_keras.models import count_operations
    from fm_keras.models.operations import uncounted_layers

    try:
        macs = None if uncounted_layers(model) else sum(count_operations(model).values())
    except InvalidInput:
        macs = None
    return {"parameters": model.count_params(), "macs": macs}


def _errors(model: keras.Model, dataset: Dataset) -> dict[str, float]:
    """Error and loss on test images, error on training images as they are."""
    from fm_keras.pruning.accuracy import evaluate

    def measured(split: Split) -> tuple[float, float]:
        accuracy, loss = evaluate(model, split)
        return 1 - accuracy, loss

    error, loss = measured(dataset.test)
    if not math.isfinite(loss):
        raise BadActivations(f"The training diverged: the loss is {loss}. A lower learning rate would do.")
    return {"error": error, "loss": loss, "train_error": measured(dataset.train)[0]}


def _filters(
    model: keras.Model, dataset: Dataset, task: Task, progress: Progress
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Rows of the layer table, and what the last convolution brings to the row of the trial."""
    from fm_keras.analysis import analyze
    from fm_keras.slicing import cut_points

    analysis = analyze(model, dataset, settings=task.analysis, probe=task.probe, progress=progress)
    table: pd.DataFrame = analysis.layers()
    convolutions = [cut.layer for cut in cut_points(model) if cut.kind == "conv"]
    last = table.set_index("layer").loc[convolutions[-1] if convolutions else table["layer"].iloc[-1]]
    names = ("n_clusters", "cluster_size", "noise", "snr", "label_cv")
    measured = {"probe_accuracy": float(last["accuracy"]), **{name: float(last[name]) for name in names}}
    return table.to_dict("records"), measured
