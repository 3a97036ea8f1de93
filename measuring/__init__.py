"""From networks to measured cost tables: runtimes, rounds, journal, energy counters, shards."""

from archcost import plugins
from archcost.measuring.command_runtime import CommandRuntime
from archcost.measuring.litert_cpu import LitertCpu
from archcost.measuring.onnxruntime_cpu import OnnxRuntimeCpu
from archcost.measuring.onnxruntime_int8 import OnnxRuntimeInt8
from archcost.measuring.openvino_cpu import OpenVinoCpu
from archcost.measuring.runtime import Inference, Runtime
from archcost.measuring.torch_eager import TorchEager

__all__ = ["RUNTIMES", "CommandRuntime", "Inference", "Runtime", "get_runtime", "register"]

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
"""The runtimes that ``archcost measure`` knows; a new one is one file and one entry here."""


def get_runtime(runtime: str | Runtime | type[Runtime]) -> Runtime:
    """Return the runtime of a name; a runtime is returned as it is.

    Parameters
    ----------
    runtime : str, Runtime or class
        A name; a reference like ``"my_runtime.py:MyRuntime"``; the name of an entry point of the
        group ``archcost.runtimes``; or a runtime itself.

    Raises
    ------
    UnknownNameError
        If there is no runtime of that name.
    ArchcostError
        If a file has no such runtime, or the runtime does not say what it is.
    """
    found = plugins.find("runtime", runtime, RUNTIMES, "archcost.runtimes", Runtime)
    plugins.check_attributes("runtime", found, ("name", "precision"))
    return found


def register(runtime: Runtime | type[Runtime]) -> Runtime:
    """Make a runtime known by its name in this process.

    Raises
    ------
    ArchcostError
        If it is no runtime, or another one has the same name.
    """
    return plugins.register("runtime", runtime, RUNTIMES, Runtime)
