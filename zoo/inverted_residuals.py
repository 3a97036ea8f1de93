"""Networks of inverted residuals, of which MobileNetV2 was the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import classifier, conv_norm, depthwise_norm, divisible, squeeze_excite


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks that follow each other and differ in the first one's stride only.

    Parameters
    ----------
    kernel : int
        Of the depthwise convolution.
    stride : int
        Of the first block.
    expansion : float
        Channels of the depthwise convolution in proportion to those of the block's input; 0 for
        a depthwise separable convolution, which has no expansion at all.
    channels : int
        Of the result, at width 1.
    repeats : int, default=1
        Number of blocks, at depth 1.
    squeeze : float, default=0
        Channels that squeeze-and-excitation computes with, in proportion; 0 for none.
    activation : str, optional
        That of the network by default.
    """

    kernel: int
    stride: int
    expansion: float
    channels: int
    repeats: int = 1
    squeeze: float = 0.0
    activation: str | None = None


@dataclass(frozen=True, slots=True)
class InvertedResiduals:
    """A network of inverted residuals.

    Parameters
    ----------
    blocks : sequence of Blocks
        Its stages.
    features : int
        Channels of the last 1x1 convolution.
    activation : str
        Of all convolutions that are not followed by a sum.
    width, depth : float, default=1
        What channels and repeats are multiplied with.
    stem : int, default=32
        Channels of the first convolution.
    fixed_stem : bool, default=False
        Whether the first convolution is as wide at any width.
    squeeze_of : {"input", "expanded"}, default="input"
        What ``Blocks.squeeze`` is a proportion of; of "expanded" it is rounded to multiples of 8
        and the gate is a hard sigmoid after a ReLU, as in MobileNetV3.
    hidden : int, optional
        Features of a linear layer, written as a convolution, between the mean over the pixels and
        the classifier.
    """

    blocks: Sequence[Blocks]
    features: int
    activation: str
    width: float = 1.0
    depth: float = 1.0
    stem: int = 32
    fixed_stem: bool = False
    squeeze_of: Literal["input", "expanded"] = "input"
    hidden: int | None = None

    def __call__(self, builder: GraphBuilder, image: Value) -> Value:
        """Write the network and return its scores of the classes."""
        stem = self.stem if self.fixed_stem else divisible(self.stem * self.width)
        with builder.at(part="stem"):
            x = conv_norm(
                builder, image, stem, 3, stride=2, name="stem", activation=self.activation
            )
        number = 0
        for stage, blocks in enumerate(self.blocks, start=1):
            for repeat in range(ceil(blocks.repeats * self.depth)):
                with builder.at(stage=stage, part="inverted_residual"):
                    x = self._block(builder, x, blocks, repeat == 0, f"blocks.{number}")
                number += 1
        with builder.at(part="head"):
            x = conv_norm(builder, x, self.features, name="last", activation=self.activation)
            if self.hidden is not None:
                x = builder.conv(builder.global_pool(x), self.hidden, bias=True, name="hidden")
                x = builder.flatten(builder.activation(x, self.activation))
                return builder.linear(x, 1000, name="classifier")
        return classifier(builder, x)

    def _block(
        self, builder: GraphBuilder, x: Value, blocks: Blocks, is_first: bool, name: str
    ) -> Value:
        activation = blocks.activation or self.activation
        stride = blocks.stride if is_first else 1
        y = x
        if blocks.expansion:
            expanded = divisible(x.channels * blocks.expansion)
            y = conv_norm(builder, y, expanded, name=f"{name}.expand", activation=activation)
        y = depthwise_norm(
            builder, y, blocks.kernel, stride=stride, name=f"{name}.depthwise",
            activation=activation,
        )  # fmt: skip
        if blocks.squeeze and self.squeeze_of == "expanded":
            squeezed = divisible(y.channels * blocks.squeeze)
            y = squeeze_excite(builder, y, squeezed, name=f"{name}.squeeze", gate="hsigmoid")
        elif blocks.squeeze:
            squeezed = round(x.channels * blocks.squeeze)
            y = squeeze_excite(builder, y, squeezed, name=f"{name}.squeeze", activation=activation)
        channels = divisible(blocks.channels * self.width)
        y = conv_norm(builder, y, channels, name=f"{name}.project", activation=None)
        return builder.add(y, x) if y.shape == x.shape else y
