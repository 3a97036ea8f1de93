"""The cost of one kernel of a network."""

from __future__ import annotations

from dataclasses import dataclass

from archcost.networks.graph import Shape


@dataclass(frozen=True, slots=True)
class LayerCost:
    """The cost of one executed kernel.

    Parameters
    ----------
    name : str
        Name of its weights, empty without.
    op : str
        Its ops, such as ``"conv+batch_norm+activation"``.
    input_shapes : tuple of tuple of int
        Shapes of what it reads.
    output_shape : tuple of int
        Shape of what it writes.
    macs : int
        Multiply-accumulate operations.
    moved_bytes : int
        Activations read and written, and parameters.
    cost : float
        In the unit of the costs that the predictor learned from.
    share : float
        Of the cost of the network.
    """

    name: str
    op: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    macs: int
    moved_bytes: int
    cost: float
    share: float
