"""What the layers of each block are and compute, and how alike blocks are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.position_work import (
    PositionWork,
    example_archs,
    position_work,
    work_by_position,
)
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

MEASURES = (
    "blocks",
    "convolutions",
    "grouped",
    "adds",
    "dense_mflops",
    "depthwise_mflops",
    "mflops",
    "kparams",
    "traffic_mb",
    "depthwise_traffic_mb",
    "large_kernels",
)
"""Whether a block does more than change shapes; counts of layers; work of convolutions."""

SIMILAR_OPS, SIMILAR_POSITIONS = 0.7, 3.0
"""Lengths over which the costs of ops and of positions resemble each other."""


def block_work(space: SearchSpace, dataset: str) -> PositionWork:
    """Return the work of each op at each position and stage; measures are ``MEASURES``."""
    tabulated = position_work(space, dataset, _work)
    return PositionWork(_with_blocks(tabulated.table), tabulated.fixed, tabulated.is_additive)


def own_block_work(space: SearchSpace, ops: Ops, dataset: str) -> Floats:
    """Return the work of each architecture at each position and stage, from its own layers.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_positions + 1, n_stages, 11)
        Last on the second axis the layers of no position; the last axis is ``MEASURES``.
    """
    work = work_by_position(space, ops, dataset, _work)
    work[:, :-1] = _with_blocks(work[:, :-1])
    return work


def block_similarity(space: SearchSpace, dataset: str) -> Floats:
    """Return how alike the costs of all pairs of blocks are before any is measured.

    The product of the likeness of ops (kernel size, width, grouping) and of positions (distance,
    same stage).

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions * n_ops, n_positions * n_ops)
        Positive semidefinite.
    """
    per_stage = block_work(space, dataset).table
    examples = example_archs(space)
    ops = np.array([_shape(space, dataset, op, examples) for op in range(space.n_ops)])
    distance = ((ops[:, None] - ops[None]) ** 2).sum(axis=2)
    like_ops = np.exp(-0.5 * distance / SIMILAR_OPS**2)
    places = np.arange(space.n_positions)
    stage = per_stage[..., MEASURES.index("traffic_mb")].sum(axis=1).argmax(axis=1)
    gap = (places[:, None] - places[None]) / SIMILAR_POSITIONS
    like_positions = 0.5 * np.exp(-0.5 * gap**2) + 0.5 * (stage[:, None] == stage[None])
    similarity: Floats = np.kron(like_positions, like_ops)
    return similarity


def _work(layer: Layer) -> Floats:
    if layer.kind == "add":
        return np.eye(len(MEASURES))[MEASURES.index("adds")]
    if layer.kind not in ("conv", "pool"):
        return np.zeros(len(MEASURES))
    depthwise = float(layer.groups > 1 and layer.groups == layer.c_in)
    traffic = (layer.input_bytes + layer.output_bytes) / 1e6
    mflops = layer.flops / 1e6
    return np.array(
        [
            0.0,
            1.0,
            float(layer.groups > 1 and not depthwise) / 2,  # both 1x1 convolutions are grouped
            0.0,
            (1 - depthwise) * mflops,
            depthwise * mflops,
            mflops,
            layer.params / 1e3,
            traffic,
            depthwise * traffic,
            float(layer.kernel > 3),
        ]
    )


def _with_blocks(work: Floats) -> Floats:
    """Fill in the first measure: where there are blocks.

    A block counts once however many layers it has; a lone 1x1 convolution that changes shapes is
    what a skip leaves, no block of its own.
    """
    convolutions = work[..., MEASURES.index("convolutions")]
    return np.concatenate([convolutions[..., None] > 1, work[..., 1:]], axis=-1)


def _shape(space: SearchSpace, dataset: str, op: int, examples: Ops) -> Floats:
    """Return kernel size, width and grouping of an op, as near the middle as it may stand."""
    middle = space.n_positions // 2
    places = np.flatnonzero(space.allowed[:, op])
    place = places[np.abs(places - middle).argmin()]
    having = examples[examples[:, place] == op]
    layers = [
        layer
        for layer in (space.layers(having[0], dataset) if len(having) else ())
        if layer.position == place and layer.kind == "conv"
    ]
    if not layers:
        return np.array([0.5, 0.0, 0.0, 2.0])
    width = max(layer.c_out for layer in layers) / max(layers[0].c_in, layers[-1].c_out)
    grouped = any(1 < layer.groups < layer.c_in for layer in layers)
    large = any(layer.kernel > 3 for layer in layers)
    return np.array([float(large), np.log2(width) / 2.6, float(grouped), 0.0])
