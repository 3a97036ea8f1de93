"""ONNX Runtime on the CPU, int8 by static quantisation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from archcost.measuring.onnxruntime_cpu import OnnxRuntimeCpu
from archcost.networks.graph import Graph
from archcost.networks.onnx_graphs import onnx_model

if TYPE_CHECKING:
    import onnx

QUANTISED_OPS = (
    "Add",
    "AveragePool",
    "Conv",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "Relu",
    "Reshape",
    "Transpose",
)
"""All that the graphs hold but the lone batch normalisation, for which there is no int8 kernel."""

N_IMAGES = 4

Array = npt.NDArray[np.float32]


class OnnxRuntimeInt8(OnnxRuntimeCpu):
    """ONNX Runtime with int8 weights and activations, sessions as in fp32.

    Quantising takes most of the time of loading a network: 0.3 to 1 s.
    """

    name = "onnxruntime_int8"
    precision = "int8"

    def serialised(self, graph: Graph) -> bytes:
        """Write the ONNX graph with seeded weights and quantise it over seeded images."""
        shape = (N_IMAGES, *graph.input_shapes[0])
        images = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        return quantise(onnx_model(graph), images)


def quantise(model: onnx.ModelProto, images: Iterable[Array]) -> bytes:
    """Quantise a network statically, with the settings that ONNX Runtime recommends for x86.

    The network is optimised first, then weights become int8 with one scale a channel and
    activations uint8 with one scale a tensor; with int8 activations many kernels would stay fp32.

    Parameters
    ----------
    model : onnx.ModelProto
        An fp32 network from ``onnx_model``.
    images : iterable of numpy.ndarray of float32, shape (1, channels, height, width)
        Fix the ranges of the activations.

    Returns
    -------
    bytes
        The ONNX model with pairs of ``QuantizeLinear`` and ``DequantizeLinear``. A network whose
        output does not depend on its input is left a constant.

    References
    ----------
    Quantize ONNX models, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory(prefix="archcost_") as folder:
        fp32, optimised, int8 = (Path(folder, name) for name in ("fp32", "optimised", "int8"))
        onnx.save(model, fp32)  # a file, since quantising would empty a model in memory
        quant_pre_process(fp32, optimised, skip_symbolic_shape=True)
        if not onnx.load(optimised).graph.node:
            return optimised.read_bytes()
        quantize_static(
            optimised,
            int8,
            _Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED_OPS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # 7-bit weights: without VNNI, sums of products of 8-bit pairs saturate at 16 bits.
            reduce_range=True,
        )
        return int8.read_bytes()


class _Images:
    """Hand images out one by one, as calibration asks for them."""

    def __init__(self, images: Iterable[Array]) -> None:
        self._left = iter(images)

    def get_next(self) -> dict[str, Array] | None:
        """Return the next image by the name of the network's input; None at the end."""
        image = next(self._left, None)
        return None if image is None else {"input": image}
