"""How each op of the vocabulary is written in TensorFlow Lite, as its converter would.

Images are channels last. Padding that is the same on both sides is an operator of its own where
``SAME`` would pad one side only; batch normalisation that follows no convolution is a product and
a sum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from archcost.errors import ArchcostError
from archcost.networks import tflite_sequences
from archcost.networks.tflite_builder import ACTIVATION, TfliteBuilder
from archcost.networks.tflite_layouts import (
    Stored,
    as_given,
    channels_last,
    in_file,
    in_order,
    reshaped,
)
from archcost.networks.tflite_op import Op, unwritable

ONE_OPERATOR = {
    "relu": "RELU",
    "relu6": "RELU6",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "hswish": "HARD_SWISH",
    "elu": "ELU",
}
"""Activations that are an operator without options."""

LOWEST = float(np.finfo(np.float32).min)
"""What a max pooling is padded with."""


def _conv(lite: TfliteBuilder, op: Op) -> Stored:
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
        return _image(
            op, lite.append("DEPTHWISE_CONV_2D", inputs, op.shape, depthMultiplier=1, **options)
        )
    return _image(op, lite.append("CONV_2D", inputs, op.shape, **options))


def _image(op: Op, name: str) -> Stored:
    return Stored(name, channels_last(op.n_axes))


def _padded(lite: TfliteBuilder, op: Op, fill: float | None = None) -> tuple[str, str]:
    """Pad with an operator if need be; return the result and the padding left to do."""
    x, padding = op.image(lite), op["padding"]
    if not any(side for pair in padding for side in pair):
        return x, "VALID"
    if padding == _same_padding(op):
        return x, "SAME"
    return lite.pad(x, padding, fill), "VALID"


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


def _batch_norm(lite: TfliteBuilder, op: Op) -> Stored:
    name = op.node.name
    scale, shift = op.weights.scale_and_shift(name, op.node.shape[1], op["epsilon"])
    scaled = op.image(lite), lite.constant(f"{name}:scale", scale)
    x = lite.append("MUL", scaled, op.shape, **{ACTIVATION: "NONE"})
    shifted = x, lite.constant(f"{name}:shift", shift)
    return _image(op, lite.append("ADD", shifted, op.shape, **op.fused))


def _activation(lite: TfliteBuilder, op: Op) -> Stored:
    kind, x = op["kind"], op.inputs[0]
    if kind == "prelu":
        slope = op.weights.vector(f"{op.node.name}.weight", op["params"])
        inputs = op.image(lite), lite.constant(f"{op.node.name}.weight", slope)
        return _image(op, lite.append("PRELU", inputs, op.shape))
    return Stored(_activated(lite, kind, x.name), x.order)


def _activated(lite: TfliteBuilder, kind: str, x: str) -> str:
    shape = lite.shape(x)
    if kind in ONE_OPERATOR:
        return lite.append(ONE_OPERATOR[kind], (x,), shape)
    if kind == "gelu":
        return lite.append("GELU", (x,), shape, approximate=False)
    if kind == "leaky_relu":
        return lite.append("LEAKY_RELU", (x,), shape, alpha=0.01)
    if kind == "silu":
        gate = lite.append("LOGISTIC", (x,), shape)
        return lite.append("MUL", (x, gate), shape, **{ACTIVATION: "NONE"})
    if kind == "hsigmoid":
        x = lite.append("ADD", (x, lite.number(3.0)), shape, **{ACTIVATION: "RELU6"})
        return lite.append("MUL", (x, lite.number(1 / 6)), shape, **{ACTIVATION: "NONE"})
    raise unwritable(kind, sorted(WRITERS))


def _pool(lite: TfliteBuilder, op: Op) -> Stored:
    if op.node.op == "max_pool":
        # What no ReLU can give is padded with zeros, which every back end takes.
        kind = op.sources[0].attributes.get(
            "kind" if op.sources[0].op == "activation" else "activation"
        )
        x, padding = _padded(lite, op, None if kind in ("relu", "relu6") else LOWEST)
    elif op.node.attributes.get("count_include_pad"):
        x, padding = op.image(lite), op["padding"]
        x, padding = lite.pad(x, padding) if any(map(any, padding)) else x, "VALID"
    else:
        if any(map(any, op["padding"])) and op["padding"] != _same_padding(op):
            raise ArchcostError(
                f"an average pooling must be padded by {_same_padding(op)} or not at all to be "
                f"written to a TFLite file, but is by {op['padding']}"
            )
        x, padding = _padded(lite, op)
    code = {"avg_pool": "AVERAGE_POOL_2D", "max_pool": "MAX_POOL_2D"}[op.node.op]
    (height, width), (stride_h, stride_w) = op["kernel"], op["stride"]
    return _image(op, lite.append(
        code, (x,), op.shape, padding=padding, strideW=stride_w, strideH=stride_h,
        filterWidth=width, filterHeight=height, **op.fused,
    ))  # fmt: skip


def _global_pool(lite: TfliteBuilder, op: Op) -> Stored:
    x = op.inputs[0]
    axes = sorted(x.place(axis) for axis in range(2, op.n_axes))
    if op.flattened and x.place(0) < x.place(1):
        mean = lite.append("MEAN", (x.name, lite.ints(*axes)), op.node.shape[:2], keepDims=False)
        return Stored(mean, as_given(2))
    shape = in_file(op.node.shape, x.order)
    mean = lite.append("MEAN", (x.name, lite.ints(*axes)), shape, keepDims=True)
    return Stored(mean, x.order)


def _elementwise(lite: TfliteBuilder, op: Op) -> Stored:
    code = {"add": "ADD", "multiply": "MUL"}[op.node.op]
    n_axes = [len(source.shape) for source in op.sources]
    if n_axes[0] == n_axes[1]:
        # In the order of the larger one: what is broadcast is cheaper to transpose.
        first = int(op.sources[1].n_elements > op.sources[0].n_elements)
        order = op.inputs[first].order
        names = [in_order(lite, tensor, order) for tensor in op.inputs]
    else:
        order = as_given(op.n_axes)
        names = [
            tflite_sequences.aligned(lite, op.plain(lite, place), source.shape, op.n_axes)
            for place, source in enumerate(op.sources)
        ]
    shape = in_file(op.node.shape, order)
    return Stored(lite.append(code, tuple(names), shape, **op.fused), order)


def _concat(lite: TfliteBuilder, op: Op) -> Stored:
    order = op.inputs[0].order
    names = tuple([in_order(lite, tensor, order) for tensor in op.inputs])
    options = {"axis": order.index(op["axis"]), ACTIVATION: "NONE"}
    return Stored(
        lite.append("CONCATENATION", names, in_file(op.node.shape, order), **options), order
    )


def _split(lite: TfliteBuilder, op: Op) -> Stored:
    order = op.inputs[0].order
    begin = [op["start"] if axis == op["axis"] else 0 for axis in order]
    shape = in_file(op.node.shape, order)
    inputs = op.inputs[0].name, lite.ints(*begin), lite.ints(*shape)
    return Stored(lite.append("SLICE", inputs, shape), order)


def _reshape(lite: TfliteBuilder, op: Op) -> Stored:
    x, shape = op.inputs[0], op.node.shape
    given = lite.shape(x.name)
    if len(given) == len(shape) == 2 and given == shape:
        return Stored(x.name, as_given(2))
    before = op.sources[0].shape
    if len(shape) == 2 and shape == before[:2] and x.place(0) < x.place(1):
        return Stored(lite.reshape(x.name, shape), as_given(2))  # the other axes are 1
    return reshaped(lite, x, before, shape)


def _channel_shuffle(lite: TfliteBuilder, op: Op) -> Stored:
    # Pixels as one axis keep it at three, which all back ends take.
    batch, height, width, channels = op.shape
    groups = op["groups"]
    y = lite.reshape(op.image(lite), (batch * height * width, groups, channels // groups))
    return _image(op, lite.reshape(lite.transpose(y, (0, 2, 1)), op.shape))


def _softmax(lite: TfliteBuilder, op: Op) -> Stored:
    order = op.inputs[0].order
    if order[-1] != op["axis"]:
        order = (*[axis for axis in range(op.n_axes) if axis != op["axis"]], op["axis"])
    x = in_order(lite, op.inputs[0], order)
    return Stored(lite.append("SOFTMAX", (x,), in_file(op.node.shape, order), beta=1.0), order)


def _resize(lite: TfliteBuilder, op: Op) -> Stored:
    code = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "bilinear": "RESIZE_BILINEAR"}[op["mode"]]
    half_pixel = op["mode"] == "bilinear"
    return _image(op, lite.append(
        code, (op.image(lite), lite.ints(*op.node.shape[2:])), op.shape,
        alignCorners=False, halfPixelCenters=half_pixel,
    ))  # fmt: skip


def _zero(lite: TfliteBuilder, op: Op) -> Stored:
    name = "zeros_" + "x".join(map(str, op.node.shape[1:]))
    return _image(op, lite.constant(name, np.zeros(op.shape, np.float32)))


def _constant(lite: TfliteBuilder, op: Op) -> Stored:
    name = lite.constant(op.node.name, op.weights.constant(op.node))
    return Stored(name, as_given(op.n_axes))


WRITERS: dict[str, Callable[[TfliteBuilder, Op], Stored]] = {
    "constant": _constant,
    "zero": _zero,
    "conv": _conv,
    "linear": tflite_sequences.linear,
    "matmul": tflite_sequences.matmul,
    "attention": tflite_sequences.attention,
    "batch_norm": _batch_norm,
    "layer_norm": tflite_sequences.layer_norm,
    "group_norm": tflite_sequences.group_norm,
    "activation": _activation,
    "max_pool": _pool,
    "avg_pool": _pool,
    "global_pool": _global_pool,
    "add": _elementwise,
    "multiply": _elementwise,
    "concat": _concat,
    "split": _split,
    "reshape": _reshape,
    "transpose": lambda lite, op: op.inputs[0].transposed(op["axes"]),
    "channel_shuffle": _channel_shuffle,
    "softmax": _softmax,
    "pad": lambda lite, op: _image(op, lite.pad(op.image(lite), op["padding"])),
    "resize": _resize,
}
"""All but transposed convolutions and look-ups in tables."""

OF_IMAGES = frozenset({"conv", "max_pool", "avg_pool", "channel_shuffle", "pad", "resize"})
"""Ops that are written for two axes after the channels only."""


def write(lite: TfliteBuilder, op: Op) -> Stored:
    """Append an op and return where its result is.

    Raises
    ------
    ArchcostError
        If the op, or its use, has no counterpart.
    """
    if op.node.op not in WRITERS:
        raise unwritable(op.node.attributes.get("kind", op.node.op), sorted(WRITERS))
    if op.node.op in OF_IMAGES and op.n_axes != 4:
        raise unwritable(f"{op.node.op} of shape {op.node.shape}", sorted(WRITERS))
    return WRITERS[op.node.op](lite, op)
