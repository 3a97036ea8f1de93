"""How well costs of any network are predicted: every row of ``docs/any-network.md``.

Usage: ``python benchmarks/any_network.py [--data FOLDER] [--cache FOLDER] [--only ROWS]``
computes what ``results/any_network.jsonl`` lacks and goes on where an earlier call stopped;
``--write`` puts the figures into the page. Networks are held out by family, the first word of their
name: no relative of a network that is predicted was learned from, in no device.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
from any_network_data import MACHINES, load
from any_network_methods import METHODS, fit_kernels, scores
from any_network_page import write_page

from archcost.kernels.network_offsets import NetworkOffsets
from archcost.predictors.kernel_transfer import transfer_kernels
from archcost.predictors.kernels import KernelPredictor

RESULTS = Path(__file__).parent / "results" / "any_network.jsonl"
N_FOLDS, SEEDS, DRAWS = 5, (0, 1, 2), 20
TABLES = (
    "i9_10940x_pt240_compiled", "i9_10940x_pt221_compiled", "rtx4090_pt240_compiled",
    "rtx3090_pt240_nchw",
)  # fmt: skip
CPUS = ("cpu_onnxruntime", "cpu_openvino")
NEW_MACHINES = (
    ("rtx4090_pt240_nchw", ("rtx3090_pt240_nchw",)),
    ("rtx3090_pt240_nchw", ("rtx4090_pt240_nchw",)),
    ("rtx4090_pt240_compiled", ("rtx3090_pt240_nchw", "i9_10940x_pt240_compiled")),
    ("i9_10940x_pt240_compiled", ("rtx3090_pt240_nchw", "rtx4090_pt240_nchw",
                                  "rtx4090_pt240_compiled")),
)  # fmt: skip
N_REAL, N_FEW = 20, 10


def fold_of(families: np.ndarray, seed: int, n: int = N_FOLDS) -> dict[str, int]:
    """Return the fold of each family, in folds of about equal numbers of networks."""
    names, counts = np.unique(families, return_counts=True)
    sizes, found = np.zeros(n), {}
    for place in np.random.default_rng(seed).permutation(len(names)):
        fold = int(sizes.argmin())
        found[str(names[place])] = fold
        sizes[fold] += counts[place]
    return found


def families_held_out(device: str, method: str, seed: int) -> dict[str, float]:
    """Learn a table from all families but those of a fold, fold by fold."""
    table = load(device)
    folds = fold_of(table.families, seed)
    fold = np.array([folds[family] for family in table.families])
    mean, std = np.empty(len(table)), np.full(len(table), np.nan)
    for number in range(N_FOLDS):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        mean[test], std[test] = METHODS[method](table.take(train), table.take(test), seed)
    return scores(table.cost, mean, std)


def probes_and_real(device: str, way: str, seed: int) -> dict[str, float]:
    """Learn from probes and few real networks, or real ones alone, of other families."""
    table = load(device)
    folds = fold_of(table.families[table.is_real], seed)
    fold = np.array([folds.get(family, -1) for family in table.families])
    mean, std = np.empty(len(table)), np.full(len(table), np.nan)
    rng = np.random.default_rng(seed)
    for number in range(N_FOLDS):
        test = np.flatnonzero(fold == number)
        real = np.flatnonzero((fold >= 0) & (fold != number))
        few = rng.choice(real, N_REAL if "probes" in way else N_FEW, replace=False)
        train = np.concatenate([np.flatnonzero(table.is_probe), few]) if "probes" in way else few
        learned, asked = table.take(train), table.take(test)
        if "source" in way:
            sources = []
            for other in (*CPUS, "cpu_litert"):
                if other != device:
                    known = load(other)
                    rows = [f not in set(table.families[test]) for f in known.families]
                    sources.append(fit_kernels(known.take(np.flatnonzero(rows))))
            predictor = transfer_kernels(learned.kernels, learned.cost, sources, seed=seed)
        else:
            predictor = fit_kernels(learned)
        mean[test], std[test] = predictor.predict(asked.kernels, return_std=True)
    rows = np.flatnonzero(table.is_real)
    return scores(table.cost[rows], mean[rows], std[rows])


def new_machine(device: str, sources: tuple[str, ...], own: bool, seed: int) -> dict[str, float]:
    """Learn a machine from ten networks of two thirds of the families and known machines."""
    table = load(device)
    folds = fold_of(table.families, seed, 3)
    held = np.array([folds[family] == 0 for family in table.families])
    known = np.flatnonzero(~held)
    few = np.random.default_rng(seed).choice(known, N_FEW, replace=False)
    fitted = [source_without(name, table.families[held], own) for name in sources]
    learned, asked = table.take(few), table.take(np.flatnonzero(held))
    predictor = transfer_kernels(learned.kernels, learned.cost, fitted, seed=seed)
    mean, std = predictor.predict(asked.kernels, return_std=True)
    found = scores(asked.cost, mean, std)
    for name in ("totals", "flops"):
        other, _ = METHODS[name](learned, asked, seed)
        found[f"median_error_{name}"] = scores(asked.cost, other, None)["median_error"]
    return found


def source_without(device: str, families: np.ndarray, own: bool) -> KernelPredictor:
    """Return the predictor of a device that never saw some families, but for what `own` says.

    With `own` it knows what each network cost there beyond the sum of its kernels. What is learned
    is kept in the cache for the other rows of the same families.
    """
    table = load(device)
    unseen = sorted(set(families))
    kept = MACHINES.cache / f"{device}-{sha256(repr(unseen).encode()).hexdigest()[:16]}"
    if kept.exists():
        predictor = KernelPredictor().load_weights(kept)
    else:
        rows = np.flatnonzero(~np.isin(table.families, families))
        predictor = fit_kernels(table.take(rows), blocks=(8,))
        kept.mkdir(parents=True)
        predictor.save_weights(kept)
    if own:
        predictor.residuals_ = NetworkOffsets.of(
            table.kernels.signatures(), np.log(table.cost / predictor.predict(table.kernels))
        )
    return predictor


def reading() -> dict[str, float]:
    """Count the networks of timm's tables that were read, and time a prediction."""
    from archcost.datasets.source_timm import known_digests

    table = load(TABLES[-1])
    predictor = fit_kernels(table.take(np.arange(0, len(table), 10)), blocks=(8,))
    start = time.process_time()
    predictor.predict(table.kernels)
    each = (time.process_time() - start) / len(table)
    names = {name for name in known_digests() if "+" not in name}
    return {"networks": len(names), "models": len({name.partition("@")[0] for name in names}),
            "ms_a_network": 1000 * each}  # fmt: skip


