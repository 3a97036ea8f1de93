"""Read the measurements of a new device, in any form, as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey, CostTable
from archcost.datasets.column_checks import check_alike, check_said
from archcost.datasets.cost_key import METRICS, dataset_id
from archcost.datasets.table_files import frame_rows, read_file
from archcost.datasets.table_rows import numbers_of
from archcost.errors import ArchcostWarning, CostTableError, check_name, shown
from archcost.predictors.base import LEAST_COST, MOST_COST
from archcost.spaces import Dataset, SearchSpace
from archcost.spaces.space import Ops
from archcost.training.unit_checks import check_units

if TYPE_CHECKING:
    import pandas as pd

Costs = npt.NDArray[np.float64]

SAID = ("space", "device", "dataset", "unit", "status")
"""Columns that must not contradict what the costs are read as."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements of one device; an architecture may come several times.

    Parameters
    ----------
    key : CostKey
        Space, device, metric and dataset.
    ops : numpy.ndarray of int, shape (n_measured, n_positions)
        The architectures.
    cost : numpy.ndarray of float64, shape (n_measured,)
        Their costs in ms or mJ.
    n_without_cost : int
        Rows that had none and were left out.
    n_outliers : int
        Rows that were left out because their cost cannot be of its unit.
    cost_std : numpy.ndarray of float64, shape (n_measured,), optional
        Standard deviations of the costs over repeats, NaN where unknown; None where no cost has
        one.
    """

    key: CostKey
    ops: Ops
    cost: Costs
    n_without_cost: int = 0
    n_outliers: int = 0
    cost_std: Costs | None = None


def read_measurements(
    space: SearchSpace,
    measurements: object,
    device: str,
    metric: str | None,
    dataset: str | Dataset | None,
) -> Measurements:
    """Return measurements as arrays.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    measurements : mapping, pandas.DataFrame, path or CostTable
        A mapping from architecture to cost; a frame or a CSV or Parquet file with the columns
        ``arch`` and ``latency_ms`` or ``energy_mj``; or a table with one key of the space.
    device : str
        Id of the new device.
    metric : str or None
        Latency or energy; None takes the only one there is, else latency.
    dataset : str or None
        Fixes the input size; None is that of the table, else the space's default.

    Raises
    ------
    CostTableError
        If a column is missing, a cost is not a positive number, two units are mixed, or there are
        fewer than two rows.
    ArchitectureError
        If an architecture is malformed or of another space.
    """
    rows: Sequence[int] | None = None
    if isinstance(measurements, (str, Path)):
        file = read_file(Path(measurements))
        measurements, rows = file.rows.to_pandas(), file.row_numbers
    if isinstance(measurements, CostTable):
        return _from_table(space, measurements, device, metric, dataset)
    if type(measurements).__module__.split(".")[0] != "pandas" and hasattr(
        measurements, "__arrow_c_stream__"
    ):
        measurements = frame_rows(measurements).to_pandas()
    if isinstance(measurements, Mapping):
        archs, costs, stds = list(measurements.keys()), list(measurements.values()), None
        metric = "latency" if metric is None else metric
    elif hasattr(measurements, "columns"):
        if {"cost", "space", "metric"} <= set(measurements.columns):
            table = CostTable(frame_rows(measurements))
            return _from_table(space, table, device, metric, dataset)
        archs, costs, stds, metric = _from_frame(measurements, metric)
        _check_columns(space, measurements, metric, dataset)
    else:
        raise CostTableError(
            "measurements must be a dict from architecture to cost, a DataFrame, the path of a "
            f"CSV or Parquet file, or a CostTable, but got {type(measurements).__name__}"
        )
    check_name("metric", metric, METRICS)
    key = CostKey(space.name, device, metric, dataset_id(space.name, dataset))
    return _checked(space, key, archs, costs, stds, rows)


def _from_table(
    space: SearchSpace,
    table: CostTable,
    device: str,
    metric: str | None,
    dataset: str | Dataset | None,
) -> Measurements:
    wanted = None if dataset is None else dataset_id(space.name, dataset)
    keys = [
        key
        for key in table.keys()  # noqa: SIM118  no mapping
        if key.space == space.name
        and metric in (None, key.metric)
        and wanted in (None, key.dataset)
    ]
    of_device = [key for key in keys if key.device == device]
    keys = of_device or keys
    if metric is None and len(keys) > 1:
        keys = [key for key in keys if key.metric == "latency"]
    if len(keys) != 1:
        raise CostTableError(
            f"measurements must be of one device, metric and dataset of {space.name}, but the "
            f"table has {[str(key) for key in table.keys()]}; select one"  # noqa: SIM118
        )
    ops, cost = table.costs(keys[0])
    rows = table.select(**asdict(keys[0]))
    key = CostKey(space.name, device, keys[0].metric, keys[0].dataset)
    frame = rows.to_arrow().select(["cost", "cost_std"]).to_pandas()
    stds = frame["cost_std"][frame["cost"].notna()].to_numpy(dtype=np.float64)
    found = _checked(space, key, ops, cost, stds)
    return replace(found, n_without_cost=len(rows) - len(ops))


def _from_frame(
    frame: pd.DataFrame, metric: str | None
) -> tuple[list[Any], list[Any], Any | None, str]:
    columns = {name: f"{name}_{unit.lower()}" for name, unit in METRICS.items()}
    there = [name for name, column in columns.items() if column in frame.columns]
    if "arch" not in frame.columns or not there:
        raise CostTableError(
            f"measurements must have the columns 'arch' and one of {list(columns.values())}, but "
            f"have {list(frame.columns)}"
        )
    metric = there[0] if metric is None else metric
    check_name("metric of the measurements", metric, there)
    std_column = f"{metric}_std_{METRICS[metric].lower()}"
    check_alike(frame.columns, ["arch", columns[metric], std_column, *SAID])
    archs = [arch.item() if hasattr(arch, "item") else arch for arch in frame["arch"]]
    stds = frame[std_column].tolist() if std_column in frame.columns else None
    return archs, frame[columns[metric]].tolist(), stds, metric


def _check_columns(
    space: SearchSpace, frame: pd.DataFrame, metric: str, dataset: str | Dataset | None
) -> None:
    """Check that what other columns say of the costs is what they are read as."""
    unit = METRICS[metric]
    with_cost = frame[frame[f"{metric}_{unit.lower()}"].notna()]
    said = {name: with_cost[name].unique().tolist() for name in SAID if name in frame.columns}
    if len(said.pop("device", ())) > 1:
        raise CostTableError(
            "measurements must be of one device, but the column device has several: "
            f"{shown(with_cost['device'].unique().tolist())}; select one"
        )
    known = [dataset_id(space.name, dataset), space.check_dataset(dataset)]
    meant = {"space": [space.name], "dataset": known, "unit": [unit, unit.lower()]}
    check_said(said, {**meant, "status": ["ok"]})


def _checked(
    space: SearchSpace,
    key: CostKey,
    archs: Any,
    costs: Any,
    stds: Any | None = None,
    rows: Sequence[int] | None = None,
) -> Measurements:
    parsed = [space.parse(arch) for arch in archs]
    ops = np.array(parsed, dtype=space.dtype).reshape(len(parsed), space.n_positions)
    try:
        cost = numbers_of("costs", costs)
    except CostTableError as error:
        raise CostTableError(
            f"costs must be numbers in {key.unit}, but got {shown(costs)} ({error}); leave out "
            "what was not measured"
        ) from None
    cost_std = _standard_deviations(key, stds, len(cost))
    numbers = np.arange(len(cost)) if rows is None else np.asarray(rows)
    empty = np.isnan(cost)
    if not empty.all():
        ops, numbers = ops[~empty], numbers[~empty]
        cost, cost_std = cost[~empty], cost_std[~empty]
    wrong = np.flatnonzero(~((cost >= LEAST_COST) & (cost <= MOST_COST)))
    if len(wrong):
        raise CostTableError(
            f"costs must be positive numbers in {key.unit}, from {LEAST_COST:g} to {MOST_COST:g}, "
            f"but that of {space.names(ops[wrong[:1]])[0]!r} is {cost[wrong[0]]}; leave it out"
        )
    units = check_units(space, ops, cost, key.unit, numbers.tolist())
    for text in units.warnings:
        warnings.warn(f"{key.device}: {text}", ArchcostWarning, stacklevel=4)
    ops, cost, cost_std = ops[units.sound], cost[units.sound], cost_std[units.sound]
    if len(cost) < 2:
        raise CostTableError(
            f"a new device needs at least 2 measured architectures, but got {len(cost)}; "
            "`archcost suggest` says which"
        )
    known = None if np.isnan(cost_std).all() else cost_std
    return Measurements(key, ops, cost, int(empty.sum()), len(units.warnings), known)


def _standard_deviations(key: CostKey, stds: Any | None, n_costs: int) -> Costs:
    """Return the standard deviations of the costs, NaN where unknown."""
    if stds is None:
        return np.full(n_costs, np.nan)
    try:
        cost_std = np.asarray(stds, dtype=np.float64)
    except (TypeError, ValueError):
        cost_std = np.array([-1.0])
    wrong = ~(np.isnan(cost_std) | (np.isfinite(cost_std) & (cost_std >= 0)))
    if wrong.any():
        column = f"{key.metric}_std_{key.unit.lower()}"
        raise CostTableError(
            f"{column} must hold numbers from 0 in {key.unit}, empty where unknown, but got "
            f"{stds!r}; leave the column out if the standard deviations are unknown"
        )
    return cost_std
