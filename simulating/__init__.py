"""From networks to simulated cost tables: accelerators and what computes their costs."""

from archcost import plugins
from archcost.simulating.accelerator import Accelerator, accelerators, load_accelerator
from archcost.simulating.simulator import NotCompilableError, Simulator
from archcost.simulating.toml_section import TomlSection
from archcost.simulating.vela_simulator import VelaSimulator
from archcost.simulating.zigzag_simulator import ZigZagSimulator

__all__ = [
    "SIMULATORS",
    "Accelerator",
    "NotCompilableError",
    "Simulator",
    "TomlSection",
    "accelerators",
    "get_simulator",
    "load_accelerator",
    "register",
]

SIMULATORS: dict[str, Simulator] = {
    simulator.name: simulator for simulator in (ZigZagSimulator(), VelaSimulator())
}
"""The simulators that ``archcost simulate`` knows; a new one is one file and one entry here."""


def get_simulator(accelerator: Accelerator) -> Simulator:
    """Return the simulator of an accelerator, once it has checked the description.

    Parameters
    ----------
    accelerator : Accelerator
        Its ``simulator`` is a name; a reference like ``"my_simulator.py:MySimulator"``; or the name
        of an entry point of the group ``archcost.simulators``.

    Raises
    ------
    UnknownNameError
        If there is no such simulator.
    ArchcostError
        If a file has no such simulator, or the description breaks one of its rules.
    """
    kind = f"simulator in {accelerator.id}.toml"
    found = plugins.find(
        kind, accelerator.simulator_path, SIMULATORS, "archcost.simulators", Simulator
    )
    plugins.check_attributes("simulator", found, ("name",))
    found.check(accelerator)
    return found


def register(simulator: Simulator | type[Simulator]) -> Simulator:
    """Make a simulator known by its name in this process.

    Raises
    ------
    ArchcostError
        If it is no simulator, or another one has the same name.
    """
    return plugins.register("simulator", simulator, SIMULATORS, Simulator)
