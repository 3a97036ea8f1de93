"""DenseNet-121."""

from __future__ import annotations

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import ZooNetwork, classifier, conv_norm

DEPTHS, GROWTH, STEM = (6, 12, 24, 16), 32, 64


def densenet(builder: GraphBuilder, image: Value) -> Value:
    """Write blocks each of whose layers reads what all before it gave.

    References
    ----------
    G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely Connected Convolutional Networks",
    CVPR 2017.
    """
    with builder.at(part="stem"):
        x = conv_norm(builder, image, STEM, 7, stride=2, name="stem")
        x = builder.max_pool(x, 3, stride=2, padding=1)
    for stage, depth in enumerate(DEPTHS, start=1):
        given = [x]
        for layer in range(depth):
            name = f"block{stage}.{layer}"
            with builder.at(stage=stage, part="dense_layer"):
                y = builder.concat(*given) if len(given) > 1 else x
                y = builder.relu(builder.batch_norm(y, name=f"{name}.norm1"))
                y = conv_norm(builder, y, 4 * GROWTH, name=f"{name}.1")
                given.append(builder.conv(y, GROWTH, 3, name=f"{name}.conv2"))
        x = builder.concat(*given)
        with builder.at(stage=stage, part="transition"):
            x = builder.relu(builder.batch_norm(x, name=f"transition{stage}.norm"))
            if stage < len(DEPTHS):
                x = builder.conv(x, x.channels // 2, name=f"transition{stage}.conv")
                x = builder.avg_pool(x, 2)
    return classifier(builder, x)


NETWORKS = {"densenet121": ZooNetwork(densenet)}
