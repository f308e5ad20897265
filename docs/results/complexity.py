"""Tables of complexity.md.

python docs/results/complexity.py depth NAME          runs/NAME-s*, trained against untrained, layer by layer
python docs/results/complexity.py train NAME FOLDER   the network of runs/NAME-s0, kept before and after every epoch
python docs/results/complexity.py epochs NAME FOLDER  those networks, epoch by epoch
python docs/results/complexity.py sweep FOLDER AXIS   a sweep with --measure complexity, against width, samples, ...

A run is made by `fm-keras run ... --name NAME-s0`.  What was measured is kept in complexity-*.csv.
"""

import sys
from functools import partial
from pathlib import Path

import keras
import pandas as pd

from fm_keras.complexity import join_trials, measure_course
from fm_keras.complexity.layers import INPUT
from fm_keras.data import load_dataset
from fm_keras.models import build_model, read_model
from fm_keras.runs import TRAIN, Run
from fm_keras.settings import ComplexitySettings, DataSettings, ModelSpec, TrainSettings
from fm_keras.training import train_model

MEASURES = ("n1", "n2", "n3", "t1")
SETTINGS = ComplexitySettings(measures=MEASURES, sample=2000)
OTHER_SEED = 1000


def depth(name: str) -> str:
    """Means over seeds: trained / untrained."""
    folders = sorted(Path("runs").glob(f"{name}-s*"))
    table = pd.concat([kept(f"complexity-{each.name}.csv", partial(measured_run, each)) for each in folders])
    mean = table.groupby(["layer", "which"], sort=False)[list(MEASURES)].mean().unstack()
    rows = []
    for layer in table["layer"].unique():
        pairs = [[short(mean.loc[layer, (each, which)]) for which in ("trained", "untrained")] for each in MEASURES]
        rows.append([layer, *(pair[0] if layer == INPUT else " / ".join(pair) for pair in pairs)])
    seeds = table.groupby(["layer", "which"])[list(MEASURES)].agg(lambda values: values.max() - values.min()).max()
    ranges = ", ".join(f"{each} {short(seeds[each])}" for each in MEASURES)
    return f"{markdown(['layer', *MEASURES], rows)}\n\nLargest range over seeds: {ranges}."


def measured_run(folder: Path) -> pd.DataFrame:
    """The network of a run, and the same architecture at weights that never saw an image."""
    run = Run.open(folder)
    keras.utils.set_random_seed(run.record.seed + OTHER_SEED)
    networks = {
        "trained": read_model(run.read_stage(TRAIN).model),
        "untrained": build_model(ModelSpec(**run.record.settings["model"])),
    }
    table = measure_course(networks, images_of(run), settings=SETTINGS)
    return table.rename(columns={"model": "which"}).assign(seed=run.record.seed)


def train(name: str, folder: str) -> str:
    """Keep float32 networks: a ModelCheckpoint would keep the copy in mixed precision that is trained."""
    run = Run.open(Path("runs") / f"{name}-s0")
    keras.utils.set_random_seed(run.record.seed)
    network = build_model(ModelSpec(**run.record.settings["model"]))
    settings = TrainSettings(**run.record.settings["train"])
    Path(folder).mkdir(parents=True)
    network.save(Path(folder) / "epoch00.keras")
    history = train_model(network, images_of(run), settings=settings, callbacks=[Keep(network, Path(folder))])
    return markdown(
        ["epoch", "test accuracy"], [[f"{row.epoch}", f"{row.val_accuracy:.3f}"] for row in history.itertuples()]
    )


class Keep(keras.callbacks.Callback):
    """Saves a network with the weights of each epoch."""

    def __init__(self, network: keras.Model, folder: Path) -> None:
        super().__init__()
        self.network, self.folder = network, folder

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save the weights that the copy in training has now."""
        self.network.set_weights(self.model.get_weights())
        self.network.save(self.folder / f"epoch{epoch + 1:02d}.keras")


def epochs(name: str, folder: str) -> str:
    """n1 and n3 of every layer at some epochs."""
    run = Run.open(Path("runs") / f"{name}-s0")
    files = sorted(Path(folder).glob("*.keras"))
    table = kept(f"complexity-{name}-epochs.csv", lambda: measure_course(files, images_of(run), settings=SETTINGS))
    return across(table, "epoch")


def sweep(folder: str, axis: str) -> str:
    """Means over all trials of a sweep with the same value of an axis."""
    trials = pd.read_csv(Path(folder) / "trials.csv")
    return across(join_trials(pd.read_csv(Path(folder) / "complexity.csv"), trials), axis)


def across(table: pd.DataFrame, axis: str) -> str:
    """One table a measure: layers down, values of the axis across."""
    parts = []
    for each in (name for name in MEASURES if name in table):
        mean = table.groupby(["layer", axis], sort=False)[each].mean().unstack()
        heads = [f"{each}, {axis}", *(f"{value:g}" for value in mean.columns)]
        parts.append(markdown(heads, [[layer, *map(short, row)] for layer, row in zip(mean.index, mean.to_numpy())]))
    return "\n\n".join(parts)


def images_of(run: Run):
    """The images of a run."""
    data = DataSettings(**run.record.settings["data"])
    return load_dataset(data.dataset, data.data_dir, labels=data.labels, limit=data.limit)


def kept(file: str, measure) -> pd.DataFrame:
    """What a file holds, else what is measured now."""
    if not Path(file).exists():
        measure().to_csv(file, index=False)
    return pd.read_csv(file)


def short(value: float) -> str:
    """Three places, without a zero in front."""
    return f"{value:.3f}".removeprefix("0")


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    print({"depth": depth, "train": train, "epochs": epochs, "sweep": sweep}[what](*words))
