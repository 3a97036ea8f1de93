"""NAS-Bench-201 cells as runnable torch networks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archcost.spaces.nasbench201 import CELLS_PER_STAGE, EDGES, STAGE_CHANNELS


class Zero(nn.Module):
    """The op ``none``: zeros in the shape of the input."""

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros, whatever the input holds."""
        return torch.zeros_like(x)


def relu_conv_norm(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return ReLU, convolution without bias, batch normalisation."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(c_out))


def edge_op(name: str, channels: int) -> nn.Module:
    """Return the module of one op on an edge."""
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return relu_conv_norm(channels, channels, 3 if name == "nor_conv_3x3" else 1)


class Cell(nn.Module):
    """A complete DAG of 4 nodes; each node is the sum of its incoming edges."""

    def __init__(self, op_names: Sequence[str], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edge_op(name, channels) for name in op_names)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last node for an input ``(n, channels, h, w)``; the shape stays."""
        nodes = [x]
        for target in (1, 2, 3):
            incoming = [
                edge(nodes[source])
                for edge, (source, end) in zip(self.edges, EDGES, strict=True)
                if end == target
            ]
            total = incoming[0]
            for term in incoming[1:]:
                total = total + term
            nodes.append(total)
        return nodes[-1]


class Reduction(nn.Module):
    """A residual block with stride 2 that doubles the channels."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv_a = relu_conv_norm(c_in, c_out, 3, 2)
        self.conv_b = relu_conv_norm(c_out, c_out, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, c_out, h / 2, w / 2)``."""
        return self.shortcut(x) + self.conv_b(self.conv_a(x))


class CellNetwork(nn.Module):
    """Stem, 3 stages of 5 equal cells with reductions between, and a linear classifier.

    References
    ----------
    X. Dong, Y. Yang, "NAS-Bench-201", ICLR 2020, figure 1.
    """

    def __init__(self, op_names: Sequence[str], classes: int) -> None:
        super().__init__()
        width = STAGE_CHANNELS[0]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        body: list[nn.Module] = []
        for stage, channels in enumerate(STAGE_CHANNELS):
            if stage:
                body.append(Reduction(STAGE_CHANNELS[stage - 1], channels))
            body += [Cell(op_names, channels) for _ in range(CELLS_PER_STAGE)]
        self.body = nn.Sequential(*body)
        width = STAGE_CHANNELS[-1]
        self.head = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores ``(n, classes)`` for images ``(n, 3, h, w)``."""
        return self.classifier(self.head(self.body(self.stem(x))))
