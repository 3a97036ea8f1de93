"""Read the architectures that a user lists in a file."""

from __future__ import annotations

from pathlib import Path

from archcost.datasets.csv_file import Record, is_index, read_records
from archcost.errors import ArchitectureError, IntegrityError, MissingDataError
from archcost.spaces.space import Ops, SearchSpace

COLUMN = "arch"


def read_architectures(path: Path, space: SearchSpace) -> Ops:
    """Read architectures from a CSV or Parquet file, each once.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file with a column ``arch``, or one without a header and one architecture
        a line; strings of the space, or indices. Further columns and empty lines do not matter.
    space : SearchSpace
        The space of the architectures.

    Returns
    -------
    numpy.ndarray of int8, shape (n_archs, n_positions)
        The distinct architectures in the order of the file.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ArchitectureError
        If a line holds no architecture of the space, or the file none at all.
    """
    distinct: dict[bytes, Ops] = {}
    for number, text in architecture_texts(path):
        try:
            ops = space.parse(int(text) if is_index(text) else text)
        except ArchitectureError as error:
            raise ArchitectureError(f"line {number} of {path}: {error}") from None
        distinct.setdefault(ops.tobytes(), ops)
    return space.parse_many(list(distinct.values()))


def architecture_texts(path: Path) -> list[tuple[int, str]]:
    """Read the architectures of a CSV or Parquet file as they are spelt there.

    Parameters
    ----------
    path : Path
        As for `read_architectures`.

    Returns
    -------
    list of pairs of int and str
        The row, counted from 1, and the architecture, in the order of the file.

    Raises
    ------
    MissingDataError
        If there is no such file.
    ArchitectureError
        If the file holds no architecture.
    """
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; --archs takes a CSV or Parquet file with a column {COLUMN!r}"
        )
    texts = _of_parquet(path) if path.suffix == ".parquet" else texts_of_rows(read_records(path))
    if not texts:
        raise ArchitectureError(f"{path} must hold at least one architecture, but is empty")
    return texts


def texts_of_rows(rows: list[Record]) -> list[tuple[int, str]]:
    """Return the column ``arch`` of rows under a header, or the first column where there is none.

    Examples
    --------
    >>> texts_of_rows([(1, ["rank", "arch"]), (2, ["1", "k3_e1"])])
    [(2, 'k3_e1')]
    >>> texts_of_rows([(1, ["1462"]), (3, ["7"])])
    [(1, '1462'), (3, '7')]
    """
    place = 0
    if rows and COLUMN in (header := rows[0][1]):
        place = header.index(COLUMN)
        rows = rows[1:]
    return [(number, row[place] if place < len(row) else "") for number, row in rows]


def _of_parquet(path: Path) -> list[tuple[int, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=[COLUMN])
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{path} must be a Parquet file, but it is not: {error}") from None
    if COLUMN not in table.column_names:
        raise ArchitectureError(f"{path} must have a column {COLUMN!r} of architectures")
    texts = table.column(COLUMN).cast(pa.string()).to_pylist()
    return [(number, text or "") for number, text in enumerate(texts, 1)]
