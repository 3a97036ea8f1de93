"""The command ``archcost compare``."""

import argparse
from pathlib import Path
from typing import Any

from archcost.cli.options import add_space_argument
from archcost.cli.output import add_output_arguments, say, show

EPILOG = """\
examples:
  archcost compare
  archcost compare --experiment boards --device my_board
  archcost compare --html comparison.html
  MLFLOW_TRACKING_URI=http://server:5000 archcost compare
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "compare",
        help="compare predictors by what MLflow holds",
        description="Compare predictors by what MLflow holds: one table a device and protocol, "
        "scores on held-out test rows, mean ± spread over seeds, the best first. Only trials that "
        "learned from the same table with the same split and number of rows share a table. Models "
        "made by `archcost transfer` have tables of their own: each measurement predicted from the "
        "others.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--experiment", metavar="NAME", help="only this MLflow experiment")
    parser.add_argument("--device", metavar="ID", help="only this device")
    add_space_argument(parser, "only this search space: ")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the tables as a page as well"
    )
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison."""
    from archcost.cli.printing import comparison_table
    from archcost.tracking import compare

    comparison = compare(arguments.experiment, space=arguments.space, device=arguments.device)
    if arguments.html is not None:
        from archcost.analysis.web_page import write_html
        from archcost.tracking.comparison_tables import comparison_tables

        tables = comparison_tables(comparison)
        title = "Predictors compared"
        write_html(arguments.html, "comparison.html", title=title, tables=tables, charts={})
        say(arguments, f"page: {arguments.html}")
    show(arguments, comparison_table(comparison), comparison)
    return 0
