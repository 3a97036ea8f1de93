"""SqueezeNet 1.1."""

from __future__ import annotations

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import N_CLASSES, ZooNetwork

POOLED_BEFORE = (0, 2, 4)
"""Fire modules before which the resolution is halved."""

CHANNELS = (16, 16, 32, 32, 48, 48, 64, 64)
"""Channels that each fire module squeezes its input to; it expands them to eight times as many."""


def squeezenet(builder: GraphBuilder, image: Value) -> Value:
    """Write fire modules: 1x1 convolutions that squeeze, then 1x1 and 3x3 ones side by side.

    References
    ----------
    F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB
    model size", arXiv:1602.07360, 2016; version 1.1 of the authors' repository.
    """
    with builder.at(part="stem"):
        x = builder.relu(
            builder.conv(image, 64, 3, stride=2, padding=0, bias=True, name="features.stem")
        )
    for number, squeezed in enumerate(CHANNELS):
        name = f"features.{number}"
        with builder.at(stage=1, part="fire"):
            if number in POOLED_BEFORE:
                # A last row or column that no whole window covers gets one of its own.
                rest = tuple((0, (size - 3) % 2) for size in x.shape[2:])
                x = builder.max_pool(x, 3, stride=2, padding=rest)
            y = builder.relu(builder.conv(x, squeezed, bias=True, name=f"{name}.squeeze"))
            left = builder.conv(y, 4 * squeezed, bias=True, name=f"{name}.expand1x1")
            right = builder.conv(y, 4 * squeezed, 3, bias=True, name=f"{name}.expand3x3")
            x = builder.concat(builder.relu(left), builder.relu(right))
    with builder.at(part="head"):
        x = builder.relu(builder.conv(x, N_CLASSES, bias=True, name="classifier"))
        return builder.flatten(builder.global_pool(x))


NETWORKS = {"squeezenet1_1": ZooNetwork(squeezenet)}
