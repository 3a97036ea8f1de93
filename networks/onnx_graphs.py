"""Networks as ONNX models, written directly in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcost.errors import ArchcostError
from archcost.networks.graph import Graph
from archcost.networks.network_weights import NetworkWeights, StateDict
from archcost.networks.onnx_builder import OnnxBuilder, Op
from archcost.networks.onnx_ops import WRITERS
from archcost.networks.rewrites import deployed

if TYPE_CHECKING:
    import onnx


def onnx_model(graph: Graph, *, weights: StateDict | None = None, seed: int = 0) -> onnx.ModelProto:
    """Write a network as an ONNX model, the way an exporter leaves a trained one.

    Parameters
    ----------
    graph : Graph
        The network, such as ``space.graph(arch, dataset)``.
    weights : mapping from str to array, optional
        The state dict of its torch module as numpy arrays; None for seeded random weights, which
        is what measuring a latency needs.
    seed : int, default=0
        Fixes the random weights.

    Returns
    -------
    onnx.ModelProto
        A model with the input ``input`` (and ``input_1`` and so on) of the graph's shape.

    Raises
    ------
    ArchcostError
        If it has an op that is not in the vocabulary.

    Examples
    --------
    >>> from archcost.spaces import get_space
    >>> cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
    >>> model = onnx_model(get_space("nasbench201").graph(cell))
    >>> sum(node.op_type == "Conv" for node in model.graph.node)
    22
    """
    graph = deployed(graph)
    builder, look_up = OnnxBuilder(), NetworkWeights(weights, seed)
    names: list[str] = []
    inputs: dict[str, tuple[str, tuple[int, ...]]] = {}
    for node in graph.nodes:
        if node.op == "input":
            name = f"input_{len(inputs)}" if inputs else "input"
            inputs[name] = node.precision, node.shape
            names.append(name)
            continue
        if node.op not in WRITERS:
            raise ArchcostError(
                f"an op must be one of {sorted(WRITERS)} to be written to an ONNX file, but got "
                f"{node.attributes.get('kind', node.op)!r}"
            )
        sources = [graph.nodes[place] for place in node.inputs]
        read = [names[place] for place in node.inputs]
        names.append(WRITERS[node.op](builder, Op(node, sources, read, look_up)))
    for place in graph.outputs:  # a result must be a node's
        if graph.nodes[place].op in ("input", "constant", "zero"):
            names[place] = builder.node("Identity", names[place])
    outputs = {
        names[place]: (graph.nodes[place].precision, graph.nodes[place].shape)
        for place in graph.outputs
    }
    return builder.model(inputs, outputs)
