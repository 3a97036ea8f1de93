"""The arguments of commands that read a cost table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archcost.datasets import CostTable


def add_table_arguments(parser: argparse.ArgumentParser, *, table_required: bool) -> None:
    """Add ``--table`` and what chooses among its costs."""
    default = "" if table_required else " (default: the tables that ship with archcost)"
    parser.add_argument(
        "--table",
        type=Path,
        required=table_required,
        metavar="FILE",
        help="cost table, .parquet or .csv; the least is a CSV file with the columns arch and "
        f"latency_ms or energy_mj{default}",
    )
    parser.add_argument(
        "--device",
        metavar="ID",
        help="device id, such as my_board; names the costs of a table that does not, and chooses "
        "among those of a table that does",
    )
    parser.add_argument("--space", help="search space: nasbench201 or fbnet")
    parser.add_argument("--metric", help="latency or energy (default: all in the table)")
    parser.add_argument("--dataset", help="dataset, which fixes the input size")


def read_table(arguments: argparse.Namespace) -> CostTable:
    """Return the rows that the arguments ask for.

    Raises
    ------
    ArchcostError
        If the table is missing or breaks a rule, or has no such rows.
    """
    from archcost.datasets import CostTable, bundled_tables, load_bundled

    asked = {"space": arguments.space, "device": arguments.device, "dataset": arguments.dataset}
    if arguments.table is None:
        table = CostTable.concat([load_bundled(name) for name in bundled_tables()])
        return table.select(metric=arguments.metric, **asked)
    return CostTable.read(arguments.table, **asked).select(metric=arguments.metric)
