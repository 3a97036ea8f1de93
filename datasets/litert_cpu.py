"""LiteRT, the TensorFlow Lite runtime, on the CPU."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from time import perf_counter_ns

import numpy as np

from archcost.datasets.errors import MissingDataError
from archcost.datasets.runtime import Inference, Runtime
from archcost.datasets.space import Ops, SearchSpace
from archcost.datasets.tflite_graphs import tflite_model


class LitertCpu(Runtime):
    """LiteRT with its default delegate for CPUs, XNNPACK.

    References
    ----------
    Google, https://ai.google.dev/edge/litert.
    """

    name = "litert"
    precision = "fp32"

    def version(self) -> str:
        """Return the version of LiteRT."""
        try:
            return version("ai-edge-litert")
        except PackageNotFoundError:
            raise MissingDataError(
                f"measuring with {self.name} needs the package 'ai-edge-litert', which is not "
                "installed; run: pip install 'archcost[litert]'"
            ) from None

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Write the model with seeded weights and set its input once."""
        from ai_edge_litert.interpreter import Interpreter

        model = tflite_model(space, ops, dataset)
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        network_input = interpreter.get_input_details()[0]
        image = np.random.default_rng(0).standard_normal(network_input["shape"])
        interpreter.set_tensor(network_input["index"], image.astype(np.float32))

        def infer_ms() -> float:
            start = perf_counter_ns()
            interpreter.invoke()
            return (perf_counter_ns() - start) / 1e6

        return infer_ms
