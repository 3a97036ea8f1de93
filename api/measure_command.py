"""The command ``archcost measure``: a cost table of this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archcost.runtime_argument import add_runtime_arguments, build_runtime

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DESCRIPTION = """\
Measure the latency of architectures on this machine and write a cost table.

Architectures are measured in many short rounds, each in another order, because one pass over many
networks is noisy (neighbours on the machine, clocks). Before and after each one a reference
network tells how slow the machine is at that moment; the cost is the mean of the middle half of the
rounds with that slowdown taken out, and the raw minimum and median are kept beside it. At the end
the rounds are split in halves; how well the halves' ranks agree is the table's repeatability,
printed and kept in the table.

Every measurement goes to a journal beside the table (OUT.journal) at once. If the command is
stopped, by Ctrl-C or kill -9, the same command goes on where it was; Ctrl-C also writes the table
of what is there. More --count or --rounds extend a table that is finished."""

EXAMPLES = """\
examples:
  archcost measure --space nasbench201 --count 2000 --out my_board.parquet
  archcost measure --space fbnet --archs wanted.csv --rounds 10 --out my_board.parquet
  archcost measure --space fbnet --count 500 --time-budget 600 --out quick.parquet
  taskset -c 1 archcost measure ...      pinned to a core: less noise (Linux)

then:
  archcost train --table my_board.parquet --device cpu_onnxruntime
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``measure`` to the command line."""
    from archcost.datasets.measuring import MeasureSettings

    default = MeasureSettings()
    parser = subparsers.add_parser(
        "measure",
        help="measure the latency of architectures on this machine",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--space", required=True, help="search space: nasbench201 or fbnet")
    add("--dataset", help="input size and classes (default: the space's, cifar10 or cifar100)")
    add_runtime_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--count",
        type=int,
        default=2000,
        metavar="N",
        help="draw N distinct architectures with --seed (default: %(default)s)",
    )
    which.add_argument(
        "--archs",
        type=Path,
        metavar="FILE",
        help="measure the architectures of a CSV file with a column 'arch' "
        "(or one architecture a line)",
    )
    add("--out", type=Path, required=True, help="the table to write, .parquet")
    add("--device", help="device id in the table (default: cpu_RUNTIME or gpu_RUNTIME)")
    add(
        "--rounds", type=int, default=default.rounds,
        help="rounds over all architectures (default: %(default)s)",
    )  # fmt: skip
    add(
        "--runs", type=int, default=default.runs,
        help="timed inferences of an architecture in a round (default: %(default)s)",
    )  # fmt: skip
    add(
        "--threads", type=int, default=default.threads,
        help="threads of one inference (default: %(default)s)",
    )  # fmt: skip
    add(
        "--loaded", type=int, default=default.loaded,
        help="networks held in memory at a time (default: %(default)s; some 20 MB each)",
    )  # fmt: skip
    add(
        "--time-budget", type=float, metavar="SECONDS",
        help="stop after this time and write what was measured (default: none)",
    )  # fmt: skip
    add("--seed", type=int, default=0, help="fixes draw and order (default: %(default)s)")
    add("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the table and report; return the exit status."""
    from archcost.datasets.architecture_file import read_architectures
    from archcost.datasets.cost_key import check_device_id
    from archcost.datasets.errors import ArchcostError
    from archcost.datasets.journal import Journal
    from archcost.datasets.measured_table import measured_table
    from archcost.datasets.measuring import MeasureSettings, measure, measuring_setup
    from archcost.datasets.spaces import get_space

    if args.out.suffix != ".parquet":
        raise ArchcostError(f"--out must end in .parquet, but got {str(args.out)!r}")
    space = get_space(args.space)
    dataset = space.check_dataset(args.dataset)
    runtime = build_runtime(args)
    settings = MeasureSettings(
        rounds=args.rounds,
        runs=args.runs,
        threads=args.threads,
        loaded=args.loaded,
        time_budget_s=args.time_budget,
        seed=args.seed,
    )
    if args.archs is None:
        archs = space.sample(args.count, seed=args.seed)
        selection = f"{args.count} drawn uniformly with seed {args.seed}"
    else:
        archs = read_architectures(args.archs, space)
        selection = "listed by the user"
    if len(archs) == 0:
        raise ArchcostError(f"--count must be at least 1, but got {args.count}")
    setup = measuring_setup(space, dataset, runtime, settings)
    device = check_device_id(args.device or runtime.device)
    with Journal(journal_path(args.out), setup) as journal:
        try:
            measure(space, archs, dataset, runtime, journal, settings, progress=not args.quiet)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        table = measured_table(
            space,
            archs,
            journal.visits,
            device=device,
            setup=setup,
            provenance={"architectures": selection, "seed": args.seed},
        )
        table.write(args.out)
    print(_report(table, args.out))
    if interrupted:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0


def journal_path(out: Path) -> Path:
    """Return where the measurements of a table are kept: ``OUT.journal`` beside it."""
    return out.with_name(out.name + ".journal")


def _report(table: CostTable, out: Path) -> str:
    """Say what the table holds and how far it can be trusted."""
    counts = ", ".join(f"{rows} {status}" for status, rows in table.counts().items())
    agreement = table.provenance["repeatability_spearman"]
    noise = (
        "unknown (it takes 2 rounds and 3 architectures of different cost)"
        if agreement is None
        else f"{agreement:.4f} (Spearman between halves of the rounds)"
    )
    key = str(table.keys()[0])
    return f"{out}: {key}, {counts}\nrepeatability: {noise}"
