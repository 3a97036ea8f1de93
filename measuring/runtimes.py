"""The runtimes that ``archcost measure`` knows."""

from archcost.measuring.litert_cpu import LitertCpu
from archcost.measuring.onnxruntime_cpu import OnnxRuntimeCpu
from archcost.measuring.onnxruntime_int8 import OnnxRuntimeInt8
from archcost.measuring.openvino_cpu import OpenVinoCpu
from archcost.measuring.runtime import Runtime
from archcost.measuring.torch_eager import TorchEager

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
