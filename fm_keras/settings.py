"""Every setting once: its name, default, bounds and help text.  The command line makes its options from these."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from fm_keras.errors import InvalidInput

Preset = Literal["quick", "paper"]
_LARGE = 10_000


class Settings(BaseModel):
    """Frozen, validated settings; a wrong value is one line that names the setting."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def __init__(self, **values) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidInput(_one_line(type(self), error)) from None

    def changed(self, **values) -> Self:
        """Copy with other values, validated again."""
        return type(self)(**{**self.model_dump(), **values})


class PresetSettings(Settings):
    """Settings whose defaults are the preset `quick`."""

    preset: Preset = "quick"
    """quick: good in minutes on a CPU; paper: the published schedule"""

    @classmethod
    def presets(cls) -> dict[str, dict]:
        """Values of each preset that differ from the defaults."""
        return {"quick": {}, "paper": {}}

    @classmethod
    def from_preset(cls, preset: Preset, **explicit) -> Self:
        """Settings of a preset; explicit values win over it."""
        if preset not in cls.presets():
            raise InvalidInput(f"There is no preset {preset!r}. Presets: {', '.join(cls.presets())}.")
        return cls(**{"preset": preset, **cls.presets()[preset], **explicit})


class DataSettings(Settings):
    """Which images are measured."""

    dataset: str = "digits"
    """digits, a name of tensorflow-datasets (cifar10, mnist, ...), folder:PATH or npz:PATH"""
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
    """filters of the first convolution (default: as `fm-keras models` says; the papers' VGG-16 has 64)"""
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
    images: int | None = Field(5000, ge=1)
    """images of the split, equally many of every label, over which network fields and quality are measured"""
    outputs: int = Field(10, ge=2)
    """quality without fields, beyond 16 labels: outputs of each image, its true label and its largest logits"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images and of the bootstrap over them"""


class RepairSettings(Settings):
    """How a network is repaired without labels or training."""

    images: int = Field(5000, ge=1)
    """images whose activations are fitted; fewer where they do not fit in memory"""
    positions: int = Field(50_000, ge=1)
    """places in them at which a layer is fitted"""
    ridges: tuple[float, ...] = Field((1e-4, 1e-3, 1e-2), min_length=1)
    """pulls toward the kernel as it is, in shares of its inputs' variance: the best on held-out images is taken"""
    steps: int = Field(6, ge=0)
    """steps after the linear fit that make room where the next ReLU cuts off; 0 for none"""
    memory: float = Field(2.0, gt=0)
    """GB for activations"""
    batch_size: int = Field(250, ge=1)
    """images a step"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images and places"""


class PruneSettings(Settings):
    """How a network is made smaller."""

    rule: str = "taylor_squared"
    """what chooses the filters that go, see `fm-keras prune --rules`, or a file of scores"""
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
    repair: Literal["refit", "recalibrate", "none"] = "refit"
    """without labels or training: refit kernels to the whole network, or take BatchNorm statistics again"""
    repair_images: int = Field(5000, ge=1)
    """training images for the repair"""
    epochs: int = Field(1, ge=0)
    """passes of fine-tuning over the training images; 0 for none"""
    learning_rate: float | None = Field(None, gt=0)
    """peak learning rate of fine-tuning (default: a fifth of that of a training)"""
    seed: int = Field(0, ge=0, lt=2**31)
    """seed of the choice of images, of random rules and of fine-tuning"""


class ServeSettings(Settings):
    """Where the embedded server listens, and what a request may take."""

    host: str = "127.0.0.1"
    """address to listen at; 0.0.0.0 lets other machines ask, and nothing asks them who they are"""
    rest_port: int = Field(8501, ge=0, le=65535)
    """port of REST; 0 for any that is free"""
    grpc_port: int = Field(8500, ge=0, le=65535)
    """port of gRPC; 0 for any that is free"""
    poll: float = Field(1.0, gt=0)
    """seconds between two looks for new versions"""
    timeout: float = Field(30.0, gt=0)
    """seconds that a request may take"""
    max_request: int = Field(128, ge=1, le=2047)
    """MiB that a request may have"""
    threads: int | None = Field(None, ge=1)
    """requests that run at the same time (default: four a core)"""
    drain: float = Field(10.0, ge=1)
    """seconds that requests in flight have when the server stops"""


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


def _one_line(cls: type[Settings], error: ValidationError) -> str:
    """The first error of a validation: the setting, what is wrong, its value."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or cls.__name__
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name!r}. {cls.__name__} has: {', '.join(cls.model_fields)}."
    return f"Setting {name}: {first['msg'][:1].lower()}{first['msg'][1:]}; received {first['input']!r}."
