"""Measure published networks, probes and members of search spaces on this machine.

Usage: ``python benchmarks/networks_measure.py RUNTIME JOURNALS [--seconds 560] [--names FILE]``
measures in interleaved rounds on one thread, on the clock of the process, and goes on where an
earlier call stopped. With ``--write`` it summarises what JOURNALS hold as
``benchmarks/results/networks-DEVICE.csv``, one row a network, and ``.json``, its provenance.

The networks are the 120 probes of seed 0, the published networks of ``archcost.zoo`` at two sides
of the image where that is affordable, and random members of five search spaces.
"""

import argparse
import csv
import gc
import json
import time
from functools import lru_cache
from pathlib import Path

import numpy as np

from archcost.measuring import RUNTIMES
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.machine import describe_machine
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.network_timer import NetworkTimer
from archcost.measuring.round_costs import interquartile_mean, round_costs
from archcost.networks import Graph, graph_work
from archcost.networks.network_weights import random_tensor
from archcost.spaces import get_space
from archcost.zoo import NETWORKS, is_zoo_name, probes, zoo_network

RESULTS = Path(__file__).parent / "results"
ROUNDS, ROUNDS_PER_LOAD, LOADED, REFERENCE = 16, 4, 32, "mobilenetv2_100@160"
ONE_SIDE = (
    "vgg11", "vit_base_patch16", "mixer_b16", "wide_resnet50_2", "resnet101", "swin_small",
    "convnext_small",
)  # fmt: skip
"""Networks that take so long, or take no other image, that one side must do; vgg16 is left out."""
MEMBERS = (
    ("nasbench201", "cifar10", 24), ("fbnet", "cifar100", 16), ("fbnet", "ImageNet", 12),
    ("natsbench_size", "cifar10", 20), ("ofa_mbv3", "ImageNet", 20),
    ("autoformer_tiny", "ImageNet", 10),
)  # fmt: skip
MEMBERS_SEED = 2026


def names() -> list[str]:
    """Return what is measured; members read ``space::SPACE::DATASET::ARCHITECTURE``."""
    found = list(probes())
    for name, network in NETWORKS.items():
        if name == "vgg16":
            continue
        found.append(f"{name}@{network.side}")
        if name not in ONE_SIDE:
            second = 256 if name == "swin_tiny" else 160 if network.side == 224 else 192
            found.append(f"{name}@{second}")
    for space, dataset, n in MEMBERS:
        members = get_space(space)
        archs = members.format_many(members.sample(n, seed=MEMBERS_SEED))
        found += [f"space::{space}::{dataset}::{arch}" for arch in archs]
    return found


@lru_cache(4)
def graph_of(name: str) -> Graph:
    """Return the graph of a name of ``names``."""
    if is_zoo_name(name):
        return zoo_network(name)
    _, space, dataset, arch = name.split("::")
    return get_space(space).graph(arch, dataset)


class NamedNetworks:
    """What the timer asks of a search space, for networks by name."""

    name = "any"

    def graph(self, name: str, dataset: str) -> Graph:
        """Return a network."""
        return graph_of(name)

    def format(self, name: str) -> str:
        """Return the name."""
        return name


def measure(runtime_name: str, journals: Path, seconds: float, wanted: list[str]) -> bool:
    """Measure until the time is over; return whether all is measured."""
    runtime = RUNTIMES[runtime_name]
    settings = MeasureSettings(rounds=ROUNDS, runs=3, warmup=1)
    setup = {
        "space": "any", "dataset": "as_given", "runtime": runtime.name,
        "runtime_version": runtime.version(), "precision": runtime.precision, "batch_size": 1,
        "threads": 1, "runs_per_round": settings.runs, "warmup_runs": settings.warmup,
        "reference_arch": REFERENCE, "clock": "cpu", **describe_machine(), **runtime.describe(),
    }  # fmt: skip
    deadline = time.monotonic() + seconds
    with Journal(journals / f"{runtime_name}.journal", setup) as journal:
        done, failures = journal.done(), journal.failures_in_a_row()
        timer = NetworkTimer(NamedNetworks(), "as_given", runtime, settings, REFERENCE)
        for first in range(0, ROUNDS, ROUNDS_PER_LOAD):
            rounds = range(first, first + ROUNDS_PER_LOAD)
            order = np.random.default_rng([5, first]).permutation(len(wanted))
            pending = [
                wanted[place]
                for place in order
                if failures[wanted[place]] < 2
                and any((wanted[place], number) not in done for number in rounds)
            ]
            for start in range(0, len(pending), LOADED):
                batch, loaded = pending[start : start + LOADED], {}
                for number in rounds:
                    for place in np.random.default_rng([7, number]).permutation(len(batch)):
                        name = batch[place]
                        if time.monotonic() > deadline:
                            return False
                        if (name, number) in done or failures[name] >= 2:
                            continue
                        if name not in loaded:
                            loaded[name] = timer.load(name)
                        record = timer.time(RoundRecord(name, number), loaded[name])
                        failures[name] = failures[name] + 1 if record.error else 0
                        journal.append(record)
                random_tensor.cache_clear()
                gc.collect()
    return True


def write(runtime_name: str, journals: Path) -> None:
    """Summarise a journal: the mean of the middle half of each network's rounds."""
    path = journals / f"{runtime_name}.journal"
    setup = json.loads(path.read_text().partition("\n")[0])["setup"]
    with Journal(path, setup) as journal:
        records = list(journal.records)
    good = [record.on_clock("cpu") for record in records if record.error is None]
    costs = round_costs(good)
    device = f"cpu_{runtime_name}"
    with (RESULTS / f"networks-{device}.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["network", "digest", "gmacs", "latency_ms", "latency_std_ms", "rounds"])
        for name in sorted(costs):
            graph, values = graph_of(name), costs[name]
            rows.writerow([
                name, graph.digest[:16], f"{graph_work(graph).macs / 1e9:.6f}",
                f"{interquartile_mean(values):.6g}", f"{values.std():.4g}", len(values),
            ])  # fmt: skip
    halves = np.log([[np.median(v[0::2]), np.median(v[1::2])] for v in costs.values()])
    apart = np.abs(halves[:, 0] - halves[:, 1])
    wall = [min(r.latencies_ms) / min(r.cpu_ms) for r in records if r.cpu_ms]
    facts = setup | {
        "device": device,
        "n_networks": len(costs),
        "n_failed": len({record.arch for record in records} - set(costs)),
        "fewest_rounds": min(map(len, costs.values())),
        "rounds": max(map(len, costs.values())),
        "cost": "mean of the middle half of the rounds, each the fastest of its runs in CPU time, "
        "without the slowdown that the reference network shows",
        "odd_from_even_rounds_median": round(float(np.median(apart)), 4),
        "odd_from_even_rounds_p90": round(float(np.quantile(apart, 0.9)), 4),
        "repeatability_spearman": round(float(_spearman(*halves.T)), 5),
        "wall_over_cpu": round(float(np.median(wall)), 4),
    }
    (RESULTS / f"networks-{device}.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return np.corrcoef(*ranks)[0, 1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runtime", choices=sorted(RUNTIMES))
    parser.add_argument("journals", type=Path)
    parser.add_argument("--seconds", type=float, default=560)
    parser.add_argument("--names", type=Path, help="networks to measure, one a line")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write:
        write(args.runtime, args.journals)
    else:
        listed = args.names.read_text().split() if args.names else names()
        print("complete" if measure(args.runtime, args.journals, args.seconds, listed) else "more")
