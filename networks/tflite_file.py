"""The content of a ``.tflite`` file as plain Python objects, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import MissingDataError

SCHEMA_VERSION, FILE_IDENTIFIER = 3, b"TFL3"

ALIGNMENT = 16
"""Of constants in the file, which kernels read in place."""

OPTIONS = {
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "ELU": None,
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GELU": "GeluOptions",
    "HARD_SWISH": "HardSwishOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "LOGISTIC": None,
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "PRELU": None,
    "QUANTIZE": "QuantizeOptions",
    "RELU": None,
    "RELU6": None,
    "RESHAPE": "ReshapeOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "RSQRT": None,
    "SLICE": "SliceOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "SUB": "SubOptions",
    "TANH": None,
    "TRANSPOSE": "TransposeOptions",
}
"""The operators in use and the tables of the schema that hold their options."""

OPERATOR_VERSIONS = {
    "float32": {"CONV_2D": 6},
    "int8": {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 3, "ELU": 1, "HARD_SWISH": 1, "RESHAPE": 1},
}
"""The first with grouped convolution and a scale a channel; 1 (fp32) or 2 (int8) for the others."""

ENUMS = {"padding": "Padding", "fusedActivationFunction": "ActivationFunctionType"}
"""Options that the schema stores as a number."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """How integers stand for numbers: ``value = scale * (integer - zero_point)``.

    Parameters
    ----------
    scale : numpy.ndarray of float32, shape (1,) or (n_channels,)
        One for the tensor, or one a channel.
    zero_point : int, default=0
        The integer that stands for 0.
    axis : int, default=0
        The axis of the channels.
    """

    scale: npt.NDArray[np.float32]
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A constant, or for `data` of None, something that is computed.

    Parameters
    ----------
    shape : tuple of int
        With the batch; images are (1, height, width, channels).
    data : numpy.ndarray, optional
        The constant.
    quantization : Quantization, optional
        None for fp32 and for shapes and axes.
    """

    shape: tuple[int, ...]
    data: npt.NDArray[Any] | None = None
    quantization: Quantization | None = None

    @property
    def dtype(self) -> str:
        """The type of the elements by numpy's name; int8 for what is computed in int8."""
        if self.data is not None:
            return str(self.data.dtype)
        return "float32" if self.quantization is None else "int8"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator with one output; tensors go by name.

    Parameters
    ----------
    code : str
        A key of ``OPTIONS``.
    inputs : tuple of str
        Activations first, as the operator's definition orders them.
    output : str
        Its result.
    options : dict
        By the schema's names; enumerated values by their names.
    """

    code: str
    inputs: tuple[str, ...]
    output: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TfliteGraph:
    """A network in the order of execution, with one input and one output."""

    tensors: dict[str, Tensor]
    operators: list[Operator]
    input: str
    output: str


def serialise(graph: TfliteGraph) -> bytes:
    """Return the content of the graph's ``.tflite`` file.

    Raises
    ------
    MissingDataError
        If the package that brings the schema is not installed.
    """
    schema = _schema()
    import flatbuffers  # type: ignore[import-untyped]

    places = {name: place for place, name in enumerate(graph.tensors)}
    constants = [t.data for t in graph.tensors.values() if t.data is not None]
    buffers = [schema.BufferT(), *(_aligned_buffer()(np.ascontiguousarray(c)) for c in constants)]
    numbers = iter(range(1, len(buffers)))
    precision = graph.tensors[graph.output].dtype
    codes = sorted({operator.code for operator in graph.operators})
    subgraph = schema.SubGraphT(
        tensors=[
            _tensor(name, tensor, 0 if tensor.data is None else next(numbers))
            for name, tensor in graph.tensors.items()
        ],
        inputs=[places[graph.input]],
        outputs=[places[graph.output]],
        operators=[_operator(op, codes.index(op.code), places) for op in graph.operators],
        name="main",
    )
    model = schema.ModelT(
        version=SCHEMA_VERSION,
        operatorCodes=[_operator_code(code, precision) for code in codes],
        subgraphs=[subgraph],
        description="archcost",
        buffers=buffers,
    )
    size = sum(constant.nbytes for constant in constants)
    builder = flatbuffers.Builder(size + 1024 * (len(graph.tensors) + 1))
    builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def _tensor(name: str, tensor: Tensor, buffer: int) -> Any:
    schema, quantization = _schema(), None
    if tensor.quantization is not None:
        scale = tensor.quantization.scale
        quantization = schema.QuantizationParametersT(
            scale=scale,
            zeroPoint=np.full(len(scale), tensor.quantization.zero_point, dtype=np.int64),
            quantizedDimension=tensor.quantization.axis,
        )
    return schema.TensorT(
        shape=list(tensor.shape),
        type=getattr(schema.TensorType, tensor.dtype.upper()),
        buffer=buffer,
        name=name,
        quantization=quantization,
        hasRank=True,
    )


def _operator(operator: Operator, code: int, places: dict[str, int]) -> Any:
    schema = _schema()
    written = schema.OperatorT(
        opcodeIndex=code,
        inputs=[places[name] for name in operator.inputs],
        outputs=[places[operator.output]],
    )
    table = OPTIONS[operator.code]
    if table is not None:
        values = {
            name: getattr(getattr(schema, ENUMS[name]), value) if name in ENUMS else value
            for name, value in operator.options.items()
        }
        written.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        written.builtinOptions = getattr(schema, f"{table}T")(**values)
    return written


def _operator_code(code: str, precision: str) -> Any:
    schema = _schema()
    number = getattr(schema.BuiltinOperator, code)
    version = OPERATOR_VERSIONS[precision].get(code, 1 if precision == "float32" else 2)
    deprecated = min(number, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=deprecated, builtinCode=number, version=version
    )


@cache
def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        raise MissingDataError(
            "writing .tflite files needs the package 'ai-edge-litert', which is not installed; "
            "run: pip install 'archcost[litert]'"
        ) from None
    return schema_py_generated


@cache
def _aligned_buffer() -> type[Any]:
    schema = _schema()

    class AlignedBuffer(schema.BufferT):  # type: ignore[misc, name-defined]
        """What the generated Python code leaves out: the alignment that the schema demands."""

        def Pack(self, builder: Any) -> Any:  # noqa: N802
            raw = self.data.view(np.uint8).reshape(-1)
            builder.StartVector(1, raw.size, ALIGNMENT)
            end = builder.Head()
            builder.head = end - raw.size
            builder.Bytes[builder.head : end] = raw.tobytes()
            data = builder.EndVector()
            schema.BufferStart(builder)
            schema.BufferAddData(builder, data)
            return schema.BufferEnd(builder)

    return AlignedBuffer
