"""Turn an fp32 TensorFlow Lite graph into an int8 one, as post-training quantisation does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError
from archcost.networks.network_weights import Array
from archcost.networks.tflite_builder import ACTIVATION
from archcost.networks.tflite_file import Operator, Quantization, Tensor, TfliteGraph, serialise

Ranges = Mapping[str, tuple[float, float]]
"""The smallest and largest value of each tensor that is computed, by name."""

INT8 = np.iinfo(np.int8)

CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": None}
"""Where weights have their output channels; None for one scale a tensor."""

SAME_SCALE = frozenset({
    "AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "SLICE", "TRANSPOSE",
})  # fmt: skip
"""Operators whose int8 kernels do not rescale."""

FIXED_RANGES = {
    "LOGISTIC": (0.0, 255 / 256),
    "SOFTMAX": (0.0, 255 / 256),
    "TANH": (-1.0, 127 / 128),
}
"""Ranges that int8 kernels give their results, whatever was observed: scales of 1/256 and 1/128."""

FLOAT_ONLY = frozenset({"BATCH_MATMUL", "PADV2", "PRELU", "RSQRT", "SQUARED_DIFFERENCE", "SUB"})
"""Operators that are written in fp32 only: those of attention and of layer normalisation."""

ASSUMED_LARGEST = 4.0
"""Of activations nobody observed: some standard deviations of normalised ones."""


def assumed_ranges(graph: TfliteGraph) -> Ranges:
    """Return ranges that do for measuring, as latency does not depend on values."""
    ranges = dict.fromkeys(graph.tensors, (-ASSUMED_LARGEST, ASSUMED_LARGEST))
    for operator in graph.operators:
        if operator.code == "RELU" or operator.options.get(ACTIVATION) == "RELU":
            ranges[operator.output] = (0.0, ASSUMED_LARGEST)
    return ranges


def observed_ranges(graph: TfliteGraph, images: Array) -> Ranges:
    """Run the graph on images and return the ranges of what it computes.

    Parameters
    ----------
    graph : TfliteGraph
        In fp32.
    images : numpy.ndarray of float32, shape (n_images, channels, height, width)
        What the network may see.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # A delegate would keep what is between its operators to itself.
    interpreter = Interpreter(
        model_content=serialise(graph),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    places = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    computed = [name for name, tensor in graph.tensors.items() if tensor.data is None]
    lows, highs = dict.fromkeys(computed, np.inf), dict.fromkeys(computed, -np.inf)
    for image in images:
        interpreter.set_tensor(places[graph.input], image.transpose(1, 2, 0)[None])
        interpreter.invoke()
        for name in computed:
            value = interpreter.get_tensor(places[name])
            lows[name] = min(lows[name], float(value.min()))
            highs[name] = max(highs[name], float(value.max()))
    return {name: (lows[name], highs[name]) for name in computed}


def quantise(graph: TfliteGraph, ranges: Ranges) -> TfliteGraph:
    """Return the graph in int8, input and output as well.

    Weights are symmetric with a scale for each output channel (one for all in the linear layer),
    activations are asymmetric with one scale, biases are int32.

    Parameters
    ----------
    graph : TfliteGraph
        In fp32.
    ranges : mapping from str to pair of float
        The smallest and largest value of each tensor that is computed.

    Raises
    ------
    ArchcostError
        If an operator is written in fp32 only.

    References
    ----------
    Google, "LiteRT 8-bit quantization specification",
    https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec.
    """
    foreign = sorted({op.code for op in graph.operators} & FLOAT_ONLY)
    if foreign:
        raise ArchcostError(
            f"operators of an int8 file must be other than {sorted(FLOAT_ONLY)}, but got "
            f"{foreign}; write networks with attention or layer normalisation in fp32"
        )
    tensors = {graph.input: _activation(graph.tensors[graph.input], ranges[graph.input])}
    operators = []
    for operator in graph.operators:
        tensors.update(_operands(operator, graph.tensors, tensors))
        result = graph.tensors[operator.output]
        if operator.code in SAME_SCALE:
            quantization = tensors[operator.inputs[0]].quantization
            tensors[operator.output] = replace(result, quantization=quantization)
        else:
            seen = FIXED_RANGES.get(operator.code, ranges[operator.output])
            tensors[operator.output] = _activation(result, seen)
        if operator.code == "CONCATENATION":
            rescaled = _rescaled(operator, tensors)
            operators += rescaled
            operator = replace(operator, inputs=tuple(step.output for step in rescaled))
        operators.append(operator)
    return replace(graph, tensors=tensors, operators=operators)


def _rescaled(operator: Operator, tensors: dict[str, Tensor]) -> list[Operator]:
    """Return what gives the operator's inputs the scale of its output; add the tensors."""
    quantization = tensors[operator.output].quantization
    steps = []
    for place, name in enumerate(operator.inputs):
        output = f"{operator.output}_input_{place}"
        tensors[output] = replace(tensors[name], data=None, quantization=quantization)
        steps.append(Operator("QUANTIZE", (name,), output))
    return steps


def _operands(
    operator: Operator, given: dict[str, Tensor], done: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return the operator's constants in int8; shapes and axes stay."""
    constants = {name: given[name] for name in operator.inputs if name not in done}
    x = operator.inputs[0]
    found = {
        name: tensor if tensor.dtype == "int32" else _constant(tensor)
        for name, tensor in constants.items()
    }
    if operator.code in CHANNEL_AXIS:
        _, weight, bias = operator.inputs
        found[weight] = _weight(given[weight], CHANNEL_AXIS[operator.code])
        scales = (found | done)[x].quantization, found[weight].quantization
        assert scales[0] is not None and scales[1] is not None
        found[bias] = _bias(given[bias], scales[0].scale * scales[1].scale)
    return found


def _activation(tensor: Tensor, value_range: tuple[float, float]) -> Tensor:
    # Zero must be an integer's value: padding is made of it.
    low, high = min(value_range[0], 0.0), max(value_range[1], 0.0)
    if low == high:
        high = 1.0
    scale = (high - low) / (INT8.max - INT8.min)
    return replace(tensor, quantization=Quantization(_vector(scale), round(INT8.min - low / scale)))


def _constant(tensor: Tensor) -> Tensor:
    data = _data(tensor)
    tensor = _activation(tensor, (float(data.min()), float(data.max())))
    assert tensor.quantization is not None
    integers = np.rint(data / tensor.quantization.scale) + tensor.quantization.zero_point
    return replace(tensor, data=integers.clip(INT8.min, INT8.max).astype(np.int8))


def _weight(tensor: Tensor, axis: int | None) -> Tensor:
    data = _data(tensor)
    others = tuple(place for place in range(data.ndim) if place != axis)
    largest = np.maximum(data.max(others, keepdims=True), -data.min(others, keepdims=True))
    scale = np.where(largest > 0, largest, 1) / np.float32(INT8.max)
    quantization = Quantization(_vector(scale), axis=axis or 0)
    return Tensor(tensor.shape, np.rint(data / scale).astype(np.int8), quantization)


def _bias(tensor: Tensor, scale: Array) -> Tensor:
    limit = np.iinfo(np.int32).max
    integers = np.rint(_data(tensor) / scale.astype(np.float64)).clip(-limit, limit)
    return Tensor(tensor.shape, integers.astype(np.int32), Quantization(scale))


def _data(tensor: Tensor) -> npt.NDArray[Any]:
    assert tensor.data is not None
    return tensor.data


def _vector(scale: float | npt.NDArray[Any]) -> Array:
    return np.asarray(scale, dtype=np.float32).reshape(-1)
