"""The command ``archcost search``: the Pareto front of a score and predicted costs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.options import DATASET_HELP, add_space_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from archcost.spaces import SearchSpace

DESCRIPTION = """\
Find the architectures that score high and cost little: the Pareto front of a score and the
predicted costs of any number of devices, within limits. Limits hold for the upper ends of the
predicted intervals, so that they are kept in truth as well, unless --by-mean is given."""

EPILOG = """\
examples:
  archcost search --space nasbench201 --accuracy accuracies.csv --max raspi4=30 --max fpga=5
      accuracies.csv has the columns arch,accuracy; the best of those architectures
  archcost search --space nasbench201 --accuracy accuracies.csv --max raspi4=30 \\
      --verify measured.parquet
      the same, with the true costs of the winners beside the predicted ones
  archcost search --space fbnet --maximize flops --max raspi4=20 --low edgegpu:energy
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "search",
        help="find architectures that score high and cost little",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_space_argument(parser, required=True)
    add("--dataset", help=DATASET_HELP)
    score = parser.add_mutually_exclusive_group(required=True)
    score.add_argument(
        "--accuracy", metavar="FILE", help="CSV file with the columns arch and accuracy"
    )
    score.add_argument("--maximize", metavar="WORK", help="flops or params of the whole network")
    add(
        "--max", action="append", default=[], metavar="NAME=VALUE",
        help="a limit on DEVICE (ms), DEVICE:energy (mJ), flops, params, activation_bytes, "
        "weight_bytes or weight_bytes_int8; can be given several times",
    )  # fmt: skip
    add(
        "--low", action="append", default=[], metavar="NAME",
        help="a cost or work to keep low without a limit; can be given several times",
    )  # fmt: skip
    add("--by-mean", action="store_true", help="limits hold for the predicted means")
    add("--level", type=float, default=0.9, help="of the intervals (default: %(default)s)")
    add("--budget", type=int, default=2000, help="architectures to score (default: %(default)s)")
    add("--seed", type=int, default=0, help="fixes the search (default: %(default)s)")
    add("--verify", type=Path, metavar="TABLE", help="cost table to look the true costs up in")
    add("--out", type=Path, metavar="FILE", help="write the front as CSV")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print the front, and write it."""
    from archcost.cli.limit_argument import parse_limit
    from archcost.datasets import CostTable
    from archcost.search import search
    from archcost.spaces import get_space

    space = get_space(arguments.space)
    result = search(
        space,
        arguments.accuracy or _work(arguments.maximize, space, arguments.dataset),
        dict(map(parse_limit, arguments.max)),
        devices=arguments.low,
        dataset=arguments.dataset,
        budget=arguments.budget,
        level=arguments.level,
        cautious=not arguments.by_mean,
        seed=arguments.seed,
    )
    front = result.front
    if arguments.verify is not None:
        front = result.verify(CostTable.read(arguments.verify))
    if arguments.out is not None:
        front.to_csv(arguments.out, index=False)
        print(f"{arguments.out}: {len(front)} architectures")
    else:
        print(front.to_csv(index=False, float_format="%.6g"), end="")
    print(
        f"archcost: scored {result.n_scored} architectures within the limits; the front has "
        f"{len(front)}",
        file=sys.stderr,
    )
    return 0


def _work(name: str, space: SearchSpace, dataset: str | None) -> Callable[[str], float]:
    from archcost.search.scan_scores import work_score

    score = work_score(name, space, dataset)
    return lambda arch: float(score(space.parse(arch)[None])[0])
