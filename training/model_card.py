"""What the manifest of a trained model says: its device, its rows, its protocol."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from archcost.datasets import DEVICES, CostKey, CostTable, DeviceCard
from archcost.training.key_rows import rows_of

if TYPE_CHECKING:
    from archcost.training.splits import Split
    from archcost.training.trainer import TrainSettings

LIBRARIES = ("archcost", "numpy", "scikit-learn", "xgboost", "lightgbm", "torch", "torch-geometric")


def device_card(table: CostTable, key: CostKey) -> DeviceCard:
    """Return the published card, or one of the user's own device from what the table says."""
    if key.device in DEVICES:
        return DEVICES[key.device]
    first = rows_of(table, key).to_pandas().iloc[0]
    return DeviceCard(
        key.device, key.device, kind=first["kind"], batch_size=int(first["batch_size"])
    )


def training_facts(
    table: CostTable, key: CostKey, settings: TrainSettings, n_train: int
) -> dict[str, Any]:
    """Say what a model learned from."""
    rows = rows_of(table, key)
    counts = rows.counts()
    return {
        "n_train": n_train,
        "n_without_cost": len(rows) - counts.get("ok", 0),
        "rows_by_status": counts,
        "table_sha256": rows.sha256,
        "seed": settings.seed,
        "provenance": table.provenance.to_dict(),
    }


def protocol(settings: TrainSettings, split: Split) -> dict[str, Any]:
    """Say how the held-out scores came about."""
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
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:  # run from files, or a library is left out
            continue
    return versions
