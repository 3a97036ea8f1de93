"""What a cost table knows about its rows: their words, architectures and keys."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import METRICS, CostKey, check_device_id, dataset_id
from archcost.datasets.devices import COST_KINDS
from archcost.datasets.table_checks import STATUSES, RowNumber, changes_within
from archcost.datasets.table_columns import coded, decoded
from archcost.errors import ArchitectureError, CostTableError, UnknownNameError, check_name
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import get_space, known_spaces

if TYPE_CHECKING:
    import pyarrow as pa

KEY_COLUMNS = ("space", "device", "metric", "dataset")


def check_words(rows: pa.Table) -> None:
    """Check every word of normalised rows that comes from a fixed list.

    Raises
    ------
    UnknownNameError
        If a space, device id, metric, status or kind does not exist.
    CostTableError
        If a unit is not that of the metric, or a device has two batch sizes and the networks do
        not fix them.
    """
    for column, known in (
        ("space", known_spaces()), ("metric", METRICS), ("status", STATUSES), ("kind", COST_KINDS)
    ):  # fmt: skip
        for value in decoded(rows, column)[1]:
            if column == "space" and value not in known:
                raise UnknownNameError(
                    f"space must be one of {list(known)}, but got {value!r}; a space of your own "
                    "must be registered first, with archcost.spaces.register or as "
                    "--space FILE.py:NAME"
                )
            check_name(column, value, known)
    device, devices = decoded(rows, "device")
    for value in devices:
        check_device_id(value)
    metric, metrics = decoded(rows, "metric")
    unit, units = decoded(rows, "unit")
    for code in np.unique(metric * len(units) + unit):
        name, given = metrics[code // len(units)], units[code % len(units)]
        if given != METRICS[name]:
            raise CostTableError(f"the unit of {name} must be {METRICS[name]!r}, but got {given!r}")
    batch_size = rows.column("batch_size").chunk(0).to_numpy(zero_copy_only=False)
    if batch_size.min() < 1:
        raise CostTableError(f"batch_size must be 1 or more, but got {batch_size.min()}")
    space, spaces = decoded(rows, "space")
    closed = np.array([not get_space(name).is_open for name in spaces])[space]
    two = changes_within(device[closed], batch_size[closed])
    if two is not None:
        raise CostTableError(
            f"a device must have one batch size in a table, but {devices[two]!r} has several; "
            f"give each its own id, such as '{devices[two]}_32'"
        )


def canonical_archs(rows: pa.Table, number: RowNumber) -> tuple[pa.Table, dict[str, Ops]]:
    """Spell every architecture of normalised rows as its space does, and parse it.

    Parameters
    ----------
    rows : pyarrow.Table
        Normalised rows.
    number : callable
        How errors call a row.

    Returns
    -------
    rows : pyarrow.Table
        The rows with canonical strings.
    ops : dict of str to numpy.ndarray of int, shape (n_values, n_positions)
        For each space, op ids by the code of the column ``arch``; zeros for other spaces' codes.
    """
    arch, values = decoded(rows, "arch")
    space, spaces = decoded(rows, "space")
    ops: dict[str, Ops] = {}
    canonical = list(values)
    for code, name in enumerate(spaces):
        found = get_space(name)
        used = np.flatnonzero(np.bincount(arch[space == code], minlength=len(values)))
        parsed = []
        for i in used:
            try:
                parsed.append(_parse(found, values[i]))
            except ArchitectureError as error:
                row = int(np.flatnonzero((arch == i) & (space == code))[0])
                raise ArchitectureError(f"row {number(row)}: {error}") from None
        ids = np.frombuffer(b"".join(ids for ids, _ in parsed), dtype=found.dtype)
        ops[name] = np.zeros((len(values), found.n_positions), dtype=found.dtype)
        ops[name][used] = ids.reshape(len(used), -1)
        for i, (_, spelled) in zip(used, parsed, strict=True):
            canonical[i] = spelled
    if canonical == values:
        return rows, ops
    distinct, first, inverse = np.unique(canonical, return_index=True, return_inverse=True)
    place = rows.column_names.index("arch")
    rows = rows.set_column(place, "arch", coded(inverse[arch], distinct.tolist()))
    return rows, {name: table[first] for name, table in ops.items()}


@lru_cache(maxsize=2**16)  # tables are cut and joined often, and hold the same architectures
def _parse(space: SearchSpace, arch: str) -> tuple[bytes, str]:
    """Return the op ids of an architecture as bytes, and its canonical string."""
    ops = space.parse(arch)
    return ops.tobytes(), space.format(ops)


def group_by_key(rows: pa.Table) -> tuple[tuple[CostKey, ...], npt.NDArray[np.int32]]:
    """Return the keys of normalised rows, sorted, and the place of each row's key among them."""
    combined: npt.NDArray[Any] = np.zeros(rows.num_rows, dtype=np.int64)
    words = []
    for name in KEY_COLUMNS:
        codes, values = decoded(rows, name)
        combined = combined * len(values) + codes
        words.append(values)
    sizes = [len(values) for values in words]
    present = np.flatnonzero(np.bincount(combined, minlength=int(np.prod(sizes))))
    keys = [
        CostKey(*(values[i] for values, i in zip(words, places, strict=True)))
        for places in np.stack(np.unravel_index(present, sizes), axis=1)
    ]
    order = sorted(range(len(keys)), key=lambda i: keys[i])
    place_of = np.zeros(int(np.prod(sizes)), dtype=np.int32)
    place_of[present[order]] = np.arange(len(keys))
    return tuple(keys[i] for i in order), place_of[combined]


def canonical_datasets(rows: pa.Table) -> pa.Table:
    """Spell every dataset of normalised rows as cost keys do, and check that its space has it."""
    dataset, datasets = decoded(rows, "dataset")
    space, spaces = decoded(rows, "space")
    spelled = list(datasets)
    for code in np.unique(space * len(datasets) + dataset):
        place = code % len(datasets)
        spelled[place] = dataset_id(spaces[code // len(datasets)], datasets[place])
    if spelled == datasets:
        return rows
    distinct, inverse = np.unique(spelled, return_inverse=True)
    place = rows.column_names.index("dataset")
    return rows.set_column(place, "dataset", coded(inverse[dataset], distinct.tolist()))
