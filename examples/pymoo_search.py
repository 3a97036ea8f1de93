"""NSGA-II by pymoo on FBNet: FLOPs up, costs down within limits, a whole generation at once.

    python examples/pymoo_search.py --max raspi4=20 --max eyeriss=10 --max peak_activation_bytes=6e5

Limits on predicted costs hold for the upper bound that the true cost keeps with 95 %.

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

from archcost.analysis import proxy_costs
from archcost.cli.limit_argument import parse_limit
from archcost.search import find_limits
from archcost.spaces import FBNet

SPACE = FBNet()


class LimitedFBNet(Problem):
    """Minimise -FLOPs and every limited quantity, within the limits."""

    def __init__(self, limits):
        self.limits = limits
        super().__init__(
            n_var=SPACE.n_positions,
            n_obj=1 + len(limits),
            n_ieq_constr=len(limits),
            xl=0,
            xu=SPACE.n_ops - 1,
            vtype=int,
        )

    def _evaluate(self, x, out):
        ops = x.astype(np.int8)
        mflops = proxy_costs(SPACE, ops)["flops"]  # your accuracy predictor goes here
        values = [limit.quantity.values(ops) for limit in self.limits]
        out["F"] = np.stack([-mflops, *values], axis=1)
        excess = [limit.bounded(ops) / limit.at_most - 1 for limit in self.limits]
        out["G"] = np.stack(excess, axis=1)


def search(limits, *, level=0.95, n_generations=100, population=100, seed=0):
    """Return the front: networks, and their (MFLOPs, value of each limited quantity)."""
    bounds = find_limits(SPACE, limits, level=level)
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=UniformCrossover(),
        mutation=PM(prob_var=1 / SPACE.n_positions, eta=3, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    found = minimize(LimitedFBNet(bounds), algorithm, ("n_gen", n_generations), seed=seed)
    if found.X is None:
        return [], np.empty((0, 1 + len(limits)))
    order = np.argsort(found.F[:, 0])
    values = found.F[order] * [-1, *[1] * len(limits)]
    return SPACE.format_many(found.X[order].astype(np.int8)), values


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--n-generations", type=int, default=100)
    arguments = parser.parse_args()
    limits = dict(map(parse_limit, arguments.max or ["raspi4=20", "eyeriss=10"]))
    networks, values = search(limits, n_generations=arguments.n_generations)
    print("MFLOPs ", *limits, sep="  ")
    for network, row in zip(networks, values, strict=True):
        print(*(f"{value:7.2f}" for value in row), network)


if __name__ == "__main__":
    main()
