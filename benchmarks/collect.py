"""How the bundled tables rank architectures, against the devices of HW-NAS-Bench and plain MACs.

    python benchmarks/collect.py --data ../shared/data

writes ``docs/collect.md`` and its plot from the tables themselves; nothing is trained on them.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from collect_page import render

from archcost.datasets import CostKey, CostTable, bundled_tables, load_bundled
from archcost.datasets.sources import load_published
from archcost.errors import MissingDataError
from archcost.predictors import PREDICTORS
from archcost.spaces import SPACES, SearchSpace
from archcost.training.metrics import kendall, spearman

DEVICES = ("eyeriss", "fpga", "pixel3", "raspi4", "edgetpu", "edgegpu")
Costs = dict[str, float]


def published_costs(published: CostTable, space: SearchSpace) -> dict[str, Costs]:
    """Return the published latencies (ms) by device and architecture.

    FBNet is published for other architectures than ours, but exactly additive over its layers on
    the four devices (`lookup` reproduces every value), so that ours follow from them.
    """
    costs = {}
    for device in DEVICES:
        key = CostKey(space.name, device, "latency", space.default_dataset)
        try:
            ops, latency_ms = published.costs(key)
        except MissingDataError:
            continue
        if space.name == "fbnet":
            additive = PREDICTORS["lookup"](dataset=key.dataset_name).fit(ops, latency_ms)
            error = np.abs(additive.predict(ops) / latency_ms - 1).max()
            if error > 1e-4:
                raise SystemExit(f"{key} must be additive, but lookup misses it by {error:.2g}")
            ops = all_archs(space)
            latency_ms = additive.predict(ops)
        costs[device] = dict(zip(space.format_many(ops), latency_ms.tolist(), strict=True))
    return costs


def all_archs(space: SearchSpace) -> np.ndarray:
    """Return the architectures that any bundled table of the space holds."""
    tables = (load_bundled(name) for name in bundled_tables())
    found = [t.costs(k)[0] for t in tables for k in sorted(t.keys()) if k.space == space.name]
    return np.unique(np.concatenate(found), axis=0)


def our_costs(space: SearchSpace) -> dict[str, Costs]:
    """Return the bundled costs by device and metric, and first what MACs say."""
    archs = all_archs(space)
    names = space.format_many(archs)
    macs = [space.workload(arch).flops / 2 for arch in archs]
    costs = {"MACs": dict(zip(names, macs, strict=True))}
    for name in bundled_tables():
        table = load_bundled(name)
        for key in sorted(table.keys()):
            if key.space == space.name:
                ops, cost = table.costs(key)
                found = dict(zip(space.format_many(ops), cost.tolist(), strict=True))
                costs[f"{key.device} {key.metric}"] = found
    return costs


def agreement(space: SearchSpace, published: CostTable) -> pd.DataFrame:
    """Return a row for each table of ours and device: shared architectures and rank metrics."""
    theirs = published_costs(published, space)
    rows = []
    for ours, costs in our_costs(space).items():
        for device, latency_ms in theirs.items():
            shared = sorted(costs.keys() & latency_ms.keys())
            x = np.array([latency_ms[arch] for arch in shared])
            y = np.array([costs[arch] for arch in shared])
            rows.append(
                {
                    "space": space.name,
                    "ours": ours,
                    "device": device,
                    "n": len(shared),
                    "spearman": spearman(x, y),
                    "kendall": kendall(x, y),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Compute everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the published tables")
    published = load_published(parser.parse_args().data)
    render(pd.concat([agreement(space, published) for space in SPACES.values()]))


if __name__ == "__main__":
    main()
