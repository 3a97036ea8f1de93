"""The NAS-Bench-201 search space: 15,625 cells of 6 edges with 5 ops each."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, shown
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.spaces.cell_graph import canonical
from archcost.spaces.config_dicts import entry_of_config
from archcost.spaces.dataset import Dataset, halved_twice
from archcost.spaces.foreign_forms import cell_hint
from archcost.spaces.nasbench201_layout import CELLS_PER_STAGE, EDGES, OPS, STAGE_CHANNELS
from archcost.spaces.space import Ops, SearchSpace

# The authors shuffled the enumeration with this seed ("do not change"); the order is the index.
PUBLISHED_SEED = 88
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
    starts_with = ("|",)

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
        return canonical(ops)

    def from_config(self, config: Mapping[str, Any]) -> object:
        """Return the ``arch_str`` of HW-NAS-Bench's config dict."""
        return entry_of_config(self, config, "arch_str", CONFIG)

    def hint(self, given: object) -> str:
        """Return the converter of NASLib's, NNI's, HPOBench's or xautodl's cells."""
        return cell_hint(given)

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

    def input_violation(self, input_shape: tuple[int, int, int]) -> str | None:
        """Refuse sides that the two reductions cannot halve."""
        return halved_twice(input_shape)

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write the whole network; nothing dead is left out.

        A ``none`` edge is zeros, a ``skip_connect`` nothing at all, and the sums at the nodes
        belong to the edge whose result they add.
        """
        names = [self.op_names[op] for op in ops]
        x = builder.input(dataset.input_shape)
        with builder.at(part="stem"):
            x = builder.conv(x, STAGE_CHANNELS[0], 3, name="stem.0")
            x = builder.batch_norm(x, name="stem.1")
        place = 0
        for stage, channels in enumerate(STAGE_CHANNELS, start=1):
            if stage > 1:
                with builder.at(part="reduction", stage=stage):
                    x = _reduction(builder, x, f"body.{place}", channels)
                place += 1
            with builder.at(stage=stage):
                for _ in range(CELLS_PER_STAGE):
                    x = _cell(builder, x, f"body.{place}", names)
                    place += 1
        with builder.at(part="head", stage=len(STAGE_CHANNELS) + 1):
            x = builder.relu(builder.batch_norm(x, name="head.0"))
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="classifier")


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


def _cell(builder: GraphBuilder, x: Value, name: str, ops: Sequence[str]) -> Value:
    nodes = {0: x}
    for position, (source, target) in enumerate(EDGES):
        with builder.at(position):
            y = _edge(builder, nodes[source], f"{name}.edges.{position}", ops[position])
            # The first edge into a node starts its sum, the others add to it.
            nodes[target] = builder.add(nodes[target], y) if target in nodes else y
    return nodes[3]


def _edge(builder: GraphBuilder, x: Value, name: str, op: str) -> Value:
    if op == "none":
        return builder.zero(x)
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return builder.avg_pool(x, 3, stride=1, padding=1)
    return _relu_conv_norm(builder, x, name, x.channels, 3 if op == "nor_conv_3x3" else 1)


def _relu_conv_norm(
    builder: GraphBuilder, x: Value, name: str, channels: int, kernel: int, stride: int = 1
) -> Value:
    y = builder.conv(builder.relu(x), channels, kernel, stride=stride, name=f"{name}.1")
    return builder.batch_norm(y, name=f"{name}.2")


def _reduction(builder: GraphBuilder, x: Value, name: str, channels: int) -> Value:
    """Append the residual block with stride 2 that halves the resolution."""
    y = _relu_conv_norm(builder, x, f"{name}.conv_a", channels, 3, stride=2)
    y = _relu_conv_norm(builder, y, f"{name}.conv_b", channels, 3)
    x = builder.conv(builder.avg_pool(x, 2), channels, name=f"{name}.shortcut.1")
    return builder.add(x, y)
