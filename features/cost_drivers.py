"""What drives the cost of an architecture: groups of physical features of equal spread."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.block_work import MEASURES, block_similarity, block_work
from archcost.features.cell_features import folded_features, live_features, pruned_features
from archcost.features.layerwise import GRAPH_GROUPS
from archcost.features.one_hot import one_hot
from archcost.features.zero_folding import fold_zeros
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

REFERENCE = 2000
"""Random architectures over which features have mean zero and the groups variance one."""

CHAIN_GROUPS: dict[str, tuple[str, ...]] = {
    "blocks": ("blocks",),
    "kernels": ("convolutions", "grouped", "adds"),
    "flops": ("dense_mflops", "depthwise_mflops", "mflops"),
    "traffic": ("traffic_mb", "depthwise_traffic_mb"),
    "params": ("kparams",),
    "large_kernels": ("large_kernels",),
    "op_counts": (),
    "stages": ("blocks", "mflops", "kparams", "traffic_mb", "depthwise_mflops"),
    "smooth": (),
}
"""Groups in spaces whose layers follow each other, with the measures that they hold."""

CELL_GROUPS = ("op_counts", "folded", "live", "pruned", "ops", "folded_ops")
"""Groups in NAS-Bench-201, where all work is proportional to the counts of ops."""

WORK = ("blocks", "convolutions", "dense_mflops", "depthwise_mflops", "kparams", "traffic_mb")
"""Measures whose mean says roughly how much an architecture costs anywhere."""


class CostDrivers(ArchEncoder):
    r"""Encode what a device may charge for, in groups that have the same spread.

    .. math:: z(a) = (z_1(a), \dots, z_G(a)), \quad E[z] = 0, \; E\|z_g\|^2 = 1

    over random architectures, so that the prior variance of a group's coefficients is the
    variance of the cost that the group may explain.

    Parameters
    ----------
    space : str or None, default=None
        Name of the search space; None takes it from the architectures given to ``fit``.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.

    Attributes
    ----------
    groups_ : dict of str to slice
        The columns of each group.
    table_ : numpy.ndarray of float64, shape (n_positions * n_ops, n_features), or None
        What each op at each position adds to each feature, if all are additive.

    Examples
    --------
    >>> drivers = CostDrivers().fit([[3, 0, 1, 0, 0, 2]])
    >>> list(drivers.groups_)
    ['op_counts', 'folded', 'live', 'pruned', 'ops', 'folded_ops']
    """

    def _prepare(self) -> None:
        drivers = _drivers(self.space_, self.dataset_)
        self.groups_, self.table_, self.offset_, self.scale_, self.work_ = drivers

    def _encode(self, ops: Ops) -> Floats:
        if self.table_ is not None:
            additive: Floats = one_hot(ops, self.space_.n_ops) @ self.table_
            return additive - self.offset_
        raw = np.hstack([columns for _, columns in _cell_columns(ops)])
        encoded: Floats = (raw - self.offset_) * self.scale_
        return encoded

    def work(self, archs: Any) -> Floats:
        """Return a rough size of architectures, mean zero and spread one; shape (n_archs,)."""
        ops = self.space_.parse_many(archs)
        size: Floats = one_hot(ops, self.space_.n_ops) @ self.work_[:-1] + self.work_[-1]
        return size

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the column names, ``<group>_<number>``; `input_features` is ignored."""
        names = [f"{g}_{i}" for g, s in self.groups_.items() for i in range(s.stop - s.start)]
        return np.array(names, dtype=object)


Drivers = tuple[dict[str, slice], Floats | None, Floats, Floats, Floats]


@cache
def _drivers(space: SearchSpace, dataset: str) -> Drivers:
    """Return groups, additive table, offsets, scales and the table of work."""
    reference = space.sample(REFERENCE, seed=0)
    indicators = one_hot(reference, space.n_ops)
    work = _work_table(space, dataset, indicators)
    if space.name in GRAPH_GROUPS:
        parts = _cell_columns(reference)
        raw = np.hstack([columns for _, columns in parts])
        scale = np.concatenate([_scale(columns) for _, columns in parts])
        return _slices(parts), None, raw.mean(axis=0), scale, work
    tables = _chain_tables(space, dataset)
    scaled = []
    for name, table in tables:
        columns = indicators @ table
        # Columns of "smooth" differ in spread by design; those of other groups count the same.
        scale = _scale(columns, each=name != "smooth")
        scaled.append((name, table * scale))
    table = np.hstack([part for _, part in scaled])
    return _slices(scaled), table, (indicators @ table).mean(axis=0), np.ones(0), work


def _chain_tables(space: SearchSpace, dataset: str) -> list[tuple[str, Floats]]:
    per_stage = block_work(space, dataset)
    n_rows = space.n_positions * space.n_ops
    total = per_stage.sum(axis=2).reshape(n_rows, -1)
    place = {measure: number for number, measure in enumerate(MEASURES)}
    tables = []
    for group, measures in CHAIN_GROUPS.items():
        columns = [place[measure] for measure in measures]
        if group == "op_counts":
            table = np.tile(np.eye(space.n_ops), (space.n_positions, 1))
        elif group == "stages":
            table = per_stage[..., columns].reshape(n_rows, -1)
        elif group == "smooth":
            values, vectors = np.linalg.eigh(block_similarity(space, dataset))
            table = vectors * np.sqrt(np.maximum(values, 0.0))
        else:
            table = total[:, columns]
        table = table.reshape(space.n_positions, space.n_ops, -1)
        table = (table - table.mean(axis=1, keepdims=True)).reshape(n_rows, -1)
        spread = np.abs(table).max(axis=0)
        tables.append((group, table[:, spread > 1e-9 * spread.max()]))
    return tables


def _cell_columns(ops: Ops) -> list[tuple[str, Floats]]:
    indicators = one_hot(ops, 5)
    counts = indicators.reshape(len(ops), 6, 5).sum(axis=1)
    runs = indicators.reshape(len(ops), 6, 5) * fold_zeros(ops).runs[:, :, None]
    folded_ops = runs[:, :, 1:].reshape(len(ops), -1)
    graph = (folded_features(ops), live_features(ops), pruned_features(ops))
    return list(zip(CELL_GROUPS, (counts, *graph, indicators, folded_ops), strict=True))


def _work_table(space: SearchSpace, dataset: str, indicators: Floats) -> Floats:
    """Return what each op at each position adds to the work, and last the offset."""
    n_rows = space.n_positions * space.n_ops
    total = block_work(space, dataset).sum(axis=2).reshape(n_rows, -1)
    table = total[:, [MEASURES.index(measure) for measure in WORK]]
    spread = (indicators @ table).std(axis=0)
    size = (table[:, spread > 0] / spread[spread > 0]).sum(axis=1)
    size = size / (indicators @ size).std()
    return np.append(size, -(indicators @ size).mean())


def _scale(columns: Floats, each: bool = True) -> Floats:
    """Return factors that give a group variance one, its columns equal shares if `each`."""
    variance = columns.var(axis=0)
    if not each:
        return np.full(len(variance), 1 / np.sqrt(variance.sum()))
    varies = variance > 1e-12 * variance.max()
    return np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1.0) * varies.sum()), 0.0)


def _slices(parts: list[tuple[str, Floats]]) -> dict[str, slice]:
    ends = np.cumsum([0, *(part.shape[1] for _, part in parts)])
    return {name: slice(*ends[i : i + 2].tolist()) for i, (name, _) in enumerate(parts)}
