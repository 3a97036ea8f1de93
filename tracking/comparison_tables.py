"""Comparisons of predictors as tables of words: for the terminal, MLflow's pages and HTML."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archcost.tracking.comparing import LEAVE_ONE_OUT, PROTOCOL

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "Spearman": ("spearman", ".4f"),
    "Kendall": ("kendall", ".4f"),
    "RMSE ({unit})": ("rmse", "#.3g"),
    "within 10 %": ("within_10_percent", ".3f"),
    "training (s)": ("train_seconds", ".2f"),
}
"""Columns of `compare` that people look at first, and how many digits say something."""


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """The predictors of one cost that learned from the same rows.

    Parameters
    ----------
    title : str
        The cost key and what was learned from and tested on.
    head : list of str
        Names of the columns.
    rows : list of list of str
        One a predictor, the best first.
    """

    title: str
    head: list[str]
    rows: list[list[str]]

    def to_markdown(self) -> str:
        """Return the title and the table as Markdown."""
        align = ["---", *(["---:"] * (len(self.head) - 1))]
        lines = [" | ".join(cells) for cells in (self.head, align, *self.rows)]
        return f"{self.title}\n\n" + "\n".join(f"| {line} |" for line in lines)


def comparison_tables(comparison: pd.DataFrame) -> list[ComparisonTable]:
    """Lay the result of `compare` out in tables, one a key and protocol.

    Parameters
    ----------
    comparison : pandas.DataFrame
        What `compare` returned.

    Returns
    -------
    list of ComparisonTable
        Means over seeds with their spread. What none of a table's runs have, such as Kendall's
        correlation of transferred models, has no column.
    """
    return [
        _table(rows, dict(zip(PROTOCOL, values, strict=True)))
        for values, rows in comparison.groupby(list(PROTOCOL), sort=False)
    ]


def _table(rows: pd.DataFrame, protocol: dict[str, Any]) -> ComparisonTable:
    columns = {
        title.format(unit=protocol["unit"]): column
        for title, column in COLUMNS.items()
        if rows[column[0]].notna().any() or title == "Spearman"
    }
    varied = rows["predictor"].duplicated(keep=False).any()
    cells = []
    for row in rows.to_dict("records"):
        params = ", ".join(f"{name}={value}" for name, value in json.loads(row["params"]).items())
        figures = [
            _mean_and_spread(row[column], row[f"{column}_std"], digits)
            for column, digits in columns.values()
        ]
        name = f"{row['predictor']} {params}" if varied else row["predictor"]
        cells.append([name, *figures, str(row["seeds"])])
    return ComparisonTable(_title(protocol), ["predictor", *columns, "seeds"], cells)


def _title(protocol: dict[str, Any]) -> str:
    table = f"table {protocol['table_sha256'][:8]}"
    if protocol["split"] == LEAVE_ONE_OUT:
        return (
            f"{protocol['key']}: {protocol['n_train']} measurements, each predicted from the "
            f"others (leave-one-out, {table})"
        )
    return (
        f"{protocol['key']}: {protocol['n_train']} rows to learn from, {protocol['n_test']} held "
        f"out to test on ({protocol['split']} split, {table})"
    )


def _mean_and_spread(mean: float, spread: float, digits: str) -> str:
    if math.isnan(mean):
        return "-"
    return f"{mean:{digits}}" + ("" if math.isnan(spread) else f" ±{spread:{digits}}")
