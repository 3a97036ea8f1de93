"""Accuracies of architectures, from a table of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.datasets.column_checks import check_alike
from archcost.datasets.csv_file import NUMBER, check_distinct, is_index, read_records
from archcost.datasets.table_files import frame_rows, read_file
from archcost.errors import (
    ArchitectureError,
    CostTableError,
    IntegrityError,
    MissingDataError,
    shown,
)
from archcost.spaces import SearchSpace, get_space

if TYPE_CHECKING:
    import pandas as pd

ARCH, ACCURACY = "arch", "accuracy"


def read_accuracy(
    source: str | Path | pd.DataFrame | pd.Series | Mapping[Any, float], space: SearchSpace | str
) -> pd.Series:
    """Read accuracies of architectures.

    Parameters
    ----------
    source : str, Path, DataFrame, Series or mapping
        A CSV or Parquet file or data frame with the columns ``arch`` and ``accuracy``; a file
        without a header whose lines start with them, such as HELP's
        ``arch_generated_by_metad2a.txt``; a series by architecture; or a mapping from architecture
        to accuracy.
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
    IntegrityError
        If the file is damaged.

    Examples
    --------
    >>> from archcost.spaces import NASBench201
    >>> best = NASBench201().format(1462)
    >>> read_accuracy({1462: 93.5, best: 94.5}, "nasbench201").tolist()  # of one, the mean
    [94.0]
    """
    import pandas as pd

    space = get_space(space)
    archs, values = [], []
    for row, arch, value in _triples(source, space):
        try:
            index = isinstance(arch, str) and is_index(arch)
            archs.append(space.format(int(arch) if index else arch))
        except ArchitectureError as error:
            raise ArchitectureError(f"row {row}: {error}") from None
        values.append(_number(value, row))
    if not archs:
        raise CostTableError("accuracies must be of at least one architecture, but there are none")
    return pd.Series(values, index=archs, name=ACCURACY, dtype=float).groupby(level=0).mean()


def _triples(source: object, space: SearchSpace) -> Iterable[tuple[int, Any, Any]]:
    """Return row number, architecture and accuracy; the rows of a file as a spreadsheet shows."""
    import pandas as pd

    if isinstance(source, pd.Series):
        _check_named(source, space)
    if isinstance(source, (Mapping, pd.Series)):
        return [(row, arch, value) for row, (arch, value) in enumerate(source.items())]
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.suffix == ".parquet":
            source = read_file(path).rows.to_pandas()
        elif path.suffix == ".json":
            raise CostTableError(
                f"accuracies must come as CSV or Parquet, but got {path}; read it with "
                "json.load, and give the mapping from architecture to accuracy"
            )
        else:
            return _read_rows(path)
    if not isinstance(source, pd.DataFrame) and hasattr(source, "__arrow_c_stream__"):
        source = frame_rows(source).to_pandas()
    if not isinstance(source, pd.DataFrame):
        raise CostTableError(
            "accuracies must be a file, a data frame with the columns arch and accuracy, a series "
            f"by architecture or a mapping, but got {shown(source)}"
        )
    if not {ARCH, ACCURACY} <= set(source.columns):
        raise _columns_missing(list(source.columns))
    check_alike(source.columns, [ARCH, ACCURACY])
    pairs = zip(source[ARCH].tolist(), source[ACCURACY].tolist(), strict=True)
    return [(row, arch, value) for row, (arch, value) in enumerate(pairs)]


def _read_rows(path: Path) -> list[tuple[int, str, str]]:
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; accuracies come as CSV with the columns arch and accuracy"
        )
    records = read_records(path)
    head = records[0][1] if records else []
    if ARCH in head and ACCURACY in head:
        check_distinct(head, path)
        check_alike(head, [ARCH, ACCURACY])
        ragged = [row for row, cells in records if len(cells) != len(head)]
        if ragged:
            raise IntegrityError(
                f"{path} must be a whole CSV file, but row {ragged[0]} has not as many cells as "
                f"row 1, {len(head)}; a cell with a comma in it must stand in quotes"
            )
        places = head.index(ARCH), head.index(ACCURACY)
        records = records[1:]
    elif ARCH in head or ACCURACY in head:
        raise _columns_missing(head)
    else:
        places = 0, 1
        records = records[1:] if len(head) == 1 else records  # HELP's file starts with a time
        whole = [cells for _, cells in records[:1] if all(map(is_index, cells[:2]))]
        if whole:
            raise CostTableError(
                f"{path} must begin with a row of names, {ARCH} and {ACCURACY}, as its numbers "
                f"{shown(whole[0])} do not tell which is the architecture's index; add it"
            )
    short = [cells for _, cells in records if len(cells) <= max(places)]
    if short:
        raise _columns_missing(short[0])
    return [(row, cells[places[0]], cells[places[1]]) for row, cells in records]


def _check_named(accuracies: pd.Series, space: SearchSpace) -> None:
    """Refuse a series that was merely numbered, unless it is of a whole space by index."""
    import pandas as pd

    index = accuracies.index
    if isinstance(index, pd.RangeIndex) and not (space.has_index and len(index) == space.size):
        raise CostTableError(
            "a series of accuracies must have the architectures as its index, but this one is "
            f"only numbered, from {index.start}; give `frame.set_index('arch')['accuracy']`"
        )


def _number(value: Any, row: int) -> float:
    try:
        is_none = isinstance(value, (bool, np.bool_, bytes, np.timedelta64))
        if isinstance(value, str):  # float() also takes 1_000, and digits of other scripts
            is_none = not NUMBER.fullmatch(value.strip())
        number = np.nan if is_none else float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        raise CostTableError(
            f"an accuracy must be a finite number, but row {row} has {shown(value)}"
        )
    return number


def _columns_missing(found: list[Any]) -> CostTableError:
    return CostTableError(
        f"accuracies must have the columns arch and accuracy, but got {shown(found)}"
    )
