"""ONNX Runtime on the CPU, fp32."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

from archcost.extras import installed_version
from archcost.measuring.runtime import Inference, Runtime
from archcost.networks.graph import Graph
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces.space import Ops, SearchSpace

QUIET = 3
"""Log errors only: the optimiser warns about each constant network."""


class OnnxRuntimeCpu(Runtime):
    """ONNX Runtime's CPU provider as it deploys: all graph optimisations, sequential execution.

    References
    ----------
    ONNX Runtime developers, https://onnxruntime.ai.
    """

    name = "onnxruntime"
    precision = "fp32"
    in_process = True

    def version(self) -> str:
        """Return the version of ONNX Runtime."""
        return installed_version(f"measuring with {self.name}", "measure", "onnx", "onnxruntime")

    def serialised(self, graph: Graph) -> bytes:
        """Write the ONNX graph of a network with seeded weights."""
        return onnx_model(graph).SerializeToString()

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Write the ONNX graph and open a session on it."""
        import onnxruntime

        graph = space.graph(ops, dataset)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = QUIET
        session = onnxruntime.InferenceSession(
            self.serialised(graph), options, providers=["CPUExecutionProvider"]
        )
        image = np.random.default_rng(0).standard_normal(graph.input_shapes[0])
        # Binding input and output once keeps Python's share of a call below a hundredth of a ms.
        binding = session.io_binding()
        binding.bind_cpu_input("input", image.astype(np.float32))
        binding.bind_output(session.get_outputs()[0].name, "cpu")

        def infer_ms() -> float:
            start = perf_counter_ns()
            session.run_with_iobinding(binding)
            return (perf_counter_ns() - start) / 1e6

        return infer_ms
