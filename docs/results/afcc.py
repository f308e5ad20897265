"""AFCC beside its rivals at equal dilution: `python docs/results/afcc.py RUN [--last 2] [--epochs 1]`.

RUN holds probe fields.  Connections of the last layers (of all without --last) are cut by common labels, by the size of
kernel slices, at random, by random labels, and by the filters of least L1 norm.  Printed: accuracy on test images right
after the cut, and after training with the masks held.
"""

import argparse

import numpy as np

from fm_keras.analysis import load_analysis
from fm_keras.data import load_dataset
from fm_keras.models import read_model
from fm_keras.pruning import (
    ConnectionMasks,
    afcc_masks,
    connection_masks,
    hold_masks,
    kernel_l1,
    magnitude_masks,
    random_afcc_masks,
    random_masks,
    release_masks,
    unit_masks,
    verify_masks,
)
from fm_keras.pruning.accuracy import evaluate
from fm_keras.runs import ANALYSIS, TRAIN, Run
from fm_keras.settings import TrainSettings
from fm_keras.training import train_model


def rivals(model, analysis, layers: list[str] | None, seed: int) -> dict[str, ConnectionMasks]:
    """Masks of AFCC, and of what it has to beat, by name."""
    rng = np.random.default_rng(seed)
    ours = afcc_masks(model, analysis, layers=layers)
    uncut = connection_masks(model, {path: np.ones_like(mask) for path, mask in ours.masks.items()})
    return {
        "nothing cut": uncut,
        "AFCC": ours,
        "random AFCC": random_afcc_masks(model, analysis, rng, layers=layers),
        "L1 of slices": magnitude_masks(model, like=ours),
        "random": random_masks(model, rng, like=ours),
        "L1 of filters": unit_masks(model, kernel_l1(model), like=ours),
    }


def main() -> None:
    """Print one row a way of choosing."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("run")
    words.add_argument("--last", type=int, help="only so many of the last layers")
    words.add_argument("--epochs", type=int, default=0, help="passes with the masks held")
    words.add_argument("--learning-rate", type=float, default=0.02)
    asked = words.parse_args()
    run = Run.open(asked.run)
    model = read_model(run.read_stage(TRAIN).model)
    analysis = load_analysis(run.read_stage(ANALYSIS).path)
    dataset = load_dataset(run.record.data.name)
    every = list(afcc_masks(model, analysis).masks)
    layers = every[-asked.last :] if asked.last else None
    settings = TrainSettings(**run.record.settings["train"])
    tuning = settings.changed(epochs=max(1, asked.epochs), learning_rate=asked.learning_rate, schedule="one_cycle")
    print(f"{run.name}: whole {evaluate(model, dataset.test)[0]:.4f}; {len(layers or every)} layers masked")
    for name, masks in rivals(model, analysis, layers, run.record.seed).items():
        held = hold_masks(model, masks)
        found = [evaluate(release_masks(held), dataset.test)[0]]
        if asked.epochs:
            train_model(held, dataset, settings=tuning)
            verify_masks(held, masks)
            found.append(evaluate(release_masks(held), dataset.test)[0])
        print(
            f"{name:15} dilution {masks.total_dilution:.3f}  {'  '.join(f'{each:.4f}' for each in found)}", flush=True
        )


if __name__ == "__main__":
    main()
