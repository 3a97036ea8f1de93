"""NATS-Bench's size search space: one cell network whose five layers choose their channels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from archcost.errors import ArchitectureError, shown
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.spaces.config_dicts import entry_of_config
from archcost.spaces.dataset import Dataset, halved_twice
from archcost.spaces.op_checks import Ops
from archcost.spaces.plain_forms import is_integer
from archcost.spaces.space import SearchSpace

CHANNELS = tuple(str(channels) for channels in range(8, 72, 8))

NUMBER = re.compile(r"\s*-?\d{1,8}(\.\d*)?\s*")
"""What is meant for a channel count, right or wrong."""

CELL = {
    1: (("nor_conv_3x3", 0),),
    2: (("nor_conv_3x3", 0), ("nor_conv_3x3", 1)),
    3: (("skip_connect", 0), ("nor_conv_3x3", 1), ("nor_conv_3x3", 2)),
}
"""The cell of all networks, node -> ops and their sources: the best one on CIFAR-100."""


CONFIG = {
    "name": "infer.shape.tiny",
    "genotype": "+".join(
        f"|{'|'.join(f'{op}~{source}' for op, source in ops)}|" for ops in CELL.values()
    ),
}
"""Entries of NATS-Bench's config dicts that are the same for all networks."""


class NATSBenchSize(SearchSpace):
    """NATS-Bench's size search space: channel counts of 8 to 64 for five layers, 32,768 networks.

    Layers 1, 3 and 5 are cells, 2 and 4 residual blocks that halve the resolution. In a cell, the
    ops that leave its input bring the channels of the layer before to its own, so that what a
    layer costs depends on the layer before it.

    References
    ----------
    X. Dong, L. Liu, K. Musial, B. Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for
    Architecture Topology and Size", TPAMI 2021.

    Examples
    --------
    >>> space = NATSBenchSize()
    >>> space.format(1)
    '8:8:8:8:16'
    >>> space.index("64:64:64:64:64")
    32767
    """

    name = "natsbench_size"
    slots = {f"layer{number}": CHANNELS for number in range(1, 6)}  # noqa: RUF012
    datasets = (
        Dataset("cifar10", (3, 32, 32), 10),
        Dataset("cifar100", (3, 32, 32), 100),
        Dataset("ImageNet16-120", (3, 16, 16), 120),
    )
    has_index = True
    starts_with = tuple(f"{channels}:" for channels in CHANNELS)

    def from_config(self, config: Mapping[str, Any]) -> object:
        """Return the ``channels`` of NATS-Bench's config dict, written or listed."""
        channels = entry_of_config(self, config, "channels", CONFIG)
        if isinstance(channels, list | tuple) and all(map(is_integer, channels)):
            return self.join(map(str, channels))
        return channels

    def split(self, text: str) -> list[str]:
        """Split ``64:32:8:40:56`` into the five channel counts."""
        names = text.split(":")
        for name in names if len(names) > 1 else ():
            if name.isascii() and NUMBER.fullmatch(name) and name not in CHANNELS:
                nearest = min(CHANNELS, key=lambda known: abs(int(known) - float(name)))
                raise ArchitectureError(
                    f"channels of {self.name} must be a multiple of 8 from 8 to 64, but got {name} "
                    f"in {shown(text)}; the nearest is {nearest}"
                )
        return names

    def join(self, names: Iterable[str]) -> str:
        """Join the five channel counts with colons."""
        return ":".join(names)

    def input_violation(self, input_shape: tuple[int, int, int]) -> str | None:
        """Refuse sides that the two reductions cannot halve."""
        return halved_twice(input_shape)

    def hint(self, given: object) -> str:
        """Return how channel counts are written, where numbers look like them, not like op ids."""
        if not isinstance(given, list | tuple | np.ndarray) or not np.iterable(given):
            return ""
        if len(given) != self.n_positions:
            return ""
        counts = [int(count) for count in given if is_integer(count)]
        if len(counts) < len(given) or max(counts) < len(CHANNELS) or max(counts) > 999:
            return ""
        return f"these look like channel counts, which are written {self.join(map(str, counts))!r}"

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write stem, five layers and classifier, as ``infer.shape.tiny`` lays them out."""
        widths = [int(self.op_names[op]) for op in ops]
        with builder.at(part="stem"):
            x = builder.conv(builder.input(dataset.input_shape), widths[0], 3, name="stem.0")
            x = builder.batch_norm(x, name="stem.1")
        for place, width in enumerate(widths):
            layer = _reduction if place % 2 else _cell
            with builder.at(place, stage=place + 1):
                x = layer(builder, x, width, f"cells.{place}")
        with builder.at(part="head", stage=6):
            x = builder.relu(builder.batch_norm(x, name="head.0"))
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="classifier")


def _relu_conv_norm(
    builder: GraphBuilder, x: Value, width: int, name: str, stride: int = 1
) -> Value:
    x = builder.conv(builder.relu(x), width, 3, stride=stride, name=f"{name}.1")
    return builder.batch_norm(x, name=f"{name}.2")


def _cell(builder: GraphBuilder, x: Value, width: int, name: str) -> Value:
    nodes = [x]
    for target, sources in CELL.items():
        total = None
        for op, source in sources:
            edge, y = f"{name}.{source}-{target}", nodes[source]
            if op == "nor_conv_3x3":
                y = _relu_conv_norm(builder, y, width, edge)
            elif y.channels != width:  # a skip that has to change the channels
                y = builder.batch_norm(
                    builder.conv(y, width, 1, name=f"{edge}.0"), name=f"{edge}.1"
                )
            total = y if total is None else builder.add(total, y)
        assert total is not None
        nodes.append(total)
    return nodes[-1]


def _reduction(builder: GraphBuilder, x: Value, width: int, name: str) -> Value:
    y = _relu_conv_norm(builder, x, width, f"{name}.conv_a", stride=2)
    y = _relu_conv_norm(builder, y, width, f"{name}.conv_b")
    x = builder.conv(builder.avg_pool(x, 2), width, 1, name=f"{name}.shortcut")
    return builder.add(x, y)
