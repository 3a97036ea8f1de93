"""Networks to measure and to compare with: published ones, written op by op, and random probes."""

from archcost.zoo.named_networks import NETWORKS, is_zoo_name, zoo_network
from archcost.zoo.probe_networks import probes
from archcost.zoo.telling_networks import TELLING

__all__ = ["NETWORKS", "TELLING", "is_zoo_name", "probes", "zoo_network"]
