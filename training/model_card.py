"""Entries of a trained model's manifest: device, training rows, protocol, library versions."""

from __future__ import annotations

import platform
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from archcost.datasets import DEVICES, CostKey, CostTable, DeviceCard
from archcost.training.splits import Split
from archcost.training.train_settings import TrainSettings

LIBRARIES = ("archcost", "numpy", "scikit-learn", "xgboost", "lightgbm", "torch", "torch-geometric")


def device_card(table: CostTable, key: CostKey) -> DeviceCard:
    """Return the published card of a device, or one made from the table's columns."""
    if key.device in DEVICES:
        return DEVICES[key.device]
    first = table.select(**asdict(key)).to_pandas().iloc[0]
    return DeviceCard(
        key.device, key.device, kind=first["kind"], batch_size=int(first["batch_size"])
    )


def training_facts(
    table: CostTable, key: CostKey, settings: TrainSettings, n_train: int
) -> dict[str, Any]:
    """Return the counts, hash, seed and provenance of the rows that a model learned from."""
    rows = table.select(**asdict(key))
    counts = rows.counts()
    return {
        "n_train": n_train,
        "n_without_cost": len(rows) - counts.get("ok", 0),
        "rows_by_status": counts,
        "table_sha256": rows.sha256,
        "seed": settings.seed,
        "in_order": settings.in_order,
        "provenance": table.provenance.to_dict(),
    }


def protocol(settings: TrainSettings, split: Split) -> dict[str, Any]:
    """Return the split, sizes and seed behind the held-out scores."""
    return {
        "split": settings.split,
        "n_train": len(split.train),
        "n_validation": len(split.validation),
        "n_test": len(split.test),
        "seed": settings.seed,
        "refitted_on_all_rows": False,
    }


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that train models, as far as they are installed."""
    return dict(_library_versions())


@cache
def _library_versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:  # run from files, or a library is left out
            continue
    return versions
