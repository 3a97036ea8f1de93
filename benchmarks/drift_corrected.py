"""What predictors reach on drifting devices against published costs, and against less drift.

Appends to ``results/drift_corrected.jsonl``, one line a fit; ``quality_report`` renders it.

python benchmarks/drift_corrected.py --data ../shared/data      some two minutes
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from steady_costs import steady_costs
from threadpoolctl import threadpool_limits

from archcost.datasets import SOURCES, CostKey, CostTable
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space
from archcost.training import split_rows
from archcost.training.metrics import spearman

RESULTS = Path(__file__).parent / "results" / "drift_corrected.jsonl"
KEYS = (
    "fbnet-pixel2-latency-cifar100", "nasbench201-gold_6226-latency-cifar10",
    "nasbench201-pixel2-latency-cifar10", "fbnet-gold_6226-latency-cifar100",
)  # fmt: skip
NAMES = ("ridge", "xgboost", "gp")
N_TRAIN = 900
SEEDS = range(2)

TITLE = """
## Published costs and drift

Devices of these tables whose costs drift with the order of measuring ([drift.md](drift.md)):
Spearman at n = 900, mean of two draws, compared with the *published* costs of all test rows, and
with *drift-corrected* ones, the costs of every other test row less the drift that the test rows
between them show. No row that corrects was seen by a model or in the choice of one. Rendered from
`benchmarks/results/drift_corrected.jsonl`.

| costs | predictor | published | drift-corrected |
|---|---|---|---|"""


def scores(table: CostTable, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the scores of each predictor on one device and draw."""
    key = CostKey.parse(name)
    space, (ops, cost) = get_space(key.space), table.costs(key)
    split = split_rows(space, ops, n_train=N_TRAIN, seed=seed)
    test = np.sort(split.test)
    truth = steady_costs(key, ops, cost, test).log_cost
    for predictor in NAMES:
        fitted = PREDICTORS[predictor](seed=seed, dataset=key.dataset_name)
        fitted.fit(ops[split.train], cost[split.train], space=space)
        predicted = fitted.predict(ops[test])
        yield {
            "key": name, "predictor": predictor, "seed": seed,
            "published": spearman(cost[test], predicted),
            "corrected": spearman(truth, predicted[::2]),
        }  # fmt: skip


def drift_section() -> list[str]:
    """Return the section of the page, empty without results."""
    if not RESULTS.exists():
        return []
    found = defaultdict(list)
    for row in map(json.loads, RESULTS.read_text().splitlines()):
        found[row["key"], row["predictor"]].append((row["published"], row["corrected"]))
    lines = [TITLE]
    for (key, predictor), values in found.items():
        published, corrected = np.mean(values, axis=0)
        lines.append(f"| {key} | {predictor} | {published:.4f} | {corrected:.4f} |")
    return [*lines, ""]


def main() -> None:
    """Run everything anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the published tables")
    table = SOURCES["help"].parse(parser.parse_args().data / SOURCES["help"].folder)
    with threadpool_limits(1):
        rows = [row for name in KEYS for seed in SEEDS for row in scores(table, name, seed)]
    RESULTS.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
