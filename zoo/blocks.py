"""What many networks are built of: convolution and normalisation, squeezing, attention, MLPs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.networks.shapes import PerAxis

N_CLASSES = 1000
"""Those of ImageNet, for which all networks of the zoo are published."""

LAYER_NORM_EPSILON = 1e-6
"""That of vision transformers and ConvNeXt."""


@dataclass(frozen=True, slots=True)
class ZooNetwork:
    """A published network.

    Parameters
    ----------
    describe : callable
        ``describe(builder, image)`` writes it and returns its scores of the classes.
    side : int, default=224
        Height and width of the image that it was published for, in pixels.
    """

    describe: Callable[[GraphBuilder, Value], Value]
    side: int = 224


def divisible(channels: float, divisor: int = 8) -> int:
    """Round channels to a multiple of a divisor, but never to less than nine tenths of them.

    Examples
    --------
    >>> divisible(32 * 0.35), divisible(24 * 1.4), divisible(3)
    (16, 32, 8)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def conv_norm(
    builder: GraphBuilder, x: Value, channels: int, kernel: PerAxis = 1, *, name: str,
    stride: int = 1, groups: int = 1, activation: str | None = "relu",
) -> Value:  # fmt: skip
    """Append a convolution, its batch normalisation and, unless it is None, an activation."""
    x = builder.conv(x, channels, kernel, stride=stride, groups=groups, name=f"{name}.conv")
    x = builder.batch_norm(x, name=f"{name}.norm")
    return x if activation is None else builder.activation(x, activation)


def depthwise_norm(
    builder: GraphBuilder, x: Value, kernel: int, *, name: str, stride: int = 1,
    activation: str | None = "relu",
) -> Value:  # fmt: skip
    """Append a convolution of each channel by itself, with batch normalisation."""
    channels = x.channels
    return conv_norm(
        builder, x, channels, kernel, name=name, stride=stride, groups=channels,
        activation=activation,
    )  # fmt: skip


def squeeze_excite(
    builder: GraphBuilder, x: Value, squeezed: int, *, name: str, activation: str = "relu",
    gate: str = "sigmoid",
) -> Value:  # fmt: skip
    """Append a factor for each channel that follows from all channels' means.

    References
    ----------
    J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks", CVPR 2018.
    """
    y = builder.conv(builder.global_pool(x), squeezed, bias=True, name=f"{name}.reduce")
    y = builder.activation(y, activation)
    y = builder.conv(y, x.channels, bias=True, name=f"{name}.expand")
    return builder.multiply(x, builder.activation(y, gate))


def classifier(builder: GraphBuilder, x: Value) -> Value:
    """Append the mean over height and width and the linear layer that scores the classes."""
    with builder.at(part="head"):
        x = builder.flatten(builder.global_pool(x))
        return builder.linear(x, N_CLASSES, name="classifier")


def mlp(
    builder: GraphBuilder, x: Value, hidden: int, *, name: str, activation: str = "gelu"
) -> Value:
    """Append two linear layers on the last axis with an activation between them."""
    y = builder.activation(builder.linear(x, hidden, name=f"{name}.fc1"), activation)
    return builder.linear(y, x.shape[-1], name=f"{name}.fc2")


def self_attention(
    builder: GraphBuilder, x: Value, heads: int, *, name: str, mask: Value | None = None
) -> Value:
    """Append multi-head self-attention on tokens, shape ``(batch, tokens, features)``.

    References
    ----------
    A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
    """
    n_tokens, features = x.shape[1:]
    y = builder.linear(x, 3 * features, name=f"{name}.qkv")
    parts = []
    for part in range(3):
        z = builder.split(y, part * features, features, axis=2)
        z = builder.reshape(z, (n_tokens, heads, features // heads))
        parts.append(builder.transpose(z, (0, 2, 1, 3)))
    y = builder.transpose(builder.attention(parts[0], parts[1], parts[2], mask), (0, 2, 1, 3))
    return builder.linear(builder.reshape(y, (n_tokens, features)), features, name=f"{name}.proj")


def transformer_block(
    builder: GraphBuilder, x: Value, heads: int, *, name: str, mlp_ratio: float = 4.0
) -> Value:
    """Append attention and an MLP, each after a layer normalisation and around it a sum."""
    y = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name=f"{name}.norm1")
    x = builder.add(x, self_attention(builder, y, heads, name=f"{name}.attn"))
    y = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name=f"{name}.norm2")
    return builder.add(x, mlp(builder, y, int(mlp_ratio * x.shape[-1]), name=f"{name}.mlp"))


def channels_last(builder: GraphBuilder, x: Value) -> Value:
    """Append the exchange of axes that puts an image's channels last."""
    return builder.transpose(x, (0, 2, 3, 1))


def channels_first(builder: GraphBuilder, x: Value) -> Value:
    """Append the exchange of axes that puts an image's channels first again."""
    return builder.transpose(x, (0, 3, 1, 2))


def tokens_of(builder: GraphBuilder, x: Value) -> Value:
    """Append what makes a token of each pixel: shape ``(batch, pixels, channels)``."""
    _, channels, height, width = x.shape
    return builder.transpose(builder.reshape(x, (channels, height * width)), (0, 2, 1))
