"""Read any network, whatever it is given as."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archcost.errors import ArchcostError, check_number, shown
from archcost.networks import Graph

MOST = 1 << 20
"""Largest size of an axis and batch: beyond any network, and far from where counts overflow."""

LIBRARIES = ("timm", "torchvision")
"""Libraries whose models have references."""

OTHER_FILES = (".tflite", ".pt", ".pth", ".pt2", ".pb", ".h5", ".keras", ".safetensors", ".mlmodel")
"""Endings of network files that are not read."""

FORMS = (
    "a path to an .onnx file, 'timm:<model>' or 'torchvision:<model>' with '@<side>' if its image "
    "is to be of another side, a name of archcost.zoo, a torch module with an example of its "
    "input, an exported program, or a graph"
)


def read_network(
    network: Any, *, example: Any = None, shape: Sequence[int] | None = None,
    batch_size: int | None = None,
) -> Graph:  # fmt: skip
    """Return the graph of a network, whatever it is given as.

    Parameters
    ----------
    network : Graph, torch.nn.Module, torch.export.ExportedProgram, Path or str
        A graph is returned as it is. A text is a path to an ``.onnx`` file, ``timm:<model>`` or
        ``torchvision:<model>`` where that library is installed, or a name of ``archcost.zoo``
        such as ``resnet50``; all but the file may end in ``@<side>``, the side of the image in
        pixels. Models of libraries are built without weights.
    example : Tensor, tuple or dict, optional
        What a module is called with: a tensor, several arguments, or arguments by name.
    shape : sequence of int, optional
        Shape of a module's or file's only input without the batch, such as ``(3, 224, 224)``.
    batch_size : int, optional
        Images at a time; that of the example or of the file by default, and 1 where it is open.

    Returns
    -------
    Graph
        Without weights. What does not depend on the input is no op of it, for a runtime computes
        that once.

    Raises
    ------
    ArchcostError
        If it is none of these, a file is corrupt, an axis other than the batch's has no size, or
        a module fails on its example.
    MissingDataError
        If a file does not exist, or a library is not installed.

    Examples
    --------
    >>> read_network("resnet18@160", batch_size=4)
    <Graph of 70 nodes: 4x3x160x160 -> 4x1000>
    """
    _check_options(network, example, shape, batch_size)
    if isinstance(network, Graph):
        if batch_size is not None and any(s[0] != batch_size for s in network.input_shapes if s):
            raise ArchcostError(
                f"a graph has the batch size in its shapes, {network.input_shapes}, and cannot be "
                f"read at {batch_size}; give what it was read from"
            )
        return network
    if isinstance(network, str | Path):
        return _referred_to(str(network), shape, batch_size)
    kind = type(network)
    if not any(base.__module__.split(".")[0] == "torch" for base in kind.__mro__):
        raise ArchcostError(f"a network must be {FORMS}, but got {shown(network)}")
    from archcost.reading.module_reading import read_module

    return read_module(network, example, shape=shape, batch_size=batch_size)


def is_reference(text: str) -> bool:
    """Return whether a text has the form of a reference to a network.

    Examples
    --------
    >>> [is_reference(text) for text in ("timm:resnet18", "net.onnx", "resnet18", "|nor_conv~0|")]
    [True, True, True, False]
    """
    if text.partition(":")[0] in LIBRARIES or text.lower().endswith((".onnx", *OTHER_FILES)):
        return True
    from archcost.zoo import is_zoo_name  # start-up does without the zoo

    return is_zoo_name(text)


def _check_options(
    network: object, example: object, shape: Sequence[int] | None, batch_size: int | None
) -> None:
    """Check options on their own, and refuse those that would say nothing about a network."""
    if batch_size is not None:
        check_number("batch_size", batch_size, 1, MOST, whole=True)
    if shape is not None:
        is_shape = isinstance(shape, Sequence) and not isinstance(shape, str | bytes)
        if not is_shape or not shape:
            raise ArchcostError(
                "shape must be sizes without the batch, such as (3, 224, 224), but got "
                f"{shown(shape)}"
            )
        for size in shape:
            check_number("a size of shape", size, 1, MOST, whole=True)
    given = [name for name, value in (("example", example), ("shape", shape)) if value is not None]
    is_file = isinstance(network, Path) or (
        isinstance(network, str) and network.lower().endswith(".onnx")
    )
    if isinstance(network, Graph):
        wrong, remedy = given, "has its shapes; give it alone"
    elif is_file:
        wrong = ["example"] if example is not None else []
        remedy = "is read with a shape at most"
    elif isinstance(network, str):
        wrong, remedy = given, "says the side of its image itself, as in 'resnet18@160'"
    else:
        wrong, remedy = given[1:], "is read with one of example and shape"
    if wrong:
        raise ArchcostError(
            f"{wrong[0]} must not be given where it is not used, but {shown(network)} {remedy}"
        )


def _referred_to(text: str, shape: Sequence[int] | None, batch_size: int | None) -> Graph:
    if text.partition(":")[0] in LIBRARIES:
        from archcost.reading.model_libraries import read_library_model

        return read_library_model(text, batch_size=1 if batch_size is None else batch_size)
    from archcost.zoo import NETWORKS, is_zoo_name, zoo_network

    if is_zoo_name(text):
        return zoo_network(text, batch_size=1 if batch_size is None else batch_size)
    if text.lower().endswith(".onnx"):
        from archcost.reading.onnx_reading import read_onnx

        return read_onnx(Path(text), shape=shape, batch_size=batch_size)
    if text.lower().endswith(OTHER_FILES):
        raise ArchcostError(
            f"a network's file must be an .onnx file, but got {shown(text)}; export the network "
            "with torch.onnx.export or the like, or give the torch module itself from Python"
        )
    near = difflib.get_close_matches(text.partition("@")[0], NETWORKS, n=1)
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else f"the zoo has {', '.join(list(NETWORKS)[:5])}, ..."
    )
    raise ArchcostError(f"a network must be {FORMS}, but got {shown(text)}; {hint}")
