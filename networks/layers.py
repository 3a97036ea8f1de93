"""Layers of a network and what they compute, without building it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from archcost.networks.graph import Graph, Node, Shape
from archcost.networks.work import Work, node_params, node_work

ATTACHED = frozenset({
    "input", "constant", "batch_norm", "activation", "reshape", "transpose", "channel_shuffle",
    "split",
})  # fmt: skip
"""Ops that are no layer: a runtime folds or fuses them, or they only rearrange."""

CONVOLUTIONS = frozenset({"conv", "conv_transpose"})

WEIGHTED = CONVOLUTIONS | {"linear"}
"""Ops into which a batch normalisation that follows can be folded."""

CHANNELS_FIRST = CONVOLUTIONS | {"max_pool", "avg_pool", "global_pool", "batch_norm", "group_norm"}
"""Ops whose second axis is that of the channels, however many axes follow."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a network.

    Batch normalisation and activations belong to the layer that they follow or precede: a runtime
    folds or fuses them. What only rearranges a tensor (reshape, transpose, channel shuffle, split)
    is none.

    Parameters
    ----------
    kind : str
        The op, as ``archcost.networks.graph`` lists them; ``"pool"`` for average and max pooling.
        ``zero`` writes zeros (the op ``none`` of NAS-Bench-201, where it is executed).
    position : int or None
        The position of the architecture that it belongs to; None for stem, reductions and head.
    stage : int
        The stage of the macro architecture, from 0 (stem) to the head.
    op : str
        The op or part that the layer implements, such as ``"nor_conv_3x3"`` or ``"stem"``.
    c_in, c_out, h_in, w_in, h_out, w_out : int
        Channels and resolution of input and output; of the larger input where there are several.
        A sequence has its features as channels and its tokens as height.
    kernel, stride, groups : int
        As in ``torch.nn.Conv2d``, kernel and stride along the height; 1 where they mean nothing.
    norm_channels : int
        Channels of the batch normalisation that goes with the layer (2 parameters each), or 0.
    kernel_w, stride_w : int
        Along the width.
    work : Work
        What it computes and moves, the normalisation's parameters included.
    """

    kind: str
    position: int | None
    stage: int
    op: str
    c_in: int
    c_out: int
    h_in: int
    w_in: int
    h_out: int
    w_out: int
    kernel: int
    stride: int
    groups: int
    norm_channels: int
    kernel_w: int
    stride_w: int
    work: Work

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations."""
        return self.work.macs

    @property
    def flops(self) -> int:
        """Floating-point operations, two a multiply-accumulate, as torch counts them."""
        return self.work.flops

    @property
    def params(self) -> int:
        """Trainable parameters, those of the normalisation included."""
        return self.work.params

    @property
    def input_bytes(self) -> int:
        """Bytes of activations read; an `add` reads two tensors."""
        return self.work.input_bytes

    @property
    def output_bytes(self) -> int:
        """Bytes of activations written."""
        return self.work.output_bytes

    @property
    def weight_bytes(self) -> int:
        """Bytes of parameters read."""
        return self.work.weight_bytes


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
        Bytes of all layers' outputs together.
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


def graph_layers(graph: Graph) -> tuple[Layer, ...]:
    """Return the layers of a network in order of execution, nothing pruned.

    Parameters that are no layer's own go to a layer: those of a batch normalisation to the
    convolution or linear layer that it follows, else, like a constant's, to the first layer that
    reads the result.

    Parameters
    ----------
    graph : Graph
        The network.

    Returns
    -------
    tuple of Layer
        Every op that is not in ``ATTACHED``.
    """
    owners = _owners(graph)
    extra: dict[int, tuple[int, Work]] = {}
    for place, owner in owners.items():
        node = graph.nodes[place]
        channels, work = extra.get(owner, (0, Work()))
        own = node_work(node, [graph.nodes[source] for source in node.inputs])
        extra[owner] = (
            channels + (node.shape[1] if node.op == "batch_norm" else 0),
            work + Work(params=own.params, weight_bytes=own.weight_bytes),
        )
    return tuple(
        _layer(node, [graph.nodes[source] for source in node.inputs], *extra.get(place, (0, None)))
        for place, node in enumerate(graph.nodes)
        if node.op not in ATTACHED or place in extra
    )


def _owners(graph: Graph) -> dict[int, int]:
    """Return the layer that each op with parameters belongs to that is none itself."""
    owners: dict[int, int] = {}
    pending: dict[int, tuple[int, ...]] = {}
    for place, node in enumerate(graph.nodes):
        waiting = [op for source in node.inputs for op in pending.get(source, ())]
        if node.op not in ATTACHED:
            for op in waiting:
                owners.setdefault(op, place)
            continue
        if node_params(node, [graph.nodes[source] for source in node.inputs]):
            source = node.inputs[0] if node.inputs else place
            if graph.nodes[source].op in WEIGHTED:
                owners[place] = source
            else:
                waiting.append(place)
        if waiting:
            pending[place] = tuple(waiting)
    unclaimed = {op for ops in pending.values() for op in ops} - set(owners)
    return owners | {op: op for op in unclaimed}


def _layer(node: Node, inputs: list[Node], norm_channels: int, extra: Work | None) -> Layer:
    work = node_work(node, inputs)
    if extra is not None and node.op not in ATTACHED:
        work += extra
    attributes = node.attributes
    source = inputs[0] if inputs else node
    if len(inputs) > 1:
        source = max(inputs, key=lambda x: prod(x.shape))
    c_in, h_in, w_in = _image(source.shape, node.op in CHANNELS_FIRST)
    c_out, h_out, w_out = _image(node.shape, node.op in CHANNELS_FIRST)
    kernel, stride = attributes.get("kernel", (1,)), attributes.get("stride", (1,))
    return Layer(
        "pool" if node.op in ("avg_pool", "max_pool") else node.op,
        node.position, node.stage, node.part, c_in, c_out, h_in, w_in, h_out, w_out,
        kernel[0], stride[0], attributes["groups"] if node.op in CONVOLUTIONS else 1,
        norm_channels, kernel[1] if len(kernel) > 1 else 1, stride[1] if len(stride) > 1 else 1,
        work,
    )  # fmt: skip


def _image(shape: Shape, channels_first: bool) -> tuple[int, int, int]:
    """Return channels, height and width of a shape, and 1 for what it lacks."""
    if len(shape) == 3 and not channels_first:
        return shape[2], shape[1], 1
    if len(shape) < 3:
        return shape[-1] if shape else 1, 1, 1
    return shape[1], shape[2], prod(shape[3:])
