"""The command ``archcost report``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_table_arguments, read_table
from archcost.cli.output import add_output_arguments, show

if TYPE_CHECKING:
    import pandas as pd

    from archcost.datasets import CostTable

DESCRIPTION = """\
Analyse cost tables and write one HTML page that needs no other file and no network, with its plots
as PNG and PDF and its figures as CSV beside it; all are logged to MLflow as well.

The page shows how far FLOPs, parameters and activation memory track real costs; how far devices
agree; with --accuracy, what it costs to search on one device and deploy on another; how noisy the
costs are, and hence how high any predictor can score; entries without a cost, by cause; and
learning curves. With --device it also shows where that device stands among those that can be
predicted; that takes a table with costs of the device, or a model of it."""

EPILOG = """\
examples:
  archcost report                                    the tables that ship with archcost
  archcost report --table my.parquet --out my_report
  archcost report --device my_phone                  its model among those of known devices
  archcost report --published --space nasbench201 --devices raspi4,fpga,1080ti_1 \\
      --accuracy accuracies.csv                      (with the columns arch,accuracy)
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "report",
        help="analyse cost tables: proxies, agreement of devices, search, noise",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_table_arguments(parser, table_required=False)
    add("--published", action="store_true", help="read the published tables in the data folder")
    add(
        "--devices", nargs="+", action=Names, metavar="ID",
        help="only these devices (default: all in the table)",
    )  # fmt: skip
    add("--accuracy", metavar="FILE", help="CSV file with the columns arch and accuracy")
    add("--out", type=Path, default=Path("report"), metavar="FOLDER", help="default: %(default)s")
    add("--title", help="heading of the page")
    add(
        "--curves",
        type=int,
        default=6,
        metavar="N",
        help="learning curves of the first N costs of a space (default: %(default)s)",
    )
    add("--experiment", default="archcost", metavar="NAME", help="MLflow experiment")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    from archcost.analysis import ReportSettings, write_report
    from archcost.analysis.report_sections import counted

    table = _table(arguments)
    settings = ReportSettings(
        title=arguments.title or ReportSettings().title,
        curves=max(0, arguments.curves),
        experiment=arguments.experiment,
        device=arguments.device,
    )
    page = write_report(
        table,
        arguments.out,
        accuracy=_accuracy(arguments, table),
        settings=settings,
        progress=not arguments.quiet,
    )
    facts = {"page": page, "costs": len(table.keys()), "entries": len(table)}
    n_costs, n_entries = counted(len(table.keys()), "cost"), counted(len(table), "entry", "entries")
    show(arguments, f"{page}: {n_costs}, {n_entries}", facts)
    return 0


def _table(arguments: argparse.Namespace) -> CostTable:
    from archcost.analysis.known_devices import predicted_table
    from archcost.datasets import CostTable, load_published
    from archcost.errors import CostTableError

    if arguments.published and arguments.table is not None:
        raise CostTableError("report must get one of --table and --published, but got both")
    if arguments.published:
        table = load_published().select(
            space=arguments.space,
            device=arguments.device,
            metric=arguments.metric,
            dataset=arguments.dataset,
        )
    elif arguments.table is None and arguments.device not in (None, *_bundled_devices()):
        table = predicted_table(arguments.device, arguments.space)
    else:
        table = read_table(arguments)
    if arguments.devices:
        table = CostTable.concat([table.select(device=device) for device in arguments.devices])
    return table


def _bundled_devices() -> set[str]:
    from archcost.datasets import bundled_tables

    return {name.partition("-")[2] for name in bundled_tables()}


def _accuracy(arguments: argparse.Namespace, table: CostTable) -> pd.Series | None:
    from archcost.datasets import read_accuracy
    from archcost.errors import ArchitectureError

    if arguments.accuracy is None:
        return None
    keys = table.keys()
    spaces = sorted({key.space for key in keys})
    for space in spaces[:-1]:
        try:
            return read_accuracy(arguments.accuracy, space)
        except ArchitectureError:  # the accuracies are of another space
            continue
    return read_accuracy(arguments.accuracy, spaces[-1])
