"""Walk the nodes of an ONNX model: compute what is constant, read what is not."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from archcost.errors import ArchcostError, shown
from archcost.networks.graph import MOST_ELEMENTS, is_shape
from archcost.reading.onnx_moves import READERS
from archcost.reading.onnx_ops import OnnxNode
from archcost.reading.onnx_tensors import FEW_ELEMENTS, OnnxTensors

CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})

SHAPED_BY_CONTENTS = frozenset({
    "Reshape", "Expand", "Tile", "Slice", "Resize", "Upsample", "Pad", "ConstantOfShape", "Range",
    "Squeeze", "Unsqueeze", "ReduceMean", "ReduceSum", "Split", "TopK", "OneHot",
})  # fmt: skip
"""Ops whose result's shape is in the contents of an input."""


GROWING = (
    "Tile", "Expand", "ConstantOfShape", "Range", "OneHot", "Pad", "Resize", "Upsample", "EyeLike",
    "Random",
)  # fmt: skip
"""What the names of ops begin with whose result's size is in the contents of an input."""

MOST_COMPUTED = 1 << 24
"""Numbers of a result that is computed at most; of larger ones only the shape is known."""


def read_nodes(tensors: OnnxTensors, graph: onnx.GraphProto) -> None:
    """Read the nodes of a model's graph in order.

    Parameters
    ----------
    tensors : OnnxTensors
        Inputs and initializers; gets the rest.
    graph : onnx.GraphProto
        The graph of a model, or of a branch that is taken.

    Raises
    ------
    ArchcostError
        If the shape of a result is not known, or control flow depends on the network's input.
    """
    for node in graph.node:
        twice = [name for name in node.output if name and name in tensors.types]
        if twice:
            raise ArchcostError(
                f"a tensor must be given once, but {_called(node)} of {tensors.source} gives "
                f"{twice[0]!r} again; export the file anew"
            )
        names = [name for name in node.input if name]
        missing = [name for name in names if name not in tensors.types]
        if missing:
            raise ArchcostError(
                f"a node must read what is given before it, but {_called(node)} of "
                f"{tensors.source} reads {missing[0]!r}, which is not; export the file anew"
            )
        if node.op_type in CONTROL_FLOW and not node.domain:
            _read_branch(tensors, node)
        elif node.op_type == "Constant":
            _read_constant(tensors, node)
        elif node.op_type in ("Shape", "Size"):
            _read_shape(tensors, node)
        elif all(name in tensors.constants for name in names):
            _compute(tensors, node)
        else:
            _read(tensors, node)


def _called(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name!r}" if node.name else node.op_type


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {
        a.name: text.decode()
        if isinstance(text := onnx.helper.get_attribute_value(a), bytes)
        else text
        for a in node.attribute
    }


def _read_branch(tensors: OnnxTensors, node: onnx.NodeProto) -> None:
    """Read the branch of an ``If`` that is always taken; anything else is refused."""
    condition = tensors.constant(node.input[0]) if node.op_type == "If" else None
    if condition is None:
        raise ArchcostError(
            "what a network executes must not depend on its input, but "
            f"{_called(node)} of {tensors.source} does; export the network without control flow"
        )
    branch = _attributes(node)["then_branch" if condition.reshape(-1)[0] else "else_branch"]
    tensors.add_initializers(branch)
    read_nodes(tensors, branch)
    for inner, name in zip(branch.output, node.output, strict=True):
        tensors.alias(name, inner.name)


def _read_constant(tensors: OnnxTensors, node: onnx.NodeProto) -> None:
    ((kind, value),) = _attributes(node).items()
    if kind == "value":
        tensors.add_constant(node.output[0], value)
        return
    numbers = np.array(value, dtype=np.float32 if "float" in kind else np.int64)
    tensors.add_constant(node.output[0], numpy_helper.from_array(numbers))


def _read_shape(tensors: OnnxTensors, node: onnx.NodeProto) -> None:
    shape, attributes = tensors.shape(node.input[0]), _attributes(node)
    if node.op_type == "Size":
        value = np.array(int(np.prod(shape)), dtype=np.int64)
    else:
        value = np.array(
            shape[slice(attributes.get("start", 0), attributes.get("end"))], dtype=np.int64
        )
    tensors.set_constant(node.output[0], onnx.TensorProto.INT64, value.shape, value)


