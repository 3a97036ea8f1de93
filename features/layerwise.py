"""Layerwise features: what the layers of an architecture are and compute."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.errors import check_name
from archcost.datasets.space import Ops
from archcost.features.arch_encoder import ArchEncoder
from archcost.features.cell_features import CELL_FEATURES, cell_features
from archcost.features.one_hot import one_hot
from archcost.features.position_tables import GROUPS, additive_table

Floats = npt.NDArray[np.float64]

GRAPH_FEATURES = {"nasbench201": (CELL_FEATURES, cell_features)}
"""Spaces whose architectures are graphs: names and function of the graph features."""

ALL_GROUPS = (*GROUPS, "graph")


class LayerwiseFeatures(ArchEncoder):
    """Describe each position's layers, and aggregates over ops, stages and the whole network.

    Parameters
    ----------
    space : str or None, default=None
        Name of the search space; None takes it from the architectures given to ``fit``.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.
    groups : tuple of str, default=all of them
        Which columns, in this order: ``ops`` (one-hot per position), ``shape`` (resolution and
        channels per position), ``work`` (FLOPs, parameters and memory traffic per position),
        ``op_counts``, ``op_work`` (work by op), ``stage_work`` (work by stage), ``total_work``
        and ``graph`` (``cell_features``; only spaces whose architectures are graphs have it).

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
        additive = tuple(group for group in self.groups if group != "graph")
        self.table_, self.names_ = additive_table(self.space_, self.dataset_, additive)

    def _encode(self, ops: Ops) -> Floats:
        space = self.space_
        table = self.table_.reshape(space.n_positions * space.n_ops, -1)
        encoded: Floats = one_hot(ops, space.n_ops) @ table
        if "graph" in self.groups and space.name in GRAPH_FEATURES:
            encoded = np.hstack([encoded, GRAPH_FEATURES[space.name][1](ops)])
        return encoded

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the column names; `input_features` is ignored."""
        names = list(self.names_)
        if "graph" in self.groups and self.space_.name in GRAPH_FEATURES:
            names += GRAPH_FEATURES[self.space_.name][0]
        return np.array(names, dtype=object)
