"""What the layers of each block are and compute, and how alike blocks are."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.space import SearchSpace

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


@cache
def block_work(space: SearchSpace, dataset: str) -> Floats:
    """Return the work of each op at each position and stage.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions, n_ops, n_stages, 11)
        Read-only; the last axis is ``MEASURES``.
    """
    networks = [space.layers([op] * space.n_positions, dataset) for op in range(space.n_ops)]
    n_stages = 1 + max(layer.stage for layer in networks[0])
    table = np.zeros((space.n_positions, space.n_ops, n_stages, len(MEASURES)))
    for op, layers in enumerate(networks):
        for layer in layers:
            if layer.position is not None:
                table[layer.position, op, layer.stage] += _work(layer)
    # A block counts once however many layers it has; a lone 1x1 convolution that changes shapes
    # is what a skip leaves, no block of its own.
    convolutions = table[..., MEASURES.index("convolutions")]
    table[..., 0] = np.where(convolutions > 1, 1.0, 0.0)
    table.setflags(write=False)
    return table


def block_similarity(space: SearchSpace, dataset: str) -> Floats:
    """Return how alike the costs of all pairs of blocks are before any is measured.

    The product of the likeness of ops (kernel size, width, grouping) and of positions (distance,
    same stage).

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions * n_ops, n_positions * n_ops)
        Positive semidefinite.
    """
    per_stage = block_work(space, dataset)
    ops = np.array([_shape(space, dataset, op) for op in range(space.n_ops)])
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


def _shape(space: SearchSpace, dataset: str, op: int) -> Floats:
    """Return kernel size, width and grouping of an op in the middle of the network."""
    middle = space.n_positions // 2
    layers = [
        layer
        for layer in space.layers([op] * space.n_positions, dataset)
        if layer.position == middle and layer.kind == "conv"
    ]
    if not layers:
        return np.array([0.5, 0.0, 0.0, 2.0])
    width = max(layer.c_out for layer in layers) / max(layers[0].c_in, layers[-1].c_out)
    grouped = any(1 < layer.groups < layer.c_in for layer in layers)
    large = any(layer.kernel > 3 for layer in layers)
    return np.array([float(large), np.log2(width) / 2.6, float(grouped), 0.0])
