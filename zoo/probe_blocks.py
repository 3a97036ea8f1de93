"""Blocks of random sizes, of which probes are made: each takes an image and gives one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import (
    channels_first,
    channels_last,
    conv_norm,
    depthwise_norm,
    mlp,
    squeeze_excite,
    tokens_of,
    transformer_block,
)
from archcost.zoo.convnext import convnext_block
from archcost.zoo.swin_transformer import swin_block

T = TypeVar("T")

ACTIVATIONS = {
    "relu": 0.3, "relu6": 0.1, "silu": 0.15, "hswish": 0.15, "gelu": 0.15, "sigmoid": 0.05,
    "leaky_relu": 0.05, "elu": 0.05,
}  # fmt: skip
"""How often a probe has each as its own."""

MULTIPLES = {16: 0.45, 8: 0.25, 4: 0.15, 1: 0.15}
"""How often channels are a multiple of each: vector units favour some, and networks have all."""

MAX_CHANNELS, MAX_TOKENS, MAX_HEAD_FEATURES = 1280, 1024, 64


@dataclass
class Draw:
    """What is drawn at random for the blocks of one probe.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws it.
    activation : str
        That of all its blocks.
    name : str, default=""
        Prefix of the weights of the block that is being written.
    """

    rng: np.random.Generator
    activation: str = field(init=False)
    name: str = ""

    def __post_init__(self) -> None:
        self.activation = self.one_of(ACTIVATIONS)

    def one_of(self, odds: Mapping[T, float]) -> T:
        """Return a key, as often as its value says."""
        keys = list(odds)
        shares = np.array([odds[key] for key in keys])
        return keys[int(self.rng.choice(len(keys), p=shares / shares.sum()))]

    def channels(self, low: float, high: float) -> int:
        """Return a number of channels, uniform in its logarithm."""
        high = min(max(high, 4), MAX_CHANNELS)
        drawn = float(np.exp(self.rng.uniform(np.log(min(max(low, 4), high)), np.log(high))))
        multiple = self.one_of(MULTIPLES)
        return max(multiple, round(drawn / multiple) * multiple)

    def kernel(self) -> int:
        """Return the side of a kernel, mostly 3."""
        return self.one_of({3: 0.6, 5: 0.25, 7: 0.15})

    def stride(self, x: Value) -> int:
        """Return 2 now and then, 1 else, and where the image is small."""
        return 2 if min(x.shape[2:]) >= 8 and self.rng.random() < 0.25 else 1


Block = Callable[[GraphBuilder, Value, Draw], Value]


def _plain(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    channels = draw.channels(x.channels / 2, x.channels * 3)
    return conv_norm(
        b, x, channels, draw.one_of({1: 0.35, 3: 0.45, 5: 0.12, 7: 0.08}), stride=draw.stride(x),
        name=draw.name, activation=draw.activation,
    )  # fmt: skip


def _dilated(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    y = b.conv(x, draw.channels(x.channels / 2, x.channels), (1, 3), name=f"{draw.name}.1")
    y = b.conv(b.activation(y, draw.activation), x.channels, 3, dilation=2, name=f"{draw.name}.2")
    return b.activation(b.batch_norm(y, name=f"{draw.name}.norm"), draw.activation)


def _grouped(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    width = draw.one_of({4: 0.15, 8: 0.25, 12: 0.1, 16: 0.25, 24: 0.1, 32: 0.15})
    n_groups = max(1, round(draw.channels(x.channels / 2, x.channels * 2) / width))
    channels = n_groups * width
    y = conv_norm(b, x, channels, name=f"{draw.name}.1", activation=draw.activation)
    y = conv_norm(
        b, y, channels, 3, groups=n_groups, stride=draw.stride(x), name=f"{draw.name}.2",
        activation=draw.activation,
    )  # fmt: skip
    return conv_norm(b, y, draw.channels(channels / 2, channels), name=f"{draw.name}.3")


def _basic(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    y = conv_norm(b, x, x.channels, 3, name=f"{draw.name}.1", activation=draw.activation)
    y = conv_norm(b, y, x.channels, 3, name=f"{draw.name}.2", activation=None)
    return b.activation(b.add(y, x), draw.activation)


def _bottleneck(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    inner = draw.channels(x.channels / 4, x.channels / 2)
    y = conv_norm(b, x, inner, name=f"{draw.name}.1", activation=draw.activation)
    y = conv_norm(b, y, inner, 3, name=f"{draw.name}.2", activation=draw.activation)
    y = conv_norm(b, y, x.channels, name=f"{draw.name}.3", activation=None)
    return b.activation(b.add(y, x), draw.activation)


def _separable(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    y = depthwise_norm(
        b, x, draw.kernel(), stride=draw.stride(x), name=f"{draw.name}.1",
        activation=draw.activation,
    )  # fmt: skip
    channels = draw.channels(x.channels, x.channels * 2)
    return conv_norm(b, y, channels, name=f"{draw.name}.2", activation=draw.activation)


def _inverted(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    inner = draw.channels(x.channels * 2, x.channels * 6)
    y = conv_norm(b, x, inner, name=f"{draw.name}.1", activation=draw.activation)
    y = depthwise_norm(
        b, y, draw.kernel(), stride=draw.stride(x), name=f"{draw.name}.2",
        activation=draw.activation,
    )  # fmt: skip
    if draw.rng.random() < 0.5:
        squeezed = max(1, x.channels // 4)
        gate = draw.one_of({"sigmoid": 0.5, "hsigmoid": 0.5})
        y = squeeze_excite(b, y, squeezed, name=f"{draw.name}.squeeze", gate=gate)
    channels = x.channels if draw.rng.random() < 0.6 else draw.channels(x.channels / 2, inner / 2)
    y = conv_norm(b, y, channels, name=f"{draw.name}.3", activation=None)
    return b.add(y, x) if y.shape == x.shape else y


def _shuffled(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    if x.channels % 2:
        return _separable(b, x, draw)
    half = x.channels // 2
    kept, y = b.split(x, 0, half), b.split(x, half, half)
    y = conv_norm(b, y, half, name=f"{draw.name}.1", activation=draw.activation)
    y = depthwise_norm(b, y, draw.kernel(), name=f"{draw.name}.2", activation=None)
    y = conv_norm(b, y, half, name=f"{draw.name}.3", activation=draw.activation)
    return b.channel_shuffle(b.concat(kept, y), 2)


def _branches(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    low, high = x.channels / 4, x.channels / 1.5
    parts = [
        conv_norm(b, x, draw.channels(low, high), kernel, name=f"{draw.name}.{kernel}")
        for kernel in (1, 3)
    ]
    pooled = (b.max_pool if draw.rng.random() < 0.5 else b.avg_pool)(x, 3, stride=1, padding=1)
    parts.append(conv_norm(b, pooled, draw.channels(low, high), name=f"{draw.name}.pool"))
    return b.concat(*parts)


def _dense(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    for number in range(int(draw.rng.integers(1, 4))):
        y = b.activation(b.batch_norm(x, name=f"{draw.name}.{number}.norm"), draw.activation)
        growth = draw.channels(8, 64)
        x = b.concat(x, b.conv(y, growth, 3, name=f"{draw.name}.{number}.conv"))
    return x


def _upsampled(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    if min(x.shape[2:]) < 4:
        return _plain(b, x, draw)
    y = conv_norm(b, x, draw.channels(x.channels / 2, x.channels * 1.5), 3, stride=2,
                  name=f"{draw.name}.down")  # fmt: skip
    y = b.resize(y, x.shape[2:], draw.one_of({"nearest": 0.5, "bilinear": 0.5}))
    y = b.concat(x, y)
    return conv_norm(b, y, x.channels, name=f"{draw.name}.merge", activation=draw.activation)


def _pooled(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    x = _plain(b, x, draw)
    if min(x.shape[2:]) < 4:
        return x
    pool = b.max_pool if draw.rng.random() < 0.5 else b.avg_pool
    return pool(x, 3, stride=2) if draw.rng.random() < 0.5 else pool(x, 2)


def _convnext(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    conv_mlp = bool(draw.rng.random() < 0.4)
    return convnext_block(b, x, name=draw.name, conv_mlp=conv_mlp, kernel=draw.kernel())


def _heads(b: GraphBuilder, x: Value, draw: Draw) -> tuple[Value, int]:
    """Make the channels a multiple of the heads, and return those."""
    size = draw.one_of({16: 0.15, 24: 0.15, 32: 0.35, 64: 0.35})
    heads = max(1, round(min(x.channels, 768) / size))
    if x.channels != heads * size:
        x = b.conv(x, heads * size, bias=True, name=f"{draw.name}.embedding")
    return x, heads


def _attention(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    if x.shape[2] * x.shape[3] > MAX_TOKENS:
        x = b.avg_pool(x, 2 if x.shape[2] * x.shape[3] <= 4 * MAX_TOKENS else 4)
    x, heads = _heads(b, x, draw)
    y = tokens_of(b, x)
    for number in range(int(draw.rng.integers(1, 3))):
        y = transformer_block(
            b,
            y,
            heads,
            name=f"{draw.name}.{number}",
            mlp_ratio=draw.one_of({2: 0.3, 3: 0.2, 4: 0.5}),
        )
    return b.reshape(b.transpose(y, (0, 2, 1)), x.shape[1:])


def _windows(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    side, window = min(x.shape[2:]), draw.one_of({7: 0.6, 8: 0.2, 4: 0.2})
    if side < window:
        return _attention(b, x, draw)
    x, heads = _heads(b, x, draw)
    if side % window or x.shape[2] != x.shape[3]:
        side -= side % window
        x = b.resize(x, side, "bilinear")
    shift = window // 2 if draw.rng.random() < 0.5 and side > window else 0
    return channels_first(
        b, swin_block(b, channels_last(b, x), window, shift, heads, name=draw.name)
    )


def _mixer(b: GraphBuilder, x: Value, draw: Draw) -> Value:
    if x.shape[2] * x.shape[3] > MAX_TOKENS:
        x = b.avg_pool(x, 2 if x.shape[2] * x.shape[3] <= 4 * MAX_TOKENS else 4)
    y = tokens_of(b, x)
    z = b.transpose(b.layer_norm(y, name=f"{draw.name}.norm1"), (0, 2, 1))
    z = mlp(b, z, draw.channels(64, 512), name=f"{draw.name}.tokens")
    y = b.add(y, b.transpose(z, (0, 2, 1)))
    z = b.layer_norm(y, name=f"{draw.name}.norm2")
    y = b.add(y, mlp(b, z, draw.channels(x.channels * 2, x.channels * 4), name=f"{draw.name}.mlp"))
    return b.reshape(b.transpose(y, (0, 2, 1)), x.shape[1:])


BLOCKS: dict[str, Block] = {
    "plain": _plain,
    "dilated": _dilated,
    "grouped": _grouped,
    "basic": _basic,
    "bottleneck": _bottleneck,
    "separable": _separable,
    "inverted": _inverted,
    "shuffled": _shuffled,
    "branches": _branches,
    "dense": _dense,
    "upsampled": _upsampled,
    "pooled": _pooled,
    "convnext": _convnext,
    "attention": _attention,
    "windows": _windows,
    "mixer": _mixer,
}
"""What writes each kind of block."""

KINDS = {
    "plain": 0.12, "dilated": 0.03, "grouped": 0.09, "basic": 0.06, "bottleneck": 0.07,
    "separable": 0.07, "inverted": 0.14, "shuffled": 0.04, "branches": 0.05, "dense": 0.04,
    "upsampled": 0.03, "pooled": 0.04, "convnext": 0.07, "attention": 0.07, "windows": 0.05,
    "mixer": 0.03,
}  # fmt: skip
"""How often each kind occurs."""
