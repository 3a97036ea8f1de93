r"""Groups of features from the ops at the positions and the work of their layers.

Notation: :math:`a` an architecture, :math:`T_{p, o}` what op :math:`o` adds at position :math:`p`.

.. math:: x(a) = \sum_p T_{p, a_p}

in spaces whose work is additive. Elsewhere the features come from each architecture's own layers.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from archcost.features.one_hot import one_hot, one_hot_names
from archcost.networks.layers import Layer
from archcost.spaces.layer_contexts import LayerContexts
from archcost.spaces.position_work import example_archs, position_work, work_by_position
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

WORK = ("mflops", "kparams", "traffic_mb")
"""Measures of work: 1e6 FLOPs, 1e3 parameters, 1e6 bytes read and written (fp32)."""

GROUPS = ("ops", "shape", "work", "op_counts", "op_work", "stage_work", "total_work")
"""Groups of features that are sums over positions where work is."""

WORK_GROUPS = ("work", "op_work", "stage_work", "total_work")
"""Those that depend on the work."""


def work(layer: Layer) -> Floats:
    """Return the measures of ``WORK`` of one layer."""
    traffic = layer.input_bytes + layer.output_bytes + layer.weight_bytes
    return np.array([layer.flops / 1e6, layer.params / 1e3, traffic / 1e6])


@cache
def shape_table(space: SearchSpace, dataset: str) -> Floats:
    """Return output resolution, input and output channels at each position.

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions, 3)
        Means over the layers of example architectures, since a position can recur in several
        stages and its shapes can depend on the ops; 1 where a position has no layers.
    """
    shapes: list[list[tuple[int, int, int]]] = [[] for _ in space.positions]
    for ops in example_archs(space):
        by_position: dict[tuple[int, int], list[Layer]] = {}
        for layer in space.layers(ops, dataset):
            if layer.position is not None:
                by_position.setdefault((layer.position, layer.stage), []).append(layer)
        for (position, _), block in by_position.items():
            shapes[position].append((block[-1].h_out, block[0].c_in, block[-1].c_out))
    return np.array([np.mean(rows or [(1, 1, 1)], axis=0) for rows in shapes])


def group_columns(
    space: SearchSpace, dataset: str, group: str, chosen: Floats, amounts: Floats
) -> Floats:
    """Return the columns of a group; linear in what each position contributes.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    group : str
        One of ``GROUPS``.
    chosen : array of float, shape (n_archs, n_positions, n_ops)
        1 for the op at each position.
    amounts : array of float, shape (n_archs, n_positions + 1, n_stages, 3)
        The work at each position, last that of no position.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_features)
        Columns in the order of ``group_names``.
    """
    if group == "ops":
        columns = chosen.reshape(len(chosen), -1).take(np.flatnonzero(space.allowed), axis=1)
    elif group == "op_counts":
        columns = chosen.sum(axis=1)
    elif group == "shape":
        columns = chosen.sum(axis=2)[:, :, None] * shape_table(space, dataset)
    elif group == "stage_work":
        columns = amounts.sum(axis=1)
    else:
        total = amounts.sum(axis=2)
        if group == "total_work":
            columns = total.sum(axis=1)
        elif group == "op_work":
            columns = np.einsum("npk,npm->nkm", chosen, total[:, :-1])
        else:
            columns = total[:, :-1]
    return columns.reshape(len(chosen), -1)


def group_names(space: SearchSpace, group: str, n_stages: int) -> list[str]:
    """Return the names of the columns of a group."""
    positions, op_names = space.positions, space.op_names
    if group == "ops":
        return one_hot_names(space)
    if group == "op_counts":
        return [f"count_{op}" for op in op_names]
    if group == "shape":
        return [
            f"{position}_{m}" for position in positions for m in ("resolution", "c_in", "c_out")
        ]
    of = {
        "total_work": ["total"],
        "stage_work": [f"stage{stage}" for stage in range(n_stages)],
        "op_work": list(op_names),
        "work": list(positions),
    }
    return [f"{part}_{m}" for part in of[group] for m in WORK]


def additive_table(
    space: SearchSpace, entries: Floats, columns: Callable[[Floats, Floats], Floats]
) -> Floats:
    """Return what each op at each position adds to columns that are sums over positions.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    entries : array of float, shape (n_positions, n_ops, n_stages, n_measures)
        The work of each op at each position.
    columns : callable
        ``columns(chosen, amounts)`` as in ``group_columns``.

    Returns
    -------
    numpy.ndarray of float64, shape (n_positions, n_ops, n_features)
        The columns of each op at each position alone.
    """
    n_positions, n_ops, *rest = entries.shape
    rows = []
    for place in range(n_positions):
        chosen = np.zeros((n_ops, n_positions, n_ops))
        chosen[:, place] = np.eye(n_ops)
        amounts = np.zeros((n_ops, n_positions + 1, *rest))
        amounts[:, place] = entries[place]
        rows.append(columns(chosen, amounts))
    return np.stack(rows)


class WorkGroup:
    """A group of features bound to a space and dataset.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    group : str
        One of ``GROUPS``.

    Attributes
    ----------
    table : numpy.ndarray of float64, shape (n_positions, n_ops, n_features), or None
        What each op at each position adds to each feature; None if they do not add up.
    names : list of str
        Names of the features that vary.
    """

    def __init__(self, space: SearchSpace, dataset: str, group: str) -> None:
        self.space, self.dataset, self.group = space, dataset, group
        tabulated = position_work(space, dataset, work)
        names = np.array(group_names(space, group, len(tabulated.fixed)), dtype=object)
        self.table: Floats | None = None
        self._varies = np.ones(len(names), dtype=bool)
        if group not in WORK_GROUPS or tabulated.is_additive:
            columns = partial(group_columns, space, dataset, group)
            self.table = additive_table(space, tabulated.table, columns)
            if group in WORK_GROUPS[:-1]:  # a pool has no FLOPs, the stem no ops
                self._varies = self._range_of_entries() > 0
            self.table = self.table[:, :, self._varies]
        else:
            self._varies = np.ptp(self(example_archs(space)), axis=0) > 0
        self.names: list[str] = names[self._varies].tolist()

    def __call__(self, ops: Ops) -> Floats:
        """Return the features ``(n_archs, n_features)``, exact in every space."""
        space = self.space
        chosen = one_hot(ops, space.n_ops).reshape(len(ops), space.n_positions, -1)
        amounts = work_by_position(space, ops, self.dataset, work)
        columns = group_columns(space, self.dataset, self.group, chosen, amounts)
        return columns[:, self._varies]

    def by_context(self, contexts: LayerContexts, place: int) -> Floats:
        """Return what each context of a place adds to the features, (n_combinations, n_features).

        The columns are sums over places in every space, whether or not the work at a place depends
        on its op alone.
        """
        space, n_stages = self.space, len(position_work(self.space, self.dataset, work).fixed)
        entries = list(contexts.entries(place))
        chosen = np.zeros((len(entries), space.n_positions, space.n_ops))
        amounts = np.zeros((len(entries), space.n_positions + 1, n_stages, len(WORK)))
        for row, (key, layers) in enumerate(entries):
            if place < space.n_positions:
                chosen[row, place, key[contexts.contexts[place].index(place)]] = 1.0
            for layer in layers:
                amounts[row, place, min(layer.stage, n_stages - 1)] += work(layer)
        columns = group_columns(space, self.dataset, self.group, chosen, amounts)
        return columns[:, self._varies]

    def _range_of_entries(self) -> Floats:
        """Return by how much the allowed ops of a position differ, at most; ``(n_features,)``."""
        assert self.table is not None
        ranges = [
            np.ptp(rows[ids], axis=0)
            for rows, ids in zip(self.table, self.space.choices, strict=True)
        ]
        largest: Floats = np.max(ranges, axis=0)
        return largest


@cache
def work_group(space: SearchSpace, dataset: str, group: str) -> WorkGroup:
    """Return a group of ``GROUPS`` bound to a space and dataset, made once."""
    return WorkGroup(space, dataset, group)
