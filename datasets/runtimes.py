"""The runtimes that ``archcost measure`` knows."""

from archcost.datasets.litert_cpu import LitertCpu
from archcost.datasets.onnxruntime_cpu import OnnxRuntimeCpu
from archcost.datasets.onnxruntime_int8 import OnnxRuntimeInt8
from archcost.datasets.openvino_cpu import OpenVinoCpu
from archcost.datasets.runtime import Runtime
from archcost.datasets.torch_eager import TorchEager

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        OnnxRuntimeCpu(),
        OnnxRuntimeInt8(),
        LitertCpu(),
        LitertCpu("int8"),
        OpenVinoCpu(),
        TorchEager(),
        TorchEager("cuda"),
        TorchEager("cuda", batch_size=64),
    )
}
