"""The two lines at the top: which images, which network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fm_keras.settings import ModelSpec
from fm_keras_cli.numbers import amount, count

if TYPE_CHECKING:
    import keras

    from fm_keras.data import Dataset


def describe_images(dataset: Dataset, spec: ModelSpec | None = None) -> str:
    """digits: 1,797 images, 8 x 8 enlarged 4 times, 10 labels, built in."""
    images = count(len(dataset.train) + len(dataset.test), "image")
    parts = [images, _size(dataset, spec), count(dataset.labels, "label")]
    return f"{dataset.name}: {', '.join([*parts, *(['built in'] if dataset.name == 'digits' else [])])}"


def describe_network(model: keras.Model, spec: ModelSpec, precision: str) -> str:
    """VGG-16 width 8: 13 conv layers, 528 filters, 0.23 M parameters; CPU, bfloat16."""
    from fm_keras.devices import choose_precision, describe_device
    from fm_keras.models import architecture
    from fm_keras.slicing import cut_points

    convs = [cut for cut in cut_points(model) if cut.kind == "conv"]
    sizes = [
        count(len(convs), "conv layer"),
        count(sum(cut.units for cut in convs), "filter"),
        f"{amount(model.count_params())} parameters",
    ]
    device = describe_device().split()[0] if "CPU" in describe_device() else describe_device()
    arithmetic = choose_precision(precision).removeprefix("mixed_")
    widths = spec.block_widths
    named = f"widths {', '.join(map(str, widths))}" if widths else f"width {spec.width}"
    return f"{architecture(spec.name).title} {named}: {', '.join(sizes)}; {device}, {arithmetic}"


def describe_model(model: keras.Model) -> str:
    """A model of the user's: name, layers that can be cut, units, parameters."""
    from fm_keras.slicing import cut_points

    cuts = cut_points(model)
    units = count(sum(cut.units for cut in cuts), "unit")
    return f"{model.name}: {count(len(cuts), 'cut')}, {units}, {amount(model.count_params())} parameters"


def _size(dataset: Dataset, spec: ModelSpec | None) -> str:
    from fm_keras.models import enlargement, input_size

    if not dataset.train.holds_pictures:
        return " and ".join(" x ".join(map(str, array.shape[1:])) for array in dataset.train.inputs.values())
    height, width, _ = dataset.image_shape
    size = f"{height} x {width}"
    if spec is None:
        return size
    factor, seen = enlargement(spec), input_size(spec)
    if factor > 1:
        size += f" enlarged {factor} times"
    return size if seen == (factor * height, factor * width) else f"{size}, padded to {seen[0]} x {seen[1]}"
