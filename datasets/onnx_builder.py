"""Write ONNX graphs node by node, the way an exporter leaves a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 17, 8
"""Old enough for the runtimes of embedded boards, new enough for every op used here."""

NORM_EPSILON = 1e-5
"""That of ``torch.nn.BatchNorm2d``."""

NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")

Array = npt.NDArray[np.float32]


@lru_cache(maxsize=512)
def random_tensor(shape: tuple[int, ...], fan_in: int, seed: int) -> bytes:
    """Return the bytes of a seeded He-normal tensor; zeros for a `fan_in` of 0.

    Latency does not depend on weights' values as long as they keep activations in the normal
    range, so tensors of one shape share their bytes and a graph is built in milliseconds.
    """
    if fan_in == 0:
        return np.zeros(shape, dtype=np.float32).tobytes()
    rng = np.random.default_rng([seed, fan_in, *shape])
    scale = np.sqrt(2.0 / fan_in)
    return (rng.standard_normal(shape) * scale).astype(np.float32).tobytes()


class GraphBuilder:
    """Collect nodes and weights of a network with one input and batch size 1.

    Batch normalisation that follows a convolution is folded into it, as ``torch.onnx`` and every
    deployment converter do; one that stands alone stays a node.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width.
    weights : mapping from str to array, optional
        The state dict of the torch module; None for seeded random weights.
    seed : int, default=0
        Fixes the random weights.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        weights: Mapping[str, npt.NDArray[Any]] | None = None,
        seed: int = 0,
    ) -> None:
        self.input_shape = input_shape
        self.weights = weights
        self.seed = seed
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
        """Append a convolution without bias, padded to keep the resolution at stride 1.

        Parameters
        ----------
        x : str
            Name of the input tensor.
        name : str
            Prefix of the weight in the state dict.
        c_in, c_out, kernel, stride, groups : int
            As in ``torch.nn.Conv2d``.
        norm : str, optional
            Prefix in the state dict of the batch normalisation that follows and is folded.
        """
        shape = (c_out, c_in // groups, kernel, kernel)
        fan_in = shape[1] * kernel * kernel
        weight, bias = f"{name}.weight", f"{name}.bias"
        if self.weights is None:
            inputs = [self._random(weight, shape, fan_in)]
            inputs += [self._random(bias, (c_out,), 0)] if norm else []
        elif norm is None:
            inputs = [self.constant(weight, self._given(weight, shape))]
        else:
            scale, shift = self._norm(norm, c_out)
            folded = self._given(weight, shape) * scale[:, None, None, None]
            inputs = [self.constant(weight, folded), self.constant(bias, shift)]
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
        names = [f"{name}.{part}" for part in NORM_TENSORS]
        for part, tensor in zip(NORM_TENSORS, names, strict=True):
            if self.weights is None:
                value = np.full(channels, part in ("weight", "running_var"), dtype=np.float32)
            else:
                value = self._given(tensor, (channels,))
            self.constant(tensor, value)
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

    def classify(self, x: str, name: str, channels: int, classes: int) -> str:
        """Append the global average pooling and the linear layer."""
        x = self.node("Flatten", self.node("GlobalAveragePool", x))
        weight, bias = f"{name}.weight", f"{name}.bias"
        if self.weights is None:
            self._random(weight, (classes, channels), channels)
            self._random(bias, (classes,), 0)
        else:
            self.constant(weight, self._given(weight, (classes, channels)))
            self.constant(bias, self._given(bias, (classes,)))
        return self.node("Gemm", x, weight, bias, transB=1)

    def model(self, output: str, classes: int) -> onnx.ModelProto:
        """Return the model, without the nodes and weights that `output` does not need."""
        from onnx import TensorProto, helper

        needed, nodes = {output}, []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                nodes.append(node)
        graph = helper.make_graph(
            nodes[::-1],
            "network",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *self.input_shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, classes])],
            [tensor for name, tensor in self._initializers.items() if name in needed],
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="archcost"
        )

    def _random(self, name: str, shape: tuple[int, ...], fan_in: int) -> str:
        from onnx import TensorProto

        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.raw_data = random_tensor(shape, fan_in, self.seed)
        self._initializers[name] = tensor
        return name

    def _given(self, name: str, shape: tuple[int, ...]) -> Array:
        assert self.weights is not None
        value = np.asarray(self.weights[name], dtype=np.float32)
        if value.shape != shape:
            raise ValueError(f"weight {name!r} must have shape {shape}, but got {value.shape}")
        return value

    def _norm(self, name: str, channels: int) -> tuple[Array, Array]:
        """Return the scale and shift that a batch normalisation amounts to."""
        weight, bias, mean, var = (
            self._given(f"{name}.{part}", (channels,)) for part in NORM_TENSORS
        )
        scale = weight / np.sqrt(var + NORM_EPSILON)
        return scale, bias - mean * scale
