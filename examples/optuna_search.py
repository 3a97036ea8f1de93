"""Optuna on NAS-Bench-201: a score up, latency down, an energy limit as a constraint.

    python examples/optuna_search.py --max-energy-mj 30 --n-trials 200

T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.
"""

import argparse

import optuna
from synflow import synflow

import archcost
from archcost.spaces import NASBench201

SPACE = NASBench201()


def search(max_energy_mj, *, score=synflow, n_trials=200, seed=0):
    """Return the Pareto front: Optuna trials with the values (score, raspi4 latency in ms)."""

    def objective(trial):
        cell = [trial.suggest_categorical(edge, SPACE.op_names) for edge in SPACE.positions]
        energy_mj = archcost.predict(cell, "fpga", "energy")
        trial.set_user_attr("cell", SPACE.format(cell))
        # Above 0 is infeasible. What a sampler's constraints_func returned before Optuna 5.
        trial.set_constraint("energy", energy_mj - max_energy_mj)
        if energy_mj > max_energy_mj:  # a prediction costs microseconds, a score much more
            return -1e3, archcost.predict(cell, "raspi4")
        return score(SPACE.format(cell)), archcost.predict(cell, "raspi4")

    sampler = optuna.samplers.NSGAIISampler(population_size=24, seed=seed)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=n_trials)
    return study.best_trials


def main():
    """Read the command line, search and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-energy-mj", type=float, default=30.0)
    parser.add_argument("--n-trials", type=int, default=200)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for trial in search(arguments.max_energy_mj, n_trials=arguments.n_trials):
        score, latency_ms = trial.values
        print(f"{score:7.2f}  {latency_ms:6.2f} ms  {trial.user_attrs['cell']}")


if __name__ == "__main__":
    main()
