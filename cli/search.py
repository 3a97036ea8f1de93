"""The command ``archcost search``: the Pareto front of a score and predicted costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, say
from archcost.cli.search_exact import add_exact_arguments, run_exact, write_front
from archcost.cli.search_measuring import add_measuring_arguments, run_measuring

if TYPE_CHECKING:
    from collections.abc import Callable

    from archcost.spaces import SearchSpace

DESCRIPTION = """\
Find the architectures that score high and cost little: the Pareto front of a score and the
predicted costs of any number of devices, within limits. Limits hold for the upper ends of the
predicted intervals, so that they are kept in truth as well, unless --by-mean is given.

--exact gives the best of the whole space within the limits, with a proof. --measure searches on a
device that nothing is known of, measuring a few architectures where they decide."""

EPILOG = """\
examples:
  archcost search --space nasbench201 --accuracy accuracies.csv --max raspi4=30 --max fpga=5
      accuracies.csv has the columns arch,accuracy; the best of those architectures
  archcost search --space nasbench201 --accuracy accuracies.csv --max raspi4=30 \\
      --verify measured.parquet
      the same, with the true costs of the winners beside the predicted ones
  archcost search --space fbnet --maximize flops --max raspi4=20 --low fpga:energy
  archcost search --exact --space fbnet --maximize weights.csv --max raspi4=20 --max params=4e6
      the best of 10^21 networks, proven; weights.csv has the columns position, op and weight
  archcost search --exact --space fbnet --maximize flops --front raspi4 --out front.csv
  archcost search --space nasbench201 --measure './bench.sh {model}' --max-latency-ms 20 \\
      --score accuracies.csv --budget 10
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
    add_dataset_arguments(parser)
    score = parser.add_mutually_exclusive_group(required=True)
    score.add_argument(
        "--accuracy", "--score", metavar="FILE", help="CSV file with the columns arch and accuracy"
    )
    score.add_argument(
        "--maximize", metavar="SCORE",
        help="flops or params (of the whole network), or a CSV file with the columns position, op "
        "and weight",
    )  # fmt: skip
    score.add_argument("--minimize", metavar="NAME", help="a cost or work instead, with --exact")
    add(
        "--max", action=Names, nargs="+", default=[], metavar="NAME=VALUE",
        help="a limit on DEVICE (ms), DEVICE:energy (mJ), flops, params, activation_bytes, "
        "peak_activation_bytes, weight_bytes or weight_bytes_int8; several go side by side",
    )  # fmt: skip
    add(
        "--low", action=Names, nargs="+", default=[], metavar="NAME",
        help="a cost or work to keep low without a limit; several go side by side",
    )  # fmt: skip
    add("--by-mean", action="store_true", help="limits hold for the predicted means")
    add("--level", type=float, help="of the intervals (default: 0.9; 0.99 with --measure)")
    add("--budget", type=int, help="architectures to score (default: 2000), or to measure (10)")
    add("--seed", type=int, default=0, help="fixes the search (default: %(default)s)")
    add("--verify", type=Path, metavar="TABLE", help="cost table to look the true costs up in")
    add("--out", type=Path, metavar="FILE", help="write the front as CSV")
    add_exact_arguments(parser)
    add_measuring_arguments(parser)
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print the front, and write it."""
    from archcost.cli.limit_argument import parse_limit
    from archcost.datasets import CostTable
    from archcost.errors import ArchcostError
    from archcost.search import search
    from archcost.spaces import get_space

    space = get_space(arguments.space)
    if arguments.measure is not None:
        return run_measuring(arguments, space)
    if arguments.exact or arguments.front is not None:
        return run_exact(arguments, space)
    if arguments.minimize is not None:
        raise ArchcostError("--minimize goes with --exact; --low keeps a cost low in a front")
    result = search(
        space,
        arguments.accuracy or _score(arguments.maximize, space, arguments.dataset),
        dict(map(parse_limit, arguments.max)),
        devices=arguments.low,
        dataset=arguments.dataset,
        budget=2000 if arguments.budget is None else arguments.budget,
        level=0.9 if arguments.level is None else arguments.level,
        cautious=not arguments.by_mean,
        seed=arguments.seed,
    )
    front = result.front
    if arguments.verify is not None:
        front = result.verify(CostTable.read(arguments.verify))
    write_front(front, arguments)
    say(
        arguments,
        f"archcost: scored {result.n_scored} architectures within the limits; the front has "
        f"{len(front)}",
    )
    return 0


def _score(name: str, space: SearchSpace, dataset: str | None) -> Callable[[str], float]:
    from archcost.search.scan_scores import read_score

    score = read_score(name, space, dataset)
    return lambda arch: float(score(space.parse(arch)[None])[0])
