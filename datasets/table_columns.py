"""The columns of a cost table as Arrow arrays with numpy codes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.errors import CostTableError

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_COLUMNS = ("space", "device", "metric", "dataset", "arch", "unit", "status", "kind")
COLUMNS = (
    "space", "device", "metric", "dataset", "arch", "cost", "unit", "status", "batch_size", "kind",
    "cost_min", "cost_median", "cost_std", "n_repeats",
)  # fmt: skip
OPTIONAL_COLUMNS = ("cost_min", "cost_median", "cost_std", "n_repeats")
NUMBER_TYPES = {
    "cost": "float64", "batch_size": "int32", "cost_min": "float64", "cost_median": "float64",
    "cost_std": "float64", "n_repeats": "int32",
}  # fmt: skip
"""Arrow's names of the types of the other columns."""


def coded(codes: npt.NDArray[np.integer[Any]], values: Sequence[str]) -> pa.DictionaryArray:
    """Return a dictionary-encoded text column from codes into `values`."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(np.ascontiguousarray(codes, dtype=np.int32)), pa.array(values, pa.string())
    )


def decoded(rows: pa.Table, name: str) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return codes and values of a text column of normalised rows."""
    column = rows.column(name).chunk(0)
    return column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()


def numbers(rows: pa.Table, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the values of a number column of normalised rows and which of them are null."""
    import pyarrow.compute as pc

    column = rows.column(name).chunk(0)
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    filled = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    return filled.astype(np.float64), missing


def content_hash(rows: pa.Table) -> str:
    """Return the SHA-256 of normalised rows in their order, however they are encoded."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        if name in TEXT_COLUMNS:
            codes, values = decoded(rows, name)
            rank = np.empty(len(values), dtype="<i4")
            rank[np.argsort(np.array(values))] = np.arange(len(values))
            digest.update(json.dumps([name, sorted(values)]).encode())
            digest.update(rank[codes].tobytes())
        else:
            filled, missing = numbers(rows, name)
            digest.update(json.dumps([name]).encode())
            digest.update(filled.astype("<f8").tobytes() + missing.tobytes())
    return digest.hexdigest()


def normalise(rows: pa.Table) -> pa.Table:
    """Return the rows with the columns of a cost table, in order, typed, each in one chunk.

    Parameters
    ----------
    rows : pyarrow.Table
        Any table with at least the columns of a cost table that are not optional. Further columns
        are dropped.

    Returns
    -------
    pyarrow.Table
        Text columns dictionary-encoded; the dictionaries hold only what is used.

    Raises
    ------
    CostTableError
        If a column is missing, has the wrong type, or holds nulls that it must not.
    """
    import pyarrow as pa

    missing = [c for c in COLUMNS if c not in rows.column_names and c not in OPTIONAL_COLUMNS]
    if missing:
        raise CostTableError(
            f"a cost table must have the columns {list(COLUMNS)}, but {missing} are missing; "
            f"it has {rows.column_names}"
        )
    if rows.num_rows == 0:
        raise CostTableError("a cost table must have at least one row, but this one is empty")
    columns = []
    for name in COLUMNS:
        if name not in rows.column_names:
            columns.append(pa.nulls(rows.num_rows, NUMBER_TYPES[name]))
            continue
        column = rows.column(name)
        if name in TEXT_COLUMNS or name == "batch_size":
            _require_values(name, column)
        if name in TEXT_COLUMNS:
            columns.append(_text(name, column))
        else:
            columns.append(as_numbers(name, column, NUMBER_TYPES[name]))
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


def _require_values(name: str, column: pa.ChunkedArray) -> None:
    if column.null_count:
        raise CostTableError(
            f"the column {name} of a cost table must have a value in every row, but "
            f"{column.null_count} rows have none"
        )


def as_numbers(name: str, column: pa.ChunkedArray, kind: str) -> pa.Array:
    """Return a column as numbers of a type, in one chunk.

    Raises
    ------
    CostTableError
        If it holds truth values, times or texts that are no such numbers.
    """
    import pyarrow as pa

    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        raise CostTableError(
            f"the column {name} of a cost table must hold numbers, but is of type {column.type}"
        )
    return _cast(name, column, kind)


def _cast(name: str, column: pa.ChunkedArray | pa.Array, kind: str) -> pa.Array:
    import pyarrow as pa

    try:
        return _one_chunk(column.cast(kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CostTableError(
            f"the column {name} of a cost table must be of type {kind}, but is {column.type}: "
            f"{error}"
        ) from None


def _text(name: str, column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a text column with the dictionary reduced to the values in use."""
    import pyarrow as pa

    is_coded = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if is_coded else column.type
    if "string" not in str(kind) and "binary" not in str(kind):
        raise CostTableError(
            f"the column {name} of a cost table must hold text, but is of type {column.type}"
        )
    if not is_coded:
        return _one_chunk(_cast(name, column, "string").dictionary_encode())
    column = _one_chunk(column.unify_dictionaries())
    codes = column.indices.to_numpy(zero_copy_only=False)
    dictionary = _cast(name, column.dictionary, "string")
    used = np.bincount(codes, minlength=len(dictionary)) > 0
    # A dictionary may hold a value twice; encoding it again makes values distinct.
    distinct = dictionary.dictionary_encode()
    place = distinct.indices.to_numpy(zero_copy_only=False)
    used_values = np.zeros(len(distinct.dictionary), dtype=bool)
    used_values[place[used]] = True
    new_code = np.cumsum(used_values) - 1
    values = distinct.dictionary.filter(pa.array(used_values))
    return coded(new_code[place[codes]], values)


def _one_chunk(column: Any) -> Any:
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column
