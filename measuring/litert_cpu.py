"""LiteRT, the TensorFlow Lite runtime, on the CPU, in fp32 or int8."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

from archcost.extras import installed_version
from archcost.measuring.runtime import Inference, Runtime
from archcost.networks.tflite_graphs import tflite_model
from archcost.networks.tflite_quantised import INT8
from archcost.spaces.space import Ops, SearchSpace


class LitertCpu(Runtime):
    """LiteRT with its default delegate for CPUs, XNNPACK.

    In fp32 the delegate takes all operators; in int8 it leaves average pooling, and ReLUs that
    could not be fused, to LiteRT's own kernels.

    Parameters
    ----------
    precision : {"fp32", "int8"}, default="fp32"
        Of weights, activations, input and output.

    References
    ----------
    Google, https://ai.google.dev/edge/litert.
    """

    in_process = True

    def __init__(self, precision: str = "fp32") -> None:
        self.precision = precision
        self.name = "litert" if precision == "fp32" else f"litert_{precision}"

    def version(self) -> str:
        """Return the version of LiteRT."""
        return installed_version(f"measuring with {self.name}", "litert", "ai-edge-litert")

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Write the model with seeded weights and set its input once."""
        from ai_edge_litert.interpreter import Interpreter

        model = tflite_model(space.graph(ops, dataset), precision=self.precision)
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        network_input = interpreter.get_input_details()[0]
        image = np.random.default_rng(0).standard_normal(network_input["shape"])
        if self.precision == "int8":
            scale, zero_point = network_input["quantization"]
            image = np.rint(image / scale + zero_point).clip(INT8.min, INT8.max)
        interpreter.set_tensor(network_input["index"], image.astype(network_input["dtype"]))

        def infer_ms() -> float:
            start = perf_counter_ns()
            interpreter.invoke()
            return (perf_counter_ns() - start) / 1e6

        return infer_ms
