"""The networks of ``GNNPredictor``."""

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGraphConv

N_LAYERS = 3


class GNN(nn.Module):
    """Three rounds of messages both ways along the links, summed over the nodes.

    Parameters
    ----------
    n_features, width : int
        Features of a node, and units of each layer.
    """

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(n_features, width)
        self.along = nn.ModuleList(DenseGraphConv(width, width) for _ in range(N_LAYERS))
        self.against = nn.ModuleList(DenseGraphConv(width, width) for _ in range(N_LAYERS))
        self.readout = nn.Linear(width, width)
        self.leave = nn.Linear(width, 1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, nodes: Tensor, links: Tensor) -> Tensor:
        """Return outputs ``(n_archs,)`` for nodes ``(n_archs, n_nodes, n_features)``."""
        hidden = self.enter(nodes)
        for along, against in zip(self.along, self.against, strict=True):
            messages = along(hidden, links.T[None]) + against(hidden, links[None])
            hidden = hidden + nn.functional.silu(messages)
        pooled = hidden.mean(dim=1)  # every graph of a space has as many nodes: a scaled sum
        result: Tensor = self.leave(nn.functional.silu(self.readout(pooled))).squeeze(-1)
        return result


class GNNEnsemble(nn.Module):
    """Several graph networks that share nothing but the links.

    Parameters
    ----------
    n_members, n_features, width : int
        Networks, features of a node, and units of each layer.
    links : Tensor
        0/1 matrix ``(n_nodes, n_nodes)``, rows sources; the same for all graphs of a space.
    """

    links: Tensor

    def __init__(self, n_members: int, n_features: int, width: int, links: Tensor) -> None:
        super().__init__()
        self.members = nn.ModuleList(GNN(n_features, width) for _ in range(n_members))
        self.register_buffer("links", links)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return outputs ``(n_members, n_archs)``."""
        return torch.stack([member(nodes, self.links) for member in self.members])
