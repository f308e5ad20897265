"""A functional model as a flat list of layer calls, nested models inlined, and copies rebuilt from it.

Keras gives no public way to walk the calls of a functional model.  This is the only module that
reads `_keras_history` and `_inbound_nodes`, the records from which Keras builds its own models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from fm_keras.errors import CannotCut
from fm_keras.models.copying import copy_layer, copy_weights


@dataclass(frozen=True)
class Key:
    """Stands for a tensor in the arguments of a call."""

    value: int


@dataclass(frozen=True, eq=False)
class Call:
    """One call of one layer (or keras.ops operation) in a model.

    `path` names it: 'conv', 'block/conv' inside nested models, 'name:2' for the second call of a shared layer.
    Tensors are keys: numbers, given out by the walk. `arguments` are the (args, kwargs) of the call, with
    `Key` objects where tensors stood.
    """

    path: str
    layer: keras.Operation
    arguments: tuple[tuple, dict]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[tuple, ...]
    output_shapes: tuple[tuple, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """Calls of a model in topological order; inputs and outputs are tensor keys."""

    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def consumers(self) -> dict[int, list[Call]]:
        """Calls that read each tensor."""
        readers: dict[int, list[Call]] = {}
        for call in self.calls:
            for key in call.inputs:
                readers.setdefault(key, []).append(call)
        return readers

    def ancestors(self, tensors: Iterable[int]) -> list[Call]:
        """Calls on which some tensors depend, those that make them included, in order."""
        wanted, found = set(tensors), []
        for call in reversed(self.calls):
            if wanted.intersection(call.outputs):
                wanted.update(call.inputs)
                found.append(call)
        return found[::-1]


def is_graph(model: Any) -> bool:
    """True for Functional and built Sequential models: those whose calls can be walked."""
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def walk(model: keras.Model) -> Graph:
    """Flat graph of a model.

    Args:
        model: Functional or Sequential; nested functional models are inlined, a subclassed
            model inside is one call.

    Raises:
        CannotCut: the model is subclassed or not built, so it has no graph of calls.
    """
    if not isinstance(model, keras.Model):
        raise CannotCut(f"A Keras model is needed; received {type(model).__name__}.")
    if not is_graph(model):
        raise CannotCut(f"Model {model.name!r} cannot be cut: it is {_no_graph(model)}.")
    walker = _Walker()
    keys = walker.new_keys(model.inputs)
    inputs = tuple(keys.values())
    walker.enter(model, keys, prefix="")
    graph = Graph(tuple(walker.calls), inputs, tuple(keys[id(tensor)] for tensor in model.outputs))
    # A nested model may put out more than is read.
    return replace(graph, calls=tuple(graph.ancestors(graph.outputs)))


def _no_graph(model: keras.Model) -> str:
    """Why a model has no graph of calls, and what would do."""
    if isinstance(model, keras.Sequential):
        return "not built: call model.build(input_shape) first"
    parts = [repr(layer.name) for layer in model.layers if is_graph(layer)]
    cut_alone = f", or cut its part {' or '.join(parts)} alone" if parts else ""
    return (
        "subclassed, so Keras keeps no graph of its layers. If its call() is made of layers and keras.ops, cut its "
        f"functional equivalent: x = keras.Input(shape); keras.Model(x, model.call(x)){cut_alone}"
    )


class _Walker:
    """Collects the calls of a model and of the models nested in it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.times: dict[str, int] = {}
        self.shapes: list[tuple] = []

    def new_keys(self, tensors: list, shapes: list[tuple] | None = None) -> dict[int, int]:
        """A fresh key for each tensor, by its id.  A nested model called twice has the same inner tensors twice."""
        first = len(self.shapes)
        self.shapes += shapes or _shapes(tensors)
        return {id(tensor): first + number for number, tensor in enumerate(tensors)}

    def enter(self, model: keras.Model, keys: dict[int, int], *, prefix: str) -> None:
        """Append the calls of a model; `keys` holds its inputs and takes all that its calls put out."""
        for node in _nodes_in_order(model):
            layer = node.operation
            path = prefix + layer.name
            if is_graph(layer):
                inner = {id(tensor): keys[id(given)] for tensor, given in zip(layer.inputs, node.input_tensors)}
                self.enter(layer, inner, prefix=f"{path}/")
                keys.update({id(out): inner[id(tensor)] for out, tensor in zip(node.outputs, layer.outputs)})
            else:
                keys.update(self.new_keys(node.outputs, self.output_shapes(node, keys)))
                self.append(node, keys, path)

    def output_shapes(self, node: Any, keys: dict[int, int]) -> list[tuple]:
        """Shapes that a call puts out: others than recorded where a model for any size was called on one size."""
        given = {id(tensor): self.shapes[keys[id(tensor)]] for tensor in node.input_tensors}
        if all(given[id(tensor)] == tuple(tensor.shape) for tensor in node.input_tensors):
            return _shapes(node.outputs)
        args, kwargs = keras.tree.map_structure(
            lambda value: keras.KerasTensor(given[id(value)], value.dtype) if id(value) in given else value,
            (tuple(node.arguments.args), dict(node.arguments.kwargs)),
        )
        return _shapes(keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs)))

    def append(self, node: Any, keys: dict[int, int], path: str) -> None:
        """Record one call of a layer."""
        self.times[path] = nth = self.times.get(path, 0) + 1
        arguments = keras.tree.map_structure(
            lambda value: Key(keys[id(value)]) if isinstance(value, keras.KerasTensor) else value,
            (tuple(node.arguments.args), dict(node.arguments.kwargs)),
        )
        self.calls.append(
            Call(
                path=path if nth == 1 else f"{path}:{nth}",
                layer=node.operation,
                arguments=arguments,
                inputs=tuple(keys[id(tensor)] for tensor in node.input_tensors),
                outputs=tuple(keys[id(tensor)] for tensor in node.outputs),
                input_shapes=tuple(self.shapes[keys[id(tensor)]] for tensor in node.input_tensors),
                output_shapes=tuple(self.shapes[keys[id(tensor)]] for tensor in node.outputs),
            )
        )


