"""The NAS-Bench-201 search space: 15,625 cells of 6 edges with 5 ops each."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, shown
from archcost.networks.layers import Layer
from archcost.spaces.config_dicts import entry_of_config
from archcost.spaces.dataset import Dataset
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from torch import nn

CELLS_PER_STAGE = 5
STAGE_CHANNELS = (16, 32, 64)
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target node of each edge, in the order of the published string."""

# The authors shuffled the enumeration with this seed ("do not change"); the order is the index.
PUBLISHED_SEED = 88
OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CONFIG = {"name": "infer.tiny", "C": STAGE_CHANNELS[0], "N": CELLS_PER_STAGE}
"""What HW-NAS-Bench's configs say of every network."""

EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


class NASBench201(SearchSpace):
    """NAS-Bench-201: a cell is a complete DAG of 4 nodes whose 6 edges each carry one op.

    A node is the sum of its incoming edges; the network is a stem, 3 stages of 5 equal cells at
    16, 32 and 64 channels with a residual reduction between, and a linear classifier.

    References
    ----------
    X. Dong, Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
    Search", ICLR 2020.

    Examples
    --------
    >>> space = NASBench201()
    >>> space.parse(0)
    array([4, 2, 1, 2, 1, 1], dtype=int8)
    >>> space.format([3, 0, 1, 0, 0, 2])
    '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|'
    """

    name = "nasbench201"
    slots = {f"{source}->{target}": OPS for source, target in EDGES}  # noqa: RUF012
    datasets = (
        Dataset("cifar10", (3, 32, 32), 10),
        Dataset("cifar100", (3, 32, 32), 100),
        Dataset("ImageNet16-120", (3, 16, 16), 120),
    )
    edges = EDGES
    has_index = True
    starts_with = "|"

    @cached_property
    def all_ops(self) -> Ops:
        """All 15,625 architectures in published order, shape ``(15625, 6)``, read-only."""
        return _published_order()[0]

    def code(self, ops: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return the rank of op ids in the plain enumeration.

        Parameters
        ----------
        ops : array of int, shape (n_archs, 6) or (6,)
            Valid op ids.

        Returns
        -------
        numpy.ndarray of int64, shape (n_archs,) or ()
            The op ids read as base-5 digits, first edge first.
        """
        return np.asarray(ops, dtype=np.int64) @ (self.n_ops ** np.arange(5, -1, -1))

    def indices(self, ops: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return the published indices ``(n_archs,)`` of valid op ids ``(n_archs, 6)``."""
        return _published_order()[1][self.code(ops)]

    def from_index(self, index: int) -> Ops:
        """Return the cell at a published index."""
        return self.all_ops[self._check_index(index)].copy()

    def index(self, arch: object) -> int:
        """Return the published index of a cell."""
        return int(self.indices(self.parse(arch)))

    def canonical(self, ops: npt.NDArray[Any]) -> Ops:
        """Return the representative of each cell's isomorphism class (``cell_graph.canonical``)."""
        from archcost.spaces.cell_graph import canonical

        return canonical(ops)

    def from_config(self, config: Mapping[str, Any]) -> object:
        """Return the ``arch_str`` of HW-NAS-Bench's config dict."""
        return entry_of_config(self, config, "arch_str", CONFIG)

    def split(self, text: str) -> list[str]:
        """Split ``|op~source|...|+|...|`` into the ops of the six edges."""
        names = []
        nodes = text.split("+")
        for target, node in enumerate(nodes, start=1):
            edges = re.fullmatch(r"\|(.+)\|", node)
            parts = [part.rpartition("~") for part in edges[1].split("|")] if edges else []
            if len(nodes) != 3 or [p[2] for p in parts] != [str(i) for i in range(target)]:
                raise ArchitectureError(
                    f"a string of {self.name} must read like {EXAMPLE!r} "
                    f"(node after node, each edge as op~source), but got {shown(text)}"
                )
            names += [part[0] for part in parts]
        return names

    def join(self, names: Sequence[str]) -> str:
        """Join the ops of the six edges to the published string."""
        a, b, c, d, e, f = names
        return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"

    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return all layers in order of execution; nothing dead is left out.

        A ``none`` edge is a `zero` layer, a ``skip_connect`` none at all, and the sums at the
        nodes are `add` layers that belong to the edge whose result they add.
        """
        ops = self.parse(arch)
        data = self.dataset(dataset)
        size = data.input_shape[1]
        width = STAGE_CHANNELS[0]
        layers = [_conv("stem", 0, 3, width, size, 3)]
        for stage, channels in enumerate(STAGE_CHANNELS, start=1):
            if stage > 1:
                layers += _reduction(stage, channels // 2, channels, size)
                size //= 2
            layers += _cell(ops, self.op_names, stage, channels, size) * CELLS_PER_STAGE
        width = STAGE_CHANNELS[-1]
        classes = data.n_classes
        # The last normalisation and its ReLU come before the pooling.
        layers.append(
            Layer(
                "global_pool", None, 4, "head", width, width, size, size, 1, 1, norm_channels=width
            )
        )
        layers.append(Layer("linear", None, 4, "head", width, classes, 1, 1, 1, 1))
        return tuple(layers)

    def network(self, arch: object, dataset: str | None = None) -> nn.Module:
        """Build the cell's network as a torch module, random weights, evaluation mode."""
        from archcost.spaces.nasbench201_network import CellNetwork

        ops = self.parse(arch)
        names = [self.op_names[op] for op in ops]
        return CellNetwork(names, self.dataset(dataset).n_classes).eval()


@cache
def _published_order() -> tuple[Ops, npt.NDArray[np.int64]]:
    """Return all op ids in published order, and the index of each code."""
    order = list(range(5**6))
    random.Random(PUBLISHED_SEED).shuffle(order)
    codes = np.array(order, dtype=np.int64)
    ops = (codes[:, None] // 5 ** np.arange(5, -1, -1) % 5).astype(np.int8)
    index_of_code = np.argsort(codes)
    for shared in (ops, index_of_code):
        shared.setflags(write=False)
    return ops, index_of_code


def _conv(
    op: str, stage: int, c_in: int, c_out: int, size: int, kernel: int, stride: int = 1,
    position: int | None = None, norm: bool = True,
) -> Layer:  # fmt: skip
    out = size // stride
    return Layer(
        "conv", position, stage, op, c_in, c_out, size, size, out, out, kernel, stride,
        norm_channels=c_out if norm else 0,
    )  # fmt: skip


def _reduction(stage: int, c_in: int, c_out: int, size: int) -> list[Layer]:
    """Return the residual block with stride 2 that halves the resolution."""
    half = size // 2
    return [
        _conv("reduction", stage, c_in, c_out, size, 3, 2),
        _conv("reduction", stage, c_out, c_out, half, 3),
        Layer("pool", None, stage, "reduction", c_in, c_in, size, size, half, half, 2, 2),
        _conv("reduction", stage, c_in, c_out, half, 1, norm=False),
        Layer("add", None, stage, "reduction", c_out, c_out, half, half, half, half),
    ]


def _cell(ops: Ops, names: Sequence[str], stage: int, channels: int, size: int) -> list[Layer]:
    layers = []
    shape = (channels, channels, size, size, size, size)
    for position, (source, _) in enumerate(EDGES):
        name = names[ops[position]]
        if name == "none":
            layers.append(Layer("zero", position, stage, name, *shape))
        elif name == "avg_pool_3x3":
            layers.append(Layer("pool", position, stage, name, *shape, 3))
        elif name != "skip_connect":
            kernel = 3 if name == "nor_conv_3x3" else 1
            layers.append(_conv(name, stage, channels, channels, size, kernel, position=position))
        if source > 0:  # the first edge into a node starts its sum, the others add to it
            layers.append(Layer("add", position, stage, name, *shape))
    return layers
