"""Write ONNX graphs node by node, the way an exporter leaves a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.networks.network_graphs import INPUT
from archcost.networks.network_weights import NORM_EPSILON, NetworkWeights

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 17, 8
"""Old enough for the runtimes of embedded boards, new enough for every op used here."""


class GraphBuilder:
    """Collect the nodes of a network as a ``NetworkBuilder``, weights with them.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width.
    weights : NetworkWeights
        Gives each layer its weights.
    """

    def __init__(self, input_shape: tuple[int, int, int], weights: NetworkWeights) -> None:
        self.input_shape = input_shape
        self.weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}

    def node(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        from onnx import helper

        output = f"{op_type}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op_type, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Store a constant and return its name."""
        from onnx import numpy_helper

        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def zeros(self, channels: int, height: int, width: int) -> str:
        """Return the name of a tensor of zeros; equal shapes share one."""
        name = f"zeros_{channels}x{height}x{width}"
        return self.constant(name, np.zeros((1, channels, height, width), dtype=np.float32))

    def relu(self, x: str) -> str:
        """Append a ReLU."""
        return self.node("Relu", x)

    def add(self, x: str, y: str) -> str:
        """Append the sum of two tensors of one shape."""
        return self.node("Add", x, y)

    def conv(
        self,
        x: str,
        name: str,
        c_in: int,
        c_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        norm: str | None = None,
    ) -> str:
        """Append a convolution; see ``NetworkBuilder.conv``."""
        weight, bias = self.weights.conv(name, c_in // groups, c_out, kernel, norm)
        inputs = [self.constant(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        return self.node(
            "Conv",
            x,
            *inputs,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
            group=groups,
        )

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        """Append a batch normalisation that follows no convolution."""
        tensors = self.weights.norm(name, channels)
        names = [self.constant(tensor, value) for tensor, value in tensors.items()]
        return self.node("BatchNormalization", x, *names, epsilon=NORM_EPSILON)

    def avg_pool(self, x: str, kernel: int, *, stride: int, padding: int) -> str:
        """Append an average pooling that leaves the padding out of the count."""
        return self.node(
            "AveragePool",
            x,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[padding] * 4,
            count_include_pad=0,
        )

    def channel_shuffle(self, x: str, channels: int, size: int, groups: int) -> str:
        """Append ShuffleNet's exchange of channels between `groups`."""
        split = np.array([1, groups, channels // groups, size, size], dtype=np.int64)
        joined = np.array([1, channels, size, size], dtype=np.int64)
        tag = f"{groups}x{channels}x{size}"
        y = self.node("Reshape", x, self.constant(f"split_{tag}", split))
        y = self.node("Transpose", y, perm=[0, 2, 1, 3, 4])
        return self.node("Reshape", y, self.constant(f"joined_{tag}", joined))

    def classify(self, x: str, name: str, channels: int, classes: int) -> None:
        """Append the global average pooling and the linear layer, whose result is the output."""
        x = self.node("Flatten", self.node("GlobalAveragePool", x))
        weight, bias = self.weights.linear(name, channels, classes)
        inputs = self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)
        self._output, self._classes = self.node("Gemm", x, *inputs, transB=1), classes

    def model(self) -> onnx.ModelProto:
        """Return the model, without the nodes and weights that the output does not need."""
        from onnx import TensorProto, helper

        needed, nodes = {self._output}, []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                nodes.append(node)
        graph = helper.make_graph(
            nodes[::-1],
            "network",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, *self.input_shape])],
            [helper.make_tensor_value_info(self._output, TensorProto.FLOAT, [1, self._classes])],
            [tensor for name, tensor in self._initializers.items() if name in needed],
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="archcost"
        )
