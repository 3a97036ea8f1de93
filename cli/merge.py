"""The action ``archcost data merge``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archcost.cli.options import add_space_argument
from archcost.cli.output import add_output_arguments, show
from archcost.cli.printing import table_facts, table_text

Subparsers = argparse._SubParsersAction

DESCRIPTION = """\
Merge tables that were made in parts: the shards of `archcost measure --shard i/n`, latency and
energy, several devices, several spaces. Costs are kept as they are.

The costs of one key (space, device, metric, dataset) must come from one setup: runtime and version,
precision, batch, threads, the machine, or the description of an accelerator. Shards of several
machines are comparable only if the machines are alike; every shard times the same reference
network, and if that differs by more than 5 % between the parts, a warning says so. An architecture
that two tables hold with different costs is refused.

The provenance lists that of each part. The repeatability of the whole is that of the least
repeatable part: how well architectures of different parts compare was not measured."""

EXAMPLES = """\
examples:
  archcost data merge part1.parquet part2.parquet --out all.parquet
  archcost data merge cells.parquet fbnet.parquet --out my_board.parquet
"""


def add_merge(actions: Subparsers[argparse.ArgumentParser]) -> None:
    """Add ``merge`` to the actions of ``archcost data``."""
    parser = actions.add_parser(
        "merge",
        help="make one table of several, such as shards",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".parquet")
    parser.add_argument("--out", type=Path, required=True, help="the table to write, .parquet")
    add_space_argument(parser, "search space of the tables, where it is your own: ")
    parser.add_argument(
        "--allow-different-setups",
        action="store_true",
        help="merge costs of one key although runtime, machine or accelerator differ",
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Merge tables, and say what may be wrong with the result."""
    from archcost.datasets import CostTable
    from archcost.datasets.merging import (
        SAME_REFERENCE,
        merge_tables,
        missing_shards,
        reference_spread,
    )

    table = merge_tables(
        [CostTable.read(file) for file in args.files],
        allow_different_setups=args.allow_different_setups,
    )
    table.write(args.out)
    text, facts = table_text(args.out, table), table_facts(args.out, table)
    agreement = table.provenance.repeatability_spearman
    if agreement is not None:
        text += f"\nrepeatability of the least repeatable part: {agreement:.4f}"
    show(args, text, facts | {"repeatability_spearman": agreement})
    if missing := missing_shards(table):
        print(f"warning: not among the parts: shards {', '.join(missing)}", file=sys.stderr)
    spread = reference_spread(table)
    if spread is not None and spread > SAME_REFERENCE:
        print(
            f"warning: the reference network took {spread:.2f} times as long on one part's machine "
            "as on another's; costs of these parts are not comparable",
            file=sys.stderr,
        )
    return 0
