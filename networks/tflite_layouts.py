"""In which order of its axes a tensor of a network stands in a TensorFlow Lite file.

Images have their channels last there. An exchange of axes is no operator until something needs
another order than the tensor is in: a network that works with channels last itself, as transformers
do, is written without any.
"""

from __future__ import annotations

from dataclasses import dataclass

from archcost.networks.graph import Shape
from archcost.networks.tflite_builder import TfliteBuilder


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of the network in the file.

    Parameters
    ----------
    name : str
        In the file.
    order : tuple of int
        Which of the network's axes each axis in the file is.
    """

    name: str
    order: Shape

    def place(self, axis: int) -> int:
        """Return where an axis of the network's tensor is in the file."""
        return self.order.index(axis)

    def transposed(self, axes: Shape) -> Stored:
        """Return what stands for the tensor with its axes exchanged; the file stays as it is."""
        return Stored(self.name, tuple([axes.index(axis) for axis in self.order]))


def as_given(n_axes: int) -> Shape:
    """Return the order that the network's tensors have."""
    return tuple(range(n_axes))


def channels_last(n_axes: int) -> Shape:
    """Return the order of an image; any other tensor's if it has no axes after the channels."""
    return (0, *range(2, n_axes), 1) if n_axes > 2 else as_given(n_axes)


def in_order(lite: TfliteBuilder, tensor: Stored, order: Shape) -> str:
    """Return the name of a tensor in an order of axes, transposed if it is in another."""
    if tensor.order == order:
        return tensor.name
    return lite.transpose(tensor.name, tuple([tensor.place(axis) for axis in order]))


def in_file(shape: Shape, order: Shape) -> Shape:
    """Return a shape of the network as it is in the file."""
    return tuple([shape[axis] for axis in order])


def reshaped(lite: TfliteBuilder, tensor: Stored, before: Shape, after: Shape) -> Stored:
    """Append a change of shape.

    Where channels are last and stay what they are, as pixels become tokens or tokens pixels, the
    tensor is not transposed.

    Parameters
    ----------
    lite : TfliteBuilder
        What it is appended to.
    tensor : Stored
        What changes.
    before, after : tuple of int
        Its shapes in the network.
    """
    if tensor.order == channels_last(len(before)) and before[:2] == after[:2]:
        order = channels_last(len(after))
        return Stored(lite.reshape(tensor.name, in_file(after, order)), order)
    name = in_order(lite, tensor, as_given(len(before)))
    return Stored(lite.reshape(name, after), as_given(len(after)))
