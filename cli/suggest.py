"""The command ``archcost suggest``."""

import argparse
from pathlib import Path
from typing import Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, say, show

EPILOG = """\
examples:
  archcost suggest --space fbnet -n 10 > to_measure.csv
  archcost suggest --space nasbench201 -n 5 --candidates mine.txt --measured my.csv
  archcost suggest --space any -n 10 > networks.csv
  archcost suggest --space any -n 3 --candidates networks.txt

then measure them, write the costs into a second column latency_ms (or energy_mj), and
  archcost transfer my_phone to_measure.csv --space fbnet
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "suggest",
        help="say which architectures to measure on an unknown device",
        description="Say which few architectures say most about a device that nobody has "
        "measured, the most telling first, as CSV. What they are worth is said on standard error.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_space_argument(parser, required=True)
    parser.add_argument(
        "-n", type=int, default=10, metavar="N", help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--candidates",
        type=Path,
        metavar="FILE",
        help="choose among these: a file with one architecture a line",
    )
    parser.add_argument(
        "--measured", type=Path, metavar="FILE", help="what is measured already, .csv or .parquet"
    )
    parser.add_argument(
        "--sources",
        nargs="*",
        action=Names,
        metavar="ID",
        help="known devices to start from (default: all with a latency model)",
    )
    add_dataset_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed (default: %(default)s)")
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Choose, print, and return the exit status."""
    from archcost.training import suggest

    candidates = None
    if arguments.candidates is not None:
        lines = [line.strip().strip('"') for line in arguments.candidates.read_text().splitlines()]
        candidates = [line for line in lines if line and line != "arch"]
        candidates = [int(line) if line.isdecimal() else line for line in candidates]
    found = suggest(
        arguments.space,
        arguments.n,
        sources=arguments.sources,
        candidates=candidates,
        measured=arguments.measured,
        dataset=arguments.dataset,
        seed=arguments.seed,
    )
    show(arguments, "\n".join(["arch", *found]), [{"arch": arch} for arch in found])
    before, after = found.spreads[0], found.spreads[-1]
    say(
        arguments,
        f"archcost: expected error of a prediction {before:.1%} of the typical cost now, "
        f"{after:.1%} once these are measured, besides the noise of the device",
    )
    return 0
