"""The command ``archcost measure``: a cost table of this machine or of a device of yours."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.options import (
    add_architecture_arguments,
    add_runtime_arguments,
    build_runtime,
    chosen_architectures,
)
from archcost.cli.output import add_output_arguments, show
from archcost.cli.printing import measuring_report, table_facts

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable
    from archcost.measuring import Runtime
    from archcost.measuring.isolated_measuring import Job
    from archcost.spaces.space import Ops

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DEFAULT_COUNT = 2000

DESCRIPTION = """\
Measure the latency of architectures on this machine and write a cost table.

Architectures are measured in many short rounds, each in another order, because one pass over many
networks is noisy (neighbours on the machine, clocks). Before and after each one a reference
network tells how slow the machine is at that moment; the cost is the mean of the middle half of the
rounds with that slowdown taken out, and the raw minimum and median are kept beside it. Wall time
and the CPU time of the process are both recorded; with one thread of a runtime in this process the
cost is the CPU time, which leaves out waiting for other programs (--clock wall takes the other).
At the end
the rounds are split in halves; how well the halves' ranks agree is the table's repeatability,
printed and kept in the table. With --repeatability .98 more rounds follow, 4 at a time, until the
halves agree that well, or --max-rounds or --time-budget is reached.

Every measurement goes to a journal beside the table (OUT.journal) at once. If the command is
stopped, by Ctrl-C or kill -9, the same command goes on where it was; Ctrl-C also writes the table
of what is there. More --count or --rounds extend a table that is finished; fewer leave what it
holds. A network that fails is tried twice if there are two rounds; then its row says
did_not_compile, timed_out or failed, and the table's provenance quotes the first error of each
kind. Measuring runs in a process of its own: if a runtime crashes it, the network is recorded as
failed and the rest goes on.

With --space any networks of any kind are measured: 120 random probes and 20 published networks by
default, --count N probes, or --networks FILE. They train a model of any network (archcost train).

--shard 2/8 measures every eighth architecture, from the second: the same command with 1/8 to 8/8
and another --out each, at the same time on equal machines, and `archcost data merge` in the end.

--energy also reads the hardware's energy counter (RAPL of CPUs, NVML of GPUs), over at least 0.1 s
(0.5 s for a GPU) of repeated inferences a round, and adds rows of energy in mJ. It counts the whole
package: idle power and whatever else runs are in it. Where no counter can be read, as on most
virtual machines, the command says so; energy is never modelled."""

EXAMPLES = """\
examples:
  archcost measure --space nasbench201 --runtime onnxruntime --count 2000 --out my.parquet
  archcost measure --space fbnet --count 500 --time-budget 600 --out quick.parquet
  archcost measure --space nasbench201 --count 2000 --repeatability .98 --out sure.parquet
  archcost suggest --space fbnet -n 10 > wanted.csv
  archcost measure --space fbnet --archs wanted.csv --rounds 10 --out ten.parquet
  archcost measure --space nasbench201 --count 2000 --shard 1/2 --out part1.parquet
  archcost measure --space nasbench201 --count 2000 --shard 2/2 --out part2.parquet
  archcost data merge part1.parquet part2.parquet --out both.parquet
  archcost measure --space my_space.py:MySpace --runtime my_runtime.py:MyRuntime --out my.parquet
  archcost measure --space any --runtime onnxruntime --out my_cpu.parquet    140 networks, minutes
  archcost measure --space any --networks networks.txt --batch 2 --out batches.parquet
  archcost measure --space nasbench201 --count 500 --energy --out energy.parquet
  archcost measure --space fbnet --count 2000 --out my.parquet --dry-run
  taskset -c 1 archcost measure --space fbnet --count 500 --out quiet.parquet
      pinned to a core: less noise (Linux)

then:
  archcost train --table my.parquet --device cpu_onnxruntime
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``measure`` to the command line."""
    from archcost.measuring.clocks import CLOCKS
    from archcost.measuring.measure_settings import MeasureSettings

    default = MeasureSettings()
    parser = subparsers.add_parser(
        "measure",
        help="measure the latency of architectures on this machine",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_architecture_arguments(parser, count_help=f" (default: {DEFAULT_COUNT})")
    add_runtime_arguments(parser)
    add(
        "--shard", metavar="I/N",
        help="measure only every N-th architecture, from the I-th (1 to N)",
    )  # fmt: skip
    add("--out", type=Path, required=True, help="the table to write, .parquet")
    add("--device", help="device id in the table (default: cpu_RUNTIME or gpu_RUNTIME)")
    add(
        "--rounds", type=int, default=default.rounds,
        help="rounds over all architectures (default: %(default)s)",
    )  # fmt: skip
    add(
        "--repeatability", type=float, metavar="RHO",
        help="after --rounds go on until the halves of the rounds agree at this Spearman, "
        "such as .98",
    )  # fmt: skip
    add(
        "--max-rounds", type=int, default=default.max_rounds,
        help="but stop after this many rounds (default: %(default)s)",
    )  # fmt: skip
    add(
        "--time-budget", type=float, metavar="SECONDS",
        help="stop after this time and write what was measured (default: none)",
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
        "--clock", choices=CLOCKS,
        help="which time is the cost: cpu, of the process, or wall (default: cpu with one thread "
        "of a runtime in this process, else wall); a table and its journal keep to one",
    )  # fmt: skip
    add(
        "--max-temperature", type=float, metavar="CELSIUS",
        help="wait before a network while the machine is warmer, where psutil reads a sensor",
    )  # fmt: skip
    add(
        "--loaded", type=int, default=default.loaded,
        help="networks held in memory at a time (default: %(default)s; some 20 MB each)",
    )  # fmt: skip
    add("--energy", action="store_true", help="also measure energy, where a counter can be read")
    add("--dry-run", action="store_true", help="try one network and say how long all would take")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write the table and report; return the exit status."""
    from archcost.datasets.cost_key import check_device_id
    from archcost.errors import ArchcostError
    from archcost.measuring.isolated_measuring import measure_isolated

    if args.out.suffix != ".parquet":
        raise ArchcostError(f"--out must end in .parquet, but got {str(args.out)!r}")
    job, provenance = _plan(args)
    if args.dry_run:
        from archcost.cli.dry_run import show_measuring

        return show_measuring(args, job)
    archs = _with_earlier(job, provenance, args.out)
    device = check_device_id(args.device or job.runtime.device)
    stopped: ArchcostError | KeyboardInterrupt | None = None
    try:
        with _termination_as_interrupt():
            measure_isolated(job)
    except (ArchcostError, KeyboardInterrupt) as error:
        stopped = error
    table = _write_table(job, archs, device, provenance, args.out, stopped)
    if table is not None:
        facts = table_facts(args.out, table)
        facts["repeatability_spearman"] = table.provenance.repeatability_spearman
        show(args, measuring_report(table, args.out, args.repeatability), facts)
    if isinstance(stopped, ArchcostError):
        raise stopped
    if stopped:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    if table is not None and not table.counts().get("ok"):
        raise ArchcostError(
            f"at least one of the {len(table)} architectures must get a cost, but none did: see "
            "the failures above; where --time-budget ended first, a longer one goes on from here"
        )
    return 0


