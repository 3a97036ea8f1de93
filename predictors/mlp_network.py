"""The networks of ``MLPPredictor``, all members in one set of tensors."""

import torch
from torch import Tensor, nn


class MLPEnsemble(nn.Module):
    """Two hidden layers with SiLU; the last layer starts at zero.

    Parameters
    ----------
    n_members, n_features, width : int
        Networks, inputs, and units of each hidden layer.
    """

    def __init__(self, n_members: int, n_features: int, width: int) -> None:
        super().__init__()
        sizes = [(n_features, width), (width, width), (width, 1)]
        for number, (n_in, n_out) in enumerate(sizes, start=1):
            scale = (2.0 / n_in) ** 0.5 if number < len(sizes) else 0.0
            weight = torch.randn(n_members, n_in, n_out) * scale
            self.register_parameter(f"weight_{number}", nn.Parameter(weight))
            bias = torch.zeros(n_members, 1, n_out)
            self.register_parameter(f"bias_{number}", nn.Parameter(bias))

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs ``(n_members, n_archs)`` for features ``(n_archs, n_features)``."""
        hidden = features.expand(self.get_parameter("weight_1").shape[0], -1, -1)
        for number in (1, 2, 3):
            bias = self.get_parameter(f"bias_{number}")
            hidden = torch.baddbmm(bias, hidden, self.get_parameter(f"weight_{number}"))
            if number < 3:
                hidden = nn.functional.silu(hidden)
        return hidden.squeeze(-1)
