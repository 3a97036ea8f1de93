"""The networks of the search spaces as ONNX models, written directly in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcost.networks.network_graphs import write_network
from archcost.networks.network_weights import NetworkWeights, StateDict
from archcost.networks.onnx_builder import GraphBuilder
from archcost.spaces.space import SearchSpace

if TYPE_CHECKING:
    import onnx


def onnx_model(
    space: SearchSpace,
    arch: object,
    dataset: str | None = None,
    *,
    weights: StateDict | None = None,
    seed: int = 0,
) -> onnx.ModelProto:
    """Write the network of an architecture as an ONNX model, batch size 1, fp32.

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

    Returns
    -------
    onnx.ModelProto
        A model with the input ``input`` of shape ``(1, channels, height, width)``.

    Raises
    ------
    ArchitectureError
        If the architecture is malformed.
    UnknownNameError
        If the dataset does not exist or no graph is written for the space.

    Examples
    --------
    >>> from archcost.datasets import get_space
    >>> cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    >>> model = onnx_model(get_space("nasbench201"), cell)
    >>> sum(node.op_type == "Conv" for node in model.graph.node)
    22
    """
    ops = space.parse(arch)
    dataset = space.check_dataset(dataset)
    graph = GraphBuilder(space.input_shape(dataset), NetworkWeights(weights, seed))
    write_network(graph, space, ops, dataset)
    return graph.model()
