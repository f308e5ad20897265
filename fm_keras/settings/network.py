"""Which images, and which network."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveInt, SerializerFunctionWrapHandler, model_serializer

from fm_keras.settings.base import Settings

_LATER = ("block_widths", "heads")


class DataSettings(Settings):
    """Which images are measured."""

    dataset: str = "digits"
    """digits, a name of tensorflow-datasets (cifar10, mnist, ...), folder:PATH, or npz:PATH (also FILE.npz)"""
    data_dir: str | None = None
    """folder of prepared tensorflow-datasets (default: TFDS_DATA_DIR)"""
    labels: tuple[str, ...] | None = None
    """only these labels, by name or number"""
    limit: int | None = Field(None, ge=1)
    """at most this many images of each split, equally many of every label"""


class ModelSpec(Settings):
    """What `build_model` takes: an architecture of the papers with every width free."""

    name: str = "vgg16"
    """architecture, see `fm-keras models`"""
    width: int | None = Field(None, ge=1, le=4096)
    """filters of the first convolution, CCT: nodes of a token (default: see `fm-keras models`; papers' VGG-16: 64)"""
    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt] = (32, 32, 3)
    """height, width and channels of the images"""
    labels: int = Field(10, ge=2)
    """number of labels, K"""
    batch_norm: bool | None = None
    """BatchNorm after every convolution (default: as the architecture has it)"""
    head: Literal["one", "three"] | None = None
    """Dense layers after the last convolution: one, or the papers' three (default: as the architecture has it)"""
    dense_widths: tuple[PositiveInt, PositiveInt] | None = None
    """widths of the first two Dense layers of head three (default: 64 times width; LeNet 120 and 84)"""
    pool_order: Literal["average_max", "max_average"] | None = None
    """A-VGG only: which of its two pools comes first (default: average_max)"""
    depth_ratio: float | None = Field(None, gt=0)
    """LeNet only: filters of the second convolution for each of the first (default: 16/6)"""
    block_widths: tuple[PositiveInt, ...] | None = None
    """VGG, A-VGG and ResNet: filters of the convolutions of every block (default: 1, 2, 4, ... times width)"""

    heads: int | None = Field(None, ge=1)
    """CCT only: attention heads of every encoder block (default: 4)"""

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """All settings; later ones are left out where unset, as in the records of runs from before there were any."""
        return {name: value for name, value in dump(self).items() if name not in _LATER or value is not None}
