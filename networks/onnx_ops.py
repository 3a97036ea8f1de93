"""How each op of the vocabulary is written in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from archcost.networks.onnx_arithmetic import (
    unwritable,
    write_binary,
    write_other,
    write_reduction,
    write_unary,
)
from archcost.networks.onnx_builder import OnnxBuilder, Op

Writer = Callable[[OnnxBuilder, Op], str]
"""Appends an op and returns the name of its result."""


def _conv(onnx: OnnxBuilder, op: Op) -> str:
    transposed = op.node.op == "conv_transpose"
    look_up = op.weights.conv_transpose if transposed else op.weights.conv
    weight, bias = look_up(op.node, op.sources[0].shape[1])
    inputs = [onnx.constant(f"{op.node.name}.weight", weight)]
    if bias is not None:
        inputs.append(onnx.constant(f"{op.node.name}.bias", bias))
    attributes = _window(op) | {"group": op["groups"]}
    if any(size > 1 for size in op["dilation"]):
        attributes["dilations"] = list(op["dilation"])
    if transposed:
        attributes["output_padding"] = list(op["output_padding"])
    return onnx.node("ConvTranspose" if transposed else "Conv", op.inputs[0], *inputs, **attributes)


def _window(op: Op) -> dict[str, list[int]]:
    return {
        "kernel_shape": list(op["kernel"]),
        "strides": list(op["stride"]),
        "pads": _pads(op),
    }


def _pads(op: Op) -> list[int]:
    return [pair[side] for side in (0, 1) for pair in op["padding"]]


def _linear(onnx: OnnxBuilder, op: Op) -> str:
    weight, bias = op.weights.linear(op.node, op.sources[0].shape[-1])
    biases = [] if bias is None else [onnx.constant(f"{op.node.name}.bias", bias)]
    if len(op.node.shape) == 2:
        named = onnx.constant(f"{op.node.name}.weight", weight)
        return onnx.node("Gemm", op.inputs[0], named, *biases, transB=1)
    y = onnx.node("MatMul", op.inputs[0], onnx.constant(f"{op.node.name}.weight", weight.T))
    return onnx.node("Add", y, *biases) if biases else y


def _attention(onnx: OnnxBuilder, op: Op) -> str:
    n_axes = len(op.sources[1].shape)
    keys = onnx.node("Transpose", op.inputs[1], perm=[*range(n_axes - 2), n_axes - 1, n_axes - 2])
    scores = onnx.node("MatMul", op.inputs[0], keys)
    scores = onnx.node("Mul", scores, onnx.number(1 / sqrt(op.sources[0].shape[-1])))
    if len(op.inputs) > 3:
        if op.sources[3].precision == "bool":
            scores = onnx.node("Where", op.inputs[3], scores, onnx.number(-1e9))
        else:
            scores = onnx.node("Add", scores, op.inputs[3])
    return onnx.node("MatMul", onnx.node("Softmax", scores, axis=-1), op.inputs[2])


def _batch_norm(onnx: OnnxBuilder, op: Op) -> str:
    tensors = op.weights.norm(op.node.name, op.node.shape[1])
    names = [onnx.constant(tensor, value) for tensor, value in tensors.items()]
    return onnx.node("BatchNormalization", op.inputs[0], *names, epsilon=op["epsilon"])


def _layer_norm(onnx: OnnxBuilder, op: Op) -> str:
    axes = op["axes"]
    scale, shift = op.weights.affine(op.node, op.node.shape[-axes:])
    inputs = (
        onnx.constant(f"{op.node.name}.weight", scale),
        onnx.constant(f"{op.node.name}.bias", shift),
    )
    epsilon = op["epsilon"]
    return onnx.node("LayerNormalization", op.inputs[0], *inputs, axis=-axes, epsilon=epsilon)


def _group_norm(onnx: OnnxBuilder, op: Op) -> str:
    groups, channels = op["groups"], op.node.shape[1]
    ones = onnx.constant(f"ones_{groups}", np.ones(groups, dtype=np.float32))
    none = onnx.constant(f"none_{groups}", np.zeros(groups, dtype=np.float32))
    y = onnx.node("Reshape", op.inputs[0], onnx.ints(op.node.shape[0], groups, -1))
    y = onnx.node("InstanceNormalization", y, ones, none, epsilon=op["epsilon"])
    y = onnx.node("Reshape", y, onnx.ints(*op.node.shape))
    scale, shift = op.weights.affine(op.node, (channels,))
    across = (channels, *[1] * (len(op.node.shape) - 2))
    y = onnx.node("Mul", y, onnx.constant(f"{op.node.name}.weight", scale.reshape(across)))
    return onnx.node("Add", y, onnx.constant(f"{op.node.name}.bias", shift.reshape(across)))


def _activation(onnx: OnnxBuilder, op: Op) -> str:
    kind = op["kind"]
    if kind == "relu6":
        return onnx.node("Clip", op.inputs[0], onnx.number(0.0), onnx.number(6.0))
    if kind == "hsigmoid":
        return onnx.node("HardSigmoid", op.inputs[0], alpha=1 / 6, beta=0.5)
    if kind == "silu":
        return onnx.node("Mul", op.inputs[0], onnx.node("Sigmoid", op.inputs[0]))
    if kind == "gelu":
        y = onnx.node("Erf", onnx.node("Mul", op.inputs[0], onnx.number(1 / sqrt(2))))
        y = onnx.node("Mul", op.inputs[0], onnx.node("Add", y, onnx.number(1.0)))
        return onnx.node("Mul", y, onnx.number(0.5))
    if kind == "prelu":
        slope = op.weights.vector(f"{op.node.name}.weight", op["params"])
        across = (-1, *[1] * (len(op.node.shape) - 2))
        return onnx.node(
            "PRelu", op.inputs[0], onnx.constant(f"{op.node.name}.weight", slope.reshape(across))
        )
    if kind == "mish":
        return onnx.node(
            "Mul", op.inputs[0], onnx.node("Tanh", onnx.node("Softplus", op.inputs[0]))
        )
    return onnx.node(ACTIVATIONS[kind], op.inputs[0])


def _avg_pool(onnx: OnnxBuilder, op: Op) -> str:
    counted = int(op.node.attributes.get("count_include_pad", False))
    return onnx.node("AveragePool", op.inputs[0], **_window(op), count_include_pad=counted)


def _split(onnx: OnnxBuilder, op: Op) -> str:
    axis, start = op["axis"], op["start"]
    step = op.node.attributes.get("step", 1)
    steps = [] if step == 1 else [onnx.ints(step)]
    end = start + (op.node.shape[axis] - 1) * step + 1
    bounds = onnx.ints(start), onnx.ints(end), onnx.ints(axis)
    return onnx.node("Slice", op.inputs[0], *bounds, *steps)


def _reshape(onnx: OnnxBuilder, op: Op) -> str:
    if op.node.shape == (op.sources[0].shape[0], prod(op.sources[0].shape[1:])):
        return onnx.node("Flatten", op.inputs[0])
    return onnx.node("Reshape", op.inputs[0], onnx.ints(*op.node.shape))


def _channel_shuffle(onnx: OnnxBuilder, op: Op) -> str:
    groups, (batch, channels, *size) = op["groups"], op.node.shape
    y = onnx.node("Reshape", op.inputs[0], onnx.ints(batch, groups, channels // groups, *size))
    y = onnx.node("Transpose", y, perm=[0, 2, 1, *range(3, 3 + len(size))])
    return onnx.node("Reshape", y, onnx.ints(*op.node.shape))


def _pad(onnx: OnnxBuilder, op: Op) -> str:
    befores, afters = zip(*op["padding"], strict=True)
    before = [0] * (len(op.node.shape) - len(befores))
    return onnx.node("Pad", op.inputs[0], onnx.ints(*before, *befores, *before, *afters))


def _resize(onnx: OnnxBuilder, op: Op) -> str:
    how = {
        "nearest": {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        },
        "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
        "bicubic": {"mode": "cubic", "coordinate_transformation_mode": "half_pixel"},
    }.get(op["mode"])
    if how is None:
        raise unwritable(f"resize of the mode {op['mode']}")
    return onnx.node("Resize", op.inputs[0], "", "", onnx.ints(*op.node.shape), **how)


def _zero(onnx: OnnxBuilder, op: Op) -> str:
    name = "zeros_" + "x".join(map(str, op.node.shape[1:]))
    return onnx.constant(name, np.zeros(op.node.shape, dtype=np.float32))


ACTIVATIONS = {
    "relu": "Relu",
    "leaky_relu": "LeakyRelu",
    "hswish": "HardSwish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "elu": "Elu",
    "softplus": "Softplus",
    "selu": "Selu",
}
"""Activations that are one node without attributes."""

WRITERS: dict[str, Writer] = {
    "constant": lambda onnx, op: onnx.constant(op.node.name, op.weights.constant(op.node)),
    "zero": _zero,
    "conv": _conv,
    "conv_transpose": _conv,
    "linear": _linear,
    "matmul": lambda onnx, op: onnx.node("MatMul", *op.inputs),
    "attention": _attention,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "activation": _activation,
    "max_pool": lambda onnx, op: onnx.node("MaxPool", op.inputs[0], **_window(op)),
    "avg_pool": _avg_pool,
    "global_pool": lambda onnx, op: onnx.node("GlobalAveragePool", op.inputs[0]),
    "add": lambda onnx, op: onnx.node("Add", *op.inputs),
    "multiply": lambda onnx, op: onnx.node("Mul", *op.inputs),
    "concat": lambda onnx, op: onnx.node("Concat", *op.inputs, axis=op["axis"]),
    "split": _split,
    "reshape": _reshape,
    "transpose": lambda onnx, op: onnx.node("Transpose", op.inputs[0], perm=list(op["axes"])),
    "channel_shuffle": _channel_shuffle,
    "softmax": lambda onnx, op: onnx.node("Softmax", op.inputs[0], axis=op["axis"]),
    "gather": lambda onnx, op: onnx.node("Gather", *op.inputs, axis=op["axis"]),
    "pad": _pad,
    "resize": _resize,
    "binary": write_binary,
    "unary": write_unary,
    "reduce": write_reduction,
    "other": write_other,
}
"""Every op but ``input``, which is none; ``other`` of few kinds."""
