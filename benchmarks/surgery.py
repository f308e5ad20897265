"""Seconds that surgery of VGG-16 takes, and how fast latency falls with the multiply-accumulates that are removed."""

from timing import arguments, machine, medians, show

options = arguments(__doc__)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from fm_keras.devices import choose_xla  # noqa: E402
from fm_keras.models import ModelSpec, build_model  # noqa: E402
from fm_keras.pruning import Pruned, remove_units, unit_groups  # noqa: E402


def cut(model: keras.Model, share: float) -> Pruned:
    """The model without a share of the units of every layer."""
    removed: dict[str, list[int]] = {}
    for group in unit_groups(model):
        if group.removable:
            removed |= group.channels(range(round(share * len(group))))
    return remove_units(model, removed)


def surgery(width: int) -> None:
    """Half of all units of VGG-16."""
    model = build_model(ModelSpec(name="vgg16", width=width))
    seconds = medians({"groups and surgery": lambda: cut(model, 0.5)})
    show(f"Half the units of VGG-16, width {width}", seconds, "groups and surgery", target="5 s at width 64")


def latency(width: int, batch: int, shares: list[float]) -> None:
    """Forward passes of the whole model and of smaller ones, compiled, taken in turn."""
    whole = build_model(ModelSpec(name="vgg16", width=width))
    pruned = {f"{share:.0%} of the units removed": cut(whole, share) for share in shares}
    models = {"whole": whole, **{name: found.model for name, found in pruned.items()}}
    images = np.random.default_rng(0).integers(0, 256, (batch, 32, 32, 3)).astype("float32")
    for model in models.values():
        model.compile(jit_compile=choose_xla("auto"))
    tasks = {name: lambda model=model: model.predict_on_batch(images) for name, model in models.items()}
    seconds = medians(tasks, repeats=7)
    print(f"\n### Latency of VGG-16, width {width}, batch {batch}\n")
    print("| model | ms | latency, ratio | MACs, ratio | fall of latency / fall of MACs |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| whole | {1000 * seconds['whole']:.3g} | 1 | 1 | |")
    for name, found in pruned.items():
        ratio = seconds[name] / seconds["whole"]
        macs = found.effect["macs_kept"].sum() / found.effect["macs"].sum()
        print(f"| {name} | {1000 * seconds[name]:.3g} | {ratio:.3g} | {macs:.3g} | {(1 - ratio) / (1 - macs):.3g} |")
    print(f"\nTarget: at least 0.7 where half of the MACs or more are removed. {machine()}.")


if options.quick:
    surgery(8)
    latency(8, 8, [0.5])
else:
    surgery(64)
    latency(64, 1, [0.3, 0.5, 0.7])
    latency(64, 64, [0.3, 0.5, 0.7])
