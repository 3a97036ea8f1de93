"""Optuna on NAS-Bench-201: a score up, latency down, and limits of all kinds as constraints.

    python examples/optuna_search.py --max fpga:energy=30 --max params=1e6 --n-trials 200

Limits on predicted costs hold for the upper bound that the true cost keeps with 95 %.

T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.
"""

import argparse

import optuna
from synflow import synflow

import archcost
from archcost.cli.limit_argument import parse_limit
from archcost.search import find_limits
from archcost.spaces import NASBench201

SPACE = NASBench201()


def search(limits, *, level=0.95, score=synflow, n_trials=200, seed=0):
    """Return the Pareto front: Optuna trials with the values (score, raspi4 latency in ms)."""
    bounds = find_limits(SPACE, limits, level=level)

    def objective(trial):
        cell = [trial.suggest_categorical(edge, SPACE.op_names) for edge in SPACE.positions]
        trial.set_user_attr("cell", SPACE.format(cell))
        ops, is_within = SPACE.parse(cell)[None], True
        for limit in bounds:
            excess = float(limit.bounded(ops)[0]) / limit.at_most - 1
            # Above 0 is infeasible. What a sampler's constraints_func returned before Optuna 5.
            trial.set_constraint(limit.quantity.name, excess)
            is_within = is_within and excess <= 0
        if not is_within:  # a prediction costs microseconds, a score much more
            return -1e3, archcost.predict(cell, "raspi4")
        return score(SPACE.format(cell)), archcost.predict(cell, "raspi4")

    sampler = optuna.samplers.NSGAIISampler(population_size=24, seed=seed)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    return study.best_trials


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--n-trials", type=int, default=200)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    limits = dict(map(parse_limit, arguments.max or ["fpga:energy=30", "params=1e6"]))
    for trial in search(limits, n_trials=arguments.n_trials):
        score, latency_ms = trial.values
        print(f"{score:7.2f}  {latency_ms:6.2f} ms  {trial.user_attrs['cell']}")


if __name__ == "__main__":
    main()
