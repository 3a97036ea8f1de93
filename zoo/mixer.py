"""MLP-Mixer."""

from __future__ import annotations

from functools import partial

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import LAYER_NORM_EPSILON, N_CLASSES, ZooNetwork, mlp
from archcost.zoo.vision_transformer import patch_tokens


def mixer(
    builder: GraphBuilder, image: Value, features: int, depth: int, *, patch: int = 16
) -> Value:
    """Write MLPs over tokens and over features in turn.

    References
    ----------
    I. Tolstikhin et al., "MLP-Mixer: An all-MLP Architecture for Vision", NeurIPS 2021.
    """
    with builder.at(part="stem"):
        x = patch_tokens(builder, image, features, patch)
    for number in range(depth):
        name = f"blocks.{number}"
        with builder.at(stage=1, part="mixer_block"):
            y = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name=f"{name}.norm1")
            y = mlp(builder, builder.transpose(y, (0, 2, 1)), features // 2, name=f"{name}.tokens")
            x = builder.add(x, builder.transpose(y, (0, 2, 1)))
            y = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name=f"{name}.norm2")
            x = builder.add(x, mlp(builder, y, 4 * features, name=f"{name}.channels"))
    with builder.at(part="head"):
        x = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name="norm")
        x = builder.flatten(builder.global_pool(builder.transpose(x, (0, 2, 1))))
        return builder.linear(x, N_CLASSES, name="head")


NETWORKS = {
    "mixer_s32": ZooNetwork(partial(mixer, features=512, depth=8, patch=32)),
    "mixer_s16": ZooNetwork(partial(mixer, features=512, depth=8)),
    "mixer_b16": ZooNetwork(partial(mixer, features=768, depth=12)),
}
