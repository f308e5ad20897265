"""What every epoch of a training brought."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fm_keras.colors import LIGHT
from fm_keras.errors import InvalidInput
from fm_keras.numbers import count
from fm_keras.reports.plots.picture import Picture, new_picture, styled

_PANELS = {
    "accuracy": (("accuracy", "training images, augmented"), ("val_accuracy", "test images")),
    "loss": (("loss", "training images"), ("val_loss", "test images")),
    "learning rate": (("learning_rate", "learning rate"),),
}


@styled
def training_history(history: pd.DataFrame) -> Picture:
    """Accuracy, loss and learning rate, epoch by epoch.

    Args:
        history: one row an epoch with the columns epoch, accuracy, loss, val_accuracy, val_loss, learning_rate, as a
            run keeps it in train/history.csv; what is missing of the last five is left out.

    Returns:
        Figure with one panel a measure.

    Raises:
        InvalidInput: no epochs, or no column of these.
    """
    panels = {
        name: [(column, text) for column, text in lines if column in history]
        for name, lines in _PANELS.items()
        if any(column in history for column, _ in lines)
    }
    if "epoch" not in history or not panels or history.empty:
        raise InvalidInput(
            f"history has {len(history)} rows and the columns {', '.join(map(str, history))}; "
            "it must have epoch, and accuracy or loss, with at least one row."
        )
    last = history.iloc[-1]
    reached = f", test accuracy {last['val_accuracy']:.3f}" if "val_accuracy" in history else ""
    title = f"Training: {count(len(history), 'epoch')}{reached}"
    picture = new_picture(3.6 * len(panels), 2.9, title, "", "Loss: cross entropy and penalties, in nats.")
    for axes, (name, lines) in zip(picture.subplots(1, len(panels), squeeze=False).flat, panels.items()):
        _draw_panel(axes, history, lines)
        axes.set_title(name)
        axes.set_xlabel("epoch", color=LIGHT.soft)
    return picture


def _draw_panel(axes: Axes, history: pd.DataFrame, lines: list[tuple[str, str]]) -> None:
    looks = ({"color": LIGHT.field_middle, "linestyle": "--"}, {"color": LIGHT.field_high, "linestyle": "-"})
    single = {"marker": "o", "markersize": 3.5} if len(history) == 1 else {}
    for (column, text), look in zip(lines, looks if len(lines) > 1 else looks[1:]):
        axes.plot(history["epoch"], history[column], linewidth=1.6, label=text, **look, **single)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(lines) > 1:
        axes.legend(loc="best")
