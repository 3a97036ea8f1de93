"""The networks of the search spaces as ONNX models, written directly in milliseconds.

What a deployed network would be: batch normalisation folded into the convolution before it, a
``none`` edge contributes nothing to its sum, and what the output does not need is not there.
Ops fed by zeros only are left in the graph, for the runtime to execute or to fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from archcost.datasets import fbnet, nasbench201
from archcost.datasets.errors import check_name
from archcost.datasets.onnx_builder import GraphBuilder
from archcost.datasets.space import Ops, SearchSpace

if TYPE_CHECKING:
    import onnx

Weights = Mapping[str, npt.NDArray[Any]]


def onnx_model(
    space: SearchSpace,
    arch: object,
    dataset: str | None = None,
    *,
    weights: Weights | None = None,
    seed: int = 0,
) -> onnx.ModelProto:
    """Write the network of an architecture as an ONNX model, batch size 1, fp32.

    Parameters
    ----------
    space : SearchSpace
        The space of the architecture.
    arch : array of int, str, list or int
        An architecture in any form that the space accepts.
    dataset : str, optional
        Fixes input size and classes; the space's default for None.
    weights : mapping from str to array, optional
        The state dict of ``space.network(arch, dataset)`` as numpy arrays; None for seeded random
        weights, which is what measuring a latency needs.
    seed : int, default=0
        Fixes the random weights.

    Returns
    -------
    onnx.ModelProto
        A model with the input ``input`` of shape ``(1, channels, height, width)``.

    Raises
    ------
    ArchitectureError
        If the architecture is malformed.
    UnknownNameError
        If the dataset does not exist or no graph is written for the space.

    Examples
    --------
    >>> from archcost.datasets import get_space
    >>> cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    >>> model = onnx_model(get_space("nasbench201"), cell)
    >>> sum(node.op_type == "Conv" for node in model.graph.node)
    22
    """
    write = GRAPHS[check_name("space with ONNX graphs", space.name, GRAPHS)]
    ops = space.parse(arch)
    dataset = space.check_dataset(dataset)
    return write(GraphBuilder(space.input_shape(dataset), weights, seed), ops, dataset)


def _cell_network(graph: GraphBuilder, ops: Ops, dataset: str) -> onnx.ModelProto:
    size, width = graph.input_shape[1], nasbench201.STAGE_CHANNELS[0]
    x = graph.conv("input", "stem.0", 3, width, 3, norm="stem.1")
    place = 0
    for stage, channels in enumerate(nasbench201.STAGE_CHANNELS):
        if stage:
            x = _reduction(graph, x, f"body.{place}", channels)
            size //= 2
            place += 1
        for _ in range(nasbench201.CELLS_PER_STAGE):
            x = _cell(graph, x, f"body.{place}", ops, channels, size)
            place += 1
    width = nasbench201.STAGE_CHANNELS[-1]
    x = graph.relu(graph.batch_norm(x, "head.0", width))
    classes = nasbench201.CLASSES[dataset]
    return graph.model(graph.classify(x, "classifier", width, classes), classes)


def _cell(graph: GraphBuilder, x: str, name: str, ops: Ops, channels: int, size: int) -> str:
    zeros = graph.zeros(channels, size, size)
    nodes = {0: x, 1: zeros, 2: zeros, 3: zeros}
    for edge, (source, target) in enumerate(nasbench201.EDGES):
        y = nodes[source]
        op = nasbench201.NASBench201.op_names[ops[edge]]
        if op.startswith("nor_conv"):
            conv, kernel = f"{name}.edges.{edge}", 3 if op == "nor_conv_3x3" else 1
            y = graph.relu(y)
            y = graph.conv(y, f"{conv}.1", channels, channels, kernel, norm=f"{conv}.2")
        elif op == "avg_pool_3x3" and y != zeros:
            y = graph.avg_pool(y, 3, stride=1, padding=1)
        elif op == "none":
            y = zeros
        if nodes[target] == zeros:
            nodes[target] = y
        elif y != zeros:
            nodes[target] = graph.node("Add", nodes[target], y)
    return nodes[3]


def _reduction(graph: GraphBuilder, x: str, name: str, c_out: int) -> str:
    c_in = c_out // 2
    a, b, shortcut = f"{name}.conv_a", f"{name}.conv_b", f"{name}.shortcut"
    y = graph.conv(graph.relu(x), f"{a}.1", c_in, c_out, 3, stride=2, norm=f"{a}.2")
    y = graph.conv(graph.relu(y), f"{b}.1", c_out, c_out, 3, norm=f"{b}.2")
    x = graph.conv(graph.avg_pool(x, 2, stride=2, padding=0), f"{shortcut}.1", c_in, c_out, 1)
    return graph.node("Add", x, y)


def _fbnet_network(graph: GraphBuilder, ops: Ops, dataset: str) -> onnx.ModelProto:
    space, macro = fbnet.FBNet(), fbnet.MACRO[dataset]
    stem = fbnet.STEM_CHANNELS
    x = _conv_norm(graph, "input", "stem.0", 3, stem, 3, macro.stem_stride)
    slots = space.slots(dataset)
    for position, (op, slot) in enumerate(zip(ops, slots, strict=True)):
        name, keeps_shape = f"blocks.{position}", slot.c_in == slot.c_out and slot.stride == 1
        if space.op_names[op] != "skip":
            y = _inverted_residual(graph, x, name, fbnet.BLOCKS[space.op_names[op]], slot)
            x = graph.node("Add", y, x) if keeps_shape else y
        elif not keeps_shape:
            x = _conv_norm(graph, x, f"{name}.0", slot.c_in, slot.c_out, 1, slot.stride)
    x = _conv_norm(graph, x, "head.0", slots[-1].c_out, macro.head_channels)
    x = graph.classify(x, "classifier", macro.head_channels, macro.classes)
    return graph.model(x, macro.classes)


def _inverted_residual(
    graph: GraphBuilder, x: str, name: str, block: fbnet.Block, slot: fbnet.Slot
) -> str:
    wide = slot.c_in * block.expansion
    x = _conv_norm(graph, x, f"{name}.expand.0", slot.c_in, wide, groups=block.groups)
    if block.groups > 1:
        x = graph.channel_shuffle(x, wide, slot.size, block.groups)
    x = _conv_norm(graph, x, f"{name}.depthwise.0", wide, wide, block.kernel, slot.stride, wide)
    project = f"{name}.project"
    return graph.conv(
        x, f"{project}.0", wide, slot.c_out, 1, groups=block.groups, norm=f"{project}.1"
    )


def _conv_norm(
    graph: GraphBuilder, x: str, name: str, c_in: int, c_out: int,
    kernel: int = 1, stride: int = 1, groups: int = 1,
) -> str:  # fmt: skip
    norm = f"{name}.1"
    y = graph.conv(x, f"{name}.0", c_in, c_out, kernel, stride=stride, groups=groups, norm=norm)
    return graph.relu(y)


GRAPHS: dict[str, Callable[[GraphBuilder, Ops, str], onnx.ModelProto]] = {
    "nasbench201": _cell_network,
    "fbnet": _fbnet_network,
}
