"""State of an unfinished training: written beside and renamed after every epoch, read to go on from there."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import ops

from fm_keras.errors import BadRun
from fm_keras.files import save_arrays


class Checkpoint(keras.callbacks.Callback):
    """Keeps the variables of model and optimizer, and the history so far, after every epoch.

    Args:
        folder: where `state.npz` lies; made if need be.
        key: hash of all that decides the training; a state with another key is refused.
        rows: history, one dict an epoch; another callback appends to it, `restore` fills it.
    """

    def __init__(self, folder: str | Path, key: str, rows: list[dict[str, float]]) -> None:
        super().__init__()
        self.file = Path(folder) / "state.npz"
        self.key = key
        self.rows = rows

    def restore(self, model: keras.Model) -> int:
        """Put a model and its optimizer in the state that was kept, and return the epochs that are done.

        Raises:
            BadRun: the state cannot be read, or belongs to another training.
        """
        if not self.file.exists():
            return 0
        try:
            with self.file.open("rb") as file, np.load(file, allow_pickle=False) as state:
                arrays = {name: state[name] for name in state.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise BadRun(f"{self.file} cannot be read ({error}). Remove it to train from the start.") from error
        variables = _variables(model)
        if str(arrays.get("key")) != self.key:
            raise BadRun(
                f"{self.file} belongs to a training with other settings, data or model. "
                "Remove it to train from the start, or choose another run name."
            )
        for number, variable in enumerate(variables):
            variable.assign(arrays[f"variable_{number}"])
        names = [str(name) for name in arrays["columns"]]
        self.rows[:] = [dict(zip(names, row)) for row in arrays["history"].tolist()]
        return len(self.rows)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the state of this epoch over that of the last."""
        variables = _variables(self.model)
        history = pd.DataFrame(self.rows)
        arrays = {f"variable_{number}": ops.convert_to_numpy(variable) for number, variable in enumerate(variables)}
        state = {"key": self.key, "columns": list(history), "history": history.to_numpy(float), **arrays}
        save_arrays(self.file, state)


def finished_epochs(folder: str | Path) -> int:
    """Epochs of an unfinished training whose outcome is kept in a folder; 0 if there is none."""
    file = Path(folder) / "state.npz"
    try:
        with np.load(file, allow_pickle=False) as state:
            return len(state["history"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return 0


def _variables(model: keras.Model) -> list:
    """All that changes in training: weights, seeds of random layers, and the optimizer's state."""
    metrics = {id(variable) for variable in model.metrics_variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return own + [v for v in model.optimizer.variables if all(v is not other for other in own)]
