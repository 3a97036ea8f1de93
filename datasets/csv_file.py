"""CSV files of users: what looks like another format is refused, with what it looks like."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.errors import CostTableError, IntegrityError, MissingDataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

Record = tuple[int, list[str]]
"""A row as a spreadsheet counts it, from 1, and its cells without the spaces around them."""

NUMBER_COLUMNS = frozenset({
    "cost", "cost_min", "cost_median", "cost_std", "batch_size", "n_repeats", "latency_ms",
    "energy_mj", "latency_std_ms", "energy_std_mj",
})  # fmt: skip
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.I | re.A)
DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*,\d+")
WIDE = {
    codecs.BOM_UTF8: "",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""What a file begins with, and which encoding that is."""
OTHER_FILES = {
    b"PAR1": "a Parquet file; give it a name that ends in .parquet",
    b"PK\x03\x04": "a spreadsheet's own format or a ZIP archive; export it as 'CSV UTF-8'",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet's own format; export it as 'CSV UTF-8'",
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"SQLite format 3": "a SQLite database; export the table as 'CSV UTF-8'",
}
"""What files begin with that are no text, what they are, and what to do."""


def read_records(path: Path) -> list[Record]:
    """Read the rows of a CSV file that are not empty.

    Raises
    ------
    MissingDataError
        If there is no such file.
    CostTableError
        If it is not in UTF-8, or its columns are not separated by commas.
    IntegrityError
        If a quote is not closed.
    """
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise MissingDataError(f"a table must be a file, but {path} {what}; check the path")
    text = _decoded(path)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise IntegrityError(
            f"{path} must be a whole CSV file, but it cannot be read ({error}); "
            "it is truncated or of another kind"
        ) from None
    records = [
        (number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1) if any(row)
    ]
    if records and len(head := records[0][1]) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            cells = [cell.strip(' "').lower() for cell in head[0].split(separator)]
            if len(cells) > 1 and "arch" in cells:
                raise CostTableError(
                    f"the columns of {path} must be separated by commas, but row 1 is "
                    f"{shown(head[0])}: they look separated by {name}; save it with commas, and "
                    "points in decimal numbers"
                )
    return records


def read_csv(path: Path) -> tuple[pa.Table, list[int]]:
    """Read a table with a header.

    Returns
    -------
    rows : pyarrow.Table
        Columns of numbers as such, empty cells null, the column ``arch`` as integers if all its
        cells are indices.
    row_numbers : list of int, length n_rows
        Where a spreadsheet shows each row.

    Raises
    ------
    CostTableError
        If two columns have one name, or a cell that must be a number is none.
    IntegrityError
        If the file is empty, or a row has more or fewer cells than the header.
    """
    import pyarrow as pa

    records = read_records(path)
    if not records:
        raise IntegrityError(
            f"{path} must be a whole CSV file, but it cannot be read (it is empty); "
            "it is truncated or of another kind"
        )
    (_, names), *records = records
    check_distinct(names, path)
    for number, cells in records:
        if len(cells) != len(names):
            raise IntegrityError(
                f"{path} must be a whole CSV file, but row {number} has {len(cells)} cells and "
                f"row 1 has {len(names)}{_comma_hint(cells, len(cells) - len(names))}"
            )
    numbers = [number for number, _ in records]
    columns: dict[str, Any] = {}
    for place, name in enumerate(names):
        cells = [row[place] for _, row in records]
        if name in NUMBER_COLUMNS:
            values = [
                _number(cell, name, number) for cell, number in zip(cells, numbers, strict=True)
            ]
            columns[name] = pa.array(values, pa.float64())
        elif name == "arch" and cells and all(is_index(cell) for cell in cells):
            columns[name] = pa.array([int(cell) for cell in cells], pa.int64())
        else:
            columns[name] = pa.array([cell or None for cell in cells], pa.string())
    return pa.table(columns), numbers


def check_distinct(names: Sequence[str], path: Path) -> None:
    """Check that no two columns have one name."""
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise CostTableError(
            f"each column of {path} must have its own name, but {twice[0]!r} comes twice; remove "
            "or rename one"
        )


def is_index(cell: str) -> bool:
    """Tell whether a cell is the index of an architecture."""
    return cell.isascii() and cell.isdecimal() and len(cell) <= 18  # more is no 64-bit integer


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    for mark, other in OTHER_FILES.items():
        if content.startswith(mark):
            raise CostTableError(f"{path} must be a CSV file in UTF-8, but it is {other}")
    looks = next((name for mark, name in WIDE.items() if content.startswith(mark)), "")
    if not looks and b"\0" in content[:1000]:
        looks = "UTF-16 or no text at all"
    if not looks:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            looks = f"Windows-1252 or another encoding (byte {error.start} is no UTF-8)"
    raise CostTableError(
        f"{path} must be a CSV file in UTF-8, but it looks like {looks}; save it as 'CSV UTF-8'"
    )


def _number(cell: str, name: str, row: int) -> float | None:
    if not cell:
        return None
    if NUMBER.fullmatch(cell):
        return float(cell)
    hint = "; write numbers alone, without a unit"
    if DECIMAL_COMMA.fullmatch(cell):
        hint = (
            f", which looks like a decimal comma; write {cell.replace('.', '').replace(',', '.')}"
        )
    raise CostTableError(f"{name} must be a number, but row {row} has {shown(cell)}{hint}")


def _comma_hint(cells: Sequence[str], n_more: int) -> str:
    halves = [a for a, b in pairwise(cells) if a.isdecimal() and b.isdecimal()]
    if n_more > 0 and len(halves) >= n_more:
        return "; it looks like decimal commas: write numbers with a point"
    return "; a cell with a comma in it must stand in quotes"
