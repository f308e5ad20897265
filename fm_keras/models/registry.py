"""All architectures by name: what they are, their defaults, and the one door that builds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from fm_keras.errors import InvalidInput
from fm_keras.models import lenet, resnet, transformer, vgg
from fm_keras.models.inputs import enlargement_factor, padded_size
from fm_keras.settings import ModelSpec, Preset

if TYPE_CHECKING:
    import keras


FEW_IMAGES = 10_000


@dataclass(frozen=True)
class Architecture:
    """One architecture: how people call it, where it is from, and its defaults (None: it has no such setting)."""

    name: str
    title: str
    what: str
    source: str
    blocks: tuple[int, ...]
    """convolutions of every block, shortcuts included"""
    smallest: int
    build: Callable[[ModelSpec], keras.Model]
    width: int = 16
    batch_norm: bool = True
    head: Literal["one", "three"] = "one"
    dense_widths: tuple[int, int] | None = None
    pool_order: Literal["average_max", "max_average"] | None = None
    depth_ratio: float | None = None
    heads: int | None = None
    in_papers: Mapping[str, Any] = field(default_factory=dict)
    """settings with which the papers train it, where they are not the defaults"""
    for_few_images: Mapping[str, Any] = field(default_factory=dict)
    """settings that are enough for a small data set"""

    @property
    def convs(self) -> int:
        """Number of convolutions."""
        return sum(self.blocks)


def _vgg(name: str, title: str, what: str, source: str, layout: vgg.Layout, **defaults) -> Architecture:
    build = partial(vgg.vgg, layout=layout)
    widths = {"in_papers": {"width": 64}, "for_few_images": {"width": 8}}
    blocks = tuple(number for _, number in layout.blocks)
    return Architecture(name, title, what, source, blocks, layout.smallest, build, **{**widths, **defaults})


def _avgg(layers: int, layout: vgg.Layout, head: Literal["one", "three"]) -> Architecture:
    what = f"{layout.convs} convolutions, two pools next to the last ones, {head} Dense"
    source = "arXiv:2303.05800"
    return _vgg(f"avgg{layers}", f"A-VGG{layers}", what, source, layout, head=head, pool_order="average_max")


def _lenet(name: str, title: str, what: str, width: int) -> Architecture:
    return Architecture(
        name,
        title,
        what,
        "arXiv:2211.11106",
        blocks=(1, 1),
        smallest=lenet.SMALLEST,
        build=lenet.lenet,
        width=width,
        batch_norm=False,
        head="three",
        dense_widths=lenet.DENSE_WIDTHS,
        depth_ratio=lenet.DEPTH_RATIO,
    )


def _resnet(layers: int) -> Architecture:
    blocks = (layers - 2) // 6
    return Architecture(
        f"resnet{layers}",
        f"ResNet-{layers}",
        f"{6 * blocks + 1} convolutions in three stages, two in shortcuts, one Dense",
        "arXiv:1512.03385",
        blocks=resnet.stage_convs(blocks),
        smallest=resnet.SMALLEST,
        build=partial(resnet.resnet, blocks=blocks),
    )


def _cct(blocks: int, ratio: int, **in_papers: int) -> Architecture:
    return Architecture(
        f"cct{blocks}",
        f"CCT-{blocks}/3x2",
        f"two convolutions, {blocks} transformer encoder blocks, one Dense",
        "arXiv:2104.05704",
        blocks=transformer.CONVS,
        smallest=transformer.SMALLEST,
        build=partial(transformer.transformer, blocks=blocks, ratio=ratio),
        width=64,
        batch_norm=False,
        heads=4,
        in_papers=in_papers,
        for_few_images={"width": 32},
    )


ARCHITECTURES: tuple[Architecture, ...] = (
    _vgg(
        "vgg16",
        "VGG-16",
        "13 convolutions, five pools",
        "arXiv:2305.18078",
        vgg.VGG_16,
        in_papers={"width": 64, "head": "three"},
    ),
    _vgg("vgg11", "VGG-11", "first ten convolutions of VGG-16, bias-free Dense", "PRE 111, 065307", vgg.VGG_11),
    _vgg("vgg6", "VGG-6", "five convolutions, a pool after each", "ours", vgg.VGG_6),
    _avgg(6, vgg.A_VGG_FIVE, "one"),
    _avgg(8, vgg.A_VGG_FIVE, "three"),
    _avgg(13, vgg.A_VGG_TEN, "three"),
    _avgg(14, vgg.A_VGG_THIRTEEN, "one"),
    _avgg(16, vgg.A_VGG_THIRTEEN, "three"),
    _lenet("lenet5", "LeNet-5", "two convolutions, three Dense", width=6),
    _lenet("lenet", "LeNet", "generalized LeNet-5, wider", width=16),
    _resnet(20),
    _resnet(32),
    _resnet(44),
    _resnet(56),
    _cct(2, ratio=1, width=128, heads=2),
    _cct(4, ratio=1, width=128, heads=2),
    _cct(7, ratio=2, width=256, heads=4),
)


def model_names() -> list[str]:
    """Names that `build_model` knows."""
    return [each.name for each in ARCHITECTURES]


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        InvalidInput: there is none.
    """
    for each in ARCHITECTURES:
        if each.name == name:
            return each
    raise InvalidInput(f"There is no model {name!r}. Models: {', '.join(model_names())}.")


