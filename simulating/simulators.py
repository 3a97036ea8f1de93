"""The simulators that ``archcost simulate`` knows."""

from archcost.simulating.simulator import Simulator
from archcost.simulating.vela_simulator import VelaSimulator
from archcost.simulating.zigzag_simulator import ZigZagSimulator

SIMULATORS: dict[str, Simulator] = {
    simulator.name: simulator for simulator in (ZigZagSimulator(), VelaSimulator())
}
