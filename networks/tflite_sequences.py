"""How ops of transformers are written in TensorFlow Lite, as its converter would."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import numpy as np

from archcost.networks.graph import Shape
from archcost.networks.network_weights import Array
from archcost.networks.tflite_builder import ACTIVATION, TfliteBuilder
from archcost.networks.tflite_layouts import Stored, as_given, channels_last, in_file
from archcost.networks.tflite_op import Op

NOT_FUSED = {ACTIVATION: "NONE"}


def linear(lite: TfliteBuilder, op: Op) -> Stored:
    """Append a linear layer on the last axis."""
    weight, bias = op.weights.linear(op.node, op.sources[0].shape[-1])
    if bias is None:
        bias = np.zeros(op.node.shape[-1], dtype=np.float32)
    name, x = op.node.name, op.features_last(lite)
    inputs = x.name, lite.constant(f"{name}.weight", weight), lite.constant(f"{name}.bias", bias)
    options = {**op.fused, **({"keepNumDims": True} if op.n_axes > 2 else {})}
    shape = in_file(op.node.shape, x.order)
    return Stored(lite.append("FULLY_CONNECTED", inputs, shape, **options), x.order)


def matmul(lite: TfliteBuilder, op: Op) -> Stored:
    """Append the product of the matrices in the last two axes."""
    y, n_axes = op.inputs[1], len(op.sources[1].shape)
    is_transposed = y.order == (*range(n_axes - 2), n_axes - 1, n_axes - 2)
    second = y.name if is_transposed else op.plain(lite, 1)
    product = _matmul(lite, op.plain(lite), second, op.node.shape, transposed=is_transposed)
    return Stored(product, as_given(op.n_axes))


def attention(lite: TfliteBuilder, op: Op) -> Stored:
    """Append scaled dot product attention op by op."""
    queries, keys = op.sources[0].shape, op.sources[1].shape
    shape = (*op.node.shape[:-2], queries[-2], keys[-2])
    scores = _matmul(lite, op.plain(lite, 0), op.plain(lite, 1), shape, transposed=True)
    scale = lite.number(1 / sqrt(queries[-1]))
    scores = lite.append("MUL", (scores, scale), shape, **NOT_FUSED)
    if len(op.inputs) > 3:
        mask = aligned(lite, op.plain(lite, 3), op.sources[3].shape, len(shape))
        scores = lite.append("ADD", (scores, mask), shape, **NOT_FUSED)
    scores = lite.append("SOFTMAX", (scores,), shape, beta=1.0)
    product = _matmul(lite, scores, op.plain(lite, 2), op.node.shape, transposed=False)
    return Stored(product, as_given(op.n_axes))


def layer_norm(lite: TfliteBuilder, op: Op) -> Stored:
    """Append a layer normalisation, which is no operator of its own."""
    n_normed = op["axes"]
    x = op.features_last(lite)
    if n_normed > 1:
        x = Stored(op.plain(lite), as_given(op.n_axes))
    axes = range(op.n_axes - n_normed, op.n_axes)
    y = _standardised(lite, x.name, axes, op["epsilon"])
    scale, shift = op.weights.affine(op.node, op.node.shape[-n_normed:])
    return Stored(_scaled(lite, y, op.node.name, scale, shift), x.order)


def group_norm(lite: TfliteBuilder, op: Op) -> Stored:
    """Append a normalisation of groups of channels, which are the last axes meanwhile."""
    batch, channels = op.node.shape[:2]
    groups = op["groups"]
    n_pixels = prod(op.node.shape[2:])
    y = lite.reshape(op.image(lite), (batch, n_pixels, groups, channels // groups))
    y = lite.reshape(_standardised(lite, y, (1, 3), op["epsilon"]), op.shape)
    scale, shift = op.weights.affine(op.node, (channels,))
    return Stored(_scaled(lite, y, op.node.name, scale, shift), channels_last(op.n_axes))


def aligned(lite: TfliteBuilder, x: str, shape: Shape, n_axes: int) -> str:
    """Return a tensor with as many axes as what it meets; the first ones are new."""
    return lite.reshape(x, (*[1] * (n_axes - len(shape)), *shape))


def _matmul(lite: TfliteBuilder, x: str, y: str, shape: Shape, *, transposed: bool) -> str:
    return lite.append("BATCH_MATMUL", (x, y), shape, adjX=False, adjY=transposed)


def _standardised(lite: TfliteBuilder, x: str, axes: Sequence[int], epsilon: float) -> str:
    shape = lite.shape(x)
    means = tuple([1 if axis in axes else size for axis, size in enumerate(shape)])
    over = lite.ints(*axes)
    mean = lite.append("MEAN", (x, over), means, keepDims=True)
    squared = lite.append("SQUARED_DIFFERENCE", (x, mean), shape)
    variance = lite.append("MEAN", (squared, over), means, keepDims=True)
    variance = lite.append("ADD", (variance, lite.number(epsilon)), means, **NOT_FUSED)
    centred = lite.append("SUB", (x, mean), shape, **NOT_FUSED)
    factor = lite.append("RSQRT", (variance,), means)
    return lite.append("MUL", (centred, factor), shape, **NOT_FUSED)


def _scaled(lite: TfliteBuilder, x: str, name: str, scale: Array, shift: Array) -> str:
    shape = lite.shape(x)
    scaled = x, lite.constant(f"{name}:scale", scale)
    y = lite.append("MUL", scaled, shape, **NOT_FUSED)
    return lite.append("ADD", (y, lite.constant(f"{name}:shift", shift)), shape, **NOT_FUSED)
