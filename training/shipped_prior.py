"""Priors over a new device, learned beforehand from the models that ship."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archcost.datasets import CostKey
from archcost.datasets.array_file import read_arrays
from archcost.datasets.cost_key import dataset_id
from archcost.models import Manifest, find_model
from archcost.models.store import PRETRAINED
from archcost.predictors.group_prior import TransferPrior
from archcost.spaces import SearchSpace

FOLDER = PRETRAINED / "transfer_priors"
ORIGIN = "models_sha256"


def shipped_prior(
    space: SearchSpace, dataset: str, keys: Sequence[CostKey]
) -> TransferPrior | None:
    """Return the prior that ships if it was learned from just these models, else None.

    Parameters
    ----------
    space : SearchSpace
        The space of the new device.
    dataset : str
        Its dataset.
    keys : sequence of CostKey
        The models to be learned from.
    """
    path = _path(space, dataset)
    if not path.is_file():
        return None
    arrays = read_arrays(path)
    if arrays["source_names"].tolist() != [str(key) for key in keys]:
        return None
    if str(arrays[ORIGIN]) != models_sha256(keys):
        return None
    return TransferPrior.restore(arrays)


def write_prior(
    prior: TransferPrior, space: SearchSpace, dataset: str, keys: Sequence[CostKey]
) -> Path:
    """Write a prior where `shipped_prior` finds it; return the file."""
    FOLDER.mkdir(exist_ok=True)
    path = _path(space, dataset)
    arrays: dict[str, Any] = {**prior.state(), ORIGIN: np.array(models_sha256(keys))}
    np.savez_compressed(path, **arrays)
    return path


def _path(space: SearchSpace, dataset: str) -> Path:
    return FOLDER / f"{space.name}-{dataset_id(space.name, dataset)}.npz"


def models_sha256(keys: Sequence[CostKey]) -> str:
    """Return a hash of the files of installed models."""
    files = [f"{key} {sorted(Manifest.read(find_model(key)).files.items())}" for key in keys]
    return hashlib.sha256("\n".join(files).encode()).hexdigest()
