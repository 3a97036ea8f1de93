"""How each op of the vocabulary is written in TensorFlow Lite, as its converter would.

Images are channels last. Padding that is the same on both sides is an operator of its own where
``SAME`` would pad one side only; batch normalisation that follows no convolution is a product and
a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archcost.errors import ArchcostError
from archcost.networks.graph import Node, Shape
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.tflite_builder import ACTIVATION, TfliteBuilder

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
"""Axes that put an image's channels last, and first again."""

LAST_AXIS = {0: 0, 1: 3, 2: 1, 3: 2}
"""Where each axis of an image is when channels are last."""

FUSED = {None: "NONE", "relu": "RELU", "relu6": "RELU6"}
"""Activations that an operator can compute along."""

ONE_OPERATOR = {
    "relu": "RELU",
    "relu6": "RELU6",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "hswish": "HARD_SWISH",
    "elu": "ELU",
}
"""Activations that are an operator without options."""


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
        Of the network, channels last.
    flattened : bool
        Whether all that read the result flatten it.
    """

    node: Node
    sources: Sequence[Node]
    inputs: Sequence[str]
    weights: NetworkWeights
    flattened: bool

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    @property
    def shape(self) -> Shape:
        """Shape of the result, channels last."""
        return channels_last(self.node.shape)

    @property
    def fused(self) -> dict[str, str]:
        """The option that tells the activation that is computed along."""
        return {ACTIVATION: FUSED[self.node.attributes.get("activation")]}


def channels_last(shape: Shape) -> Shape:
    """Return the shape of an image with its channels last; any other shape stays."""
    return tuple(shape[axis] for axis in TO_LAST) if len(shape) == 4 else shape


def _conv(lite: TfliteBuilder, op: Op) -> str:
    c_in, c_out = op.sources[0].shape[1], op.node.shape[1]
    weight, bias = op.weights.conv(op.node, c_in)
    depthwise = op["groups"] == c_in == c_out
    if depthwise:
        weight = weight.transpose(3, 1, 2, 0)
    if bias is None:
        bias = np.zeros(c_out, dtype=np.float32)
    x, padding = _padded(lite, op)
    name = op.node.name
    inputs = x, lite.constant(f"{name}.weight", weight), lite.constant(f"{name}.bias", bias)
    height, width = op["stride"]
    options = {"padding": padding, "strideW": width, "strideH": height, **op.fused}
    if op["dilation"] != (1, 1):
        options |= {"dilationHFactor": op["dilation"][0], "dilationWFactor": op["dilation"][1]}
    if depthwise:
        return lite.append("DEPTHWISE_CONV_2D", inputs, op.shape, depthMultiplier=1, **options)
    return lite.append("CONV_2D", inputs, op.shape, **options)


def _padded(lite: TfliteBuilder, op: Op) -> tuple[str, str]:
    """Pad with an operator if need be; return the result and the padding left to do."""
    x, padding = op.inputs[0], op["padding"]
    if padding == _same_padding(op):
        return x, "SAME"
    if any(side for pair in padding for side in pair):
        x = lite.pad(x, padding)
    return x, "VALID"


def _same_padding(op: Op) -> tuple[tuple[int, int], ...] | None:
    """Return what ``SAME`` would pad, or None if it would give another resolution."""
    pairs = []
    dilations = op.node.attributes.get("dilation", (1, 1))
    for size, out, kernel, stride, dilation in zip(
        op.sources[0].shape[2:], op.node.shape[2:], op["kernel"], op["stride"], dilations,
        strict=True,
    ):  # fmt: skip
        if out != -(-size // stride):
            return None
        total = max((out - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def _linear(lite: TfliteBuilder, op: Op) -> str:
    weight, bias = op.weights.linear(op.node, op.sources[0].shape[-1])
    if bias is None:
        bias = np.zeros(op.node.shape[-1], dtype=np.float32)
    name = op.node.name
    inputs = lite.constant(f"{name}.weight", weight), lite.constant(f"{name}.bias", bias)
    return lite.append("FULLY_CONNECTED", (op.inputs[0], *inputs), op.shape, **op.fused)


def _batch_norm(lite: TfliteBuilder, op: Op) -> str:
    name = op.node.name
    scale, shift = op.weights.scale_and_shift(name, op.node.shape[1], op["epsilon"])
    scaled = op.inputs[0], lite.constant(f"{name}.scale", scale)
    x = lite.append("MUL", scaled, op.shape, **{ACTIVATION: "NONE"})
    return lite.append("ADD", (x, lite.constant(f"{name}.shift", shift)), op.shape, **op.fused)


def _activation(lite: TfliteBuilder, op: Op) -> str:
    kind, x = op["kind"], op.inputs[0]
    if kind in ONE_OPERATOR:
        return lite.append(ONE_OPERATOR[kind], (x,), op.shape)
    if kind == "gelu":
        return lite.append("GELU", (x,), op.shape, approximate=False)
    if kind == "leaky_relu":
        return lite.append("LEAKY_RELU", (x,), op.shape, alpha=0.01)
    if kind == "silu":
        gate = lite.append("LOGISTIC", (x,), op.shape)
        return lite.append("MUL", (x, gate), op.shape, **{ACTIVATION: "NONE"})
    if kind == "hsigmoid":
        x = lite.append("ADD", (x, lite.number(3.0)), op.shape, **{ACTIVATION: "RELU6"})
        return lite.append("MUL", (x, lite.number(1 / 6)), op.shape, **{ACTIVATION: "NONE"})
    raise _unwritable(kind)


def _pool(lite: TfliteBuilder, op: Op) -> str:
    padding = op["padding"]
    padded = any(side for pair in padding for side in pair)
    if padded and padding != _same_padding(op):
        raise ArchcostError(
            f"a pooling must be padded by {_same_padding(op)} or not at all to be written to a "
            f"TFLite file, but is by {padding}"
        )
    code = {"avg_pool": "AVERAGE_POOL_2D", "max_pool": "MAX_POOL_2D"}[op.node.op]
    (height, width), (stride_h, stride_w) = op["kernel"], op["stride"]
    return lite.append(
        code, (op.inputs[0],), op.shape, padding="SAME" if padded else "VALID",
        strideW=stride_w, strideH=stride_h, filterWidth=width, filterHeight=height, **op.fused,
    )  # fmt: skip


def _global_pool(lite: TfliteBuilder, op: Op) -> str:
    axes = lite.constant("image_axes", np.array([1, 2], dtype=np.int32))
    shape = op.node.shape[:2] if op.flattened else op.shape
    return lite.append("MEAN", (op.inputs[0], axes), shape, keepDims=not op.flattened)


def _elementwise(lite: TfliteBuilder, op: Op) -> str:
    ranks = {len(source.shape) for source in op.sources}
    if len(ranks) > 1 and 4 in ranks:
        raise ArchcostError(
            "tensors of different ranks must not meet an image in a TFLite file, but "
            f"{op.node.op} takes the shapes {[source.shape for source in op.sources]}"
        )
    code = {"add": "ADD", "multiply": "MUL"}[op.node.op]
    return lite.append(code, tuple(op.inputs), op.shape, **op.fused)


def _axis(op: Op) -> int:
    axis: int = op["axis"]
    return LAST_AXIS[axis] if len(op.node.shape) == 4 else axis


def _concat(lite: TfliteBuilder, op: Op) -> str:
    options = {"axis": _axis(op), ACTIVATION: "NONE"}
    return lite.append("CONCATENATION", tuple(op.inputs), op.shape, **options)


def _split(lite: TfliteBuilder, op: Op) -> str:
    begin = [op["start"] if axis == _axis(op) else 0 for axis in range(len(op.shape))]
    inputs = op.inputs[0], lite.ints(*begin), lite.ints(*op.shape)
    return lite.append("SLICE", inputs, op.shape)


def _reshape(lite: TfliteBuilder, op: Op) -> str:
    x = op.inputs[0]
    given = lite.shape(x)
    if len(given) == 4 and (given[1:3] != (1, 1) or len(op.node.shape) != 2):
        x = lite.transpose(x, TO_FIRST)
    x = lite.reshape(x, op.node.shape)
    return lite.transpose(x, TO_LAST) if len(op.node.shape) == 4 else x


def _transpose(lite: TfliteBuilder, op: Op) -> str:
    x, axes = op.inputs[0], op["axes"]
    if len(axes) == 4:
        axes = tuple(LAST_AXIS[axes[axis]] for axis in TO_LAST)
    return lite.transpose(x, axes)


def _channel_shuffle(lite: TfliteBuilder, op: Op) -> str:
    # Pixels as one axis keep it at three, which all back ends take.
    batch, height, width, channels = op.shape
    groups = op["groups"]
    y = lite.reshape(op.inputs[0], (batch * height * width, groups, channels // groups))
    return lite.reshape(lite.transpose(y, (0, 2, 1)), op.shape)


def _softmax(lite: TfliteBuilder, op: Op) -> str:
    if _axis(op) != len(op.shape) - 1:
        raise ArchcostError(
            "a softmax must be over the channels of an image, or the last axis of another tensor, "
            f"to be written to a TFLite file, but is over axis {op['axis']} of {op.node.shape}"
        )
    return lite.append("SOFTMAX", (op.inputs[0],), op.shape, beta=1.0)


def _resize(lite: TfliteBuilder, op: Op) -> str:
    code = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "bilinear": "RESIZE_BILINEAR"}[op["mode"]]
    half_pixel = op["mode"] == "bilinear"
    return lite.append(
        code, (op.inputs[0], lite.ints(*op.node.shape[2:])), op.shape,
        alignCorners=False, halfPixelCenters=half_pixel,
    )  # fmt: skip


def _zero(lite: TfliteBuilder, op: Op) -> str:
    name = "zeros_" + "x".join(map(str, op.node.shape[1:]))
    return lite.constant(name, np.zeros(op.shape, np.float32))


def _constant(lite: TfliteBuilder, op: Op) -> str:
    value = op.weights.constant(op.node)
    return lite.constant(op.node.name, value.transpose(TO_LAST) if value.ndim == 4 else value)


WRITERS: dict[str, Callable[[TfliteBuilder, Op], str]] = {
    "constant": _constant,
    "zero": _zero,
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "activation": _activation,
    "max_pool": _pool,
    "avg_pool": _pool,
    "global_pool": _global_pool,
    "add": _elementwise,
    "multiply": _elementwise,
    "concat": _concat,
    "split": _split,
    "reshape": _reshape,
    "transpose": _transpose,
    "channel_shuffle": _channel_shuffle,
    "softmax": _softmax,
    "pad": lambda lite, op: lite.pad(op.inputs[0], op["padding"]),
    "resize": _resize,
}
"""The ops of convolutional networks; sequences are for ONNX files."""


def write(lite: TfliteBuilder, op: Op) -> str:
    """Append an op and return the name of its result.

    Raises
    ------
    ArchcostError
        If the op, or its use, has no counterpart.
    """
    if op.node.op not in WRITERS:
        raise _unwritable(op.node.attributes.get("kind", op.node.op))
    if op.node.op in ("conv", "max_pool", "avg_pool", "batch_norm") and len(op.node.shape) != 4:
        raise _unwritable(f"{op.node.op} of shape {op.node.shape}")
    return WRITERS[op.node.op](lite, op)


def _unwritable(kind: str) -> ArchcostError:
    return ArchcostError(
        f"an op must be one of {sorted(WRITERS)}, on images of shape (batch, channels, height, "
        f"width) or on vectors, to be written to a TFLite file, but got {kind!r}; an ONNX file "
        "can hold the whole vocabulary"
    )
