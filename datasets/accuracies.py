"""Accuracies of architectures, from a table of the user's."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.errors import CostTableError, MissingDataError
from archcost.spaces import SearchSpace, get_space

if TYPE_CHECKING:
    import pandas as pd

ARCH, ACCURACY = "arch", "accuracy"


def read_accuracy(
    source: str | Path | pd.DataFrame | Mapping[Any, float], space: SearchSpace | str
) -> pd.Series:
    """Read accuracies of architectures.

    Parameters
    ----------
    source : str, Path, DataFrame or mapping
        A CSV file or data frame with the columns ``arch`` and ``accuracy``; a file without a
        header whose lines start with them, such as HELP's ``arch_generated_by_metad2a.txt``; or a
        mapping from architecture to accuracy.
    space : SearchSpace or str
        The space of the architectures.

    Returns
    -------
    pandas.Series
        Accuracies in the unit given, by the architectures' strings; the mean where one repeats.

    Raises
    ------
    MissingDataError
        If there is no such file.
    CostTableError
        If a column is missing or an accuracy is no finite number.
    ArchitectureError
        If an architecture is malformed.
    """
    import pandas as pd

    space = get_space(space)
    if isinstance(source, Mapping):
        pairs: Iterable[tuple[Any, Any]] = source.items()
    elif isinstance(source, pd.DataFrame):
        if not {ARCH, ACCURACY} <= set(source.columns):
            raise _columns_missing(list(source.columns))
        pairs = zip(source[ARCH].tolist(), source[ACCURACY].tolist(), strict=True)
    else:
        pairs = _read_pairs(Path(source))
    archs, values = [], []
    for row, (arch, value) in enumerate(pairs):
        archs.append(space.format(int(arch) if str(arch).isdecimal() else arch))
        values.append(_number(value, row))
    if not archs:
        raise CostTableError("accuracies must be of at least one architecture, but there are none")
    return pd.Series(values, index=archs, name=ACCURACY, dtype=float).groupby(level=0).mean()


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; accuracies come as CSV with the columns arch and accuracy"
        )
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    head = rows[0] if rows else []
    if ARCH in head and ACCURACY in head:
        places = head.index(ARCH), head.index(ACCURACY)
        rows = rows[1:]
    elif ARCH in head or ACCURACY in head:
        raise _columns_missing(head)
    else:
        places = 0, 1
        rows = rows[1:] if len(head) == 1 else rows  # HELP's file starts with a time
    short = [row for row in rows if len(row) <= max(places)]
    if short:
        raise _columns_missing(short[0])
    return [(row[places[0]], row[places[1]]) for row in rows]


def _number(value: Any, row: int) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise CostTableError(f"an accuracy must be a finite number, but row {row} has {value!r}")
    return number


def _columns_missing(found: list[str]) -> CostTableError:
    return CostTableError(f"accuracies must have the columns arch and accuracy, but got {found}")
