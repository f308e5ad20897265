"""How networks and probes are trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fm_keras.settings.base import PresetSettings

_LARGE = 10_000


class TrainSettings(PresetSettings):
    """How a network is trained: SGD with Nesterov momentum."""

    epochs: int = Field(18, ge=1)
    """passes over the training images"""
    batch_size: int | None = Field(None, ge=1)
    """images a step (default: 125, or 32 for sets below 10,000 images)"""
    learning_rate: float | None = Field(None, gt=0)
    """peak (one_cycle, cosine) or first (step) learning rate (default: 0.1, or 0.03 without BatchNorm)"""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Nesterov momentum"""
    l2: float = Field(5e-4, ge=0)
    """L2 penalty on kernels"""
    schedule: Literal["one_cycle", "cosine", "step"] = "one_cycle"
    """course of the learning rate"""
    decay: float = Field(0.6, gt=0, le=1)
    """step schedule: factor q on the learning rate"""
    decay_every: int = Field(20, ge=1)
    """step schedule: epochs dt between factors"""
    augment: Literal["auto", "none", "shift", "flip+shift"] = "auto"
    """random changes of training images; auto flips all but handwriting and numbers"""
    max_shift: int | None = Field(None, ge=0, le=32)
    """largest shift in pixels (default: an eighth of the side, the papers' 4 of 32)"""
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    """arithmetic while training; auto takes bfloat16 where the hardware is fast at it"""
    xla: Literal["auto", "on", "off"] = "auto"
    """compile with XLA; auto: on a GPU, and under JAX"""
    devices: int = Field(1, ge=1, exclude=True)
    """GPUs, or CPU devices where there are none, that share every batch"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of weights, order and augmentation"""

    def batch_for(self, images: int) -> int:
        """Images a step on a set of so many: small sets need small batches to take enough steps."""
        return self.batch_size or (125 if images >= _LARGE else 32)

    @classmethod
    def presets(cls) -> dict[str, dict]:
        """The published schedule of VGG-16: arXiv:2305.18078, supplementary tables."""
        paper = {"epochs": 300, "batch_size": 100, "learning_rate": 0.01, "momentum": 0.975, "l2": 1e-3}
        return {"quick": {}, "paper": {**paper, "schedule": "step", "decay": 0.6, "decay_every": 20}}


class ProbeSettings(PresetSettings):
    """How the Dense probes are trained, all layers in the same passes."""

    epochs: int = Field(3, ge=1)
    """passes over the training images"""
    batch_size: int | None = Field(None, ge=1)
    """images a step (default: 100, or 32 for sets below 10,000 images)"""
    learning_rate: float = Field(5.0, gt=0)
    """peak (one_cycle, cosine) or first (step) learning rate, large since features are scaled to unit norm"""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Nesterov momentum"""
    l2: float = Field(1e-5, ge=0)
    """L2 penalty on the probe's kernel"""
    schedule: Literal["one_cycle", "cosine", "step"] = "one_cycle"
    """course of the learning rate"""
    decay: float = Field(0.975, gt=0, le=1)
    """step schedule: factor on the learning rate"""
    decay_every: int = Field(1, ge=1)
    """step schedule: epochs between factors"""
    standardize: bool = True
    """scale every layer's features to unit norm while its probe trains; the scale is folded into the kernel"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the probes' weights and of the order of images"""

    def batch_for(self, images: int) -> int:
        """Images a step on a set of so many: small sets need small batches to take enough steps."""
        return self.batch_size or (100 if images >= _LARGE else 32)

    @classmethod
    def presets(cls) -> dict[str, dict]:
        """The published schedule of the probes: arXiv:2305.18078."""
        paper = {
            "epochs": 200,
            "batch_size": 100,
            "learning_rate": 0.01,
            "momentum": 0.975,
            "l2": 1e-3,
            "schedule": "step",
        }
        return {"quick": {}, "paper": {**paper, "standardize": False}}
