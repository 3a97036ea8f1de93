"""The settings of a description file with ``simulator = "vela"``, checked value by value."""

from __future__ import annotations

from dataclasses import dataclass

from archcost.errors import ArchcostError
from archcost.simulating.accelerator import Accelerator
from archcost.simulating.toml_section import TomlSection

MODES = ("shared_sram", "dedicated_sram")
STRATEGIES = ("performance", "size")
MEMORY_KEYS = ("bandwidth_gb_s", "burst_bytes", "read_latency_cycles")
WRITABLE_KEYS = (*MEMORY_KEYS, "write_latency_cycles")


@dataclass(frozen=True, slots=True)
class Npu:
    """A configuration of the Ethos-U family.

    Parameters
    ----------
    family : str
        ``"Ethos_U55"`` or ``"Ethos_U65"``.
    cores : int
        Each with its own array of multipliers.
    macs_per_core : int
        Multiply-accumulate operations of int8 that a core starts in a cycle.
    port_bytes : int
        Bytes that one of the two AXI ports moves in a cycle at most.
    """

    family: str
    cores: int
    macs_per_core: int
    port_bytes: int

    @property
    def macs_per_cycle(self) -> int:
        """Multiply-accumulate operations a cycle, of all cores."""
        return self.cores * self.macs_per_core

    def port_gb_s(self, clock_mhz: float) -> float:
        """Return what a port carries at most, in 10^9 bytes a second."""
        return self.port_bytes * clock_mhz / 1000


# The U65 with 512 MACs is two cores of 256: ArchitectureFeatures.accelerator_configs in Vela.
NPUS = {f"ethos-u55-{macs}": Npu("Ethos_U55", 1, macs, 8) for macs in (32, 64, 128, 256)} | {
    f"ethos-u65-{256 * cores}": Npu("Ethos_U65", cores, 256, 16) for cores in (1, 2)
}


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory on one of the NPU's two ports.

    Parameters
    ----------
    bandwidth_gb_s : float
        In 10^9 bytes a second.
    burst_bytes : int
        The longest burst.
    read_latency_cycles, write_latency_cycles : int
        In cycles of the NPU's clock.
    """

    bandwidth_gb_s: float
    burst_bytes: int
    read_latency_cycles: int
    write_latency_cycles: int


@dataclass(frozen=True, slots=True)
class VelaDescription:
    """An NPU and its memories as Vela is to compile for it.

    Parameters
    ----------
    npu : Npu
        Family and size.
    clock_mhz : float
        Cycles a microsecond.
    mode : {"shared_sram", "dedicated_sram"}
        Whether activations live in the SRAM, or in the other memory with the SRAM as a cache.
    strategy : {"performance", "size"}
        What the compiler optimises.
    sram_bytes : int
        Capacity of the SRAM.
    sram : Memory
        On the first port.
    storage_kind : {"flash", "dram"}
        What is on the second port.
    storage : Memory
        Holds the weights.
    """

    npu: Npu
    clock_mhz: float
    mode: str
    strategy: str
    sram_bytes: int
    sram: Memory
    storage_kind: str
    storage: Memory


def vela_description(accelerator: Accelerator) -> VelaDescription:
    """Read the settings of an accelerator.

    Raises
    ------
    ArchcostError
        If a key is missing or unknown, or a value breaks a rule; the message names it.
    """
    file = f"{accelerator.id}.toml"
    top = TomlSection(
        accelerator.settings,
        file,
        ("npu", "clock_mhz", "memory_mode", "optimise", "sram", "flash", "dram"),
    )
    npu = NPUS[top.text("npu", choices=NPUS)]
    clock_mhz = top.number("clock_mhz", above=0)
    mode = top.text("memory_mode", choices=MODES)
    kinds = [kind for kind in ("flash", "dram") if kind in top]
    if len(kinds) != 1:
        raise ArchcostError(
            f"{file} must have one of the sections [flash] and [dram], which holds the weights, "
            f"but has {' and '.join(kinds) or 'none'}"
        )
    writable = kinds == ["dram"]
    if mode == "dedicated_sram" and not writable:
        raise ArchcostError(
            f"{file} must have a section [dram] instead of [flash] for memory_mode "
            "'dedicated_sram', which writes activations there; or choose 'shared_sram'"
        )
    sram = TomlSection(top.raw("sram"), f"[sram] of {file}", ("size_kib", *WRITABLE_KEYS))
    storage = TomlSection(
        top.raw(kinds[0]), f"[{kinds[0]}] of {file}", WRITABLE_KEYS if writable else MEMORY_KEYS
    )
    port_gb_s = npu.port_gb_s(clock_mhz)
    return VelaDescription(
        npu=npu,
        clock_mhz=clock_mhz,
        mode=mode,
        strategy=top.text("optimise", "performance", choices=STRATEGIES),
        sram_bytes=sram.integer("size_kib") * 1024,
        sram=_memory(sram, port_gb_s),
        storage_kind=kinds[0],
        storage=_memory(storage, port_gb_s, writable=writable),
    )


def _memory(settings: TomlSection, port_gb_s: float, *, writable: bool = True) -> Memory:
    bandwidth_gb_s = settings.number("bandwidth_gb_s", above=0)
    if bandwidth_gb_s > port_gb_s:
        raise ArchcostError(
            f"bandwidth_gb_s in {settings.where} must be at most {port_gb_s:g}, which is what a "
            f"port of the NPU carries at its clock, but got {bandwidth_gb_s:g}"
        )
    return Memory(
        bandwidth_gb_s=bandwidth_gb_s,
        burst_bytes=settings.integer("burst_bytes"),
        read_latency_cycles=settings.integer("read_latency_cycles", least=0),
        write_latency_cycles=(settings.integer("write_latency_cycles", least=0) if writable else 0),
    )
