"""GhostNet."""

from __future__ import annotations

from math import ceil

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import (
    N_CLASSES,
    ZooNetwork,
    conv_norm,
    depthwise_norm,
    divisible,
    squeeze_excite,
)

BLOCKS = (
    (3, 16, 16, 0.0, 1), (3, 48, 24, 0.0, 2), (3, 72, 24, 0.0, 1), (5, 72, 40, 0.25, 2),
    (5, 120, 40, 0.25, 1), (3, 240, 80, 0.0, 2), (3, 200, 80, 0.0, 1), (3, 184, 80, 0.0, 1),
    (3, 184, 80, 0.0, 1), (3, 480, 112, 0.25, 1), (3, 672, 112, 0.25, 1), (5, 672, 160, 0.25, 2),
    (5, 960, 160, 0.0, 1), (5, 960, 160, 0.25, 1), (5, 960, 160, 0.0, 1), (5, 960, 160, 0.25, 1),
)  # fmt: skip
"""Kernel, channels within and after, share that is squeezed, and stride of each block."""


def ghostnet(builder: GraphBuilder, image: Value) -> Value:
    """Write a network half of whose channels follow cheaply from the other half.

    References
    ----------
    K. Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020.
    """
    with builder.at(part="stem"):
        x = conv_norm(builder, image, 16, 3, stride=2, name="stem")
    for number, (kernel, inner, channels, squeeze, stride) in enumerate(BLOCKS):
        name = f"blocks.{number}"
        with builder.at(stage=1, part="ghost_bottleneck"):
            y = _ghost(builder, x, inner, name=f"{name}.1")
            if stride > 1:
                y = depthwise_norm(
                    builder, y, kernel, stride=stride, name=f"{name}.depthwise", activation=None
                )
            if squeeze:
                squeezed = divisible(inner * squeeze, 4)
                y = squeeze_excite(builder, y, squeezed, name=f"{name}.squeeze", gate="hsigmoid")
            y = _ghost(builder, y, channels, name=f"{name}.2", activation=None)
            if x.shape != y.shape:
                x = depthwise_norm(
                    builder, x, kernel, stride=stride, name=f"{name}.skip1", activation=None
                )
                x = conv_norm(builder, x, channels, name=f"{name}.skip2", activation=None)
            x = builder.add(y, x)
    with builder.at(part="head"):
        x = builder.global_pool(conv_norm(builder, x, 960, name="last"))
        x = builder.relu(builder.conv(x, 1280, bias=True, name="hidden"))
        return builder.linear(builder.flatten(x), N_CLASSES, name="classifier")


def _ghost(
    builder: GraphBuilder, x: Value, channels: int, *, name: str, activation: str | None = "relu"
) -> Value:
    primary = conv_norm(
        builder, x, ceil(channels / 2), name=f"{name}.primary", activation=activation
    )
    cheap = depthwise_norm(builder, primary, 3, name=f"{name}.cheap", activation=activation)
    return builder.concat(primary, cheap)


NETWORKS = {"ghostnet_100": ZooNetwork(ghostnet)}
