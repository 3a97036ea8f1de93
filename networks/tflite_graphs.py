"""The networks of the search spaces as TensorFlow Lite models, written without a converter."""

from __future__ import annotations

from archcost.errors import check_name
from archcost.networks.network_graphs import write_network
from archcost.networks.network_weights import Array, NetworkWeights, StateDict
from archcost.networks.tflite_builder import TfliteBuilder
from archcost.networks.tflite_file import serialise
from archcost.networks.tflite_quantised import assumed_ranges, observed_ranges, quantise
from archcost.spaces.space import SearchSpace

PRECISIONS = ("fp32", "int8")


def tflite_model(
    space: SearchSpace,
    arch: object,
    dataset: str | None = None,
    *,
    weights: StateDict | None = None,
    seed: int = 0,
    precision: str = "fp32",
    calibration: Array | None = None,
) -> bytes:
    """Write the network of an architecture as a TensorFlow Lite model, batch size 1.

    Parameters
    ----------
    space : SearchSpace
        The space of the architecture.
    arch : array of int, str, list or int
        An architecture in any form that the space accepts.
    dataset : str, optional
        Fixes input size and classes; the space's default for None.
    weights : mapping from str to array, optional
        The state dict of ``space.network(arch, dataset)`` as numpy arrays; None for seeded random
        weights, which is what measuring a latency needs.
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
        ``(1, height, width, channels)``.

    Raises
    ------
    ArchitectureError
        If the architecture is malformed.
    UnknownNameError
        If the dataset or the precision does not exist or no graph is written for the space.
    MissingDataError
        If the extra ``litert`` is not installed.

    Examples
    --------
    >>> from archcost.datasets import get_space
    >>> cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    >>> tflite_model(get_space("nasbench201"), cell)[4:8]
    b'TFL3'
    """
    check_name("precision", precision, PRECISIONS)
    ops = space.parse(arch)
    dataset = space.check_dataset(dataset)
    weights_of = NetworkWeights(weights, seed, channels_last=True)
    builder = TfliteBuilder(space.input_shape(dataset), weights_of)
    write_network(builder, space, ops, dataset)
    graph = builder.graph()
    if precision == "int8":
        seen = assumed_ranges(graph) if calibration is None else observed_ranges(graph, calibration)
        graph = quantise(graph, seen)
    return serialise(graph)
