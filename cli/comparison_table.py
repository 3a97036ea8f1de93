"""How a comparison of predictors reads on the terminal."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from archcost.cli.text_table import text_table

if TYPE_CHECKING:
    import pandas as pd


def comparison_table(comparison: pd.DataFrame) -> str:
    """Return the result of `archcost.training.compare` as text, one table a key and protocol.

    Parameters
    ----------
    comparison : pandas.DataFrame
        What `compare` returned.

    Returns
    -------
    str
        Means over seeds with their spread; the best predictor of each table comes first.
    """
    from archcost.training.comparing import PROTOCOL

    return "\n\n".join(
        _heading(protocol) + "\n" + _table(rows, protocol["unit"])
        for values, rows in comparison.groupby(list(PROTOCOL), sort=False)
        for protocol in [dict(zip(PROTOCOL, values, strict=True))]
    )


def _heading(protocol: dict[str, Any]) -> str:
    return (
        f"{protocol['key']}: {protocol['n_train']} rows to learn from, {protocol['n_test']} held "
        f"out to test on ({protocol['split']} split, table {protocol['table_sha256'][:8]})"
    )


def _table(rows: pd.DataFrame, unit: str) -> str:
    columns = {
        "Spearman": ("spearman", ".4f"),
        "Kendall": ("kendall", ".4f"),
        f"RMSE ({unit})": ("rmse", "#.3g"),
        "within 10 %": ("within_10_percent", ".3f"),
        "training (s)": ("train_seconds", ".2f"),
    }
    head = ["predictor", *columns, "seeds"]
    varied = rows["predictor"].duplicated(keep=False).any()
    cells = []
    for row in rows.to_dict("records"):
        name = f"{row['predictor']} {_short(row['params'])}" if varied else row["predictor"]
        figures = [
            _figure(row[column], row[f"{column}_std"], digits)
            for column, digits in columns.values()
        ]
        cells.append([name, *figures, str(row["seeds"])])
    return text_table(head, cells)


def _short(params: str) -> str:
    return ", ".join(f"{name}={value}" for name, value in json.loads(params).items())


def _figure(mean: float, spread: float, digits: str) -> str:
    if math.isnan(mean):
        return "-"
    return f"{mean:{digits}}" + ("" if math.isnan(spread) else f" ±{spread:{digits}}")
