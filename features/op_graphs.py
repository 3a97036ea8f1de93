"""Architectures as graphs whose nodes are ops, for graph neural networks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.merged_ops import executed_once
from archcost.features.work_groups import WORK, shape_table, work
from archcost.features.zero_folding import fold_zeros
from archcost.spaces.liveness import backward_live, forward_live
from archcost.spaces.position_work import work_by_position
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from torch_geometric.data import Data

Floats = npt.NDArray[np.float64]


@cache
def graph_links(space: SearchSpace) -> tuple[tuple[int, int], ...]:
    """Return the directed links between the nodes, which all graphs of a space share.

    A node is a position, in its order; where positions are edges, one op leads to another if it
    ends where the other starts. The last two nodes are the input and the output.
    """
    n = space.n_positions
    edges = space.edges or tuple((p, p + 1) for p in range(n))
    last = max(target for _, target in edges)
    inner = [
        (a, b)
        for a, (_, end) in enumerate(edges)
        for b, (start, _) in enumerate(edges)
        if end == start
    ]
    first = [(n, p) for p, (start, _) in enumerate(edges) if start == 0]
    final = [(p, n + 1) for p, (_, end) in enumerate(edges) if end == last]
    return tuple(inner + first + final)


class OpGraphs(ArchEncoder):
    """Encode architectures as torch-geometric graphs.

    Nodes are the ops at the positions, with one-hot op, work and shapes; in spaces that have
    ``edges`` also whether the op is backward live, forward live, executed where zeros are folded,
    and the first to do what it does (``executed_once``). Two more nodes are input and output.
    Without ``edges`` the positions are a chain. The work is that of each architecture's own layers,
    the shapes are means over examples.

    Parameters
    ----------
    space : str, SearchSpace or None, default=None
        The search space, as ``get_space`` takes it; None takes the only one that the
        architectures given to ``fit`` belong to.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.
    merged : bool, default=True
        Whether the nodes say which op is the first to do what it does; only models saved before
        they did go without.

    Examples
    --------
    >>> graph = OpGraphs().fit_transform([[3, 0, 1, 0, 0, 2]])[0]
    >>> graph.num_nodes, graph.num_edges
    (8, 10)
    """

    def __init__(
        self,
        space: str | SearchSpace | None = None,
        dataset: str | None = None,
        merged: bool = True,
    ) -> None:
        super().__init__(space, dataset)
        self.merged = merged

    def node_features(self, ops: Ops) -> Floats:
        """Return the features of all nodes as one dense array.

        Parameters
        ----------
        ops : array of int, shape (n_archs, n_positions)
            Valid op ids.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs, n_nodes, n_features)
            Columns as in ``get_feature_names_out``.
        """
        space = self.space_
        amounts = work_by_position(space, ops, self.dataset_, work)[:, :-1].sum(axis=2)
        shapes = np.log2(shape_table(space, self.dataset_))
        parts = [np.eye(space.n_ops)[ops], amounts, np.broadcast_to(shapes, amounts.shape)]
        if space.edges is not None:
            masks = [backward_live(space, ops), forward_live(space, ops)]
            masks.append(fold_zeros(space, ops).runs)
            if self.merged:
                masks.append(executed_once(space, ops))
            parts.append(np.stack(masks, axis=2).astype(np.float64))
        inner = np.concatenate(parts, axis=2)
        n_archs, n_positions, n_inner = inner.shape
        nodes = np.zeros((n_archs, n_positions + 2, n_inner + 2))
        nodes[:, :n_positions, :n_inner] = inner
        nodes[:, -2, n_inner] = 1.0
        nodes[:, -1, n_inner + 1] = 1.0
        return nodes

    def adjacency(self) -> Floats:
        """Return the links as a 0/1 matrix ``(n_nodes, n_nodes)``, rows sources."""
        n_nodes = self.space_.n_positions + 2
        matrix = np.zeros((n_nodes, n_nodes))
        matrix[tuple(zip(*graph_links(self.space_), strict=True))] = 1.0
        return matrix

    def _encode(self, ops: Ops) -> list[Data]:
        import torch
        from torch_geometric.data import Data

        nodes = torch.as_tensor(self.node_features(ops), dtype=torch.float32)
        edge_index = torch.tensor(graph_links(self.space_), dtype=torch.long).T.contiguous()
        return [Data(x=x, edge_index=edge_index) for x in nodes]

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the names of the node features; `input_features` is ignored."""
        space = self.space_
        names = [f"is_{op}" for op in space.op_names]
        names += [*WORK, "log2_resolution", "log2_c_in", "log2_c_out"]
        if space.edges is not None:
            names += ["backward_live", "forward_live", "runs"]
            names += ["executed_once"] if self.merged else []
        return np.array([*names, "is_input", "is_output"], dtype=object)
