"""The kernels of networks as arrays: what each computes and moves.

Columns of ``KernelArrays.numbers``:

==================  ================================================================================
macs                multiply-accumulate operations
in_bytes            read from activations by the anchor
out_bytes           written
weight_bytes        parameters
fused_bytes         what the fused element-wise ops would read and write if each ran by itself
smooth_bytes        written by activations that take an exponential or the like, such as SiLU
erf_bytes           written by GELU and error functions
taps                numbers of a window: kernel height times width
c_in, c_out         channels a group reads and writes; features of products
groups              of channels; the matrices of a batched product
positions           results a channel: height times width times batch, rows of products
stride              along the height
==================  ================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Graph, Node
from archcost.networks.kernels import Kernel, executed_kernels
from archcost.networks.work import node_work

KINDS = (
    "conv", "conv_1x1", "conv_grouped", "conv_depthwise", "conv_depthwise_wide", "conv_stem",
    "linear", "matmul", "attention", "norm", "softmax", "activation", "add", "multiply",
    "batch_norm", "pool", "global_pool", "concat", "split", "transpose", "gather", "pad", "resize",
    "other",
)  # fmt: skip
"""What kernels are told apart by."""

COLUMNS = (
    "macs", "in_bytes", "out_bytes", "weight_bytes", "fused_bytes", "smooth_bytes", "erf_bytes",
    "taps", "c_in", "c_out", "groups", "positions", "stride",
)  # fmt: skip

STEM_CHANNELS = 4
"""Input channels up to which a convolution is that of a stem."""

MOST_TAPS = 25
"""Window of a depthwise convolution up to which runtimes have kernels of their own: 5 by 5."""

SMOOTH = frozenset({
    "sigmoid", "silu", "quick_gelu", "tanh", "elu", "mish", "softplus", "selu", "exp",
    "log", "pow", "sin", "cos",
})  # fmt: skip
"""Functions of single numbers that are no few sums and products."""

ERF = frozenset({"gelu", "erf"})
"""Functions that are error functions, which some runtimes compute number by number."""

_KIND_OF_OP = {
    "linear": "linear", "matmul": "matmul", "attention": "attention", "layer_norm": "norm",
    "group_norm": "norm", "softmax": "softmax", "activation": "activation", "add": "add",
    "multiply": "multiply", "batch_norm": "batch_norm", "max_pool": "pool", "avg_pool": "pool",
    "global_pool": "global_pool", "concat": "concat", "split": "split", "transpose": "transpose",
    "channel_shuffle": "transpose", "gather": "gather", "pad": "pad", "resize": "resize",
    "unary": "activation", "binary": "multiply", "reduce": "global_pool", "expand": "transpose",
}  # fmt: skip

_KIND_OF_NAME = {
    "copy": "transpose",
    "roll": "gather",
    "expand": "transpose",
    "mean": "global_pool",
    "sum": "global_pool",
    "amax": "global_pool",
    "flip": "transpose",
    "add_scalar": "add",
    "mul_scalar": "multiply",
}


@dataclass(frozen=True, slots=True)
class KernelArrays:
    """Kernels of several networks, one network after the other.

    Parameters
    ----------
    kinds : numpy.ndarray of int8, shape (n_kernels,)
        Places in ``KINDS``.
    numbers : numpy.ndarray of float64, shape (n_kernels, n_columns)
        See ``COLUMNS``.
    starts : numpy.ndarray of int64, shape (n_networks + 1,)
        Where the kernels of each network begin, and where the last ones end.
    """

    kinds: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def network(self) -> npt.NDArray[np.int64]:
        """The network of each kernel, shape ``(n_kernels,)``."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column, shape ``(n_kernels,)``."""
        return self.numbers[:, COLUMNS.index(name)]

    @classmethod
    def of_graphs(cls, graphs: Iterable[Graph], style: str = "fused") -> Self:
        """Return the kernels of graphs as a runtime of a style executes them.

        Parameters
        ----------
        graphs : iterable of Graph
            The networks.
        style : str, default="fused"
            How the runtime executes them, as `executed_kernels` says.

        Returns
        -------
        KernelArrays
            The kernels, one network after the other.

        Examples
        --------
        >>> from archcost.spaces import get_space
        >>> space = get_space("nasbench201")
        >>> len(KernelArrays.of_graphs([space.graph([3] * 6), space.graph([1] * 6)]))
        2
        """
        return cls.concat([cls.of_graph(graph, style) for graph in graphs])

    @classmethod
    def of_graph(cls, graph: Graph, style: str = "fused") -> Self:
        """Return the kernels of one graph as a runtime of a style executes them.

        Parameters
        ----------
        graph : Graph
            The network.
        style : str, default="fused"
            How the runtime executes it, as `executed_kernels` says.

        Returns
        -------
        KernelArrays
            Its kernels, in the order of execution.

        Examples
        --------
        >>> from archcost.spaces import get_space
        >>> kernels = KernelArrays.of_graph(get_space("nasbench201").graph([3] * 6))
        >>> len(kernels), kernels.numbers.shape[1] == len(COLUMNS)
        (1, True)
        """
        rows = [kernel_row(graph, kernel) for kernel in executed_kernels(graph, style)]
        kinds = np.array([kind for kind, _ in rows], dtype=np.int8)
        numbers = np.array([row for _, row in rows], dtype=np.float64)
        return cls(kinds, numbers.reshape(-1, len(COLUMNS)), np.array([0, len(rows)]))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Return the networks of several arrays in one."""
        if not parts:
            return cls(np.empty(0, np.int8), np.empty((0, len(COLUMNS))), np.zeros(1, np.int64))
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            np.concatenate([part.kinds for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
        )

    def take(self, networks: npt.NDArray[np.integer[Any]]) -> Self:
        """Return some of the networks, in the order given."""
        counts = np.diff(self.starts)[networks]
        starts = np.concatenate([[0], np.cumsum(counts)])
        rows = np.arange(starts[-1]) + np.repeat(self.starts[networks] - starts[:-1], counts)
        return type(self)(self.kinds[rows], self.numbers[rows], starts)


def kernel_row(graph: Graph, kernel: Kernel) -> tuple[int, tuple[float, ...]]:
    """Return the place of a kernel's kind in ``KINDS``, and its numbers in order of ``COLUMNS``."""
    nodes, node = graph.nodes, graph.nodes[kernel.anchor]
    inputs = [nodes[place] for place in node.inputs]
    work = node_work(node, inputs)
    weights = work.weight_bytes + sum(
        i.n_bytes for i in inputs if i.op == "constant" and node.op in ("linear", "matmul")
    )
    fused = smooth = erf = 0
    for place in kernel.places:
        other = nodes[place]
        if other.attributes.get("kind") in SMOOTH:
            smooth += other.n_bytes
        elif other.attributes.get("kind") in ERF:
            erf += other.n_bytes
        if place != kernel.anchor:
            fused += other.n_bytes + sum(nodes[source].n_bytes for source in other.inputs)
    taps, c_in, c_out, groups, positions, stride = _dimensions(node, inputs)
    return KINDS.index(kernel_kind(node, inputs)), (
        work.macs, work.input_bytes, nodes[kernel.places[-1]].n_bytes, weights, fused,
        smooth, erf, taps, c_in, c_out, groups, positions, stride,
    )  # fmt: skip


