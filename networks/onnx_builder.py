"""Collect the nodes and constants of an ONNX model, and what is known of an op to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Node
from archcost.networks.network_weights import NetworkWeights

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 17, 8
"""Old enough for the runtimes of embedded boards, new enough for every op used here."""

TYPES = {
    "fp64": "DOUBLE", "fp32": "FLOAT", "fp16": "FLOAT16", "bf16": "BFLOAT16", "int64": "INT64",
    "int32": "INT32", "int16": "INT16", "int8": "INT8", "uint8": "UINT8", "bool": "BOOL",
}  # fmt: skip
"""ONNX's name of each precision."""


class OnnxBuilder:
    """Collect nodes by the names of their results, and constants by their own."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        from onnx import helper

        output = f"{op_type}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op_type, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a constant, once a name, and return its name."""
        from onnx import numpy_helper

        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        """Store a list of integers, such as a shape, and return its name."""
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        """Store a number and return its name."""
        return self.constant(f"number_{value!r}", np.array(value, dtype=np.float32))

    def model(
        self,
        inputs: dict[str, tuple[str, tuple[int, ...]]],
        outputs: dict[str, tuple[str, tuple[int, ...]]],
    ) -> onnx.ModelProto:
        """Return the model.

        Parameters
        ----------
        inputs, outputs : dict
            Name -> precision and shape.
        """
        from onnx import TensorProto, helper

        def infos(values: dict[str, tuple[str, tuple[int, ...]]]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(
                    name, getattr(TensorProto, TYPES[precision]), list(shape)
                )
                for name, (precision, shape) in values.items()
            ]

        graph = helper.make_graph(
            self._nodes, "network", infos(inputs), infos(outputs), list(self._initializers.values())
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="archcost"
        )


@dataclass(frozen=True, slots=True)
class Op:
    """An op that is to be written.

    Parameters
    ----------
    node : Node
        The op.
    sources : sequence of Node
        What it reads.
    inputs : sequence of str
        The names of that in the file.
    weights : NetworkWeights
        Of the network.
    """

    node: Node
    sources: Sequence[Node]
    inputs: Sequence[str]
    weights: NetworkWeights

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]
