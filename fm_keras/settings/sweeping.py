"""Which networks a sweep trains, and on what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from fm_keras.settings.base import Settings


class SweepSettings(Settings):
    """Which networks a sweep trains, what it measures, and which processes do it."""

    models: tuple[str, ...] = Field(("lenet",), min_length=1)
    """architectures, see `fm-keras models`"""
    widths: tuple[PositiveInt, ...] = Field((4, 8, 16, 32), min_length=1)
    """filters of the first convolution"""
    ratios: tuple[PositiveFloat, ...] = ()
    """LeNet only: filters of the second convolution for each of the first (default: 16/6)"""
    pairs: tuple[tuple[PositiveInt, PositiveFloat], ...] = ()
    """LeNet only: widths and ratios that belong together, instead of every width with every ratio"""
    batch_norms: tuple[bool, ...] = ()
    """with and without BatchNorm (default: as the architecture has it)"""
    label_counts: tuple[PositiveInt, ...] = ()
    """numbers of labels, K; which ones is drawn with the seed of the trial (default: all)"""
    samples: tuple[PositiveInt, ...] = ()
    """numbers of training images, equally many of every label (default: all)"""
    seeds: tuple[NonNegativeInt, ...] = Field((0,), min_length=1)
    """seeds of weights, order, augmentation and of the choice of labels and images"""
    measure: tuple[Literal["filters", "complexity"], ...] = ()
    """besides the error: the filters of every layer, the complexity of every layer"""
    engine: Literal["local", "ray"] = "local"
    """local: processes of this machine; ray: those of a Ray cluster"""
    workers: int | None = Field(None, ge=1)
    """trials at the same time (default: one a GPU, else one for every two cores; ray: as many as have room)"""
    cores: int | None = Field(None, ge=1)
    """cores of each of them (default: an equal share; ray: one)"""
    address: str | None = None
    """ray only: auto or the address of a running cluster (default: one is started on this machine)"""