def kernel_kind(node: Node, inputs: Sequence[Node]) -> str:
    """Return which of ``KINDS`` a kernel is, from its anchor."""
    if node.op in ("conv", "conv_transpose"):
        groups, c_in = node.attributes["groups"], inputs[0].shape[1]
        taps = prod(node.attributes["kernel"])
        if groups == 1:
            if c_in <= STEM_CHANNELS:
                return "conv_stem"
            return "conv_1x1" if taps == 1 else "conv"
        if groups == c_in:
            return "conv_depthwise" if taps <= MOST_TAPS else "conv_depthwise_wide"
        return "conv_grouped"
    if node.op == "other":
        return _KIND_OF_NAME.get(str(node.attributes.get("kind")), "other")
    return _KIND_OF_OP.get(node.op, "other")


def _dimensions(node: Node, inputs: Sequence[Node]) -> tuple[int, int, int, int, int, int]:
    """Return taps, channels in and out of a group, groups, positions and stride."""
    shape, attributes = node.shape, node.attributes
    if node.op in ("conv", "conv_transpose"):
        groups = attributes["groups"]
        positions = shape[0] * prod(shape[2:])
        c_in, c_out = inputs[0].shape[1] // groups, shape[1] // groups
        return prod(attributes["kernel"]), c_in, c_out, groups, positions, attributes["stride"][0]
    if node.op == "linear":
        return 1, inputs[0].shape[-1], shape[-1], 1, prod(shape[:-1]), 1
    if node.op == "matmul":
        return 1, inputs[0].shape[-1], shape[-1], prod(shape[:-2]), shape[-2], 1
    if node.op == "attention":
        keys = inputs[1].shape
        return 1, keys[-1], keys[-2], prod(shape[:-2]), shape[-2], 1
    if node.op in ("max_pool", "avg_pool"):
        kernel = attributes["kernel"]
        return prod(kernel), shape[1], shape[1], 1, prod(shape[2:]), attributes["stride"][0]
    channels = shape[1] if len(shape) > 1 else 1
    return 1, channels, channels, 1, prod(shape) // max(channels, 1), 1
