"""Latency of networks on Arm's Ethos-U NPUs, as the Vela compiler estimates it."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from typing import Any

from archcost.errors import MissingDataError
from archcost.networks.tflite_graphs import tflite_model
from archcost.simulating.accelerator import Accelerator
from archcost.simulating.simulator import AFFORDABLE_SIZE, NotCompilableError, Simulator
from archcost.simulating.vela_description import Memory, VelaDescription, vela_description
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import get_space

VELA = "ethos-u-vela"
PACKAGES = (VELA, "ai-edge-litert")
N_OF_SMALL_SPACE, N_OF_LARGE_SPACE = 2_000, 500
"""Architectures to simulate; networks of small spaces tend to be small as well."""
STORAGE_NAMES = {"flash": "OffChipFlash", "dram": "Dram"}
CPU_OPERATOR = "Passthrough"
"""How Vela's database calls an operator that it leaves as it is, for the CPU to execute."""


class VelaSimulator(Simulator):
    """A network is compiled as a whole, from an int8 ``.tflite`` file with seeded weights.

    An operator takes as many cycles as the slowest of the arrays and the memories is busy with
    it, and a network takes the sum. Weights matter only by how well they compress, which random
    ones hardly do. Ops that are fed by zeros only are executed. A network of which Vela leaves an
    operator to the CPU has no latency, as Vela does not estimate the CPU's time.

    References
    ----------
    Arm, "Vela", https://gitlab.arm.com/artificial-intelligence/ethos-u/ethos-u-vela.
    """

    name = "vela"
    metrics = ("latency",)

    def version(self) -> str:
        """Return the version of ``ethos-u-vela``."""
        try:
            return {package: importlib.metadata.version(package) for package in PACKAGES}[VELA]
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingDataError(
                f"simulating with vela takes the package {error.name}; pip install 'archcost[vela]'"
            ) from None

    def check(self, accelerator: Accelerator) -> None:
        """Check the description."""
        vela_description(accelerator)

    def parts(self, space: SearchSpace, ops: Ops, dataset: str) -> Counter[str]:
        """Return the network as its only part: its hash tells whether its space has changed."""
        digest = space.graph(ops, dataset).digest[:16]
        return Counter([f"{space.name} {dataset} {digest} {space.format(ops)}"])

    def simulate(self, part: str, accelerator: Accelerator) -> dict[str, float]:
        """Compile one network."""
        space, dataset, _, arch = part.split(" ", 3)
        model = tflite_model(get_space(space).graph(arch, dataset), precision="int8")
        description = vela_description(accelerator)
        return {"latency": total_cycles(model, description) / (description.clock_mhz * 1e3)}

    def default_count(self, space: SearchSpace) -> int:
        """Return what takes minutes, as no two networks share a part."""
        is_small = space.n_archs <= AFFORDABLE_SIZE
        return min(space.n_archs, N_OF_SMALL_SPACE if is_small else N_OF_LARGE_SPACE)


def total_cycles(model: bytes, description: VelaDescription) -> int:
    """Return the cycles of an inference.

    Parameters
    ----------
    model : bytes
        The content of a ``.tflite`` file. It must be well-formed, else the compiler ends the
        process.
    description : VelaDescription
        The NPU and its memories.

    Raises
    ------
    NotCompilableError
        If the network does not fit into the memories or an operator is left to the CPU.
    """
    from ethosu import regor

    family = description.npu.family.replace("_", "")
    try:
        compiled = regor.compile(
            family, model, "TFLITE", system_config(description), compiler_options(description)
        )
    except RuntimeError as error:
        raise NotCompilableError(str(error)) from None
    report = compiled.perf_report
    if report.cpuOps:
        left = _cpu_operators(compiled.opt_database.tables["perf"])
        raise NotCompilableError(
            "all operators must run on the NPU, as Vela does not estimate the CPU's time, but "
            f"these are left to the CPU: {', '.join(left)}"
        )
    # The compiler takes a dedicated SRAM's size as a limit, but a shared one's as a wish.
    used = report.memories["Sram"].peakUsage
    if used > description.sram_bytes:
        raise NotCompilableError(
            f"activations must fit into the {description.sram_bytes} bytes of SRAM, but take {used}"
        )
    return int(report.totalCycles)


def _cpu_operators(table: Any) -> list[str]:
    kind, name = table.header.index("operator"), table.header.index("name")
    return [row[name] for row in table.data if row[kind] == CPU_OPERATOR]


def compiler_options(description: VelaDescription) -> str:
    """Return the options in the text format of Vela's core."""
    return f"""\
[compiler]
enable_db=true
[scheduler]
optimize={description.strategy.title()}
arena_size_limit={description.sram_bytes}
"""


def system_config(description: VelaDescription) -> str:
    """Return the NPU and its memories in the format of Vela's ``.ini`` files."""
    npu = description.npu
    # Ports are 8 bytes wide for the compiler if the name of the system begins with Ethos_U55, and
    # 16 bytes if not, whatever the NPU is.
    system = f"{npu.family}_described"
    storage = STORAGE_NAMES[description.storage_kind]
    arena = "Axi0" if description.mode == "shared_sram" else "Axi1"
    return f"""\
[architecture]
macs={npu.macs_per_core}
cores={npu.cores}
[vela]
system_config_name={system}
memory_mode_name=Described
[System_Config.{system}]
core_clock={description.clock_mhz * 1e6:.0f}
axi0_port=Sram
axi1_port={storage}
{_memory_lines("Sram", description.sram, description)}
{_memory_lines(storage, description.storage, description)}
[Memory_Mode.Described]
const_mem_area=Axi1
arena_mem_area={arena}
cache_mem_area=Axi0
"""


def _memory_lines(name: str, memory: Memory, description: VelaDescription) -> str:
    clock_scale = memory.bandwidth_gb_s / description.npu.port_gb_s(description.clock_mhz)
    return f"""\
{name}_clock_scale={clock_scale:.9f}
{name}_burst_length={memory.burst_bytes}
{name}_read_latency={memory.read_latency_cycles}
{name}_write_latency={memory.write_latency_cycles}"""
