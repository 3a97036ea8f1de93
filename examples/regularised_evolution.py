"""Regularised evolution on NAS-Bench-201 within a latency limit.

    python examples/regularised_evolution.py --device raspi4 --limit-ms 30

E. Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
"""

import argparse
from collections import deque

import numpy as np
from synflow import synflow

import archcost
from archcost.spaces import NASBench201


def evolve(device, limit_ms, *, score=synflow, n_scored=200, population=30, sample=8, seed=0):
    """Return the best cell within the limit and its score."""
    space, rng = NASBench201(), np.random.default_rng(seed)

    def affordable(candidates):
        latency_ms = archcost.predict(candidates, device)  # the whole batch at once
        return candidates[latency_ms <= limit_ms]

    cells = affordable(space.sample(space.size, seed=seed))[:population]
    alive = deque((score(space.format(cell)), cell.tolist()) for cell in cells)
    history = list(alive)
    while len(history) < n_scored:
        contestants = [alive[place] for place in rng.integers(len(alive), size=sample)]
        parent = max(contestants)[1]
        children = affordable(space.neighbours(parent))  # one edge changed, 24 of them
        if len(children) == 0:
            alive.popleft()
            continue
        child = children[rng.integers(len(children))]
        alive.append((score(space.format(child)), child.tolist()))
        history.append(alive[-1])
        alive.popleft()  # the oldest dies, however good
    best_score, best = max(history)
    return space.format(best), best_score


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="raspi4")
    parser.add_argument("--limit-ms", type=float, default=30.0)
    parser.add_argument("--n-scored", type=int, default=200)
    arguments = parser.parse_args()
    cell, score = evolve(arguments.device, arguments.limit_ms, n_scored=arguments.n_scored)
    latency_ms, std_ms = archcost.predict(cell, arguments.device, return_std=True)
    print(f"{cell}\nscore {score:.2f}, {latency_ms:.2f} ± {std_ms:.2f} ms on {arguments.device}")


if __name__ == "__main__":
    main()
