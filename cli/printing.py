"""What the commands print: columns, cost tables, comparisons of predictors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from archcost.datasets import CostTable


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a head, in columns: the first to the left, the others to the right.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        One cell a column each.

    Returns
    -------
    str
        Lines without trailing blanks.

    Examples
    --------
    >>> print(text_table(["predictor", "Spearman"], [["xgboost", "0.98"], ["gp", "0.991"]]))
    predictor  Spearman
    xgboost        0.98
    gp            0.991
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for first, *others in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def table_text(path: Path, table: CostTable) -> str:
    """Return in words how many rows a table has, their statuses, and the span of its costs."""
    lines = [f"{path}: {len(table)} rows, {table.counts()}"]
    for key in sorted(table.keys()):
        _, cost = table.costs(key)
        span = f"{cost.min():.4g} to {cost.max():.4g} {key.unit}" if len(cost) else "no cost"
        lines.append(f"  {key}: {len(cost)} costs, {span}")
    return "\n".join(lines)


def table_facts(path: Path, table: CostTable) -> dict[str, Any]:
    """Return what programs want to know of a table: file, rows, statuses, and each cost's span."""
    costs = {key: table.costs(key)[1] for key in sorted(table.keys())}
    return {
        "file": str(path),
        "rows": len(table),
        "rows_by_status": table.counts(),
        "sha256": table.sha256,
        "costs": [
            {
                "key": str(key),
                "unit": key.unit,
                "n": len(cost),
                "min": cost.min() if len(cost) else None,
                "max": cost.max() if len(cost) else None,
            }
            for key, cost in costs.items()
        ],
    }


def keys_and_statuses(table: CostTable, out: Path) -> str:
    """Return one line with a table's file, its keys, and how many rows have each status."""
    counts = ", ".join(f"{rows} {status}" for status, rows in table.counts().items())
    return f"{out}: {', '.join(map(str, table.keys()))}, {counts}"


def measuring_report(table: CostTable, out: Path, goal: float | None) -> str:
    """Return the costs, failures and repeatability of a measured table in words.

    Parameters
    ----------
    table : CostTable
        As ``measured_table`` makes it.
    out : Path
        Its file.
    goal : float, optional
        The repeatability that was wanted.
    """
    lines = [keys_and_statuses(table, out)]
    told = table.provenance
    if told.clock is not None:
        words = {"cpu": "CPU time of the process", "wall": "wall time"}[told.clock]
        ratio = told.wall_over_cpu
        busy = f"; wall time was {ratio:.2f} times CPU time" if ratio else ""
        lines.append(f"clock: {words}{busy}")
    for status, found in (told.failures or {}).items():
        lines.append(f"{status}: {found['n_archs']}, the first with {found['first_error']}")
    agreements = {"repeatability": told.repeatability_spearman}
    if told.energy_counter is not None:
        name = "repeatability of energy"
        agreements[name] = told.energy_repeatability_spearman
    rounds = told.rounds
    for name, agreement in agreements.items():
        noise = (
            "unknown (it takes 2 rounds and 3 architectures of different cost)"
            if agreement is None
            else f"{agreement:.4f} (Spearman between halves of the {rounds} rounds)"
        )
        if goal is not None and agreement is not None:
            noise += f", {goal} was wanted: " + (
                "reached" if agreement >= goal else "NOT reached; more --max-rounds, or time, help"
            )
        lines.append(f"{name}: {noise}")
    return "\n".join(lines)


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
    from archcost.tracking.comparison_tables import comparison_tables

    return "\n\n".join(
        f"{table.title}\n{text_table(table.head, table.rows)}"
        for table in comparison_tables(comparison)
    )
