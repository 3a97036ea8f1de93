"""The runtimes that ``archcost measure`` knows."""

from archcost.datasets.onnxruntime_cpu import OnnxRuntimeCpu
from archcost.datasets.openvino_cpu import OpenVinoCpu
from archcost.datasets.runtime import Runtime

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        OnnxRuntimeCpu(),
        OpenVinoCpu(),
    )
}