def _shapes(tensors: list) -> list[tuple]:
    return [tuple(tensor.shape) for tensor in tensors]


def _nodes_in_order(model: keras.Model) -> list[Any]:
    """Nodes between inputs and outputs of one model, each after those it depends on."""
    order: list[Any] = []
    seen = {id(tensor) for tensor in model.inputs}
    stack = [(tensor, False) for tensor in reversed(model.outputs)]
    while stack:
        tensor, ready = stack.pop()
        if id(tensor) in seen:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if ready:
            seen.update(id(output) for output in node.outputs)
            order.append(node)
        else:
            stack.append((tensor, True))
            stack.extend((parent, False) for parent in reversed(node.input_tensors))
    return order


def rebuild(
    model: keras.Model, graph: Graph, outputs: list[int], *, through: Mapping[int, keras.Layer] | None = None
) -> keras.Model:
    """Independent frozen model from the inputs to any tensors of the graph, in the same structure of inputs.

    Args:
        model: the model that was walked; neither its layers nor its weights are touched.
        graph: `walk(model)`.
        outputs: keys of the tensors the new model puts out, as a list.
        through: layers by key: who reads that tensor reads what the layer makes of it.

    Raises:
        CannotCut: a layer cannot be made again from its config.
    """
    # `input` of a Sequential is that of its first call elsewhere, and missing where there was none.
    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name), given
    )
    tensors = dict(zip(graph.inputs, keras.tree.flatten(inputs)))
    copy_calls(graph.ancestors(outputs), tensors, through or {})
    for tensor in keras.tree.flatten(inputs):
        if not tensor._keras_history.operation._outbound_nodes:
            keras.layers.Identity()(tensor)  # Keras 3.10 refuses an input that no layer reads
    rebuilt = keras.Model(inputs, [tensors[key] for key in outputs], name=model.name)
    rebuilt.trainable = False
    return rebuilt


def copy_calls(
    calls: Iterable[Call], tensors: dict[int, keras.KerasTensor], through: Mapping[int, keras.Layer]
) -> None:
    """Call copies of layers, with their weights and frozen where they are, one after another.

    Args:
        calls: in topological order.
        tensors: by key, what the calls read from outside; takes all that they put out.
        through: layers by key, see `rebuild`.

    Raises:
        CannotCut: a layer cannot be made again from its config.
    """
    copies: dict[int, tuple[keras.Operation, keras.Operation]] = {}
    for call in calls:
        if id(call.layer) not in copies:
            copies[id(call.layer)] = (call.layer, _copy(call))
        args, kwargs = keras.tree.map_structure(
            lambda value: tensors[value.value] if isinstance(value, Key) else value, call.arguments
        )
        result = copies[id(call.layer)][1](*args, **kwargs)
        for key, tensor in zip(call.outputs, keras.tree.flatten(result)):
            tensors[key] = through[key](tensor) if key in through else tensor
    for layer, copy in copies.values():
        if isinstance(layer, keras.Layer):
            copy_weights(layer, copy)
            if not layer.trainable:
                copy.trainable = False


def _copy(call: Call) -> keras.Operation:
    """A layer like that of a call, named by its path, since nested models may use a name twice."""
    # What a frozen attention layer builds inside itself could not be frozen again: it is frozen when it is built.
    thawed = None if getattr(call.layer, "trainable", True) else {"trainable": True}
    copy = copy_layer(call.layer, path=call.path, changes=thawed)
    copy.name = flat_name(call.path)
    return copy


def flat_name(path: str) -> str:
    """What the copy of a layer is called: TensorFlow takes neither slash nor colon in a scope."""
    return path.replace("/", "__").replace(":", "__")


def free_name(wanted: str, model: keras.Model, graph: Graph) -> str:
    """A name that neither a layer nor an input has in a copy of a model: the one wanted, longer if need be."""
    taken = {flat_name(call.path) for call in graph.calls} | {tensor.name for tensor in model.inputs}
    while wanted in taken:
        wanted += "_"
    return wanted
