"""Cost tables as files: Parquet with provenance, and CSV."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.datasets.cost_key import METRICS, dataset_id
from archcost.datasets.devices import CostKind
from archcost.errors import CostTableError, IntegrityError, MissingDataError
from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import get_space, infer_space

if TYPE_CHECKING:
    import pyarrow as pa

PROVENANCE = b"archcost.provenance"
"""Key of the provenance in the metadata of a Parquet file's schema."""


def read_file(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Read the raw rows of a Parquet or CSV file and the provenance that it holds.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file is truncated or is not what its name says.
    CostTableError
        If the name ends in neither ``.parquet`` nor ``.csv``.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if path.suffix not in (".parquet", ".csv"):
        raise CostTableError(f"a cost table must be a .parquet or .csv file, but got {str(path)!r}")
    if not path.is_file():
        raise MissingDataError(f"there is no cost table {path}; check the path")
    try:
        if path.suffix == ".parquet":
            rows = pyarrow.parquet.read_table(path, partitioning=None)
        else:
            # Only an empty cell is null: the text "nan" is a cost that breaks the rules.
            options = pyarrow.csv.ConvertOptions(null_values=[""], strings_can_be_null=True)
            rows = pyarrow.csv.read_csv(path, convert_options=options)
        provenance = json.loads((rows.schema.metadata or {}).get(PROVENANCE, b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        kind = path.suffix.removeprefix(".").upper()
        raise IntegrityError(
            f"{path} must be a whole {kind} file, but it cannot be read ({error}); "
            "it is truncated or of another kind"
        ) from None
    return rows, provenance


def write_parquet(rows: pa.Table, provenance: Mapping[str, Any], path: Path) -> Path:
    """Write rows with their provenance; the file appears whole or not at all."""
    import pyarrow.parquet

    if path.suffix != ".parquet":
        raise CostTableError(f"a cost table is written as .parquet, but got {str(path)!r}")
    try:
        told = json.dumps(provenance, sort_keys=True)
    except TypeError as error:
        raise CostTableError(f"provenance must be JSON data, but: {error}") from None
    rows = rows.replace_schema_metadata({PROVENANCE: told})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        pyarrow.parquet.write_table(rows, part, compression="zstd")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def long_form(
    rows: pa.Table,
    *,
    device: str | None,
    space: str | SearchSpace | None,
    dataset: str | None,
    batch_size: int,
    kind: CostKind,
) -> pa.Table:
    """Return rows with the columns of a cost table; a long form is returned as it is.

    The short form has the column ``arch``, one or both of ``latency_ms`` and ``energy_mj``, and
    optionally ``latency_std_ms``, ``energy_std_mj``, ``n_repeats`` and ``status``; the arguments
    fill in the rest.

    Raises
    ------
    CostTableError
        If the rows are in neither form, or a short form comes without a device.
    """
    import pyarrow as pa

    names = rows.column_names
    metrics = [metric for metric in METRICS if _cost_column(metric) in names]
    if "arch" not in names or not (metrics or "cost" in names):
        raise CostTableError(
            "a cost table must have the columns 'arch' and 'latency_ms' or 'energy_mj', or the "
            f"long form with 'cost', but it has {names}"
        )
    if rows.num_rows == 0:
        raise CostTableError("a cost table must have at least one row, but this one is empty")
    if pa.types.is_integer(rows.column("arch").type):
        rows = rows.set_column(names.index("arch"), "arch", _from_indices(rows.column("arch")))
    if "cost" in names:
        return rows
    if device is None:
        raise CostTableError(
            "a table with the columns 'arch' and 'latency_ms' or 'energy_mj' must be read with a "
            "device, such as device='my_board'"
        )
    space = get_space(space) if space else infer_space(rows.column("arch")[0].as_py())
    filled: dict[str, Any] = {
        "space": space.name,
        "device": device,
        "dataset": dataset_id(space.name, dataset),
        "kind": kind,
        "batch_size": batch_size,
    }
    if "status" not in names:
        filled["status"] = "ok"
    parts = []
    for metric in metrics:
        data = {
            name: rows.column(name) for name in ("arch", "status", "n_repeats") if name in names
        }
        data["cost"] = rows.column(_cost_column(metric))
        spread = f"{metric}_std_{METRICS[metric].lower()}"
        if spread in names:
            data["cost_std"] = rows.column(spread)
        for name, value in {**filled, "metric": metric, "unit": METRICS[metric]}.items():
            data[name] = pa.chunked_array([pa.array([value] * rows.num_rows)])
        parts.append(pa.table(data))
    return pa.concat_tables(parts, promote_options="default")


def _cost_column(metric: str) -> str:
    return f"{metric}_{METRICS[metric].lower()}"


def _from_indices(archs: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the strings of architectures given by their NAS-Bench-201 index."""
    import pyarrow as pa

    space = get_space("nasbench201")  # the only space whose architectures have a published index
    return pa.chunked_array([pa.array([space.format(index) for index in archs.to_pylist()])])
