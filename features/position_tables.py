"""What each (position, op) adds to a network: the tables behind the layerwise features."""

from functools import cache

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.space import SearchSpace

Floats = npt.NDArray[np.float64]

WORK = ("mflops", "kparams", "traffic_mb")
"""Measures of work: 1e6 FLOPs, 1e3 parameters, 1e6 bytes read and written (fp32)."""

GROUPS = ("ops", "shape", "work", "op_counts", "op_work", "stage_work", "total_work")
"""Groups of additive features: each is a sum over positions of a table entry."""


def work(layer: Layer) -> Floats:
    """Return the measures of ``WORK`` of one layer."""
    traffic = layer.input_bytes + layer.output_bytes + layer.weight_bytes
    return np.array([layer.flops / 1e6, layer.params / 1e3, traffic / 1e6])


@cache
def work_table(space: SearchSpace, dataset: str) -> Floats:
    """Return the work of each op at each position and stage.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions, n_ops, n_stages, 3)
        Read-only; the last axis is ``WORK``.
    """
    n_stages = 1 + max(layer.stage for layer in _uniform_layers(space, dataset)[0])
    table = np.zeros((space.n_positions, space.n_ops, n_stages, len(WORK)))
    for op, layers in enumerate(_uniform_layers(space, dataset)):
        for layer in layers:
            if layer.position is not None:
                table[layer.position, op, layer.stage] += work(layer)
    table.setflags(write=False)
    return table


@cache
def shape_table(space: SearchSpace, dataset: str) -> Floats:
    """Return output resolution, input and output channels at each position.

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions, 3)
        Means over the layers of all ops there, since a position can recur in several stages.
    """
    shapes: list[list[tuple[int, int, int]]] = [[] for _ in space.positions]
    for layers in _uniform_layers(space, dataset):
        by_position: dict[tuple[int, int], list[Layer]] = {}
        for layer in layers:
            if layer.position is not None:
                by_position.setdefault((layer.position, layer.stage), []).append(layer)
        for (position, _), block in by_position.items():
            shapes[position].append((block[-1].h_out, block[0].c_in, block[-1].c_out))
    return np.array([np.mean(rows, axis=0) for rows in shapes])


def additive_table(
    space: SearchSpace, dataset: str, groups: tuple[str, ...]
) -> tuple[Floats, list[str]]:
    r"""Return the table whose entries sum to the additive features.

    .. math:: x(a) = \sum_p T_{p, a_p}

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    groups : tuple of str
        Some of ``GROUPS``, in the order of the columns.

    Returns
    -------
    table : numpy.ndarray of float64, shape (n_positions, n_ops, n_features)
        What each op at each position adds to each feature.
    names : list of str
        Names of the features.
    """
    parts = [_group_table(space, dataset, group) for group in groups]
    empty = np.zeros((space.n_positions, space.n_ops, 0))
    return np.concatenate([empty, *(p[0] for p in parts)], axis=2), [n for p in parts for n in p[1]]


def _uniform_layers(space: SearchSpace, dataset: str) -> list[tuple[Layer, ...]]:
    """Return the layers of the architectures that have one op everywhere."""
    return [space.layers([op] * space.n_positions, dataset) for op in range(space.n_ops)]


def _group_table(space: SearchSpace, dataset: str, group: str) -> tuple[Floats, list[str]]:
    n_positions, n_ops = space.n_positions, space.n_ops
    positions, op_names = space.positions, space.op_names
    if group == "ops":
        table = np.eye(n_positions * n_ops).reshape(n_positions, n_ops, -1)
        return table, [f"{position}={op}" for position in positions for op in op_names]
    if group == "op_counts":
        table = np.tile(np.eye(n_ops), (n_positions, 1, 1))
        return table, [f"count_{op}" for op in op_names]
    if group == "shape":
        table = np.einsum("pq,ps->pqs", np.eye(n_positions), shape_table(space, dataset))
        table = np.repeat(table.reshape(n_positions, 1, -1), n_ops, axis=1)
        measures = ("resolution", "c_in", "c_out")
        return table, [f"{position}_{m}" for position in positions for m in measures]
    per_stage = work_table(space, dataset)
    total = per_stage.sum(axis=2)
    if group == "total_work":
        return total, [f"total_{m}" for m in WORK]
    if group == "stage_work":
        table = per_stage.reshape(n_positions, n_ops, -1)
        names = [f"stage{stage}_{m}" for stage in range(per_stage.shape[2]) for m in WORK]
    elif group == "op_work":
        table = np.einsum("pkm,kl->pklm", total, np.eye(n_ops)).reshape(n_positions, n_ops, -1)
        names = [f"{op}_{m}" for op in op_names for m in WORK]
    else:
        table = np.einsum("pkm,pq->pkqm", total, np.eye(n_positions))
        table = table.reshape(n_positions, n_ops, -1)
        names = [f"{position}_{m}" for position in positions for m in WORK]
    varies = np.ptp(table, axis=1).max(axis=0) > 0  # a pool has no FLOPs, the stem no ops
    return table[:, :, varies], [n for n, v in zip(names, varies, strict=True) if v]
