"""Energy counters of the hardware: RAPL of a CPU, NVML of a GPU, read through zeus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.errors import MissingDataError, check_name
from archcost.extras import installed_version

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEDY = "measure without --energy, or on a machine whose kernel shows one"


class EnergyCounter(ABC):
    """A counter of the energy that the hardware has used.

    Attributes
    ----------
    name : str
        What is read and what it counts; part of the provenance.
    window_s : float
        How long to repeat an inference between two readings: many steps of the counter.
    """

    name: str
    window_s: float

    @abstractmethod
    def read_mj(self) -> float:
        """Return the energy in mJ since some moment, always the same one."""


class RaplCounter(EnergyCounter):
    """The energy of all CPU packages, as Intel's and AMD's CPUs count it (RAPL), from powercap.

    Parameters
    ----------
    packages : sequence of zeus RAPLFile
        One a package.

    Notes
    -----
    zeus finds and checks the counters. Its own reading starts a process that polls for
    wrap-arounds, which would disturb the measuring and outlive a crash; as long as readings are
    less than a wrap-around apart (minutes), the difference modulo the counter's range is exact.

    References
    ----------
    The Linux kernel documentation, "Power Capping Framework".
    Chung et al., "Zeus", NSDI 2023, https://ml.energy/zeus.
    """

    window_s = 0.1  # the counter steps every ms

    def __init__(self, packages: Sequence[Any]) -> None:
        self._ranges_uj = {
            Path(package.energy_uj_path): package.max_energy_range_uj for package in packages
        }
        self._last_uj = {path: _read_uj(path) for path in self._ranges_uj}
        self._total_uj = 0.0
        self.name = (
            f"RAPL, {len(packages)} CPU package(s) as a whole: with idle power and whatever else "
            "runs there"
        )

    def read_mj(self) -> float:
        """Return the energy of all packages in mJ since the counter was opened."""
        for path, range_uj in self._ranges_uj.items():
            now_uj = _read_uj(path)
            self._total_uj += (now_uj - self._last_uj[path]) % range_uj
            self._last_uj[path] = now_uj
        return self._total_uj / 1000


class GpuCounter(EnergyCounter):
    """The energy of the first visible GPU since its driver was loaded (NVML).

    Parameters
    ----------
    gpus : zeus GPUs
        As ``zeus.device.get_gpus`` returns them.

    References
    ----------
    NVIDIA, "NVML API Reference", ``nvmlDeviceGetTotalEnergyConsumption``.
    """

    window_s = 0.5  # the counter steps every 20 to 100 ms, by the model
    name = "NVML, the GPU as a whole: with idle power and whatever else runs there"

    def __init__(self, gpus: Any) -> None:
        self._gpus = gpus

    def read_mj(self) -> float:
        """Return the energy of the GPU in mJ since its driver was loaded."""
        return float(self._gpus.get_total_energy_consumption(0))


def energy_counter(target: str) -> EnergyCounter:
    """Open the energy counter of this machine's CPU or GPU.

    Parameters
    ----------
    target : {"cpu", "gpu"}
        What runs the networks.

    Raises
    ------
    MissingDataError
        If none can be read here; the message says what was looked at. Energy is never modelled.
    """
    check_name("target of an energy counter", target, ("cpu", "gpu"))
    installed_version("reading an energy counter", "energy", "zeus")
    import zeus.device.cpu.rapl
    import zeus.device.gpu

    if target == "cpu":
        folder = Path(zeus.device.cpu.rapl.RAPL_DIR)
        return RaplCounter(_packages(folder, zeus.device.cpu.rapl.RAPLFile))
    try:
        counter = GpuCounter(zeus.device.gpu.get_gpus())
        counter.read_mj()
    except Exception as error:  # NVML's and AMD's libraries raise errors of their own
        raise MissingDataError(
            "a GPU's energy must be read by its driver's library (NVML), but: "
            f"{str(error).rstrip('.')}; {REMEDY}"
        ) from None
    return counter


def _packages(folder: Path, open_zone: Any) -> list[Any]:
    """Open the power zones of all CPU packages; a laptop's platform zone would count them twice."""
    if not folder.is_dir():
        raise MissingDataError(
            f"a CPU's energy must be read from its RAPL counters, but there is no {folder}: the "
            f"kernel shows none, as on most virtual machines; {REMEDY}"
        )
    packages = []
    for path in sorted(folder.glob("intel-rapl:*")):
        try:
            zone = open_zone(str(path))
        except Exception as error:  # zeus hides the operating system's behind its own
            raise MissingDataError(
                f"a CPU's energy must be read from {path}/energy_uj, but: {error}; to let every "
                "user read it: sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"
            ) from None
        if zone.name.startswith("package"):
            packages.append(zone)
    if not packages:
        raise MissingDataError(
            f"a CPU's energy must be read from its RAPL counters, but {folder} holds none of a "
            f"CPU package; {REMEDY}"
        )
    return packages


def _read_uj(path: Path) -> float:
    return float(path.read_text(encoding="ascii"))
