"""What constants of the transfer of any network are chosen on: machines that are not reported.

Usage: ``python benchmarks/any_network_choice.py [--data FOLDER] [--cache FOLDER] [--draws N]``
takes each of the tables below, and each made-up machine, as new: ten random networks are measured,
the sources are machines of other hardware, and networks of other families are asked for. Change a
constant of ``predictors/kernel_transfer.py`` and run it again. It prints the median error, the
share in the 90 % interval, and how many times as wide that must be to hold 90 %.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from any_network import N_FEW, fold_of, source_without
from any_network_data import MACHINES, Measured, load
from any_network_made_up import MADE_UP, made_up_costs
from any_network_methods import NORMAL_90

from archcost.predictors.kernel_transfer import transfer_kernels

CPUS = ("cpu_onnxruntime", "cpu_openvino", "cpu_litert")
EAGER_3090 = ("rtx3090_pt113_nchw", "rtx3090_pt210_nhwc")
COMPILED = ("rtx4090_pt291_compiled", "i9_10940x_pt221_compiled")
MADE_UP_EACH = 2
TASKS = {
    "rtx3090_pt113_nchw": ("rtx4090_pt291_nchw", *COMPILED, *CPUS),
    "rtx3090_pt210_nhwc": ("rtx4090_pt291_nchw", *COMPILED, *CPUS),
    "rtx3090_pt240_nhwc": ("rtx4090_pt240_nhwc", *COMPILED, *CPUS),
    "rtx3090_pt210_nchw": (*COMPILED, *CPUS),
    "rtx4090_pt240_nhwc": ("rtx3090_pt240_nhwc", COMPILED[1], *CPUS),
    "rtx4090_pt291_nchw": (*EAGER_3090, COMPILED[1], *CPUS),
    "rtx4090_pt291_compiled": (*EAGER_3090, COMPILED[1], *CPUS),
    "i9_10940x_pt221_compiled": (EAGER_3090[0], "rtx4090_pt291_nchw", COMPILED[0], *CPUS),
    **dict.fromkeys(CPUS, (*EAGER_3090, "rtx4090_pt291_nchw", *COMPILED)),
}
"""New machines and their sources."""


def machines() -> Iterator[tuple[str, Measured, tuple[str, ...]]]:
    """Return the name of each new machine, its networks and its sources."""
    base = load(EAGER_3090[0])  # first, so that networks of several names have those of timm
    for device, sources in TASKS.items():
        table = load(device)
        yield device, table.take(np.flatnonzero(table.is_real)), sources
    for name in MADE_UP:
        for seed in range(MADE_UP_EACH):
            costs = made_up_costs(base.kernels, name, seed)
            sources = (*EAGER_3090, "rtx4090_pt291_nchw", *COMPILED, *CPUS)
            yield f"{name}_{seed}", Measured(base.names, costs, base.kernels), sources


def main() -> None:
    """Print how well each machine is predicted, over the draws."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("shared/data"))
    parser.add_argument("--cache", type=Path, default=Path(".any_network"))
    parser.add_argument("--draws", type=int, default=4)
    given = parser.parse_args()
    MACHINES.data, MACHINES.cache = given.data, given.cache
    names = ("i9_10940x_pt221_compiled", "rtx4090_pt291_nchw", EAGER_3090[0], *CPUS)
    load(EAGER_3090[0])
    families = np.concatenate([load(n).families[load(n).is_real] for n in names])
    folds = [fold_of(families, draw, 3) for draw in range(given.draws)]
    for name, table, sources in machines():
        found = []
        for draw, fold in enumerate(folds):
            unseen = np.array(sorted(family for family, place in fold.items() if place == 0))
            held = np.isin(table.families, unseen)
            few = np.random.default_rng(100 * draw).choice(
                np.flatnonzero(~held), N_FEW, replace=False
            )
            known = [source_without(source, unseen, own=False) for source in sources]
            learned = transfer_kernels(table.kernels.take(few), table.cost[few], known)
            asked = table.take(np.flatnonzero(held))
            mean, std = learned.predict(asked.kernels, return_std=True)
            scores = np.abs(np.log(asked.cost / mean)) / (std / mean) / NORMAL_90
            error = np.median(np.abs(mean / asked.cost - 1))
            found.append((error, (scores <= 1).mean(), np.quantile(scores, 0.9)))
        error, covered, wider = np.mean(found, axis=0)
        print(f"{name:26s} error {error:.3f}  in 90 % interval {covered:.2f}  width {wider:.2f}")


if __name__ == "__main__":
    main()
