"""An op that is written to a TensorFlow Lite file, and its operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archcost.errors import ArchcostError
from archcost.networks.graph import Node, Shape
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.tflite_builder import ACTIVATION, TfliteBuilder
from archcost.networks.tflite_layouts import Stored, as_given, channels_last, in_file, in_order

FUSED = {None: "NONE", "relu": "RELU", "relu6": "RELU6"}
"""Activations that an operator can compute along."""


@dataclass(frozen=True, slots=True)
class Op:
    """An op that is to be written.

    Parameters
    ----------
    node : Node
        The op.
    sources : sequence of Node
        What it reads.
    inputs : sequence of Stored
        Where that is in the file.
    weights : NetworkWeights
        Of the network, channels last.
    flattened : bool
        Whether all that read the result flatten it.
    """

    node: Node
    sources: Sequence[Node]
    inputs: Sequence[Stored]
    weights: NetworkWeights
    flattened: bool

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    @property
    def n_axes(self) -> int:
        """Axes of the result."""
        return len(self.node.shape)

    @property
    def shape(self) -> Shape:
        """Shape of the result, channels last."""
        return in_file(self.node.shape, channels_last(self.n_axes))

    @property
    def fused(self) -> dict[str, str]:
        """The option that tells the activation that is computed along."""
        return {ACTIVATION: FUSED[self.node.attributes.get("activation")]}

    def image(self, lite: TfliteBuilder) -> str:
        """Return the first input with its channels last."""
        return in_order(lite, self.inputs[0], channels_last(len(self.sources[0].shape)))

    def plain(self, lite: TfliteBuilder, number: int = 0) -> str:
        """Return an input in the network's order of axes."""
        return in_order(lite, self.inputs[number], as_given(len(self.sources[number].shape)))

    def features_last(self, lite: TfliteBuilder) -> Stored:
        """Return the first input in an order in which the network's last axis is the last."""
        last = len(self.sources[0].shape) - 1
        if self.inputs[0].order[-1] == last:
            return self.inputs[0]
        return Stored(self.plain(lite), as_given(last + 1))


def unwritable(kind: str, writable: Sequence[str]) -> ArchcostError:
    """Return the error for an op that a file cannot hold."""
    return ArchcostError(
        f"an op must be one of {writable}, convolutions and poolings on images of shape (batch, "
        f"channels, height, width), to be written to a TFLite file, but got {kind!r}; an ONNX file "
        "can hold the whole vocabulary"
    )
