"""Layers of a network and what they compute, without building it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

FLOAT_BYTES = 4
"""Bytes of one fp32 number."""

LayerKind = Literal["conv", "pool", "add", "linear", "global_pool", "zero"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a network for an input of batch size 1.

    Batch normalisation and activations belong to the layer that they follow or precede: a runtime
    folds or fuses them. Convolutions have no bias (the normalisation has one), `linear` has.

    Parameters
    ----------
    kind : {"conv", "pool", "add", "linear", "global_pool", "zero"}
        ``zero`` writes zeros (the op ``none`` of NAS-Bench-201, where it is executed).
    position : int or None
        The position of the architecture that it belongs to; None for stem, reductions and head.
    stage : int
        The stage of the macro architecture, from 0 (stem) to the head.
    op : str
        The op or part that the layer implements, such as ``"nor_conv_3x3"`` or ``"stem"``.
    c_in, c_out, h_in, w_in, h_out, w_out : int
        Channels and resolution of input and output.
    kernel, stride, groups : int
        As in ``torch.nn.Conv2d``; 1 where they mean nothing.
    norm_channels : int
        Channels of the batch normalisation that goes with the layer (2 parameters each), or 0.
    """

    kind: LayerKind
    position: int | None
    stage: int
    op: str
    c_in: int
    c_out: int
    h_in: int
    w_in: int
    h_out: int
    w_out: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    norm_channels: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of convolutions and linear layers."""
        if self.kind == "conv":
            taps = self.kernel**2 * self.c_in // self.groups
            return taps * self.c_out * self.h_out * self.w_out
        return self.c_in * self.c_out if self.kind == "linear" else 0

    @property
    def flops(self) -> int:
        """Floating-point operations, two a multiply-accumulate, as torch counts them."""
        return 2 * self.macs

    @property
    def params(self) -> int:
        """Trainable parameters, those of the normalisation included."""
        weights = 0
        if self.kind == "conv":
            weights = self.kernel**2 * self.c_in // self.groups * self.c_out
        elif self.kind == "linear":
            weights = self.c_in * self.c_out + self.c_out
        return weights + 2 * self.norm_channels

    @property
    def input_bytes(self) -> int:
        """Bytes of activations read, fp32; an `add` reads two tensors."""
        tensors = 2 if self.kind == "add" else 0 if self.kind == "zero" else 1
        return tensors * self.c_in * self.h_in * self.w_in * FLOAT_BYTES

    @property
    def output_bytes(self) -> int:
        """Bytes of activations written, fp32."""
        return self.c_out * self.h_out * self.w_out * FLOAT_BYTES

    @property
    def weight_bytes(self) -> int:
        """Bytes of parameters read, fp32."""
        return self.params * FLOAT_BYTES


@dataclass(frozen=True, slots=True)
class Workload:
    """What a whole network asks of a device for one input.

    Parameters
    ----------
    flops : int
        Floating-point operations, two a multiply-accumulate; NAS-Bench-201 publishes half of it.
    params : int
        Trainable parameters.
    activation_bytes : int
        Bytes of all layers' outputs together, fp32.
    """

    flops: int
    params: int
    activation_bytes: int


def workload(layers: Iterable[Layer]) -> Workload:
    """Sum what `layers` compute, hold and write.

    Parameters
    ----------
    layers : iterable of Layer
        All layers of a network, as ``SearchSpace.layers`` gives them.

    Returns
    -------
    Workload
        FLOPs, parameters and activation bytes of the network.
    """
    listed = list(layers)
    return Workload(
        flops=sum(layer.flops for layer in listed),
        params=sum(layer.params for layer in listed),
        activation_bytes=sum(layer.output_bytes for layer in listed),
    )
