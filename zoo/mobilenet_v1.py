"""MobileNetV1."""

from __future__ import annotations

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import ZooNetwork, classifier, conv_norm, depthwise_norm

BLOCKS = ((64, 1), *[(128, 2), (128, 1)], *[(256, 2), (256, 1)], (512, 2), *[(512, 1)] * 5,
          *[(1024, 2), (1024, 1)])  # fmt: skip
"""Channels and stride of each depthwise separable convolution."""


def mobilenet_v1(builder: GraphBuilder, image: Value) -> Value:
    """Write depthwise and 1x1 convolutions in turn.

    References
    ----------
    A. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications", arXiv:1704.04861, 2017.
    """
    with builder.at(part="stem"):
        x = conv_norm(builder, image, 32, 3, stride=2, name="stem", activation="relu6")
    for number, (channels, stride) in enumerate(BLOCKS):
        with builder.at(stage=1, part="depthwise_separable"):
            x = depthwise_norm(
                builder, x, 3, stride=stride, name=f"blocks.{number}.depthwise", activation="relu6"
            )
            x = conv_norm(
                builder, x, channels, name=f"blocks.{number}.pointwise", activation="relu6"
            )
    return classifier(builder, x)


NETWORKS = {"mobilenetv1_100": ZooNetwork(mobilenet_v1)}
