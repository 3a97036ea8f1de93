"""Networks as the files that a device's own software reads."""

from __future__ import annotations

from archcost.errors import ArchcostError, check_name
from archcost.extras import installed_version
from archcost.networks.graph import Graph

FORMATS: dict[str, tuple[str, ...]] = {"onnx": ("fp32",), "tflite": ("fp32", "int8")}
"""Each format, which is also the file's suffix, and its precisions."""


def check_format(model_format: str, precision: str) -> None:
    """Check that files of a format can be written here.

    Parameters
    ----------
    model_format : {"onnx", "tflite"}
        The file format.
    precision : {"fp32", "int8"}
        Of weights and activations.

    Raises
    ------
    UnknownNameError
        If there is no such format or precision.
    ArchcostError
        If the format has no files of that precision.
    MissingDataError
        If the package that writes them is not installed.

    Examples
    --------
    >>> check_format("onnx", "int8")
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: onnx files must have one of the precisions ['fp32'], \
but got 'int8'; the formats and their precisions are {'onnx': ('fp32',), 'tflite': ('fp32', 'int8')}
    """
    precisions = FORMATS[check_name("format", model_format, FORMATS)]
    check_name("precision", precision, {name for names in FORMATS.values() for name in names})
    if precision not in precisions:
        raise ArchcostError(
            f"{model_format} files must have one of the precisions {list(precisions)}, but got "
            f"{precision!r}; the formats and their precisions are {FORMATS}"
        )
    extra, package = {"onnx": ("measure", "onnx"), "tflite": ("litert", "ai-edge-litert")}[
        model_format
    ]
    installed_version(f"writing {model_format} files", extra, package)


def model_file(graph: Graph, model_format: str, precision: str) -> bytes:
    """Return the file of a network, with seeded random weights.

    Parameters
    ----------
    graph : Graph
        The network, such as ``space.graph(arch, dataset)``.
    model_format, precision : str
        As ``check_format`` accepts them.

    Returns
    -------
    bytes
        What to write to the file.
    """
    if model_format == "onnx":
        from archcost.networks.onnx_graphs import onnx_model

        return onnx_model(graph).SerializeToString()
    from archcost.networks.tflite_graphs import tflite_model

    return tflite_model(graph, precision=precision)
