"""What the commands print of a cost table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archcost.datasets import CostTable


def print_table(path: Path, table: CostTable) -> None:
    """Print how many rows a table has, their statuses, and the span of each of its costs."""
    print(f"{path}: {len(table)} rows, {table.counts()}")
    for key in sorted(table.keys()):
        _, cost = table.costs(key)
        span = f"{cost.min():.4g} to {cost.max():.4g} {key.unit}" if len(cost) else "no cost"
        print(f"  {key}: {len(cost)} costs, {span}")
