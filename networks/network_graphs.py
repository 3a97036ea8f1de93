"""The networks of the search spaces, op by op, for builders of any file format.

What a deployed network would be: batch normalisation folded into the convolution before it, a
``none`` edge contributes nothing to its sum, and what the output does not need is not there.
Ops fed by zeros only are left in the graph, for the runtime to execute or to fold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from archcost.errors import check_name
from archcost.spaces import fbnet, nasbench201
from archcost.spaces.space import Ops, SearchSpace

INPUT = "input"
"""The name of the network's input."""


class NetworkBuilder(Protocol):
    """Appends ops to a graph of batch size 1; tensors go by name.

    Attributes
    ----------
    input_shape : tuple of int
        Channels, height and width.
    """

    input_shape: tuple[int, int, int]

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

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        """Append a batch normalisation that follows no convolution."""

    def relu(self, x: str) -> str:
        """Append a ReLU."""

    def add(self, x: str, y: str) -> str:
        """Append the sum of two tensors of one shape."""

    def avg_pool(self, x: str, kernel: int, *, stride: int, padding: int) -> str:
        """Append an average pooling that leaves the padding out of the count."""

    def zeros(self, channels: int, height: int, width: int) -> str:
        """Return the name of a tensor of zeros; equal shapes share one."""

    def channel_shuffle(self, x: str, channels: int, size: int, groups: int) -> str:
        """Append ShuffleNet's exchange of channels between `groups`."""

    def classify(self, x: str, name: str, channels: int, classes: int) -> None:
        """Append the global average pooling and the linear layer, whose result is the output."""


def write_network(builder: NetworkBuilder, space: SearchSpace, ops: Ops, dataset: str) -> None:
    """Append the network of an architecture to a builder.

    Parameters
    ----------
    builder : NetworkBuilder
        An empty one for the dataset's input shape.
    space : SearchSpace
        The space of the architecture.
    ops : numpy.ndarray of int8, shape (n_positions,)
        The architecture.
    dataset : str
        Fixes sizes and classes.

    Raises
    ------
    UnknownNameError
        If no graph is written for the space.
    """
    NETWORKS[check_name("space with network graphs", space.name, NETWORKS)](builder, ops, dataset)


def _cell_network(graph: NetworkBuilder, ops: Ops, dataset: str) -> None:
    size, width = graph.input_shape[1], nasbench201.STAGE_CHANNELS[0]
    x = graph.conv(INPUT, "stem.0", 3, width, 3, norm="stem.1")
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
    graph.classify(x, "classifier", width, nasbench201.NASBench201().dataset(dataset).n_classes)


def _cell(graph: NetworkBuilder, x: str, name: str, ops: Ops, channels: int, size: int) -> str:
    zeros = graph.zeros(channels, size, size)
    nodes = {0: x, 1: zeros, 2: zeros, 3: zeros}
    for edge, (source, target) in enumerate(nasbench201.EDGES):
        y = nodes[source]
        op = nasbench201.OPS[ops[edge]]
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
            nodes[target] = graph.add(nodes[target], y)
    return nodes[3]


def _reduction(graph: NetworkBuilder, x: str, name: str, c_out: int) -> str:
    c_in = c_out // 2
    a, b, shortcut = f"{name}.conv_a", f"{name}.conv_b", f"{name}.shortcut"
    y = graph.conv(graph.relu(x), f"{a}.1", c_in, c_out, 3, stride=2, norm=f"{a}.2")
    y = graph.conv(graph.relu(y), f"{b}.1", c_out, c_out, 3, norm=f"{b}.2")
    x = graph.conv(graph.avg_pool(x, 2, stride=2, padding=0), f"{shortcut}.1", c_in, c_out, 1)
    return graph.add(x, y)


def _fbnet_network(graph: NetworkBuilder, ops: Ops, dataset: str) -> None:
    space, macro = fbnet.FBNet(), fbnet.MACRO[dataset]
    stem = fbnet.STEM_CHANNELS
    x = _conv_norm(graph, INPUT, "stem.0", 3, stem, 3, macro.stem_stride)
    slots = space.layer_shapes(dataset)
    for position, (op, slot) in enumerate(zip(ops, slots, strict=True)):
        name, keeps_shape = f"blocks.{position}", slot.c_in == slot.c_out and slot.stride == 1
        if space.op_names[op] != "skip":
            y = _inverted_residual(graph, x, name, fbnet.BLOCKS[space.op_names[op]], slot)
            x = graph.add(y, x) if keeps_shape else y
        elif not keeps_shape:
            x = _conv_norm(graph, x, f"{name}.0", slot.c_in, slot.c_out, 1, slot.stride)
    x = _conv_norm(graph, x, "head.0", slots[-1].c_out, macro.head_channels)
    graph.classify(x, "classifier", macro.head_channels, macro.classes)


def _inverted_residual(
    graph: NetworkBuilder, x: str, name: str, block: fbnet.Block, slot: fbnet.Slot
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
    graph: NetworkBuilder, x: str, name: str, c_in: int, c_out: int,
    kernel: int = 1, stride: int = 1, groups: int = 1,
) -> str:  # fmt: skip
    norm = f"{name}.1"
    y = graph.conv(x, f"{name}.0", c_in, c_out, kernel, stride=stride, groups=groups, norm=norm)
    return graph.relu(y)


NETWORKS: dict[str, Callable[[NetworkBuilder, Ops, str], None]] = {
    "nasbench201": _cell_network,
    "fbnet": _fbnet_network,
}
