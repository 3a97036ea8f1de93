"""The simulators that ``archcost simulate`` knows."""

from archcost.datasets.simulator import Simulator
from archcost.datasets.vela_simulator import VelaSimulator
from archcost.datasets.zigzag_simulator import ZigZagSimulator

SIMULATORS: dict[str, Simulator] = {
    simulator.name: simulator for simulator in (ZigZagSimulator(), VelaSimulator())
}
