"""Networks as TensorFlow Lite models, written without a converter."""

from __future__ import annotations

from archcost.errors import ArchcostError, check_name
from archcost.networks.graph import Graph, Shape
from archcost.networks.network_weights import Array, NetworkWeights, StateDict
from archcost.networks.rewrites import deployed, fuse_activations, merge_equal
from archcost.networks.tflite_builder import TfliteBuilder
from archcost.networks.tflite_file import TfliteGraph, serialise
from archcost.networks.tflite_layouts import Stored, as_given, channels_last, in_file, in_order
from archcost.networks.tflite_op import Op
from archcost.networks.tflite_ops import write
from archcost.networks.tflite_quantised import assumed_ranges, observed_ranges, quantise

PRECISIONS = ("fp32", "int8")


def tflite_model(
    graph: Graph,
    *,
    weights: StateDict | None = None,
    seed: int = 0,
    precision: str = "fp32",
    calibration: Array | None = None,
) -> bytes:
    """Write a network as a TensorFlow Lite model.

    Parameters
    ----------
    graph : Graph
        The network, such as ``space.graph(arch, dataset)``.
    weights : mapping from str to array, optional
        The state dict of its torch module as numpy arrays; None for seeded random weights, which
        is what measuring a latency needs.
    seed : int, default=0
        Fixes the random weights.
    precision : {"fp32", "int8"}, default="fp32"
        Of weights, activations, input and output.
    calibration : numpy.ndarray of float32, shape (n_images, channels, height, width), optional
        For int8: images that tell the range of each activation. For None all ranges are assumed,
        which does for measuring a latency but leaves the results meaningless.

    Returns
    -------
    bytes
        The content of a ``.tflite`` file whose input ``input`` has the shape
        ``(batch, height, width, channels)``.

    Raises
    ------
    ArchcostError
        If TensorFlow Lite cannot hold an op, or there is not one input and one result.
    UnknownNameError
        If the precision does not exist.
    MissingDataError
        If the extra ``litert`` is not installed.

    Examples
    --------
    >>> from archcost.spaces import get_space
    >>> cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    >>> tflite_model(get_space("nasbench201").graph(cell))[4:8]
    b'TFL3'
    """
    check_name("precision", precision, PRECISIONS)
    written = tflite_graph(graph, NetworkWeights(weights, seed, channels_last=True))
    if precision == "int8":
        seen = (
            assumed_ranges(written)
            if calibration is None
            else observed_ranges(written, calibration)
        )
        written = quantise(written, seen)
    return serialise(written)


def tflite_graph(graph: Graph, weights: NetworkWeights) -> TfliteGraph:
    """Return the operators of a network in fp32, as the converter leaves them.

    Parameters
    ----------
    graph : Graph
        The network.
    weights : NetworkWeights
        Its weights, channels last.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ArchcostError(
            f"a network must have one input and one result to be written to a TFLite file, but "
            f"has {len(graph.inputs)} and {len(graph.outputs)}"
        )
    graph = fuse_activations(merge_equal(deployed(graph)))
    builder, users = TfliteBuilder(), graph.users()
    stored: list[Stored] = []
    for place, node in enumerate(graph.nodes):
        if node.op == "input":
            order = _interface(node.shape)
            stored.append(Stored(builder.input(in_file(node.shape, order)), order))
            continue
        op = Op(
            node,
            [graph.nodes[source] for source in node.inputs],
            [stored[source] for source in node.inputs],
            weights,
            flattened=place not in graph.outputs
            and all(
                graph.nodes[user].op == "reshape" and len(graph.nodes[user].shape) == 2
                for user in users[place]
            ),
        )
        stored.append(write(builder, op))
    (result,) = graph.outputs
    return builder.graph(in_order(builder, stored[result], _interface(graph.nodes[result].shape)))


def _interface(shape: Shape) -> Shape:
    """Return the order of the axes that the network's input and result have in the file."""
    return channels_last(len(shape)) if len(shape) == 4 else as_given(len(shape))
