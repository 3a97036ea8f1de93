"""Architectures as graphs whose nodes are ops, for graph neural networks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.features.position_tables import WORK, shape_table, work_table
from archcost.features.zero_folding import fold_zeros
from archcost.spaces.cell_graph import backward_live, forward_live
from archcost.spaces.nasbench201_layout import EDGES
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from torch_geometric.data import Data

Floats = npt.NDArray[np.float64]

CELLS = {"nasbench201": EDGES}
"""Spaces of cells: source and target of each position; elsewhere the positions are a chain."""


@cache
def graph_links(space: SearchSpace) -> tuple[tuple[int, int], ...]:
    """Return the directed links between the nodes, which all graphs of a space share.

    A node is a position, in its order; in a cell one op leads to another where it ends where
    the other starts. The last two nodes are the input and the output.
    """
    n = space.n_positions
    cell = CELLS.get(space.name, tuple((p, p + 1) for p in range(n)))
    last = max(target for _, target in cell)
    inner = [
        (a, b)
        for a, (_, end) in enumerate(cell)
        for b, (start, _) in enumerate(cell)
        if end == start
    ]
    first = [(n, p) for p, (start, _) in enumerate(cell) if start == 0]
    final = [(p, n + 1) for p, (_, end) in enumerate(cell) if end == last]
    return tuple(inner + first + final)


class OpGraphs(ArchEncoder):
    """Encode architectures as torch-geometric graphs.

    Nodes are the ops at the positions, with one-hot op, work and shapes; in NAS-Bench-201 also
    whether the op is backward live, forward live, and executed where ``none`` is folded. Two
    more nodes are input and output. FBNet is the chain of its layers.

    Parameters
    ----------
    space : str or None, default=None
        Name of the search space; None takes it from the architectures given to ``fit``.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.

    Examples
    --------
    >>> graph = OpGraphs().fit_transform([[3, 0, 1, 0, 0, 2]])[0]
    >>> graph.num_nodes, graph.num_edges
    (8, 10)
    """

    def _prepare(self) -> None:
        space = self.space_
        work = work_table(space, self.dataset_).sum(axis=2)
        shapes = shape_table(space, self.dataset_)
        self.node_table_ = np.concatenate(
            [
                np.broadcast_to(np.eye(space.n_ops), (space.n_positions, space.n_ops, space.n_ops)),
                work,
                np.repeat(np.log2(shapes)[:, None], space.n_ops, axis=1),
            ],
            axis=2,
        )

    def node_features(self, ops: Ops) -> Floats:
        """Return the features of all nodes as one dense array.

        Parameters
        ----------
        ops : array of int8, shape (n_archs, n_positions)
            Valid op ids.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs, n_nodes, n_features)
            Columns as in ``get_feature_names_out``.
        """
        space = self.space_
        parts = [self.node_table_[np.arange(space.n_positions), ops]]
        if space.name in CELLS:
            masks = (backward_live(ops), forward_live(ops), fold_zeros(ops).runs)
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
        if space.name in CELLS:
            names += ["backward_live", "forward_live", "runs"]
        return np.array([*names, "is_input", "is_output"], dtype=object)
