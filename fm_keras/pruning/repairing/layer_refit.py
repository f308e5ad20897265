"""One layer of a pruned model, refitted in place to what it put out in the whole one."""

from __future__ import annotations

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from fm_keras.models.graph import Call, Graph
from fm_keras.pruning.repairing.followers import follower, norm_line
from fm_keras.pruning.repairing.held import HeldModel
from fm_keras.pruning.repairing.patches import Inputs, Patches, multiplies_patches
from fm_keras.pruning.repairing.refit import Samples, fit_kernel
from fm_keras.settings import RepairSettings

Treatment = Literal["refit", "with the kernel", "statistics", "none"]


def treatments(graph: Graph) -> dict[str, tuple[Treatment, str]]:
    """What repair does to each call of a layer with weights, by path: how, and why not more.

    Args:
        graph: of the pruned model.
    """
    calls = [call for call in graph.calls if getattr(call.layer, "weights", ())]
    found, settled = {}, set()
    for call in calls:
        if sum(other.layer is call.layer for other in calls) > 1:
            found[call.path] = ("none", "it is called several times")
        elif isinstance(call.layer, layers.BatchNormalization):
            found[call.path] = ("with the kernel" if id(call.layer) in settled else "statistics", "")
        elif multiplies_patches(call.layer):
            found[call.path] = ("refit", "")
            settled.add(id(follower(graph, call).norm))
        else:
            found[call.path] = ("none", f"{type(call.layer).__name__} has no kernel that can be solved for")
    return found


def linear_layer(call: Call) -> keras.Layer:
    """A call's layer without its activation."""
    layer = type(call.layer).from_config({**call.layer.get_config(), "activation": None})
    layer.build(call.input_shapes[0])
    layer.set_weights(call.layer.get_weights())
    return layer


def refit_layer(held: HeldModel, call: Call, targets: np.ndarray, settings: RepairSettings) -> None:
    """Fit the kernel and bias of a layer, and put what its BatchNorm must shift into that.

    Args:
        held: the pruned model, run up to this call.
        call: a call of it whose treatment is a refit; its layer changes.
        targets: (N, ...) what it shall put out before its activation.
        settings: positions, ridges, steps, seed.
    """
    layer, behind = call.layer, follower(held.graph, call)
    kernel, shifts = _numbers(layer.kernel), layer.use_bias or behind.norm is not None
    units, groups = kernel.shape[-1], getattr(layer, "groups", 1)
    start = kernel.reshape(-1, units)
    if shifts:
        start = np.concatenate([start, [_numbers(layer.bias) if layer.use_bias else np.zeros(units)]])
    patches, clip, parts = Patches(call, held.given(call)), behind.clip(units), []
    for number, part in enumerate(np.split(start, groups, axis=1)):
        inputs = Inputs(patches, places=settings.positions, group=(number, groups), bias=shifts, seed=settings.seed)
        cut_off = None if clip is None else clip.part(number, groups)
        samples = Samples(inputs, targets, seed=settings.seed)
        parts.append(fit_kernel(samples, part, clip=cut_off, settings=settings))
    fitted = np.concatenate(parts, axis=1)
    layer.kernel.assign(fitted[: len(fitted) - shifts].reshape(kernel.shape))
    if layer.use_bias:
        layer.bias.assign(fitted[-1])
    if behind.norm is not None:
        settle(behind.norm, held.run(call)[0], 0 if layer.use_bias else fitted[-1])


def take_statistics(norm: layers.BatchNormalization, given: np.ndarray) -> None:
    """Set the moving mean and variance of a BatchNorm to those of what it is given, (N, ...)."""
    mean, variance = _statistics(norm, given)
    norm.moving_mean.assign(mean)
    norm.moving_variance.assign(variance)


def settle(norm: layers.BatchNormalization, given: np.ndarray, missing: np.ndarray | float = 0) -> None:
    """Let a BatchNorm add what is missing to its input, with the statistics of this input: training finds them so.

    Args:
        norm: changes.
        given: (N, ...) what it is given.
        missing: (U,) what is added to that.
    """
    if not (norm.scale and norm.center):
        norm.moving_mean.assign(_numbers(norm.moving_mean) - missing)
        return
    scale, shift = norm_line(norm)
    take_statistics(norm, given)
    mean, variance = _numbers(norm.moving_mean), _numbers(norm.moving_variance)
    norm.gamma.assign(scale * np.sqrt(variance + norm.epsilon))
    norm.beta.assign(shift + scale * (missing + mean))


def _statistics(norm: layers.BatchNormalization, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    axes = tuple(axis for axis in range(given.ndim) if axis != norm.axis % given.ndim)
    return given.mean(axis=axes, dtype=float), given.var(axis=axes, dtype=float)


def _numbers(weights) -> np.ndarray:
    return ops.convert_to_numpy(weights).astype(float)
