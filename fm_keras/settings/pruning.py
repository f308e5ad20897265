"""How networks are made smaller and repaired."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fm_keras.settings.base import Settings


class RepairSettings(Settings):
    """How a network is repaired without labels."""

    images: int = Field(5000, ge=1)
    """images whose activations are fitted; fewer where they do not fit in memory"""
    positions: int = Field(50_000, ge=1)
    """places in them at which a layer is fitted"""
    ridges: tuple[float, ...] = Field((1e-4, 1e-3, 1e-2), min_length=1)
    """pulls toward the kernel as it is, in shares of its inputs' variance: the best on held-out images is taken"""
    steps: int = Field(6, ge=0)
    """steps after the linear fit that make room where the next ReLU cuts off; 0 for none"""
    neighbors: int = Field(1, ge=1)
    """neighboring layers that are fitted together, by gradients, once each has been fitted alone; 1 for none"""
    passes: int = Field(3, ge=1)
    """passes over the images in which they are fitted together"""
    memory: float = Field(2.0, gt=0)
    """GB for activations"""
    batch_size: int = Field(250, ge=1)
    """images a step"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images and places"""


class PruneSettings(Settings):
    """How a network is made smaller."""

    rule: str = "taylor_squared"
    """what chooses the filters that go, see `fm-keras prune --rules`; a file of scores; or module:function of yours"""
    keep: float | None = Field(None, gt=0, lt=1)
    """share of the filters that stays, of every layer or of all layers together"""
    macs: float | None = Field(None, gt=0, lt=1)
    """share of the multiply-accumulates that stays"""
    params: float | None = Field(None, gt=0, lt=1)
    """share of the parameters that stays"""
    latency: float | None = Field(None, gt=0, lt=1)
    """share of the time for one image that stays, measured here"""
    dilution: float | None = Field(None, gt=0, lt=1)
    """afcc and random_afcc: share of the connections between layers that is cut (default: as the clusters say)"""
    across: Literal["layer", "network"] = "layer"
    """layer: the same share of every layer goes; network: filters of all layers compete"""
    repair: Literal["refit", "together", "recalibrate", "none"] = "refit"
    """without labels: refit kernels to the whole network, each layer in closed form; together: then three neighboring
    layers at a time, by gradients (slower); or take BatchNorm statistics again"""
    repair_images: int = Field(5000, ge=1)
    """training images for the repair"""
    epochs: int = Field(1, ge=0)
    """passes of fine-tuning over the training images; 0 for none"""
    learning_rate: float | None = Field(None, gt=0)
    """peak learning rate of fine-tuning (default: a fifth of that of a training)"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images, of random rules and of fine-tuning"""
