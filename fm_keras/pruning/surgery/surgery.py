"""Remove units for real: a smaller, ordinary Keras model with the outputs of the silenced one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd

from fm_keras.models.graph import Call, copy_calls
from fm_keras.pruning.surgery.dependencies import Dependencies, Units
from fm_keras.pruning.surgery.effect import removal_effect
from fm_keras.pruning.surgery.layer_surgery import smaller_layer
from fm_keras.pruning.surgery.plan import PruningPlan, plan_removal


@dataclass(frozen=True, eq=False)
class Pruned:
    """A model without some of its units."""

    model: keras.Model
    """flat functional model of Keras' own layers and those of the whole model, not compiled"""
    plan: PruningPlan
    """what was removed, and which unit has which number now"""
    effect: pd.DataFrame
    """what it saves: one row per layer with weights or operations: layer, macs, macs_kept, params, params_kept"""


def remove_units(model: keras.Model, removed: Units) -> Pruned:
    """Remove units from a model.

    A unit is silent when its activation at the cut is zero.  The outputs of the new model are those of the whole one
    with the removed units silent, up to rounding.  Units that depend on each other go together, each silent at its own
    cut: see `unit_groups`.

    Args:
        model: Functional or built Sequential; left as it was.
        removed: numbers of units by path of the cut, as `cut_points` names it.  Those of adds and concatenations
            follow where zeros meeting there make zeros.

    Returns:
        The new model and what became of the units.  Layers of nested models stand in it by themselves:
        `block/conv` is `block__conv`.

    Raises:
        InvalidInput: an unknown cut or unit, one that cannot go or cannot go alone, or nothing would be left of a
            layer.
        CannotCut: no layer of the model can be cut, or one cannot be made again from its config.

    Example:
        >>> import keras
        >>> from keras.layers import Dense
        >>> model = keras.Sequential([keras.Input((4,)), Dense(3, "relu", name="hidden"), Dense(2)])
        >>> pruned = remove_units(model, {"hidden": [1]})
        >>> pruned.model.get_layer("hidden").units, pruned.plan.index_map["hidden"].tolist()
        (2, [0, -1, 1])
    """
    return apply_plan(model, plan_removal(model, removed))


def apply_plan(model: keras.Model, plan: PruningPlan) -> Pruned:
    """Remove the units that a plan names.

    Args:
        model: the one that the plan was made for; left as it was.
        plan: from `plan_removal` or `load_plan`.

    Raises:
        InvalidInput: the plan was made for another model, or was changed to what cannot be done.
        CannotCut: a layer cannot be made again from its config.
    """
    plan.check(model)
    found = Dependencies(model)
    plan.check_sizes(found)
    gone = found.gone(plan.removed)
    smaller = _without(model, found, gone)
    # An edited plan may leave out what follows of itself.
    followed = replace(plan, masks={path: ~gone[found.units_at(path)] for path in found.cuts})
    return Pruned(smaller, followed, removal_effect(model, smaller))


def _without(model: keras.Model, found: Dependencies, gone: np.ndarray) -> keras.Model:
    """New model without the units that are gone."""
    # `input` of a Sequential is that of its first call elsewhere, and missing where there was none.
    sequential = isinstance(model, keras.Sequential)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name),
        model.inputs[0] if sequential else model.input,
    )
    tensors = dict(zip(found.graph.inputs, keras.tree.flatten(inputs)))
    copy_calls(_smaller_calls(found, gone), tensors, {})
    outputs = [tensors[key] for key in found.graph.outputs]
    structure = model.outputs[0] if sequential else model.output
    return keras.Model(inputs, keras.tree.pack_sequence_as(structure, outputs), name=model.name)


def _smaller_calls(found: Dependencies, gone: np.ndarray) -> Iterable[Call]:
    """The model's calls, with smaller layers where units go."""
    layers: dict[int, keras.Operation] = {}
    for call in found.graph.calls:
        if id(call.layer) not in layers:
            passage = found.flow.passages.get(call.path)
            touched = passage is not None and gone[passage.units].any()
            layers[id(call.layer)] = smaller_layer(call, passage, gone) if touched else call.layer
        yield replace(call, layer=layers[id(call.layer)])
