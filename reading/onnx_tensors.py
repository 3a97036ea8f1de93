"""What is known of the tensors of an ONNX model while its nodes are read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from archcost.errors import IntegrityError
from archcost.networks import GraphBuilder, Node, Value
from archcost.networks.graph import ELEMENT_BYTES, MOST_ELEMENTS, is_shape
from archcost.networks.onnx_builder import TYPES
from archcost.networks.work import node_params

FEW_ELEMENTS = 65536
"""Constants up to this size are computed; of larger ones only the shape is."""

PRECISIONS = {getattr(TensorProto, name): precision for precision, name in TYPES.items()}


def dtype_of(elem_type: int) -> str:
    """Return the precision of one of ONNX's types; what has no name here takes a byte."""
    return PRECISIONS.get(elem_type, "int8")


class OnnxTensors:
    """Constants, their values where they are known, and the ops that gave all other tensors.

    Parameters
    ----------
    model : onnx.ModelProto
        Its initializers are known from the start.
    source : str
        What the model is called in messages.
    """

    def __init__(self, model: onnx.ModelProto, source: str) -> None:
        self.source = source
        self.builder = GraphBuilder()
        self.opsets = {item.domain: item.version for item in model.opset_import}
        self.ir_version = model.ir_version
        self.values: dict[str, Value] = {}
        self.types: dict[str, tuple[int, tuple[int, ...]]] = {}
        """Element type and shape."""
        self.constants: dict[str, npt.NDArray[Any] | None] = {}
        """Tensors that do not depend on the input, None where the contents are not known."""
        self.told: dict[str, tuple[int, tuple[int, ...]]] = {}
        """What the file says about shapes of results."""
        self._origins: dict[str, frozenset[str]] = {}
        self._n_elements: dict[str, int] = {}
        self._counted: set[str] = set()
        self._constant_nodes: dict[str, Value] = {}
        self._n_params: dict[str, int] = {}
        self.add_initializers(model.graph)

    def add_initializers(self, graph: onnx.GraphProto) -> None:
        """Take up the initializers of a graph, and what it says about shapes."""
        for tensor in graph.initializer:
            self.add_constant(tensor.name, tensor, is_initializer=True)
        for info in [*graph.value_info, *graph.output]:
            dims = info.type.tensor_type.shape.dim
            sizes = tuple(dim.dim_value for dim in dims)
            if info.type.tensor_type.HasField("shape") and all(size > 0 for size in sizes):
                self.told[info.name] = info.type.tensor_type.elem_type, sizes

    def add_constant(
        self, name: str, tensor: onnx.TensorProto, *, is_initializer: bool = False
    ) -> None:
        """Take up a tensor of the file; the contents of a large one are not looked at."""
        shape = tuple(tensor.dims)
        n_elements = prod(shape)
        if not is_shape(shape):
            raise IntegrityError(
                f"a tensor must have sizes from 0 and at most {MOST_ELEMENTS:,} numbers, but "
                f"{name!r} of {self.source} claims the shape {shape}; export the file anew"
            )
        is_outside = tensor.data_location == TensorProto.EXTERNAL
        value = None if is_outside or n_elements > FEW_ELEMENTS else self._content(tensor)
        self.set_constant(name, tensor.data_type, shape, value)
        is_float = dtype_of(tensor.data_type) in ("fp64", "fp32", "fp16", "bf16")
        if n_elements > 1 and is_float:
            self._n_elements[name] = n_elements
            self._origins[name] = frozenset((name,))

    def _content(self, tensor: onnx.TensorProto) -> npt.NDArray[Any]:
        try:
            return numpy_helper.to_array(tensor)
        except Exception as error:  # of a damaged tensor, almost anything
            raise IntegrityError(
                f"a tensor must hold what it claims, but {tensor.name!r} of {self.source}, of "
                f"shape {tuple(tensor.dims)}, cannot be read ({error}); export the file anew"
            ) from None

    def set_constant(
        self, name: str, elem_type: int, shape: Sequence[int], value: npt.NDArray[Any] | None,
        computed_from: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Say that a tensor does not depend on the input."""
        self.types[name] = elem_type, tuple(shape)
        self.constants[name] = value
        self._origins[name] = frozenset().union(
            *[self._origins.get(origin, frozenset()) for origin in computed_from]
        )

    def add_input(self, name: str, shape: Sequence[int], precision: str) -> None:
        """Take up an input of the network."""
        self.values[name] = self.builder.node("input", (), shape, precision=precision)
        self.types[name] = getattr(TensorProto, TYPES[precision]), tuple(shape)

    def alias(self, name: str, other: str) -> None:
        """Say that a tensor is another one."""
        self.types[name] = self.types[other]
        if other in self.values:
            self.values[name] = self.values[other]
        else:
            self.constants[name] = self.constants[other]
            self._origins[name] = self._origins.get(other, frozenset())

    def is_known(self, name: str) -> bool:
        """Return whether a tensor depends on the input."""
        return name in self.values

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return self.types[name][1]

    def constant(self, name: str) -> npt.NDArray[Any] | None:
        """Return the contents of a tensor, or None if they are not known or there is none."""
        return self.constants.get(name) if name else None

    def ints(self, name: str) -> list[int] | None:
        """Return the numbers of a constant."""
        value = self.constant(name)
        return None if value is None else [int(number) for number in value.reshape(-1)]

    # Ops -------------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """Return what a node reads, a constant among it."""
        if name in self.values:
            return self.values[name]
        if name not in self._constant_nodes:
            elem_type, shape = self.types[name]
            contents, fill = self.constants[name], None
            if contents is not None and contents.size == 1 and contents.dtype.kind in "fiu":
                fill = float(contents.reshape(-1)[0])
            origins = self._origins[name]
            trainable = origins == {name} and fill is None
            self._constant_nodes[name] = self._append(
                "constant", (), elem_type, shape, name=name, weights=(name,), trainable=trainable,
                fill=fill,
            )  # fmt: skip
        return self._constant_nodes[name]

    def apply(
        self, op: str, inputs: Sequence[str | Value], result: str, *, weights: Sequence[str] = (),
        **attributes: Any,
    ) -> Value:  # fmt: skip
        """Append the op that gives a tensor, named after the first of its weights."""
        self.values[result] = self.step(
            op, inputs, result, self.types[result][1], weights=weights, **attributes
        )
        return self.values[result]

    def step(
        self, op: str, inputs: Sequence[str | Value], result: str, shape: Sequence[int], *,
        weights: Sequence[str] = (), **attributes: Any,
    ) -> Value:  # fmt: skip
        """Append one of several ops that give a tensor together, with the shape of its own."""
        values = [x if isinstance(x, Value) else self.value(x) for x in inputs]
        given = [weight for weight in weights if weight]
        return self._append(
            op, values, self.types[result][0], shape, name=self._name(given[0]) if given else "",
            weights=given, **attributes,
        )  # fmt: skip

    def _append(
        self, op: str, values: Sequence[Value], elem_type: int, shape: Sequence[int], *, name: str,
        weights: Sequence[str], **attributes: Any,
    ) -> Value:  # fmt: skip
        precision = dtype_of(elem_type)
        if name:
            n_params = self._params(name, weights)
            plain = Node(op, (), tuple(shape), attributes, precision=precision)
            if node_params(plain, self.builder.nodes_at(values)) != n_params:
                attributes["params"] = n_params
        assert precision in ELEMENT_BYTES
        return self.builder.node(op, values, shape, name=name, precision=precision, **attributes)

    def _name(self, weight: str) -> str:
        origins = sorted(self._origins.get(weight, ()))
        return (origins[0] if len(origins) == 1 else weight).removesuffix(".weight")

    def _params(self, name: str, weights: Sequence[str]) -> int:
        """Return the trainable parameters of the weights that no other op has."""
        if name not in self._n_params:
            origins = {o for weight in weights for o in self._origins.get(weight, ())}
            new = origins - self._counted
            self._counted |= new
            self._n_params[name] = sum(self._n_elements[origin] for origin in new)
        return self._n_params[name]

    # Shapes ----------------------------------------------------------------------------------

    def infer(self, node: onnx.NodeProto) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return element type and shape of each result of a node, as far as they are known."""
        version = self.opsets.get(node.domain, self.opsets.get("", onnx.defs.onnx_opset_version()))
        try:
            schema = onnx.defs.get_schema(node.op_type, version, node.domain)
        except onnx.defs.SchemaError:
            return {name: self.told[name] for name in node.output if name in self.told}
        names = [name for name in node.input if name]
        types = {name: helper.make_tensor_type_proto(*self.types[name]) for name in names}
        data = {
            name: numpy_helper.from_array(value)
            for name in names
            if (value := self.constants.get(name)) is not None
        }
        opsets = [helper.make_opsetid(domain, v) for domain, v in self.opsets.items()]
        inferred = onnx.shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=opsets, ir_version=self.ir_version
        )
        found = {}
        for name, kind in inferred.items():
            dims = kind.tensor_type.shape.dim
            if kind.tensor_type.HasField("shape") and all(d.HasField("dim_value") for d in dims):
                found[name] = kind.tensor_type.elem_type, tuple(d.dim_value for d in dims)
            elif name in self.told:
                found[name] = self.told[name]
        return found
