"""Random small networks that tell what a device takes for each kind of op.

Each is of two to six blocks of few kinds, so that between them they have kinds and sizes of ops
in many proportions. They are the same on all devices: a probe follows from its seed and number.
"""

from __future__ import annotations

from math import log

import numpy as np

from archcost.errors import ArchcostError
from archcost.networks.graph import Graph
from archcost.networks.graph_builder import GraphBuilder
from archcost.networks.work import graph_work
from archcost.zoo.blocks import N_CLASSES
from archcost.zoo.probe_blocks import BLOCKS, KINDS, Draw

COSTS_MS = 0.3, 30.0
"""Range of the costs that are aimed at, on a core of a laptop."""

MACS_PER_MS, BYTES_PER_MS, NODES_PER_MS = 4e7, 8e6, 500
"""A rough core, by which a probe's size is chosen."""

DRAWS, NEAR_ENOUGH = 60, 0.15
"""So many networks are drawn, or until one is as near to the cost aimed at, in its logarithm."""

OWN_KIND = 0.6
"""Share of blocks that are of a probe's own kind."""


def probes(n: int = 120, seed: int = 0, *, batch_size: int = 1) -> dict[str, Graph]:
    """Return random small networks by their names.

    Parameters
    ----------
    n : int, default=120
        How many; the first ones are the same whatever `n`.
    seed : int, default=0
        Fixes them.
    batch_size : int, default=1
        Images at a time.

    Returns
    -------
    dict of Graph
        Under names like ``probe_0_017``: seed and number.

    Raises
    ------
    ArchcostError
        If there would be none, or the seed is negative.

    Examples
    --------
    >>> list(probes(2))
    ['probe_0_000', 'probe_0_001']
    """
    if n < 1 or seed < 0:
        raise ArchcostError(
            f"there must be a probe at least, and a seed of 0 or more, but got {n} and {seed}"
        )
    return {
        f"probe_{seed}_{number:03}": probe(number, seed, batch_size=batch_size)
        for number in range(n)
    }


def probe(number: int, seed: int = 0, *, batch_size: int = 1) -> Graph:
    """Return one random small network.

    Parameters
    ----------
    number : int
        Which one, from 0.
    seed : int, default=0
        Fixes all of them.
    batch_size : int, default=1
        Images at a time.
    """
    rng = np.random.default_rng([seed, number])
    aim = rng.uniform(log(COSTS_MS[0]), log(COSTS_MS[1]))
    own = Draw(rng).one_of(KINDS)
    best, nearest = 0, np.inf
    for attempt in range(DRAWS):
        away = abs(log(_rough_ms(_drawn([seed, number, attempt], own, 1))) - aim)
        if away < nearest:
            best, nearest = attempt, away
        if away < NEAR_ENOUGH:
            break
    return _drawn([seed, number, best], own, batch_size)


def _drawn(seed: list[int], own: str, batch_size: int) -> Graph:
    rng = np.random.default_rng(seed)
    draw, builder = Draw(rng), GraphBuilder(batch_size)
    side = round(float(np.exp(rng.uniform(log(5), log(120)))))
    side = draw.one_of({side: 0.5, 7: 0.1, 14: 0.15, 28: 0.15, 56: 0.1})
    channels = 3 if rng.random() < 0.15 else draw.channels(8, min(640, 8000 / side))
    x = builder.input((channels, side, side))
    if channels == 3:
        draw.name = "stem"
        x = BLOCKS["plain"](builder, x, draw)
        x = builder.conv(x, draw.channels(12, 64), 3, stride=2, name="stem2")
    for number in range(int(rng.integers(2, 7))):
        kind = own if rng.random() < OWN_KIND else draw.one_of(KINDS)
        draw.name = f"blocks.{number}"
        with builder.at(stage=number, part=kind):
            x = BLOCKS[kind](builder, x, draw)
    with builder.at(part="head"):
        x = builder.flatten(builder.global_pool(x))
        features = draw.one_of({10: 0.4, N_CLASSES: 0.4, 4096: 0.2})
        return builder.graph(builder.linear(x, features, name="classifier"))


def _rough_ms(graph: Graph) -> float:
    work = graph_work(graph)
    moved = work.input_bytes + work.output_bytes + work.weight_bytes
    return work.macs / MACS_PER_MS + moved / BYTES_PER_MS + len(graph.nodes) / NODES_PER_MS