def _plan(args: argparse.Namespace) -> tuple[Job, dict[str, Any]]:
    """Return the arguments of measuring, and the provenance of the choice."""
    from archcost.measuring.isolated_measuring import Job
    from archcost.measuring.journal import journal_clock, journal_path
    from archcost.measuring.measure_settings import MeasureSettings
    from archcost.measuring.measuring import measuring_setup
    from archcost.measuring.shards import Shard
    from archcost.spaces.spaces import get_space

    space = get_space(args.space)
    dataset = space.check_dataset(args.dataset)
    runtime = build_runtime(args)
    settings = MeasureSettings(
        rounds=args.rounds,
        runs=args.runs,
        threads=args.threads,
        loaded=args.loaded,
        repeatability=args.repeatability,
        max_rounds=args.max_rounds,
        time_budget_s=args.time_budget,
        clock=args.clock or journal_clock(journal_path(args.out)),
        max_temperature_c=args.max_temperature,
        seed=args.seed,
    )
    archs, selection = chosen_architectures(args, space, DEFAULT_COUNT)
    provenance = {"architectures": selection, "seed": args.seed}
    if args.shard:
        shard = Shard.parse(args.shard)
        archs = shard.part(archs)
        provenance["shard"] = str(shard)
    open_counter = _counter_opener(runtime) if args.energy else None
    counter = open_counter() if open_counter else None
    job = Job(
        space,
        archs,
        dataset,
        runtime,
        settings,
        journal_path(args.out),
        measuring_setup(space, dataset, runtime, settings, counter),
        open_counter,
        progress=not args.quiet,
    )
    return job, provenance


def _counter_opener(runtime: Runtime) -> Any:
    """Return a function that opens the energy counter of the hardware that a runtime uses."""
    from archcost.errors import ArchcostError
    from archcost.measuring.energy_counter import energy_counter

    if runtime.repeats_itself:
        raise ArchcostError(
            f"--energy reads the counters of this machine, but --runtime {runtime.name} runs the "
            "networks elsewhere; measure the energy there, and `archcost data import` it"
        )
    return partial(energy_counter, runtime.device.partition("_")[0])


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM, as a scheduler sends it, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _with_earlier(job: Job, provenance: dict[str, Any], out: Path) -> Ops:
    """Return the rows of the table: what is to be measured, and what the table had before."""
    from archcost.measuring.earlier_rows import selection_of, with_earlier
    from archcost.measuring.journal import Journal

    if not out.exists():
        return job.archs
    with Journal(job.journal_path, job.setup) as journal:
        known = {record.arch for record in journal.records}
    archs = with_earlier(job.space, job.archs, out, job.dataset, known=known)
    if len(archs) > len(job.archs):
        selection = provenance["architectures"]
        provenance["architectures"] = selection_of(selection, len(job.archs), len(archs))
        provenance.pop("shard", None)  # it is more than a shard
    return archs


def _write_table(
    job: Job,
    archs: Ops,
    device: str,
    provenance: dict[str, Any],
    out: Path,
    stopped: BaseException | None,
) -> CostTable | None:
    """Write the table of the journal's records; None if there are none because of an error."""
    from archcost.errors import ArchcostError
    from archcost.measuring.journal import Journal
    from archcost.measuring.measured_table import measured_table

    try:
        with Journal(job.journal_path, job.setup) as journal:
            records = journal.records
    except ArchcostError:
        if stopped is None:
            raise
        return None
    if isinstance(stopped, ArchcostError) and not records:
        return None
    table = measured_table(
        job.space, archs, records, device=device, setup=job.setup, provenance=provenance
    )
    try:
        table.write(out)
    except OSError as error:
        raise ArchcostError(
            f"the table must be written to {out}, but: {error.strerror}; all measurements are in "
            f"{job.journal_path}, and the same command goes on from there"
        ) from error
    return table
