"""How filters and the complexity of layers are measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fm_keras.settings.base import Settings


class AnalysisSettings(Settings):
    """How filters are measured."""

    fields: Literal["probe", "network", "both"] = "probe"
    """probe: what a trained probe reads from a filter; network: what the network makes of it, with its quality"""
    threshold: float = Field(0.3, gt=0, lt=1)
    """share of a filter's largest field above which an element counts"""
    method: Literal["greedy", "clique"] = "greedy"
    """clusters: greedy is the published rule, clique takes the largest clique first"""
    split: Literal["test", "train"] = "test"
    """images over which fields are averaged"""
    engine: Literal["fast", "reference"] = "fast"
    """fast: class means times kernel; reference: mask the kernel of each filter for real and predict"""
    max_positions: int = Field(1024, ge=1)
    """a cut with more positions is average-pooled below this before the probe"""
    memory_limit: float = Field(2.0, gt=0)
    """GB for probes, class means and contributions; layers run in groups, images in batches that fit"""
    batch_size: int = Field(250, ge=1)
    """images a step of the measuring pass"""
    devices: int = Field(1, ge=1, exclude=True)
    """GPUs, or CPU devices where there are none, that share every batch"""
    images: int | None = Field(5000, ge=1)
    """images of the split, equally many of every label, over which network fields and quality are measured"""
    outputs: int = Field(10, ge=2)
    """quality without fields, beyond 16 labels: outputs of each image, its true label and its largest logits"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images and of the bootstrap over them"""


class ComplexitySettings(Settings):
    """How hard the classes are to tell apart after each layer."""

    measures: tuple[str, ...] = ("n1", "n2", "n3")
    """which measures: n1, n1_edges, n2, n3, t1, f1, linear_error, intrinsic_dimension"""
    split: Literal["test", "train"] = "test"
    """images that are looked at"""
    sample: int | None = Field(2000, ge=2)
    """at most this many of them, equally many of every label"""
    pool: Literal["none", "mean"] = "none"
    """mean: a unit's average over positions is its only coordinate; none: each position is one"""
    memory_limit: float = Field(2.0, gt=0)
    """GB for activations, and again for distances; layers run in groups that fit"""
    batch_size: int = Field(250, ge=1)
    """images a step"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images and of the bootstrap over them"""
