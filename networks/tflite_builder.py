"""Collect the ops of a network as TensorFlow Lite's converter would leave them, in fp32."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.networks.network_graphs import INPUT
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.tflite_file import Operator, Tensor, TfliteGraph

ACTIVATION = "fusedActivationFunction"
UNFUSED = {ACTIVATION: "NONE"}


class TfliteBuilder:
    """Collect the operators of a network as a ``NetworkBuilder``.

    As the converter does: images are channels last; the second of two operators that compute the
    same is dropped; a ReLU moves into the operator before it if nothing else needs that one's
    result; padding that is the same on both sides is an operator of its own where ``SAME`` would
    pad one side only; batch normalisation that follows no convolution is a product and a sum.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width.
    weights : NetworkWeights
        Gives each layer its weights, channels last.
    """

    def __init__(self, input_shape: tuple[int, int, int], weights: NetworkWeights) -> None:
        self.input_shape = input_shape
        self.weights = weights
        channels, height, width = input_shape
        self._tensors = {INPUT: Tensor((1, height, width, channels))}
        self._operators: dict[tuple[str, tuple[str, ...], str], Operator] = {}

    def zeros(self, channels: int, height: int, width: int) -> str:
        """Return the name of a tensor of zeros; equal shapes share one."""
        shape = (1, height, width, channels)
        return self._constant(f"zeros_{channels}x{height}x{width}", np.zeros(shape, np.float32))

    def relu(self, x: str) -> str:
        """Append a ReLU."""
        return self._append("RELU", (x,), self._tensors[x].shape)

    def add(self, x: str, y: str) -> str:
        """Append the sum of two tensors of one shape."""
        return self._append("ADD", (x, y), self._tensors[x].shape, **UNFUSED)

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
        """Append a convolution, depthwise for as many groups as channels; see NetworkBuilder."""
        weight, bias = self.weights.conv(name, c_in // groups, c_out, kernel, norm)
        depthwise = groups == c_in == c_out
        if depthwise:
            weight = weight.transpose(3, 1, 2, 0)
        if bias is None:
            bias = np.zeros(c_out, dtype=np.float32)
        x, padding = self._pad(x, kernel, stride)
        inputs = x, self._constant(f"{name}.weight", weight), self._constant(f"{name}.bias", bias)
        shape = self._shape_after(x, kernel if padding == "VALID" else 1, stride, c_out)
        options = {"padding": padding, "strideW": stride, "strideH": stride, **UNFUSED}
        if depthwise:
            return self._append("DEPTHWISE_CONV_2D", inputs, shape, depthMultiplier=1, **options)
        return self._append("CONV_2D", inputs, shape, **options)

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        """Append a batch normalisation that follows no convolution."""
        shape = self._tensors[x].shape
        for step, part, value in zip(
            ("MUL", "ADD"),
            ("scale", "shift"),
            self.weights.scale_and_shift(name, channels),
            strict=True,
        ):
            x = self._append(step, (x, self._constant(f"{name}.{part}", value)), shape, **UNFUSED)
        return x

    def avg_pool(self, x: str, kernel: int, *, stride: int, padding: int) -> str:
        """Append an average pooling; what ``SAME`` pads is never counted."""
        if padding not in (0, kernel // 2) or (padding and stride > 1):
            raise ValueError(f"padding must be 0, or {kernel // 2} at stride 1, but got {padding}")
        shape = self._shape_after(x, 1 if padding else kernel, stride, self._tensors[x].shape[-1])
        return self._append(
            "AVERAGE_POOL_2D", (x,), shape, padding="SAME" if padding else "VALID",
            strideW=stride, strideH=stride, filterWidth=kernel, filterHeight=kernel, **UNFUSED,
        )  # fmt: skip

    def channel_shuffle(self, x: str, channels: int, size: int, groups: int) -> str:
        """Append ShuffleNet's exchange of channels between `groups`."""
        # Pixels as one axis keep it at three, which all back ends take.
        split = (size * size, groups, channels // groups)
        y = self._reshape(x, split)
        order = self._constant("shuffle", np.array([0, 2, 1], dtype=np.int32))
        y = self._append("TRANSPOSE", (y, order), (split[0], split[2], split[1]))
        return self._reshape(y, (1, size, size, channels))

    def classify(self, x: str, name: str, channels: int, classes: int) -> None:
        """Append the global average pooling and the linear layer, whose result is the output."""
        axes = self._constant("image_axes", np.array([1, 2], dtype=np.int32))
        x = self._append("MEAN", (x, axes), (1, channels), keepDims=False)
        weight, bias = self.weights.linear(name, channels, classes)
        inputs = x, self._constant(f"{name}.weight", weight), self._constant(f"{name}.bias", bias)
        self._output = self._append("FULLY_CONNECTED", inputs, (1, classes), **UNFUSED)

    def graph(self) -> TfliteGraph:
        """Return the graph, without what the output does not need, ReLUs fused."""
        needed, operators = {self._output}, []
        for operator in reversed(self._operators.values()):
            if operator.output in needed:
                needed.update(operator.inputs)
                operators.append(operator)
        operators = _fuse_relus(operators[::-1])
        used = {INPUT}.union(*((*operator.inputs, operator.output) for operator in operators))
        tensors = {name: tensor for name, tensor in self._tensors.items() if name in used}
        return TfliteGraph(tensors, operators, INPUT, self._output)

    def _append(
        self, code: str, inputs: tuple[str, ...], shape: tuple[int, ...], **options: Any
    ) -> str:
        key = code, inputs, repr(options)
        if key not in self._operators:
            output = f"{code}_{len(self._operators)}"
            self._tensors[output] = Tensor(shape)
            self._operators[key] = Operator(code, inputs, output, options)
        return self._operators[key].output

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self._tensors.setdefault(name, Tensor(value.shape, value))
        return name

    def _reshape(self, x: str, shape: tuple[int, ...]) -> str:
        name = "shape_" + "x".join(map(str, shape))
        target = self._constant(name, np.array(shape, dtype=np.int32))
        return self._append("RESHAPE", (x, target), shape, newShape=list(shape))

    def _pad(self, x: str, kernel: int, stride: int) -> tuple[str, str]:
        """Pad by half a kernel, with an operator if need be; return the padding left to do."""
        _, height, width, channels = self._tensors[x].shape
        margin = kernel // 2
        same = [max(kernel - (size % stride or stride), 0) for size in (height, width)]
        if same == [2 * margin, 2 * margin]:
            return x, "SAME"
        margins = np.zeros((4, 2), dtype=np.int32)
        margins[1:3] = margin
        shape = (1, height + 2 * margin, width + 2 * margin, channels)
        return self._append("PAD", (x, self._constant(f"pad_{margin}", margins)), shape), "VALID"

    def _shape_after(self, x: str, window: int, stride: int, channels: int) -> tuple[int, ...]:
        _, height, width, _ = self._tensors[x].shape
        return 1, (height - window) // stride + 1, (width - window) // stride + 1, channels


def _fuse_relus(operators: list[Operator]) -> list[Operator]:
    uses = Counter(name for operator in operators for name in operator.inputs)
    fused = {operator.output: operator for operator in operators}
    for relu in operators:
        x = relu.inputs[0]
        if relu.code == "RELU" and x in fused and ACTIVATION in fused[x].options and uses[x] == 1:
            before = fused[x]
            options = {**before.options, ACTIVATION: "RELU"}
            fused[x] = replace(before, output=relu.output, options=options)
            del fused[relu.output]
    return list(fused.values())
