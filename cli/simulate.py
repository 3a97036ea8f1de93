"""The command ``archcost simulate``: a cost table of an accelerator that is only described."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.options import add_architecture_arguments, chosen_architectures
from archcost.cli.output import add_output_arguments, show
from archcost.cli.printing import keys_and_statuses, table_facts

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable
    from archcost.measuring.journal import Journal

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DESCRIPTION = """\
Simulate what architectures cost on an accelerator and write a cost table.

An accelerator is a description file: the array, its memories and clock, what an access takes.
Some ship with archcost; --show prints one, to copy and edit. Each distinct part of the networks
(with zigzag a layer shape, with vela a whole network) is simulated once and kept in a journal
beside the table (OUT.journal). If the command is stopped, by Ctrl-C or kill -9, the same command
goes on where it was; Ctrl-C also writes the table of what is there. A table that is there keeps its
rows: other architectures are added to them."""

EXAMPLES = """\
examples:
  archcost simulate --space fbnet --accelerator eyeriss_like --out eyeriss_like.parquet
  archcost simulate --space nasbench201 --accelerator ethos_u55 --count 500 --out u55.parquet
  archcost simulate --space fbnet --accelerator ethos_u55 --out u55.parquet --dry-run
  archcost simulate --show eyeriss_like > my_npu.toml
  archcost simulate --space fbnet --accelerator my_npu.toml --out my_npu.parquet

then:
  archcost train --table my_npu.parquet --device my_npu
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``simulate`` to the command line."""
    from archcost.simulating import accelerators, load_accelerator

    shipped = "\n".join(f"  {name:14} {load_accelerator(name).name}" for name in accelerators())
    parser = subparsers.add_parser(
        "simulate",
        help="simulate the cost of architectures on an accelerator that a file describes",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\naccelerators that ship:\n{shipped}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_architecture_arguments(
        parser,
        count_help=" (default: what takes the simulator minutes; with zigzag all of a space of up "
        "to 20,000, else 5,000)",
    )
    add(
        "--accelerator", required=True, metavar="NAME|FILE",
        help="one that ships, or your description file, .toml; its name is the device id",
    )  # fmt: skip
    add("--out", type=Path, required=True, help="the table to write, .parquet")
    add(
        "--simulator", metavar="NAME|FILE:NAME",
        help="zigzag, vela, or your own, my_simulator.py:MySimulator (default: that of the "
        "description)",
    )  # fmt: skip
    add("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    add("--dry-run", action="store_true", help="try one part and say how long all would take")
    add("--show", action=_Show, metavar="NAME", help="print a description that ships, and exit")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate, write the table and report; return the exit status."""
    from archcost.errors import ArchcostError
    from archcost.measuring.earlier_rows import selection_of, with_earlier
    from archcost.measuring.journal import Journal, journal_path
    from archcost.simulating import get_simulator, load_accelerator
    from archcost.simulating.simulating import simulate_parts, simulated_table, simulating_setup
    from archcost.spaces.spaces import get_space

    if args.out.suffix != ".parquet":
        raise ArchcostError(f"--out must end in .parquet, but got {str(args.out)!r}")
    space = get_space(args.space)
    dataset = space.check_dataset(args.dataset)
    accelerator = load_accelerator(args.accelerator)
    if args.simulator is not None:
        accelerator = replace(accelerator, simulator=args.simulator, folder=Path())
    simulator = get_simulator(accelerator)
    setup = simulating_setup(accelerator)
    archs, selection = chosen_architectures(args, space, simulator.default_count(space))
    if args.jobs < 1:
        raise ArchcostError(f"--jobs must be at least 1, but got {args.jobs}")
    n_chosen = len(archs)
    archs = with_earlier(space, archs, args.out, dataset, device=accelerator.id)
    bags = [simulator.parts(space, ops, dataset) for ops in archs]
    if args.dry_run:
        from archcost.cli.dry_run import show_simulating

        return show_simulating(args, bags, accelerator, setup)
    with Journal(journal_path(args.out), setup) as journal:
        journal.forget_failures_without_success()
        interrupted = False
        try:
            parts = (part for bag in bags for part in bag)
            simulate_parts(parts, accelerator, journal, jobs=args.jobs, progress=not args.quiet)
        except KeyboardInterrupt:
            interrupted = True
        table = simulated_table(
            space,
            archs,
            bags,
            journal.records,
            accelerator,
            dataset=dataset,
            provenance={
                "architectures": selection_of(selection, n_chosen, len(archs)),
                "seed": args.seed,
            },
        )
        table.write(args.out)
        show(args, _report(table, journal, args.out), table_facts(args.out, table))
    if interrupted:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    if not table.counts().get("ok"):
        raise ArchcostError(
            f"at least one of the {len(table)} costs in {args.out} must exist, but none does: see "
            "the failure above"
        )
    return 0


def _report(table: CostTable, journal: Journal, out: Path) -> str:
    """Return the costs of a table, and the failures, in words."""
    lines = [keys_and_statuses(table, out)]
    failed = [record for record in journal.records if record.error is not None]
    if failed:
        lines.append(
            f"{len(failed)} of {len(journal.records)} parts failed, such as {failed[0].arch!r}: "
            f"{failed[0].error} (delete {journal.path} to try again)"
        )
    return "\n".join(lines)


class _Show(argparse.Action):
    """Print a description and exit, whatever else is or is not given."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, value: Any, option: object = None
    ) -> None:
        from archcost.errors import UnknownNameError, check_name
        from archcost.simulating import accelerators

        shipped = accelerators()
        try:
            path = shipped[check_name("accelerator", value, shipped)]
        except UnknownNameError as error:
            parser.exit(2, f"archcost: error: {error}\n")
        sys.stdout.write(path.read_text(encoding="utf-8"))
        parser.exit()
