"""Collect the operators and constants of a TensorFlow Lite model, in fp32."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Shape
from archcost.networks.tflite_file import Operator, Tensor, TfliteGraph

INPUT = "input"

ACTIVATION = "fusedActivationFunction"


class TfliteBuilder:
    """Collect operators by the names of their results, and constants by their own.

    The second of two operators that compute the same is dropped, as the converter does.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}
        self._operators: dict[tuple[str, tuple[str, ...], str], Operator] = {}

    def input(self, shape: Shape) -> str:
        """Add the network's input and return its name."""
        self._tensors[INPUT] = Tensor(shape)
        return INPUT

    def shape(self, name: str) -> Shape:
        """Return the shape of a tensor, channels last."""
        return self._tensors[name].shape

    def append(self, code: str, inputs: tuple[str, ...], shape: Shape, **options: Any) -> str:
        """Append an operator and return the name of its output."""
        key = code, inputs, repr(options)
        if key not in self._operators:
            output = f"{code}_{len(self._operators)}"
            self._tensors[output] = Tensor(shape)
            self._operators[key] = Operator(code, inputs, output, options)
        return self._operators[key].output

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a constant, once a name, and return its name."""
        self._tensors.setdefault(name, Tensor(value.shape, value))
        return name

    def ints(self, *values: int) -> str:
        """Store a list of integers, such as a shape, and return its name."""
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, dtype=np.int32))

    def number(self, value: float) -> str:
        """Store a number and return its name."""
        return self.constant(f"number_{value!r}", np.array(value, dtype=np.float32))

    def reshape(self, x: str, shape: Shape) -> str:
        """Append a change of shape, if it is one; that of a constant is made here."""
        if self.shape(x) == shape:
            return x
        value = self._tensors[x].data
        if value is not None:
            return self.constant(f"{x}_as_{'x'.join(map(str, shape))}", value.reshape(shape))
        return self.append("RESHAPE", (x, self.ints(*shape)), shape, newShape=list(shape))

    def transpose(self, x: str, axes: Shape) -> str:
        """Append an exchange of axes; that of a constant is made here."""
        value = self._tensors[x].data
        if value is not None:
            return self.constant(f"{x}_by_{'_'.join(map(str, axes))}", value.transpose(axes))
        shape = tuple(self.shape(x)[axis] for axis in axes)
        return self.append("TRANSPOSE", (x, self.ints(*axes)), shape)

    def pad(self, x: str, padding: tuple[tuple[int, int], ...], fill: float | None = None) -> str:
        """Append a border of zeros, or of another number, around height and width."""
        pairs = np.array([(0, 0), *padding, (0, 0)], dtype=np.int32)
        name = "pad_" + "_".join(str(side) for pair in padding for side in pair)
        sizes = zip(self.shape(x), pairs.sum(axis=1).tolist(), strict=True)
        shape = tuple(size + more for size, more in sizes)
        inputs = x, self.constant(name, pairs)
        if fill is not None:
            return self.append("PADV2", (*inputs, self.number(fill)), shape)
        return self.append("PAD", inputs, shape)

    def graph(self, output: str) -> TfliteGraph:
        """Return the graph, without constants that no operator reads."""
        operators = list(self._operators.values())
        used = {INPUT, output}.union(*((*op.inputs, op.output) for op in operators))
        tensors = {name: tensor for name, tensor in self._tensors.items() if name in used}
        return TfliteGraph(tensors, operators, INPUT, output)
