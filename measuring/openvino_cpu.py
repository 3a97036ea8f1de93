"""OpenVINO on the CPU, fp32."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from archcost.errors import ArchcostError
from archcost.extras import installed_version
from archcost.measuring.runtime import Inference, Runtime
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    import onnx
    import openvino

FP32_LATENCY = {
    "INFERENCE_PRECISION_HINT": "f32",  # else bf16 where the CPU has it
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,  # whoever measures may pin the process
    "ENABLE_HYPER_THREADING": True,  # else fewer threads than asked for on some machines
}


class OpenVinoCpu(Runtime):
    """OpenVINO's CPU plugin with its latency hint, one stream and one request.

    References
    ----------
    OpenVINO developers, https://docs.openvino.ai.
    """

    name = "openvino"
    precision = "fp32"
    in_process = True

    def version(self) -> str:
        """Return the version of OpenVINO."""
        return installed_version(f"measuring with {self.name}", "openvino", "onnx", "openvino")

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Write the ONNX graph with seeded weights and compile it."""
        import openvino

        graph = space.graph(ops, dataset)
        compiled = compile_onnx(onnx_model(graph), threads)
        request = compiled.create_infer_request()
        if compiled.inputs:  # a cell without a path is folded to a constant that reads no input
            image = np.random.default_rng(0).standard_normal(graph.input_shapes[0])
            request.set_input_tensor(openvino.Tensor(image.astype(np.float32)))

        def infer_ms() -> float:
            start = perf_counter_ns()
            request.infer()
            return (perf_counter_ns() - start) / 1e6

        return infer_ms


def compile_onnx(model: onnx.ModelProto, threads: int) -> openvino.CompiledModel:
    """Compile an ONNX model for the CPU.

    Parameters
    ----------
    model : onnx.ModelProto
        A model.
    threads : int
        How many threads one inference may use.

    Raises
    ------
    ArchcostError
        If OpenVINO grants fewer threads.
    """
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(model.SerializeToString()),
        "CPU",
        {**FP32_LATENCY, "INFERENCE_NUM_THREADS": threads},
    )
    granted = compiled.get_property("INFERENCE_NUM_THREADS")
    if granted != threads:
        raise ArchcostError(
            f"threads must be at most the {granted} that OpenVINO may use here, but got {threads}"
        )
    return compiled
