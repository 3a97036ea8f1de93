"""What drives the cost of an architecture: groups of physical features of equal spread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.block_measures import (
    MEASURES,
    block_similarity,
    block_work,
    own_block_work,
)
from archcost.features.driver_scales import equal_scale, size_weights
from archcost.features.graph_features import GRAPH_GROUPS
from archcost.features.one_hot import one_hot
from archcost.features.small_spaces import looked_up
from archcost.features.whole_work import whole_work, work_by_kind
from archcost.features.work_groups import WORK, additive_table
from archcost.features.work_groups import work as work_of_layer
from archcost.features.zero_folding import fold_zeros
from archcost.spaces.liveness import counted_ops
from archcost.spaces.position_work import network_work, position_work
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

REFERENCE = 2000
"""Random architectures over which features have mean zero and the groups variance one."""

CHAIN_DRIVERS: dict[str, tuple[str, ...]] = {
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

GRAPH_DRIVERS = (
    "op_counts", "folded", "live", "pruned", "distinct", "live_distinct", "critical", "ops",
    "folded_ops",
)  # fmt: skip
"""Groups in spaces that have ``edges``."""

GRAPH_WORK_DRIVERS = ("flops", "traffic", "params")
"""Further groups there where work is not proportional to the counts of ops."""

OWN_DRIVERS = ("totals", "kinds")
"""Further groups where work is not additive: whole networks' totals, and work by kind of layer."""

LATER_DRIVERS = ("distinct", "live_distinct", "critical", *OWN_DRIVERS)
"""Groups that models saved without a list of their groups lack."""

SIZE = ("blocks", "convolutions", "dense_mflops", "depthwise_mflops", "kparams", "traffic_mb")
"""Measures whose mean says roughly how much an architecture costs anywhere."""


