"""Cost tables as files: Parquet with provenance and a checksum, and CSV."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.datasets.csv_file import check_distinct, read_csv
from archcost.datasets.provenance import Provenance
from archcost.datasets.table_columns import content_hash, normalise
from archcost.datasets.table_definitions import Definitions, define_in_spaces, packed
from archcost.datasets.whole_file import whole_file
from archcost.errors import (
    CostTableError,
    IntegrityError,
    MissingDataError,
    shown,
)

if TYPE_CHECKING:
    import pyarrow as pa

PROVENANCE = b"archcost.provenance"
"""Key of the provenance in the metadata of a Parquet file's schema."""

DEFINITIONS = b"archcost.definitions"
"""Key, in the file's metadata, of what architectures' strings leave open, such as graphs."""

CHECKSUM = b"archcost.sha256"
"""Key of the hash of all rows, the provenance and the definitions."""

_without_checksum: set[Path] = set()  # files of which this process has said so


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a file holds.

    Parameters
    ----------
    rows : pyarrow.Table
        Its rows as they are.
    provenance : Provenance
        What it says of them.
    row_numbers : list of int or None
        Numbers by which a spreadsheet shows the rows; None of a Parquet file.
    """

    rows: pa.Table
    provenance: Provenance
    row_numbers: list[int] | None = None


def read_file(path: Path) -> TableFile:
    """Read a Parquet or CSV file; of Parquet the checksum is checked.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file is truncated or is not what its name says, or its content is not what was
        written.
    CostTableError
        If the name ends in neither ``.parquet`` nor ``.csv``, or two columns have one name.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise CostTableError(f"a cost table must be a .parquet or .csv file, but got {str(path)!r}")
    if not path.is_file():
        what = "; it is no regular file" if path.exists() else ""
        raise MissingDataError(f"there is no cost table {path}{what}; check the path")
    if path.suffix == ".csv":
        rows, row_numbers = read_csv(path)
        return TableFile(rows, Provenance(clock=_clock_column(rows, path)), row_numbers)
    rows, of_file = _read_parquet(path)
    check_distinct(rows.column_names, path)
    metadata = rows.schema.metadata or {}
    told, defined = metadata.get(PROVENANCE, b"{}"), of_file.get(DEFINITIONS, b"")
    if CHECKSUM in metadata:
        if metadata[CHECKSUM].decode("latin1") != _checksum(normalise(rows), told, defined):
            raise IntegrityError(
                f"{path} must hold what was written, but its content has another checksum: it is "
                "damaged, get it again; if you edited it, remove "
                f"{CHECKSUM.decode()!r} from the metadata of its schema"
            )
    elif path.resolve() not in _without_checksum:
        _without_checksum.add(path.resolve())
        warnings.warn(
            f"{path} has no checksum, so that damage to it would go unnoticed; "
            "`archcost data import` writes it with one",
            stacklevel=3,
        )
    try:
        provenance = Provenance.of(json.loads(told))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{PROVENANCE.decode()!r} in the metadata of {path} must be a JSON object, but cannot "
            f"be read ({error})"
        ) from None
    define_in_spaces(defined, path)
    return TableFile(rows, _with_earlier_clock(provenance))


def frame_rows(frame: object) -> pa.Table:
    """Return the rows of a data frame of any library that Arrow can read.

    Raises
    ------
    CostTableError
        If it is no data frame.
    """
    import pyarrow as pa

    try:
        return pa.table(frame)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise CostTableError(
            "a data frame must be one of pandas, polars or Arrow, or have __arrow_c_stream__, but "
            f"got {type(frame).__name__} ({error})"
        ) from None


def write_parquet(
    rows: pa.Table,
    provenance: Provenance,
    path: Path,
    definitions: Definitions | None = None,
) -> Path:
    """Write normalised rows with their provenance; the file appears whole or not at all.

    `definitions` are what the architectures' strings leave open, by space.
    """
    import pyarrow.parquet

    if path.suffix != ".parquet":
        raise CostTableError(f"a cost table is written as .parquet, but got {str(path)!r}")
    try:
        told = json.dumps(provenance.to_dict(), sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CostTableError(f"provenance must be JSON data, but: {error}") from None
    defined = packed(definitions) if definitions else b""
    checksum = _checksum(rows, told, defined)
    rows = rows.replace_schema_metadata({PROVENANCE: told, CHECKSUM: checksum})
    with (
        whole_file(path) as part,
        pyarrow.parquet.ParquetWriter(part, rows.schema, compression="zstd") as writer,
    ):
        writer.write_table(rows)
        if defined:  # not in the schema, of which the file holds a copy
            writer.add_key_value_metadata({DEFINITIONS: defined})
    return path


def _read_parquet(path: Path) -> tuple[pa.Table, Mapping[bytes, bytes]]:
    """Return the rows of a file, and its metadata beside that of the rows' schema."""
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path, partitioning=None)
        rows.validate(full=True)  # what is not text, or points beyond a dictionary
        of_file = pyarrow.parquet.read_metadata(path).metadata or {}
    # A damaged file makes Arrow raise almost anything.
    except Exception as error:
        raise IntegrityError(
            f"{path} must be a whole PARQUET file, but it cannot be read ({error}); "
            "it is truncated or of another kind"
        ) from None
    return rows, of_file


def _clock_column(rows: pa.Table, path: Path) -> str | None:
    """Return what the column ``clock`` of a CSV file says, which the stand-alone runner writes."""
    if "clock" not in rows.column_names:
        return None
    found = sorted({str(value) for value in rows.column("clock").to_pylist() if value})
    if len(found) > 1 or not set(found) <= {"cpu", "wall"}:
        raise CostTableError(
            f"the costs of a table must be read from one clock, 'cpu' or 'wall', but the column "
            f"clock of {path} holds {shown(found)}; make one table of each"
        )
    return found[0] if found else None


def _with_earlier_clock(told: Provenance) -> Provenance:
    """Return a provenance that names its clock: before there were two, costs were wall time.

    What was measured here has a reference network; others do not say how time was taken.
    """
    everything = (told, *told.parts, *told.tables)
    if any(one.clock for one in everything) or not any(one.reference_arch for one in everything):
        return told
    return replace(told, clock="wall")


def _checksum(rows: pa.Table, told: bytes, defined: bytes) -> str:
    return hashlib.sha256(content_hash(rows).encode() + told + defined).hexdigest()
