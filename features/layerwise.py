"""Layerwise features: what the layers of an architecture are and compute."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import check_name
from archcost.features.arch_encoder import ArchEncoder
from archcost.features.graph_features import GRAPH_GROUPS
from archcost.features.one_hot import one_hot
from archcost.features.small_spaces import looked_up
from archcost.features.work_groups import GROUPS, work_group
from archcost.spaces.layer_contexts import layer_contexts
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

ALL_GROUPS = (*GROUPS, *GRAPH_GROUPS)

SUMMARY_GROUPS = ("op_counts", "stage_work", "total_work", *GRAPH_GROUPS)
"""What predictors learn from besides the op at each position."""

FIRST_SUMMARY_GROUPS = (
    "op_counts", "stage_work", "total_work", "live", "pruned", "folded", "paths",
)  # fmt: skip
"""The same in saved models that name no groups, made before there were more."""


class LayerwiseFeatures(ArchEncoder):
    """Describe each position's layers, and aggregates over ops, stages and the whole network.

    Parameters
    ----------
    space : str, SearchSpace or None, default=None
        The search space, as ``get_space`` takes it; None takes the only one that the
        architectures given to ``fit`` belong to.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.
    groups : tuple of str, default=all of them
        Which columns, additive groups first: ``ops`` (one-hot per position), ``shape``
        (resolution and channels per position), ``work`` (FLOPs, parameters and memory traffic
        per position), ``op_counts``, ``op_work`` (work by op), ``stage_work`` (work by stage),
        ``total_work``; and, empty unless the space has ``edges`` (``graph_features``), ``live``
        (what reaches the output), ``pruned`` (what also is reached from the input), ``folded``
        (what runs where zeros are folded), ``paths`` (what the input reaches, depth), ``distinct``
        and ``live_distinct`` (ops that are not the same computation) and ``critical`` (longest
        paths).

    Attributes
    ----------
    table_ : numpy.ndarray of float64, shape (n_positions, n_ops, n_features), or None
        What each op at each position adds to each feature, if all features are such sums.
    is_additive_ : bool
        Whether all features but those of graphs are such sums.

    Notes
    -----
    Where work is not additive (``position_work``), the four groups of work come from each
    architecture's own layers, those around the positions included, and only ``shape`` is a mean
    over example architectures.

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
        space: str | SearchSpace | None = None,
        dataset: str | None = None,
        groups: tuple[str, ...] = ALL_GROUPS,
    ) -> None:
        super().__init__(space, dataset)
        self.groups = groups

    def _prepare(self) -> None:
        for group in self.groups:
            check_name("group of features", group, ALL_GROUPS)
        space = self.space_
        self._parts = [work_group(space, self.dataset_, g) for g in self.groups if g in GROUPS]
        in_graph = self.groups if space.edges is not None else ()
        self._graph_parts = [GRAPH_GROUPS[group] for group in in_graph if group in GRAPH_GROUPS]
        tables = [part.table for part in self._parts if part.table is not None]
        empty = np.zeros((space.n_positions, space.n_ops, 0))
        self._sums = (
            np.concatenate([empty, *tables], axis=2) if len(tables) == len(self._parts) else None
        )
        self.is_additive_ = self._sums is not None
        self.table_ = None if self._graph_parts else self._sums

    def _encode(self, ops: Ops) -> Floats:
        space = self.space_
        if self._sums is not None:
            table = self._sums.reshape(space.n_positions * space.n_ops, -1)
            columns: list[Floats] = [one_hot(ops, space.n_ops) @ table]
        else:
            columns = [part(ops) for part in self._parts]
        return np.hstack([*columns, *(looked_up(p.columns, space, ops) for p in self._graph_parts)])

    def context_tables(self) -> tuple[tuple[tuple[int, ...], ...], list[Floats]] | None:
        """Return what each context of each place adds to the features, if they are such sums.

        Returns
        -------
        contexts : tuple of tuple of int
            For each position, and last for the layers at none, the positions that decide on it.
        tables : list of numpy.ndarray of float64, shape (n_combinations, n_features)
            For each place what it adds by the ops of its context, the last one running fastest.
            None instead of the pair if there are features of graphs, or layers depend on too much.
        """
        if self._graph_parts:
            return None
        contexts = layer_contexts(self.space_, self.dataset_, self.space_.n_archs)
        if contexts is None:
            return None
        tables = [
            np.hstack([part.by_context(contexts, place) for part in self._parts])
            for place in range(len(contexts.contexts))
        ]
        return contexts.contexts, tables

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the column names; `input_features` is ignored."""
        names = [name for part in self._parts for name in part.names]
        names += [name for part in self._graph_parts for name in part.names(self.space_)]
        return np.array(names, dtype=object)