class CostDrivers(ArchEncoder):
    r"""Encode what a device may charge for, in groups that have the same spread.

    .. math:: z(a) = (z_1(a), \dots, z_G(a)), \quad E[z] = 0, \; E\|z_g\|^2 = 1

    over random architectures, so that the prior variance of a group's coefficients is the
    variance of the cost that the group may explain.

    Parameters
    ----------
    space : str, SearchSpace or None, default=None
        The search space, as ``get_space`` takes it; None takes the only one that the
        architectures given to ``fit`` belong to.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.
    without : tuple of str, default=()
        Groups that are left out.

    Attributes
    ----------
    groups_ : dict of str to slice
        The columns of each group.
    table_ : numpy.ndarray of float64, shape (n_positions * n_ops, n_features), or None
        What each op at each position adds to each feature, if all are additive.
    work_table_ : numpy.ndarray of float64, shape (n_positions * n_ops + 1,), or None
        What each op at each position adds to ``work``, last a constant, if that is additive.

    Examples
    --------
    >>> drivers = CostDrivers().fit([[3, 0, 1, 0, 0, 2]])
    >>> list(drivers.groups_)[4:7]
    ['distinct', 'live_distinct', 'critical']
    """

    def __init__(
        self,
        space: str | SearchSpace | None = None,
        dataset: str | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        super().__init__(space, dataset)
        self.without = without

    def _prepare(self) -> None:
        self._scaling = _scaling(self.space_, self.dataset_, tuple(self.without))
        self.groups_, self.table_ = self._scaling.groups, self._scaling.table
        self.work_table_ = self._scaling.work_table

    def _encode(self, ops: Ops) -> Floats:
        scaling = self._scaling
        if scaling.table is not None:
            additive: Floats = one_hot(ops, self.space_.n_ops) @ scaling.table
            return additive - scaling.offset
        return looked_up(_encoded, self.space_, ops, self.dataset_, tuple(self.without))

    @property
    def offset_(self) -> Floats:
        """Means of the features before they are taken off; shape ``(n_features,)``."""
        return self._scaling.offset

    def work(self, archs: Any) -> Floats:
        """Return a rough size of architectures, mean zero and spread one; shape (n_archs,)."""
        ops = self.space_.parse_many(archs)
        if self.work_table_ is not None:
            size: Floats = one_hot(ops, self.space_.n_ops) @ self.work_table_[:-1]
            return size + self.work_table_[-1]
        weights, mean = self._scaling.work_weights
        whole = is_own_work(self.space_, self.dataset_) and "totals" not in self.without
        own: Floats = looked_up(_sizes, self.space_, ops, self.dataset_, whole) @ weights
        return own - mean

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the column names, ``<group>_<number>``; `input_features` is ignored."""
        names = [f"{g}_{i}" for g, s in self.groups_.items() for i in range(s.stop - s.start)]
        return np.array(names, dtype=object)


@cache
def counts_tell_work(space: SearchSpace, dataset: str) -> bool:
    """Tell whether the FLOPs and parameters of an op are the same wherever it stands."""
    tabulated = position_work(space, dataset, work_of_layer)
    if not tabulated.is_additive:
        return False
    measures = [WORK.index("mflops"), WORK.index("kparams")]
    per_op = tabulated.table.sum(axis=2)[..., measures]
    allowed = space.allowed[..., None]
    most = np.where(allowed, per_op, -np.inf).max(axis=0)
    least = np.where(allowed, per_op, np.inf).min(axis=0)
    return bool(np.allclose(most, least))


@cache
def is_own_work(space: SearchSpace, dataset: str) -> bool:
    """Tell whether the work of an op depends on the other ops, so that only networks tell it."""
    whole = position_work(space, dataset, whole_work)
    return not (whole.is_additive and block_work(space, dataset).is_additive)


@dataclass(frozen=True)
class _Scaling:
    """Groups, offset and scale of the features, found on reference architectures."""

    groups: dict[str, slice]
    table: Floats | None
    offset: Floats
    scale: Floats
    work_table: Floats | None
    work_weights: tuple[Floats, float]


@cache
def _scaling(space: SearchSpace, dataset: str, without: tuple[str, ...]) -> _Scaling:
    reference = space.sample(min(REFERENCE, space.n_archs), seed=0)
    indicators = one_hot(reference, space.n_ops)
    whole = is_own_work(space, dataset) and "totals" not in without
    is_additive = block_work(space, dataset).is_additive and not whole
    work_table = _work_table(space, dataset, indicators) if is_additive else None
    work_weights = size_weights(_sizes(space, reference, dataset, whole))
    if space.edges is not None or not is_additive:
        parts = _own_columns(space, dataset, reference, without)
        raw = np.hstack([columns for _, columns in parts])
        # Columns of "smooth" differ in spread by design; those of other groups count the same.
        scale = np.concatenate([equal_scale(part, each=name != "smooth") for name, part in parts])
        return _Scaling(_slices(parts), None, raw.mean(axis=0), scale, work_table, work_weights)
    scaled = []
    for name, table in _chain_tables(space, dataset):
        scaled.append((name, table * equal_scale(indicators @ table, each=name != "smooth")))
    table = np.hstack([part for _, part in scaled])
    offset = (indicators @ table).mean(axis=0)
    return _Scaling(_slices(scaled), table, offset, np.ones(0), work_table, work_weights)


def _chain_tables(space: SearchSpace, dataset: str) -> list[tuple[str, Floats]]:
    """Return what each op at each position adds to each group of a chain, in its own units."""
    entries = block_work(space, dataset).table
    tables = []
    for group in CHAIN_DRIVERS:
        columns = partial(_work_columns, space, dataset, group)
        table = additive_table(space, entries, columns)
        table = table - table.mean(axis=1, keepdims=True)
        table = table.reshape(space.n_positions * space.n_ops, -1)
        spread = np.abs(table).max(axis=0)
        tables.append((group, table[:, spread > 1e-9 * spread.max()]))
    return tables


@cache
def _smooth_table(space: SearchSpace, dataset: str) -> Floats:
    """Return a root of the similarity of blocks; shape ``(n_positions * n_ops, ...)``."""
    values, vectors = np.linalg.eigh(block_similarity(space, dataset))
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _encoded(space: SearchSpace, ops: Ops, dataset: str, without: tuple[str, ...]) -> Floats:
    """Return the features where they are not additive."""
    scaling = _scaling(space, dataset, without)
    raw = np.hstack([part for _, part in _own_columns(space, dataset, ops, without)])
    encoded: Floats = (raw - scaling.offset) * scaling.scale
    return encoded


def _own_columns(
    space: SearchSpace, dataset: str, ops: Ops, without: tuple[str, ...]
) -> list[tuple[str, Floats]]:
    """Return the groups of architectures, from each one's own layers and graph."""
    parts = [] if space.edges is None else _graph_columns(space, ops)
    if is_own_work(space, dataset):
        for group, measure in zip(OWN_DRIVERS, (whole_work, work_by_kind), strict=True):
            parts.append((group, network_work(space, ops, dataset, measure)))
    parts += _block_columns(space, dataset, ops)
    return [(name, columns) for name, columns in parts if name not in without]


def _block_columns(space: SearchSpace, dataset: str, ops: Ops) -> list[tuple[str, Floats]]:
    """Return the groups that come from the work of the blocks."""
    parts: list[tuple[str, Floats]] = []
    groups = tuple(CHAIN_DRIVERS) if space.edges is None else GRAPH_WORK_DRIVERS
    if space.edges is not None and counts_tell_work(space, dataset):
        return parts
    chosen = one_hot(ops, space.n_ops).reshape(len(ops), space.n_positions, -1)
    amounts = own_block_work(space, ops, dataset)
    parts += [(g, _work_columns(space, dataset, g, chosen, amounts)) for g in groups]
    return parts


def _work_columns(
    space: SearchSpace, dataset: str, group: str, chosen: Floats, amounts: Floats
) -> Floats:
    """Return a group of ``CHAIN_DRIVERS``; the arguments are those of ``group_columns``."""
    if group == "op_counts":
        return chosen.sum(axis=1)
    if group == "smooth":
        smooth: Floats = chosen.reshape(len(chosen), -1) @ _smooth_table(space, dataset)
        return smooth
    measures = [MEASURES.index(measure) for measure in CHAIN_DRIVERS[group]]
    if group == "stages":
        return amounts[..., measures].sum(axis=1).reshape(len(chosen), -1)
    return amounts[..., measures].sum(axis=2).sum(axis=1)


def _graph_columns(space: SearchSpace, ops: Ops) -> list[tuple[str, Floats]]:
    indicators = one_hot(ops, space.n_ops)
    chosen = indicators.reshape(len(ops), space.n_positions, -1)
    counted = counted_ops(space)
    runs = chosen[:, :, counted] * fold_zeros(space, ops).runs[:, :, None]
    graph = [GRAPH_GROUPS[name].columns(space, ops) for name in GRAPH_DRIVERS[1:-2]]
    allowed = np.flatnonzero(space.allowed)
    allowed_counted = np.flatnonzero(space.allowed[:, counted])
    ops_columns = indicators.take(allowed, axis=1)
    folded_columns = runs.reshape(len(ops), -1).take(allowed_counted, axis=1)
    columns = (chosen.sum(axis=1), *graph, ops_columns, folded_columns)
    return list(zip(GRAPH_DRIVERS, columns, strict=True))


def _sizes(space: SearchSpace, ops: Ops, dataset: str, whole: bool) -> Floats:
    """Return measures of the size of architectures: of whole networks, or those of ``SIZE``."""
    if whole:
        return network_work(space, ops, dataset, whole_work)
    total = own_block_work(space, ops, dataset).sum(axis=(1, 2))
    sizes: Floats = total[:, [MEASURES.index(measure) for measure in SIZE]]
    return sizes


def _work_table(space: SearchSpace, dataset: str, indicators: Floats) -> Floats:
    """Return what each op at each position adds to the size, and last the offset."""
    n_rows = space.n_positions * space.n_ops
    total = block_work(space, dataset).table.sum(axis=2).reshape(n_rows, -1)
    table = total[:, [MEASURES.index(measure) for measure in SIZE]]
    spread = (indicators @ table).std(axis=0)
    size = (table[:, spread > 0] / spread[spread > 0]).sum(axis=1)
    size = size / max((indicators @ size).std(), 1e-12)
    return np.append(size, -(indicators @ size).mean())


def _slices(parts: list[tuple[str, Floats]]) -> dict[str, slice]:
    ends = np.cumsum([0, *(part.shape[1] for _, part in parts)])
    return {name: slice(*ends[i : i + 2].tolist()) for i, (name, _) in enumerate(parts)}