def jobs() -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """Return what is computed, each under a name."""
    yield "reading", reading
    for seed in SEEDS:
        for device in TABLES:
            for method in METHODS:
                yield (
                    f"families/{device}/{method}/{seed}",
                    lambda d=device, m=method, s=seed: families_held_out(d, m, s),
                )
    for seed in range(DRAWS):
        for device, sources in NEW_MACHINES:
            for own in (False, True):
                yield (
                    f"new/{device}/{'own' if own else 'unseen'}/{seed}",
                    lambda d=device, n=sources, o=own, s=seed: new_machine(d, n, o, s),
                )
    for seed in SEEDS:
        for device in CPUS:
            for way in ("probes+real", "few+source", "probes+real+source"):
                yield (
                    f"cpu/{device}/{way}/{seed}",
                    lambda d=device, w=way, s=seed: probes_and_real(d, w, s),
                )


def main() -> None:
    """Compute what is missing until the time is up, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("shared/data"))
    parser.add_argument("--cache", type=Path, default=Path(".any_network"))
    parser.add_argument("--seconds", type=float, default=560.0)
    parser.add_argument("--only", default="", help="compute the rows that begin so")
    parser.add_argument("--write", action="store_true", help="put the figures into the page")
    given = parser.parse_args()
    MACHINES.data, MACHINES.cache = given.data, given.cache
    rows = read_rows()
    end = time.monotonic() + given.seconds
    for name, compute in jobs():
        if name in rows or not name.startswith(given.only) or time.monotonic() > end:
            continue
        rows[name] = compute()
        with RESULTS.open("a") as file:
            file.write(json.dumps({"row": name, **rows[name]}) + "\n")
    if given.write:
        write_page(rows)


def read_rows() -> dict[str, dict[str, float]]:
    """Return what is computed already."""
    if not RESULTS.exists():
        return {}
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return {line.pop("row"): line for line in lines}


if __name__ == "__main__":
    main()
