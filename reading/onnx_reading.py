"""Read a network's graph from an ONNX file; its weights are not needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.errors import ArchcostError, IntegrityError, MissingDataError
from archcost.extras import installed_version
from archcost.networks import Graph
from archcost.networks.graph import MOST_ELEMENTS, is_shape
from archcost.networks.rewrites import drop_dead

if TYPE_CHECKING:
    import onnx


def read_onnx(
    path: Path | str, *, shape: Sequence[int] | None = None, batch_size: int | None = None
) -> Graph:
    """Return the graph of an ONNX file.

    What does not depend on the inputs is computed before, shapes of reshapes among it. A file does
    not tell which of its tensors were trained: every initializer of floating-point numbers counts
    as parameters unless it is a single number.

    Parameters
    ----------
    path : Path or str
        Weights in files beside it may be missing.
    shape : sequence of int, optional
        Shape of the only input without the batch, for axes that the file leaves open.
    batch_size : int, optional
        By default what the file says, and 1 where it leaves the first axis open.

    Returns
    -------
    Graph
        In the file's order. Sigmoid times its input is ``silu``, and so on: what exporters write
        as several nodes is one op where the vocabulary has it.

    Raises
    ------
    MissingDataError
        If there is no such file, or onnx is not installed.
    IntegrityError
        If the file is no ONNX model.
    ArchcostError
        If an input's axis has no size, shapes do not fit, or control flow depends on the input.
    """
    installed_version("reading ONNX files", "measure", "onnx")
    import onnx
    from google.protobuf.message import DecodeError

    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"there must be an ONNX file at {str(path)!r}, but there is none")
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError, OSError) as error:
        raise IntegrityError(
            f"{str(path)!r} must be an ONNX file, but cannot be read as one; copy or export it anew"
        ) from error
    if not model.graph.node or not model.graph.output:
        raise IntegrityError(
            f"an ONNX file must hold nodes and outputs, but {str(path)!r} has none; copy or export "
            "it anew"
        )
    return graph_of_onnx(model, shape=shape, batch_size=batch_size, source=str(path))


def graph_of_onnx(
    model: onnx.ModelProto, *, shape: Sequence[int] | None = None,
    batch_size: int | None = None, source: str = "the model",
) -> Graph:  # fmt: skip
    """Return the graph of an ONNX model; see ``read_onnx``."""
    from onnx import inliner

    from archcost.reading.onnx_nodes import read_nodes
    from archcost.reading.onnx_tensors import OnnxTensors, dtype_of
    from archcost.reading.patterns import with_whole_ops

    if model.functions:
        model = inliner.inline_local_functions(model)
    tensors = OnnxTensors(model, source)
    initialised = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialised]
    if shape is not None and len(inputs) != 1:
        raise ArchcostError(
            f"a shape can be given to a network of one input, but {source} has {len(inputs)}: "
            f"{[value.name for value in inputs]}; export it with their shapes fixed"
        )
    for value in inputs:
        sizes = _input_shape(value, shape, batch_size, source, alone=len(inputs) == 1)
        tensors.add_input(value.name, sizes, dtype_of(value.type.tensor_type.elem_type))
    if shape is not None or batch_size is not None:
        tensors.told.clear()  # those of other shapes
    read_nodes(tensors, model.graph)
    results = [tensors.values[out.name] for out in model.graph.output if tensors.is_known(out.name)]
    if not results:
        raise ArchcostError(
            f"the results of a network must depend on its input, but {source}'s do not"
        )
    return with_whole_ops(drop_dead(tensors.builder.graph(*results)))


def _input_shape(
    value: Any, shape: Sequence[int] | None, batch_size: int | None, source: str, *, alone: bool
) -> tuple[int, ...]:
    """Return the shape of an input, with the sizes that the file leaves open filled in."""
    dims = value.type.tensor_type.shape.dim
    names = [dim.dim_param or "?" for dim in dims]
    sizes: list[int | None] = [dim.dim_value if dim.dim_value > 0 else None for dim in dims]
    if shape is not None:
        if dims and len(shape) + 1 != len(dims):
            raise ArchcostError(
                f"the shape for {value.name!r} of {source} must have {len(dims) - 1} numbers "
                f"after the batch, but got {tuple(shape)}"
            )
        sizes = [sizes[0] if sizes else 1, *shape]
    if sizes and (batch_size is not None or sizes[0] is None):
        sizes[0] = 1 if batch_size is None else batch_size
    if None in sizes:
        axis = sizes.index(None)
        remedy = (
            "give its shape without the batch, such as --shape 3,224,224 or shape=(3, 224, 224)"
            if alone
            else "export the network, which has several inputs, with their shapes fixed"
        )
        raise ArchcostError(
            f"every axis of an input must have a size, but axis {axis} ({names[axis]!r}) of "
            f"{value.name!r} of {source} has none; {remedy}"
        )
    known = tuple(size for size in sizes if size is not None)
    if not is_shape(known):
        raise ArchcostError(
            f"an input must have at most {MOST_ELEMENTS:,} numbers, but {value.name!r} of {source} "
            f"has the shape {known}; export the file anew"
        )
    return known
