"""Latency and energy of accelerators, layer by layer, with ZigZag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby

from archcost.extras import installed_version
from archcost.simulating.accelerator import Accelerator
from archcost.simulating.simulator import NotCompilableError, Simulator
from archcost.simulating.zigzag_description import ZigZagDescription, zigzag_description
from archcost.simulating.zigzag_layers import LoopNest, layer_text, loop_nest
from archcost.simulating.zigzag_mapping import unrollings
from archcost.simulating.zigzag_run import run_zigzag
from archcost.spaces.space import Ops, SearchSpace

CHOICES: dict[str, Callable[[float, float], float]] = {
    "latency": lambda cycles, energy_pj: cycles,
    "energy": lambda cycles, energy_pj: energy_pj,
    "product": lambda cycles, energy_pj: cycles * energy_pj,
}


class ZigZagSimulator(Simulator):
    """A network is the sum of its layers, each with the best mapping that ZigZag finds for it.

    Every layer is executed, also one whose result is not used, and batch normalisation and
    activation cost nothing: they happen as results are written.

    References
    ----------
    L. Mei et al., "ZigZag: Enlarging Joint Architecture-Mapping Design Space Exploration for DNN
    Accelerators", IEEE Transactions on Computers, 2021.
    """

    name = "zigzag"
    metrics = ("latency", "energy")

    def version(self) -> str:
        """Return the version of ``zigzag-dse``."""
        return installed_version("simulating with zigzag", "simulate", "six", "zigzag-dse")

    def check(self, accelerator: Accelerator) -> None:
        """Check the description."""
        zigzag_description(accelerator)

    def parts(self, space: SearchSpace, ops: Ops, dataset: str) -> Counter[str]:
        """Return the shapes of the layers; writing zeros for ``none`` is no work."""
        layers = space.layers(ops, dataset)
        return Counter(layer_text(layer) for layer in layers if layer.kind != "zero")

    def simulate(self, part: str, accelerator: Accelerator) -> dict[str, float]:
        """Simulate one layer."""
        description = zigzag_description(accelerator)
        nest = loop_nest(part, description)
        if nest is None:
            return {"latency": 0.0, "energy": 0.0}
        cycles, energy_pj = simulate_loops(nest, description)
        latency_ms = cycles / (description.clock_mhz * 1e3)
        if description.power_w is not None:
            return {"latency": latency_ms, "energy": latency_ms * description.power_w}
        return {"latency": latency_ms, "energy": energy_pj * 1e-9}


def simulate_loops(nest: LoopNest, description: ZigZagDescription) -> tuple[float, float]:
    """Return cycles and pJ of a loop nest under the best of the mappings.

    Raises
    ------
    NotCompilableError
        If it fits into the memories under none of them.
    """
    weight = CHOICES[description.choose]
    ways = sorted(unrollings(nest, description))
    for _, equally_good in groupby(ways, key=lambda steps_and_way: steps_and_way[0]):
        costs = [run_zigzag(nest, description, way) for _, way in equally_good]
        if fitting := [cost for cost in costs if cost is not None]:
            return min(fitting, key=lambda cost: (weight(*cost), cost))
    raise NotCompilableError(
        f"no mapping fits the layer with the loops {nest.sizes} into the memories"
    )