def full_spec(spec: ModelSpec) -> ModelSpec:
    """The spec with every open setting (None) filled in from its architecture.

    Raises:
        InvalidInput: no such architecture, or a setting that it does not have.
    """
    arch = architecture(spec.name)
    for name in ("pool_order", "depth_ratio", "heads"):
        if getattr(spec, name) is not None and getattr(arch, name) is None:
            having = ", ".join(each.name for each in ARCHITECTURES if getattr(each, name) is not None)
            raise InvalidInput(f"Model {arch.name} has no {name}; leave it out. It is a setting of: {having}.")
    spec = _with_first_width(spec, arch)
    names = ("width", "batch_norm", "head", "pool_order", "depth_ratio", "heads")
    full = spec.changed(**{name: getattr(arch, name) for name in names if getattr(spec, name) is None})
    if full.head == "three" and full.dense_widths is None:
        return full.changed(dense_widths=arch.dense_widths or (64 * full.width, 64 * full.width))
    if full.head == "one" and full.dense_widths is not None:
        raise InvalidInput(f"dense_widths {full.dense_widths} need head='three'; {arch.name} has head='one' here.")
    return full


def _with_first_width(spec: ModelSpec, arch: Architecture) -> ModelSpec:
    """The spec with the width that its block widths say, if it has any.

    Raises:
        InvalidInput: block widths that do not fit the architecture, or another width beside them.
    """
    widths = spec.block_widths
    if widths is None:
        return spec
    if arch.depth_ratio is not None or arch.heads is not None:
        why = "its two widths are width and depth_ratio" if arch.depth_ratio else "all encoder blocks have its width"
        raise InvalidInput(f"Model {arch.name} has no block_widths; {why}.")
    if len(widths) != len(arch.blocks):
        raise InvalidInput(f"Model {arch.name} has {len(arch.blocks)} blocks; received block_widths {widths}.")
    if spec.width not in (None, widths[0]):
        raise InvalidInput(f"The width {spec.width} is not that of the block_widths {widths}: leave width out.")
    return spec.changed(width=widths[0])


def suited_spec(spec: ModelSpec, *, preset: Preset, train_images: int) -> ModelSpec:
    """The spec with open settings (None) as they suit a training.

    Args:
        spec: what was asked for.
        preset: `paper` takes the width and head of the papers; `quick` a narrow network for few images.
        train_images: number of training images; few are less than 10,000.

    Raises:
        InvalidInput: no such architecture, or a setting that it does not have.
    """
    arch = architecture(spec.name)
    spec = _with_first_width(spec, arch)
    suited = arch.in_papers if preset == "paper" else arch.for_few_images if train_images < FEW_IMAGES else {}
    return full_spec(spec.changed(**{name: value for name, value in suited.items() if getattr(spec, name) is None}))


def enlargement(spec: ModelSpec) -> int:
    """Whole factor by which the model enlarges its images: 4 for 8 x 8 digits in VGG-16, 1 for none."""
    return enlargement_factor(spec.image_shape, architecture(spec.name).smallest)


def input_size(spec: ModelSpec) -> tuple[int, int]:
    """Height and width in pixels of the images as the first convolution sees them, enlarged and padded."""
    return padded_size(spec.image_shape, architecture(spec.name).smallest)


def build_model(spec: ModelSpec) -> keras.Model:
    """A network of the papers: functional, in float32, not compiled, weights at random.

    `keras.utils.set_random_seed` before the call makes the weights repeatable.

    Args:
        spec: architecture, width, image shape and labels; open settings are the architecture's own.

    Returns:
        Model from images (N, H, W, C), pixels 0 to 255, to logits (N, K).

    Raises:
        InvalidInput: no such architecture, or a setting that it does not have.
    """
    import keras

    full = full_spec(spec)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return architecture(full.name).build(full)
    finally:
        keras.config.set_dtype_policy(policy)
