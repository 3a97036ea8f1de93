"""Layerwise features: what the layers of an architecture are and compute."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import check_name
from archcost.features.arch_encoder import ArchEncoder
from archcost.features.cell_features import CELL_GROUPS
from archcost.features.one_hot import one_hot
from archcost.features.position_tables import GROUPS, additive_table
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

GRAPH_GROUPS = {"nasbench201": CELL_GROUPS}
"""Spaces whose architectures are graphs: names and function of each group of graph features."""

ALL_GROUPS = (*GROUPS, "live", "pruned", "folded", "paths")

SUMMARY_GROUPS = ("op_counts", "stage_work", "total_work", "live", "pruned", "folded", "paths")
"""What predictors learn from besides the op at each position."""


class LayerwiseFeatures(ArchEncoder):
    """Describe each position's layers, and aggregates over ops, stages and the whole network.

    Parameters
    ----------
    space : str or None, default=None
        Name of the search space; None takes it from the architectures given to ``fit``.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.
    groups : tuple of str, default=all of them
        Which columns, additive groups first: ``ops`` (one-hot per position), ``shape``
        (resolution and channels per position), ``work`` (FLOPs, parameters and memory traffic
        per position), ``op_counts``, ``op_work`` (work by op), ``stage_work`` (work by stage),
        ``total_work``; and, empty unless the space's architectures are graphs
        (``cell_features``), ``live`` (what reaches the output), ``pruned`` (what also is reached
        from the input), ``folded`` (what runs where ``none`` is folded) and ``paths`` (what the
        input reaches, depth).

    Examples
    --------
    >>> encoder = LayerwiseFeatures(groups=("op_counts", "total_work")).fit([[3, 0, 1, 0, 0, 2]])
    >>> dict(zip(encoder.get_feature_names_out(), encoder.transform([[3, 0, 1, 0, 0, 2]])[0]))[
    ...     "count_none"
    ... ]
    np.float64(3.0)
    """

    def __init__(
        self,
        space: str | None = None,
        dataset: str | None = None,
        groups: tuple[str, ...] = ALL_GROUPS,
    ) -> None:
        super().__init__(space, dataset)
        self.groups = groups

    def _prepare(self) -> None:
        for group in self.groups:
            check_name("group of features", group, ALL_GROUPS)
        additive = tuple(group for group in self.groups if group in GROUPS)
        self.table_, self.names_ = additive_table(self.space_, self.dataset_, additive)
        known = GRAPH_GROUPS.get(self.space_.name, {})
        self.graph_groups_ = [known[group] for group in self.groups if group in known]

    def _encode(self, ops: Ops) -> Floats:
        space = self.space_
        table = self.table_.reshape(space.n_positions * space.n_ops, -1)
        encoded: Floats = one_hot(ops, space.n_ops) @ table
        return np.hstack([encoded, *(compute(ops) for _, compute in self.graph_groups_)])

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the column names; `input_features` is ignored."""
        names = list(self.names_)
        for graph_names, _ in self.graph_groups_:
            names += graph_names
        return np.array(names, dtype=object)
