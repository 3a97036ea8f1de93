"""ShuffleNetV2 in four widths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import ZooNetwork, classifier, conv_norm, depthwise_norm

DEPTHS = (4, 8, 4)

WIDTHS = {
    "x0_5": (48, 96, 192, 1024),
    "x1_0": (116, 232, 464, 1024),
    "x1_5": (176, 352, 704, 1024),
    "x2_0": (244, 488, 976, 2048),
}
"""Channels of the three stages and of the last convolution."""


def shufflenet_v2(builder: GraphBuilder, image: Value, widths: Sequence[int]) -> Value:
    """Write blocks that compute with one half of the channels and shuffle both.

    References
    ----------
    N. Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    ECCV 2018; torchvision's implementation.
    """
    with builder.at(part="stem"):
        x = conv_norm(builder, image, 24, 3, stride=2, name="stem")
        x = builder.max_pool(x, 3, stride=2, padding=1)
    for stage, (channels, depth) in enumerate(zip(widths[:-1], DEPTHS, strict=True), start=1):
        for block in range(depth):
            name, half = f"stage{stage}.{block}", channels // 2
            with builder.at(stage=stage, part="shuffle_block"):
                if block == 0:
                    first = depthwise_norm(
                        builder, x, 3, stride=2, name=f"{name}.left1", activation=None
                    )
                    first = conv_norm(builder, first, half, name=f"{name}.left2")
                    second, stride = x, 2
                else:
                    first, second = builder.split(x, 0, half), builder.split(x, half, half)
                    stride = 1
                y = conv_norm(builder, second, half, name=f"{name}.right1")
                y = depthwise_norm(
                    builder, y, 3, stride=stride, name=f"{name}.right2", activation=None
                )
                y = conv_norm(builder, y, half, name=f"{name}.right3")
                x = builder.channel_shuffle(builder.concat(first, y), 2)
    with builder.at(part="head"):
        x = conv_norm(builder, x, widths[-1], name="last")
    return classifier(builder, x)


NETWORKS = {
    f"shufflenet_v2_{width}": ZooNetwork(partial(shufflenet_v2, widths=widths))
    for width, widths in WIDTHS.items()
}
