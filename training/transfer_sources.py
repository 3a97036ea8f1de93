"""The source devices of a transfer, and the prior learned from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from archcost.datasets import CostKey, CostTable
from archcost.datasets.cost_key import dataset_id
from archcost.errors import ArchcostError, UnknownNameError
from archcost.features import CostDrivers
from archcost.models import CostModel, find_model, manifests, model_keys
from archcost.models.store import skip
from archcost.predictors.group_prior import TransferPrior
from archcost.predictors.transfer_prior import learn_prior
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops
from archcost.training.shipped_prior import models_sha256, shipped_prior

Costs = npt.NDArray[np.float64]
Sources = Iterable["str | CostKey | CostModel | CostTable"]

ROWS = 800
"""Random architectures whose costs are predicted by the model of a source."""
ENOUGH = 5
"""Source devices of the same dataset from which on those of other datasets are left out."""
FEWEST = 30
"""Architectures with a cost that a table needs for its device to be a source."""


def transfer_prior(
    space: SearchSpace, sources: Sources | None, dataset: str, *, seed: int = 0, without: str = ""
) -> TransferPrior:
    """Return the prior over a new device that is learned from source devices.

    Parameters
    ----------
    space : SearchSpace
        The space of the new device.
    sources : iterable of id, CostKey, CostModel or CostTable, or None
        Known devices; None takes the latency models that are installed for this space and dataset.
        Those of another space are of no use, as their layers are other layers, and left out.
    dataset : str
        Of the new device.
    seed : int, default=0
        Fixes the architectures that stand for a source.
    without : str, optional
        Id of a device that is no source, the new one's own.

    Raises
    ------
    UnknownNameError
        If there is no such source.
    """
    if sources is None:
        keys = tuple(default_sources(space, dataset, without))
        return _of_models(space, dataset, keys, seed, models_sha256(keys), skip_damaged=True)
    given = listed(sources)
    if all(isinstance(source, (str, CostKey)) for source in given):
        keys = tuple(_keys(space, dataset, given, without))
        return _of_models(space, dataset, keys, seed, models_sha256(keys))
    if all(isinstance(source, CostTable) for source in given):
        if not any(key.device == without for table in given for key in table.keys()):  # noqa: SIM118
            without = ""  # so that every new device finds the same prior in the cache
        return _of_tables(space, dataset, tuple(map(_HashedTable, given)), seed, without)
    return _learn(space, dataset, _rows(space, dataset, given, seed, without), seed)


def typical_costs(
    space: SearchSpace, sources: Sources | None, dataset: str, *, without: str = ""
) -> dict[str, float]:
    """Return the median cost of an architecture on each source, in ms or mJ.

    The arguments are those of ``transfer_prior``.
    """
    given = listed(default_sources(space, dataset, without) if sources is None else sources)
    rows = _rows(space, dataset, given, 0, without)
    return {name: float(np.median(cost)) for name, (_, cost) in rows.items()}


def default_sources(space: SearchSpace, dataset: str, without: str = "") -> list[CostKey]:
    """Return the keys of the installed models that are sources by default.

    Those of latency in this space: of this dataset if there are five or more, else those of other
    datasets as well where a device has none of this one. The energy of a device would
    only give it a second vote, which made transfer to families of source devices left out worse;
    a model that was itself transferred knows little of its own.
    """
    wanted = dataset_id(space.name, dataset)
    keys = [
        model.key
        for model in manifests()
        if model.key.space == space.name
        and model.key.metric == "latency"
        and model.key.device != without
        and "sources" not in model.training
    ]
    same = [key for key in keys if key.dataset == wanted]
    if len(same) >= ENOUGH:
        return same
    here = {key.device for key in same}
    return same + [key for key in keys if key.device not in here]


def listed(sources: Any) -> list[Any]:
    """Return sources as a list; one by itself is taken as a list of one."""
    if isinstance(sources, str | CostTable) or not isinstance(sources, Iterable):
        return [sources]
    return list(sources)


class _HashedTable:
    """A table as a key of a cache: equal to another if their rows are."""

    def __init__(self, table: CostTable) -> None:
        self.table, self.hash = table, table.sha256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _HashedTable) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)


@lru_cache(maxsize=16)
def _of_models(
    space: SearchSpace,
    dataset: str,
    keys: tuple[CostKey, ...],
    seed: int,
    sha256: str,  # so that models saved anew are learned from anew
    *,
    skip_damaged: bool = False,
) -> TransferPrior:
    known = shipped_prior(space, dataset, keys) if seed == 0 else None
    if known is not None:
        return known
    models = []
    for key in keys:
        try:
            models.append(CostModel.load(find_model(key)))
        except ArchcostError as error:
            if not skip_damaged:
                raise
            skip(key, error)
    return _learn(space, dataset, _rows(space, dataset, models, seed, ""), seed)


@lru_cache(maxsize=16)
def _of_tables(
    space: SearchSpace, dataset: str, tables: tuple[_HashedTable, ...], seed: int, without: str
) -> TransferPrior:
    given = [same.table for same in tables]
    return _learn(space, dataset, _rows(space, dataset, given, seed, without), seed)


def _learn(
    space: SearchSpace, dataset: str, rows: Mapping[str, tuple[Ops, Costs]], seed: int
) -> TransferPrior:
    drivers = CostDrivers(dataset=dataset).bind(space)
    with threadpool_limits(1):  # on such small matrices threads cost more than they gain
        return learn_prior(drivers, rows, seed)


def _keys(
    space: SearchSpace, dataset: str, sources: list[str | CostKey], without: str
) -> list[CostKey]:
    """Return the keys of models that ids name, those of other spaces left out."""
    known = model_keys()
    wanted = dataset_id(space.name, dataset)
    keys = []
    for source in sources:
        name = str(source)
        found = [key for key in known if str(key) == name]
        if not found:
            of_device = [key for key in known if key.device == name]
            in_space = [key for key in of_device if key.space == space.name]
            found = [key for key in in_space if key.dataset == wanted] or in_space or of_device
            found = [key for key in found if key.metric == "latency"] or found
        if not found:
            raise UnknownNameError(
                f"a source must be the id of a device with a model, a CostModel or a CostTable, "
                f"but got {name!r}; `archcost devices` lists {sorted({k.device for k in known})}"
            )
        keys += [k for k in found[:1] if k.space == space.name and k.device != without]
    return keys


def _rows(
    space: SearchSpace, dataset: str, sources: list[Any], seed: int, without: str
) -> dict[str, tuple[Ops, Costs]]:
    """Return architectures and costs of each source."""
    rows: dict[str, tuple[Ops, Costs]] = {}
    for source in sources:
        if isinstance(source, (str, CostKey)):
            keys = _keys(space, dataset, [source], without)
            found = [_predicted(space, CostModel.load(find_model(key)), seed) for key in keys]
        elif isinstance(source, CostModel):
            keys = [source.key] if source.space == space else []
            found = [_predicted(space, source, seed) for _ in keys]
        elif isinstance(source, CostTable):
            keys = [
                key
                for key in source.keys()  # noqa: SIM118  no mapping
                if key.space == space.name and key.device != without
            ]
            found = [source.costs(key) for key in keys]
        else:
            raise UnknownNameError(
                "a source must be the id of a device, a CostModel or a CostTable, but got "
                f"{type(source).__name__}"
            )
        for key, (ops, cost) in zip(keys, found, strict=True):
            if len(ops) >= FEWEST:
                rows[str(key)] = ops, cost
    return rows


def _predicted(space: SearchSpace, model: CostModel, seed: int) -> tuple[Ops, Costs]:
    ops = space.sample(min(ROWS, space.n_archs), seed=seed)
    return ops, model.predict(ops)
