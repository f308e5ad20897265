"""Attention heads as units of their own: the output projection that mixes them becomes a layer by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import keras
import numpy as np

from fm_keras.errors import CannotCut, InvalidInput
from fm_keras.models.copying import copy_layer
from fm_keras.models.graph import Call, Graph, Key, flat_name, free_name, rebuild, walk
from fm_keras.models.operations import attention_shapes

_PROJECTION = "/attention_output/"


@dataclass(frozen=True)
class AttentionHeads:
    """The heads of one call of an attention layer."""

    layer: str
    """path of the layer in the network: 'block1_attention', 'encoder/attention', 'shared:2'"""
    exposed: str
    """path of the layer that puts out all heads beside each other, in the copy that `expose_heads` makes"""
    heads: int
    """number of heads"""
    nodes: int
    """nodes of each head"""


def attention_heads(model: keras.Model, *, layers: Iterable[str] | None = None) -> list[AttentionHeads]:
    """The heads of every call of `keras.layers.MultiHeadAttention` in a network, in depth order.

    Layers that put out more than one axis of nodes are left out.

    Args:
        model: Functional or built Sequential model, nested models included.
        layers: paths of attention layers; all if None.

    Raises:
        CannotCut: a model without a graph of calls or without such layers.
        InvalidInput: a path that is none of them; the message lists them.
    """
    found = _all_heads(model, walk(model))
    if not found:
        raise CannotCut(f"Model {model.name!r} has no heads: it has no layer keras.layers.MultiHeadAttention.")
    layers = list(found) if layers is None else [layers] if isinstance(layers, str) else list(layers)
    for path in layers:
        if path not in found:
            raise InvalidInput(f"Model {model.name!r} has no heads in {path!r}. It has some in: {', '.join(found)}.")
    return [each for path, each in found.items() if path in layers]


def expose_heads(model: keras.Model) -> keras.Model:
    """Frozen copy of a network, with the same outputs, that can be cut before the heads of attention are mixed.

    Each `MultiHeadAttention` named `attention` becomes two layers: `attention_heads`, the same with the identity as its
    output projection, puts out the nodes of all heads, head after head; `attention`, a Dense layer, projects them.
    Where a layer has that name already, an underscore follows.

    Args:
        model: Functional or built Sequential model, nested models included; left as it was.

    Returns:
        A flat model; `attention_heads` says how its layers are called.

    Raises:
        CannotCut: a model without a graph of calls or without such attention layers.
    """
    attention_heads(model)
    graph = walk(model)
    heads = _all_heads(model, graph)
    free = 1 + max(key for call in graph.calls for key in (*call.inputs, *call.outputs))
    calls: list[Call] = []
    for call in graph.calls:
        if call.path in heads:
            calls += _split(call, heads[call.path], free)
            free += 1
        else:
            calls.append(call)
    return rebuild(model, Graph(tuple(calls), graph.inputs, graph.outputs), list(graph.outputs))


def _has_heads(call: Call) -> bool:
    if not isinstance(call.layer, keras.layers.MultiHeadAttention):
        return False
    shape = call.layer.get_config()["output_shape"]
    return shape is None or isinstance(shape, int) or len(shape) == 1


def _all_heads(model: keras.Model, graph: Graph) -> dict[str, AttentionHeads]:
    """The heads of every call that has some, by its path."""
    found = {}
    for call in graph.calls:
        if _has_heads(call):
            config, exposed = call.layer.get_config(), free_name(flat_name(f"{call.path}_heads"), model, graph)
            nodes = config["value_dim"] or config["key_dim"]
            found[call.path] = AttentionHeads(call.path, exposed, config["num_heads"], nodes)
    return found


def _split(call: Call, found: AttentionHeads, key: int) -> list[Call]:
    """The two calls that one becomes; `key` is that of the tensor between them."""
    width = found.heads * found.nodes
    shape = (*call.output_shapes[0][:-1], width)
    heads, projection = _split_layer(call, found, shape)
    return [
        replace(
            call,
            path=found.exposed,
            layer=heads,
            outputs=(key, *call.outputs[1:]),
            output_shapes=(shape, *call.output_shapes[1:]),
        ),
        Call(
            path=call.path,
            layer=projection,
            arguments=((Key(key),), {}),
            inputs=(key,),
            outputs=call.outputs[:1],
            input_shapes=(shape,),
            output_shapes=call.output_shapes[:1],
        ),
    ]


def _split_layer(call: Call, found: AttentionHeads, shape: tuple) -> tuple[keras.Layer, keras.Layer]:
    """The layer with the identity as its output projection, and its projection."""
    width = shape[-1]
    heads = copy_layer(call.layer, path=call.path, changes={"output_shape": (width,)})
    query, value, key = attention_shapes(call)
    heads.build(query, value, key)
    identity = iter([np.eye(width, dtype=np.float32).reshape(found.heads, found.nodes, width), np.zeros(width)])
    given = list(zip(call.layer.weights, call.layer.get_weights()))
    heads.set_weights([next(identity) if _PROJECTION in weight.path else value for weight, value in given])
    own = [value for weight, value in given if _PROJECTION in weight.path]
    projection = keras.layers.Dense(
        own[0].shape[-1], use_bias=len(own) == 2, dtype=call.layer.dtype_policy, name=call.layer.name
    )
    projection.build(shape)
    projection.set_weights([own[0].reshape(width, -1), *own[1:]])
    return heads, projection
