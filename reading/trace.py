"""What is known of the tensors of a network while it is run, and the graph that grows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from archcost.networks import Graph, GraphBuilder, Node, Value
from archcost.networks.rewrites import drop_dead
from archcost.networks.work import node_params

PRECISIONS = {
    torch.float64: "fp64", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16",
    torch.int64: "int64", torch.int32: "int32", torch.int16: "int16", torch.int8: "int8",
    torch.uint8: "uint8", torch.bool: "bool", torch.complex64: "fp64",
}  # fmt: skip
"""Of torch's types; a complex number takes as many bytes as one of double precision."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor that does not depend on the network's input.

    Parameters
    ----------
    names : tuple of str
        Parameters and buffers that it is computed from, by their names in the state dict.
    is_computed : bool
        Whether it is not simply one of them.
    """

    names: tuple[str, ...] = ()
    is_computed: bool = True


@dataclass(slots=True)
class Trace:
    """Collect the ops that are executed on tensors.

    Parameters
    ----------
    n_elements : dict from str to int
        Name -> elements of each trainable parameter.
    builder : GraphBuilder
        Where the ops go.
    """

    n_elements: dict[str, int]
    builder: GraphBuilder = field(default_factory=GraphBuilder)
    _values: dict[int, Value] = field(default_factory=dict)
    _weights: dict[int, Weight] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)
    """Tensors whose ``id`` is used, so that no other one gets it."""
    _sharing: dict[int, list[Tensor]] = field(default_factory=dict)
    """Tensors by the memory that they are in."""
    _constants: dict[Any, Value] = field(default_factory=dict)
    _names: dict[str, Any] = field(default_factory=dict)
    _n_params: dict[str, int] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)

    # Tensors ---------------------------------------------------------------------------------

    def is_known(self, tensor: Any) -> bool:
        """Return whether a tensor depends on the network's input."""
        return id(tensor) in self._values

    def set(self, tensor: Tensor, value: Value) -> None:
        """Say which op gave a tensor."""
        self._keep(tensor)
        self._values[id(tensor)] = value

    def written(self, tensor: Tensor) -> None:
        """Say that a tensor was written to in place, and with it those that share its memory."""
        value = self._values[id(tensor)]
        for other in self._sharing[_memory(tensor)]:
            if other is tensor or other.numel() < tensor.numel():
                continue
            if other.numel() > tensor.numel():
                self.set(other, self.node("write_part", [other, value], other))
            elif tuple(other.shape) == value.shape:
                self.set(other, value)
            else:
                self.set(other, self.node("reshape", [value], other))

    def _keep(self, tensor: Tensor) -> None:
        self._kept.append(tensor)
        sharing = self._sharing.setdefault(_memory(tensor), [])
        if not any(tensor is other for other in sharing):
            sharing.append(tensor)

    def set_weight(self, tensor: Tensor, weight: Weight) -> None:
        """Say that a tensor does not depend on the input."""
        self._keep(tensor)
        self._weights[id(tensor)] = weight

    def weight(self, tensor: Any) -> Weight:
        """Return what is known of a tensor that does not depend on the input."""
        return self._weights.get(id(tensor), Weight())

    def value(self, operand: Any) -> Value:
        """Return an operand of an op: a tensor, a weight, or a number."""
        if not isinstance(operand, Tensor):
            return self._number(operand)
        found = self._values.get(id(operand))
        if found is not None:
            return found
        key = id(operand)
        if key not in self._constants:
            weight = self.weight(operand)
            name = self.name(operand, "")
            trainable = not weight.is_computed and weight.names[0] in self.n_elements
            self._kept.append(operand)
            self._constants[key] = self.node(
                "constant", (), operand, name=name, weights=(operand,),
                trainable=trainable, fill=None,
            )  # fmt: skip
        return self._constants[key]

    def _number(self, number: Any) -> Value:
        number = float(number)
        key = ("number", number)
        if key not in self._constants:
            self._constants[key] = self.builder.node(
                "constant", (), (), name=f"number_{number!r}", precision="fp32",
                trainable=False, fill=number,
            )  # fmt: skip
        return self._constants[key]

    # Ops -------------------------------------------------------------------------------------

    def node(
        self, op: str, inputs: Sequence[Any], result: Tensor, *, name: str = "",
        weights: Sequence[Any] = (), shape: Sequence[int] | None = None, **attributes: Any,
    ) -> Value:  # fmt: skip
        """Append an op.

        Parameters
        ----------
        op : str
            As the builder takes it.
        inputs : sequence
            Tensors, numbers or values.
        result : Tensor
            Whose type it has, and whose shape by default.
        name : str, default=""
            Of its weights.
        weights : sequence of Tensor
            Its weights; None is left out.
        shape : sequence of int, optional
            If it is not that of `result`.
        **attributes
            As ``archcost.networks.graph`` lists them.
        """
        values = [x if isinstance(x, Value) else self.value(x) for x in inputs]
        shape = tuple(result.shape) if shape is None else tuple(shape)
        precision = PRECISIONS.get(result.dtype, "int8")
        if name:
            n_params = self._params(name, weights)
            nodes = self.builder.nodes_at(values)
            plain = Node(op, (), shape, attributes, precision=precision)
            if node_params(plain, nodes) != n_params:
                attributes["params"] = n_params
        return self.builder.node(op, values, shape, name=name, precision=precision, **attributes)

    def apply(self, op: str, inputs: Sequence[Any], result: Tensor, **attributes: Any) -> None:
        """Append an op without weights whose result is a tensor."""
        self.set(result, self.node(op, inputs, result, **attributes))

    def name(self, weight: Any, suffix: str = ".weight") -> str:
        """Return a name for the op that has a weight, the same one for the same weight."""
        known = self.weight(weight)
        base = known.names[0] if known.names else "constant"
        base = base.removesuffix(suffix) if suffix else base
        key: Any = id(weight) if known.is_computed else known.names
        for number in range(1, len(self._names) + 2):
            name = base if number == 1 else f"{base}_{number}"
            if self._names.setdefault(name, key) == key:
                self._kept.append(weight)
                return name
        raise AssertionError("there is always a free number")

    def _params(self, name: str, weights: Sequence[Any]) -> int:
        """Return the trainable parameters of the weights that no other op has."""
        if name not in self._n_params:
            names = {n for w in weights if w is not None for n in self.weight(w).names}
            new = names - self._counted
            self._counted |= new
            self._n_params[name] = sum(self.n_elements.get(n, 0) for n in new)
        return self._n_params[name]

    def graph(self, results: Sequence[Tensor]) -> Graph:
        """Return the graph that gives the tensors, without what they do not need."""
        return drop_dead(self.builder.graph(*[self._values[id(tensor)] for tensor in results]))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def is_same_memory(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors are in the same memory, at any place."""
    return _memory(one) == _memory(other)


def whole(sizes: Any, n_axes: int) -> tuple[int, ...]:
    """Return one number an axis, as ATen's windows leave out what repeats."""
    listed = [int(size) for size in (sizes if isinstance(sizes, Sequence) else [sizes])]
    return tuple(listed * n_axes) if len(listed) == 1 else tuple(listed)
