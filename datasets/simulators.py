"""The simulators that ``archcost simulate`` knows."""

from archcost.datasets.simulator import Simulator

SIMULATORS: dict[str, Simulator] = {}
