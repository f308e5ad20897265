"""Epochs of saved networks, as their names tell them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def in_order(files: Iterable[str | Path]) -> dict[str, Path]:
    """Files by name, in the order of their epochs; without epochs, as they come.

    Args:
        files: saved networks.

    Returns:
        Path by name: that of the file without its suffix, or the whole path where two files are called alike.
    """
    paths = [Path(file) for file in files]
    alike = len({path.stem for path in paths}) < len(paths)
    names = [str(path.with_suffix("")) if alike else path.stem for path in paths]
    ranked = sorted(zip(epoch_numbers(names), names, paths), key=lambda each: each[0])  # stable, also among NaN
    return {name: path for _, name, path in ranked}


def epoch_numbers(names: Sequence[str]) -> list[float]:
    """Epoch of each name: the number behind the word epoch, else the first number that is another in each name.

    Args:
        names: of saved networks, such as vgg16-epoch07, or model.07-0.93 beside model.08-0.94.

    Returns:
        A whole number for each name, or NaN for all.

    Example:
        >>> epoch_numbers(["vgg16.02-0.71", "vgg16.10-0.64"])
        [2.0, 10.0]
    """
    said = [re.search(r"epoch\D?(\d+)", name, re.IGNORECASE) for name in names]
    if names and all(said):
        return [float(found[1]) for found in said]
    numbers = zip(*(map(float, re.findall(r"\d+", Path(name).name)) for name in names))
    telling = (each for each in numbers if len(names) > 1 and len(set(each)) == len(each))
    return list(next(telling, [math.nan] * len(names)))
