"""Short forms of cost tables: what a user measured, with the columns ``arch`` and a cost."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcost.datasets.column_checks import check_alike, check_said, plain_name
from archcost.datasets.cost_key import METRICS, check_device_id, dataset_id
from archcost.datasets.csv_file import NUMBER_COLUMNS
from archcost.datasets.devices import CostKind
from archcost.datasets.table_columns import NUMBER_TYPES, as_numbers
from archcost.datasets.table_files import TableFile
from archcost.errors import ArchitectureError, CostTableError, shown
from archcost.spaces.dataset import Dataset
from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import get_space, infer_space

if TYPE_CHECKING:
    import pyarrow as pa

OTHER_UNITS = frozenset({
    "ns", "us", "s", "sec", "second", "seconds", "min", "nj", "uj", "j", "kj", "joule", "joules",
    "wh", "mwh", "w", "mw", "watt", "fps", "hz", "cycles",
})  # fmt: skip
"""Units that columns of others are in, as their names say; a table holds ms and mJ."""


def long_form(
    file: TableFile,
    *,
    device: str | None,
    space: str | SearchSpace | None,
    dataset: str | Dataset | None,
    batch_size: int,
    kind: CostKind,
) -> pa.Table:
    """Return rows with the columns of a cost table; a long form is returned as it is.

    The short form has the column ``arch``, one or both of ``latency_ms`` and ``energy_mj``, and
    optionally ``latency_std_ms``, ``energy_std_mj``, ``n_repeats`` and ``status``; the arguments
    fill in the rest, and columns of their names must not contradict them.

    Raises
    ------
    CostTableError
        If the rows are in neither form, a short form comes without a device, two columns look like
        the same one, or a column contradicts an argument.
    """
    import pyarrow as pa

    rows = file.rows
    names = rows.column_names
    metrics = [metric for metric in METRICS if _cost_column(metric) in names]
    if "arch" not in names or not (metrics or "cost" in names):
        raise CostTableError(
            "a cost table must have the columns 'arch' and 'latency_ms' or 'energy_mj', or the "
            f"long form with 'cost', but it has {names}{_similar(names)}"
        )
    if rows.num_rows == 0:
        raise CostTableError("a cost table must have at least one row, but this one is empty")
    if pa.types.is_integer(rows.column("arch").type):
        rows = rows.set_column(names.index("arch"), "arch", _from_indices(file, space))
    if "cost" in names:
        return rows
    if device is None:
        raise CostTableError(
            "a table with the columns 'arch' and 'latency_ms' or 'energy_mj' must be read with a "
            "device, such as device='my_board'"
        )
    check_device_id(device)
    space = get_space(space) if space else _first_space(rows, file)
    filled: dict[str, Any] = {
        "space": space.name,
        "device": device,
        "dataset": dataset_id(space.name, dataset),
        "kind": kind,
    }
    sizes = _batch_sizes(rows, file, space, batch_size)
    used = ["arch", *map(_cost_column, metrics), *map(_std_column, metrics)]
    check_alike(names, [*used, "n_repeats", "status"])
    _check_said(rows, filled, space, sizes)
    if "status" not in names:
        filled["status"] = "ok"
    parts = []
    for metric in metrics:
        data = {name: rows.column(name) for name in ("arch", "status") if name in names}
        for name, column in (
            ("cost", _cost_column(metric)),
            ("cost_std", _std_column(metric)),
            ("n_repeats", "n_repeats"),
        ):
            if column in names:
                data[name] = as_numbers(column, rows.column(column), NUMBER_TYPES[name])
        for name, value in {**filled, "metric": metric, "unit": METRICS[metric]}.items():
            data[name] = pa.array([value] * rows.num_rows)
        data["batch_size"] = pa.array(sizes)
        parts.append(pa.table(data))
    return pa.concat_tables(parts, promote_options="default")


def _cost_column(metric: str) -> str:
    return f"{metric}_{METRICS[metric].lower()}"


def _std_column(metric: str) -> str:
    return f"{metric}_std_{METRICS[metric].lower()}"


def _check_said(
    rows: pa.Table, key: Mapping[str, Any], space: SearchSpace, sizes: Sequence[int]
) -> None:
    """Check that columns with the names of arguments do not contradict them."""
    names = {"space", "device", "dataset", "kind", "unit", "batch_size"} & set(rows.column_names)
    said = {name: rows.column(name).unique().to_pylist() for name in names}
    if len([value for value in said.get("device", ()) if value]) > 1:
        raise CostTableError(
            f"a table in the short form must be of one device, but the column device has "
            f"{shown(said['device'])}; make one table of each, or use the long form"
        )
    meant: dict[str, Sequence[object]] = {name: [key[name]] for name in ("space", "kind")}
    meant["dataset"] = [key["dataset"], space.check_dataset(key["dataset"])]
    meant["unit"] = [*METRICS.values(), *(unit.lower() for unit in METRICS.values())]
    check_said(said, {**meant, "batch_size": sorted(set(sizes))})


def _similar(names: list[str]) -> str:
    """Return a hint at columns that look like those of a cost table, with what must be changed."""
    valid = ("arch", *sorted(NUMBER_COLUMNS))
    missing = [name for name in valid if name not in names]
    hints = []
    for name in names:
        plain = plain_name(name)
        near = difflib.get_close_matches(plain, missing, n=1, cutoff=0.7)
        if name in valid or not near:
            continue
        unit = near[0].rpartition("_")[2]
        given = OTHER_UNITS.intersection(plain.split("_"))
        if given:
            remedy = f" in {min(given)}: convert it to {unit} and rename it"
        elif unit in ("ms", "mj") and unit not in plain.split("_"):
            remedy = f": rename it if it is in {unit}"
        else:
            remedy = ": rename it"
        hints.append(f"{name!r} looks like {near[0]!r}{remedy}")
    return f"; {'; '.join(hints)}" if hints else ""


def _first_space(rows: pa.Table, file: TableFile) -> SearchSpace:
    try:
        return infer_space(rows.column("arch")[0].as_py())
    except ArchitectureError as error:
        raise ArchitectureError(f"{_row(file, 0)}: {error}") from None


def _batch_sizes(rows: pa.Table, file: TableFile, space: SearchSpace, batch_size: int) -> list[int]:
    """Return the batch size of each row: that which was given, unless the networks fix it."""
    if not space.is_open:
        return [batch_size] * rows.num_rows
    sizes: list[int] = []
    for place, arch in enumerate(rows.column("arch").to_pylist()):
        try:
            sizes += space.batch_sizes([arch]) or [batch_size]
        except ArchitectureError as error:
            raise ArchitectureError(f"{_row(file, place)}: {error}") from None
    return sizes


def _from_indices(file: TableFile, space: str | SearchSpace | None) -> pa.Array:
    """Return the strings of architectures given by their index in a space that has one."""
    import pyarrow as pa

    indices = file.rows.column("arch").to_pylist()
    named = file.rows.column("space").to_pylist() if "space" in file.rows.column_names else []
    strings = []
    for place, index in enumerate(indices):
        try:
            one = named[place] if named else space
            found = infer_space(index) if one is None else get_space(one)
            if not found.has_index:
                raise ArchitectureError(
                    f"an architecture of {found.name} must be a string, as its order is not "
                    f"published, but got the index {index}"
                )
            strings.append(found.format(index))
        except ArchitectureError as error:
            raise ArchitectureError(f"{_row(file, place)}: {error}") from None
    return pa.array(strings, pa.string())


def _row(file: TableFile, place: int) -> str:
    return f"row {place if file.row_numbers is None else file.row_numbers[place]}"
