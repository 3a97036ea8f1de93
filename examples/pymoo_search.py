"""NSGA-II by pymoo on FBNet: FLOPs up, latency down on two devices, a whole generation at once.

    python examples/pymoo_search.py --devices raspi4 eyeriss --limit-ms 20 10

K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", 2002;
J. Blank, K. Deb, "pymoo: Multi-Objective Optimization in Python", 2020.
"""

import argparse

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.operators.crossover.ux import UniformCrossover
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

import archcost
from archcost.analysis import proxy_costs
from archcost.spaces import FBNet

SPACE = FBNet()


class LatencyAwareFBNet(Problem):
    """Minimise -FLOPs and the latency of each device, within limits."""

    def __init__(self, limits_ms):
        self.limits_ms = limits_ms
        super().__init__(
            n_var=SPACE.n_positions,
            n_obj=1 + len(limits_ms),
            n_ieq_constr=len(limits_ms),
            xl=0,
            xu=SPACE.n_ops - 1,
            vtype=int,
        )

    def _evaluate(self, x, out):
        ops = x.astype(np.int8)
        mflops = proxy_costs(SPACE, ops)["flops"]  # your accuracy predictor goes here
        latency_ms = [archcost.predict(ops, device, space=SPACE) for device in self.limits_ms]
        out["F"] = np.stack([-mflops, *latency_ms], axis=1)
        out["G"] = np.stack(latency_ms, axis=1) - list(self.limits_ms.values())


def search(limits_ms, *, n_generations=100, population=100, seed=0):
    """Return the front: networks, and their (MFLOPs, latency in ms on each device)."""
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=UniformCrossover(),
        mutation=PM(prob_var=1 / SPACE.n_positions, eta=3, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    found = minimize(LatencyAwareFBNet(limits_ms), algorithm, ("n_gen", n_generations), seed=seed)
    if found.X is None:
        return [], np.empty((0, 1 + len(limits_ms)))
    order = np.argsort(found.F[:, 0])
    values = found.F[order] * [-1, *[1] * len(limits_ms)]
    return SPACE.format_many(found.X[order].astype(np.int8)), values


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", nargs="+", default=["raspi4", "eyeriss"])
    parser.add_argument("--limit-ms", nargs="+", type=float, default=[20.0, 10.0])
    parser.add_argument("--n-generations", type=int, default=100)
    arguments = parser.parse_args()
    limits_ms = dict(zip(arguments.devices, arguments.limit_ms, strict=True))
    networks, values = search(limits_ms, n_generations=arguments.n_generations)
    print("MFLOPs ", *limits_ms, sep="  ")
    for network, row in zip(networks, values, strict=True):
        print(*(f"{value:7.2f}" for value in row), network)


if __name__ == "__main__":
    main()
