"""Ensemble of graph neural networks over the ops of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.features.op_graphs import OpGraphs
from archcost.predictors.base import Floats
from archcost.predictors.network_ensemble import NetworkEnsemble, column_spread
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    from torch import nn

CHUNK = 2048
"""Graphs predicted at a time; bounds memory."""


class GNNPredictor(NetworkEnsemble):
    """An ensemble of graph networks on the graph of ops, blended with ridge regression.

    The nodes are the ops with their work, shapes, liveness and what is merged (``OpGraphs``);
    messages go along the data flow and against it; the readout sums over the nodes, as costs do.
    See ``NetworkEnsemble`` for the blend, and ``docs/gnn.md`` for how the layer was chosen.

    Parameters
    ----------
    n_members : int, default=3
        Networks in the ensemble, and folds.
    width : int, default=32
        Units of each layer.
    max_epochs : int, default=40
        Passes over the rows; fewer on many rows (``ensemble_training.MAX_STEPS``).
    learning_rate : float, default=0.005
        Of AdamW, falling to zero along a cosine.
    weight_decay : float, default=0.03
        Decoupled weight decay.
    progress : bool, default=False
        Show a progress bar on standard error.
    seed : int, default=0
        Fixes folds, initial weights and the order of the rows.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    References
    ----------
    C. Morris et al., "Weisfeiler and Leman Go Neural: Higher-order Graph Neural Networks", AAAI
    2019 (the layer, ``torch_geometric.nn.DenseGraphConv``); L. Dudziak et al., "BRP-NAS", NeurIPS
    2020 (graph networks for latency).
    """

    def __init__(
        self,
        n_members: int = 3,
        width: int = 32,
        max_epochs: int = 40,
        learning_rate: float = 0.005,
        weight_decay: float = 0.03,
        progress: bool = False,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(
            n_members, width, max_epochs, learning_rate, weight_decay, progress, seed, dataset
        )

    def _use_groups(self, groups: tuple[str, ...]) -> None:
        super()._use_groups(groups)
        merged = "live_distinct" in groups
        self.graphs_ = OpGraphs(dataset=self.dataset, merged=merged).bind(self.space_)

    def _standardise(self, ops: Ops) -> None:
        nodes = self.graphs_.node_features(ops)
        self.mean_ = nodes.reshape(-1, nodes.shape[-1]).mean(axis=0)
        self.spread_ = column_spread(nodes)

    def _inputs(self, ops: Ops) -> npt.NDArray[np.float32]:
        nodes = self.graphs_.node_features(ops)
        return ((nodes - self.mean_) / self.spread_).astype(np.float32)

    def _network(self) -> nn.Module:
        import torch

        from archcost.predictors.gnn_network import GNNEnsemble

        links = torch.as_tensor(self.graphs_.adjacency(), dtype=torch.float32)
        return GNNEnsemble(self.n_members, len(self.mean_), self.width, links)

    def _outputs(self, ops: Ops) -> Floats:
        import torch

        with torch.random.fork_rng(devices=[]):  # building a network draws initial weights
            network = self._network()
        network.load_state_dict({k: torch.as_tensor(v) for k, v in self.networks_.items()})
        network.eval()
        with torch.no_grad():
            parts = [
                network(torch.as_tensor(self._inputs(ops[start : start + CHUNK])))
                for start in range(0, len(ops), CHUNK)
            ]
        return torch.cat(parts, dim=1).numpy().astype(np.float64)

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {**super()._state(), "mean": self.mean_, "spread": self.spread_}

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        super()._restore(state)
        self.mean_, self.spread_ = state["mean"], state["spread"]
