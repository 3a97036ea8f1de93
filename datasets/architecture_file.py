"""Read the architectures that a user lists in a file."""

from __future__ import annotations

from pathlib import Path

from archcost.datasets.csv_file import is_index, read_records
from archcost.errors import ArchitectureError, MissingDataError
from archcost.spaces.space import Ops, SearchSpace

COLUMN = "arch"


def read_architectures(path: Path, space: SearchSpace) -> Ops:
    """Read architectures from a CSV file, each once.

    Parameters
    ----------
    path : Path
        A file with a column ``arch``, or without a header and one architecture a line; strings of
        the space, or indices. Further columns and empty lines do not matter.
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
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; --archs takes a CSV file with a column {COLUMN!r}"
        )
    lines = read_records(path)
    place = 0
    if lines and COLUMN in (header := lines[0][1]):
        place = header.index(COLUMN)
        lines = lines[1:]
    if not lines:
        raise ArchitectureError(f"{path} must hold at least one architecture, but is empty")
    distinct: dict[bytes, Ops] = {}
    for number, row in lines:
        text = row[place] if place < len(row) else ""
        try:
            ops = space.parse(int(text) if is_index(text) else text)
        except ArchitectureError as error:
            raise ArchitectureError(f"line {number} of {path}: {error}") from None
        distinct.setdefault(ops.tobytes(), ops)
    return space.parse_many(list(distinct.values()))