def _inferred(tensors: OnnxTensors, node: onnx.NodeProto) -> dict[str, Any]:
    try:
        found = tensors.infer(node)
    except Exception as error:  # whatever is wrong with the node
        shapes = [tensors.shape(name) for name in node.input if name]
        raise ArchcostError(
            f"shapes must fit, but those that {_called(node)} of {tensors.source} reads, {shapes}, "
            f"do not: {shown(str(error))[:200]}; check shape and batch size against those that "
            "the file was exported for"
        ) from error
    unknown = [name for name in node.output if name and name not in found]
    if unknown and set(unknown) != set(filter(None, node.output[1:])):
        if node.domain not in ("", "ai.onnx") or node.op_type not in SHAPED_BY_CONTENTS:
            rule = f"it belongs to the domain {node.domain!r}, whose ops have no known shapes"
            if node.domain in ("", "ai.onnx"):
                rule = "it depends on the values of the network's input"
        else:
            rule = "it depends on the contents of a tensor that are not in the file"
        raise ArchcostError(
            f"the shape of every tensor must be known, but that of {unknown[0]!r}, the result of "
            f"{_called(node)} of {tensors.source}, is not: {rule}; run "
            "onnx.shape_inference.infer_shapes on the file, or export it with fixed shapes"
        )
    for name, (_, shape) in found.items():
        if not is_shape(shape):
            raise ArchcostError(
                f"a tensor must have sizes from 0 and at most {MOST_ELEMENTS:,} numbers, but "
                f"{name!r}, the result of {_called(node)} of {tensors.source}, has the shape "
                f"{shape}; export the file anew"
            )
    return found


def _compute(tensors: OnnxTensors, node: onnx.NodeProto) -> None:
    """Compute the results of a node that reads constants alone, or only their shapes."""
    names = [name for name in node.input if name]
    values = [tensors.constant(name) for name in names]
    results: list[Any] = []
    if (
        all(value is not None for value in values)
        and not node.domain
        and not _is_too_large(tensors, node)
    ):
        from onnx.reference import ReferenceEvaluator

        try:
            version = tensors.opsets.get("", onnx.defs.onnx_opset_version())
            evaluator = ReferenceEvaluator(node, opsets={"": version})
            results = list(evaluator.run(None, dict(zip(names, values, strict=True))))
        except (NotImplementedError, TypeError, RuntimeError):
            results = []  # no such op or type there: the shape is enough, as the next lines see
        except Exception as error:  # whatever is wrong with the values
            raise ArchcostError(
                f"what a node reads must fit, but {_called(node)} of {tensors.source}, which reads "
                f"constants of the file, fails: {shown(str(error))[:200]}; export the file anew"
            ) from error
    if results:
        for name, value in zip(node.output, results, strict=False):
            array = np.asarray(value)
            elem_type = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
            known = array if array.size <= FEW_ELEMENTS else None
            tensors.set_constant(name, elem_type, array.shape, known, names)
        return
    for name, (elem_type, shape) in _inferred(tensors, node).items():
        tensors.set_constant(name, elem_type, shape, None, names)


def _is_too_large(tensors: OnnxTensors, node: onnx.NodeProto) -> bool:
    """Return whether the results would be too large to compute, as far as shapes can tell."""
    sizes = [max(prod(tensors.shape(name)), 1) for name in node.input if name]
    if prod(sizes) <= MOST_COMPUTED and not node.op_type.startswith(GROWING):
        return False
    return any(prod(shape) > MOST_COMPUTED for _, shape in _inferred(tensors, node).values())


def _read(tensors: OnnxTensors, node: onnx.NodeProto) -> None:
    found = _inferred(tensors, node)
    tensors.types.update(found)
    reader = None if node.domain not in ("", "ai.onnx") else READERS.get(node.op_type)
    read = OnnxNode(node, tensors, _attributes(node))
    if reader is not None:
        reader(read)
    else:
        read.other()
    for name in node.output:
        if name in found and not tensors.is_known(name) and name not in tensors.constants:
            tensors.apply(f"{node.op_type}_part", [node.output[0]], name)
