"""Options that several commands share: which space, architectures, runtime and cost table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.output import say
from archcost.errors import UnknownNameError

if TYPE_CHECKING:
    from archcost.datasets import CostTable
    from archcost.measuring import Runtime
    from archcost.spaces import SearchSpace
    from archcost.spaces.space import Ops

SPACE_HELP = "a name (archcost space list) or your own, my_space.py:MySpace"
DATASET_HELP = (
    "dataset, which fixes the input size (default: the first of the space); any name of your own "
    "with --input and --classes"
)
INPUT_HELP = "channels, height and width of the inputs of a dataset of your own, such as 1x88x88"

COMMAND_HELP = """\
What runs is a command of yours, once for each network and round. Its output must have a line such
as {"latency_ms": 12.3}, or a number that --latency-pattern finds. It has no shell; quote one in:
  --runtime command --device my_board --command './bench.sh {model}'
  --runtime command --device my_board --format tflite --command \\
    'sh -c "scp -q {model} pi:m.tflite && ssh pi ./benchmark_model --graph=m.tflite"' \\
    --latency-pattern 'Inference \\(avg\\): ([0-9.e+]+)' --latency-unit us
At the start one network is tried, so that a command that cannot work says so at once. Where no
command reaches the device, see archcost export; its runner also prints such a line."""

OF_COMMAND = (
    "command", "format", "precision", "latency_pattern", "latency_unit",
    "command_timeout", "retries",
)  # fmt: skip
"""Options that no other runtime takes; None where they are not given."""


def add_space_argument(
    parser: argparse.ArgumentParser, use: str = "search space: ", *, required: bool = False
) -> None:
    """Add ``--space``, which ``main`` makes known by its name before the command runs."""
    parser.add_argument("--space", metavar="SPACE", required=required, help=use + SPACE_HELP)


def add_dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--dataset``, ``--input`` and ``--classes``, of which ``main`` makes one dataset."""
    parser.add_argument("--dataset", metavar="NAME", help=DATASET_HELP)
    parser.add_argument("--input", metavar="CxHxW", dest="input_shape", help=INPUT_HELP)
    parser.add_argument(
        "--classes", type=int, metavar="N", help="outputs of the networks for that dataset"
    )


def given_dataset(args: argparse.Namespace) -> str | None:
    """Return the dataset that the options name, one of a user's own by its id.

    Raises
    ------
    ArchcostError
        If only one of ``--input`` and ``--classes`` is given, or they are wrong.
    """
    from archcost.errors import ArchcostError
    from archcost.spaces.dataset import Dataset, parse_shape

    shape, n_classes = getattr(args, "input_shape", None), getattr(args, "classes", None)
    name: str | None = args.dataset
    if shape is None and n_classes is None:
        return name
    if shape is None or n_classes is None:
        given = "--classes" if shape is None else "--input"
        raise ArchcostError(
            "a dataset of your own must have --input and --classes, such as --dataset darcy "
            f"--input 1x88x88 --classes 1, but got only {given}"
        )
    dataset = Dataset(name or "input", parse_shape(shape), n_classes)
    if getattr(args, "space", None) is None:
        return dataset.id
    from archcost.spaces import get_space

    return get_space(args.space).check_dataset(dataset)


def add_architecture_arguments(
    parser: argparse.ArgumentParser, *, count_help: str, required: bool = False
) -> None:
    """Add ``--space``, ``--dataset``, ``--count`` or ``--archs``, and ``--seed``."""
    add = parser.add_argument
    add_space_argument(parser, required=True)
    add_dataset_arguments(parser)
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument(
        "--count",
        type=int,
        metavar="N",
        help=f"draw N distinct architectures with --seed{count_help}; of any networks, N probes",
    )
    which.add_argument(
        "--archs",
        "--networks",
        type=Path,
        metavar="FILE",
        help="take the architectures of a CSV or Parquet file with a column 'arch', as of suggest "
        "(or one architecture a line); networks are .onnx files, timm:MODEL, or names such as "
        "resnet18@160",
    )
    add("--batch", type=int, metavar="N", help="with --space any, images at a time (default: 1)")
    add("--seed", type=int, default=0, help="fixes everything drawn (default: %(default)s)")


def chosen_architectures(
    args: argparse.Namespace, space: SearchSpace, default_count: int = 0
) -> tuple[Ops, str]:
    """Return the architectures ``(n_archs, n_positions)``, and in words how they were chosen.

    Raises
    ------
    ArchcostError
        If there are none, or the file is wrong.
    """
    from archcost.datasets.architecture_file import read_architectures
    from archcost.errors import ArchcostError

    if args.batch is not None and (not space.is_open or args.batch < 1):
        raise ArchcostError(
            "--batch must be 1 or more, and go with networks that are given as they are, as in "
            f"--space any, but got {args.batch} with {space.name}"
        )
    if args.archs is not None:
        archs, chosen = read_architectures(args.archs, space), "listed by the user"
    elif args.count is None and space.is_open:
        archs, chosen = space.usual(args.seed)
    else:
        count = min(default_count, space.n_archs) if args.count is None else args.count
        archs = space.sample(count, seed=args.seed)
        chosen = f"{count} drawn uniformly with seed {args.seed}"
        if len(archs) == 0:
            raise ArchcostError(f"--count must be at least 1, but got {count}")
    return (archs if args.batch is None else space.with_batch_size(archs, args.batch)), chosen


def add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime`` and what goes with it."""
    from archcost.measuring import RUNTIMES, CommandRuntime
    from archcost.measuring.printed_latency import PrintedLatency

    parser.add_argument(
        "--runtime",
        default="onnxruntime",
        metavar="NAME",
        help=f"what runs the networks: {', '.join(RUNTIMES)}; your own, my_runtime.py:MyRuntime; "
        "or command, which is any device of yours (default: %(default)s)",
    )
    group = parser.add_argument_group("any device of yours (--runtime command)", COMMAND_HELP)
    add, default = group.add_argument, CommandRuntime
    add(
        "--command", metavar="LINE",
        help="what to run; {model} stands for the network's file, {threads} for --threads",
    )  # fmt: skip
    add("--format", help=f"of that file: onnx or tflite (default: {default.model_format})")
    add("--precision", help=f"fp32, or for tflite int8 (default: {default.precision})")
    add(
        "--latency-pattern", metavar="REGEX",
        help="a regular expression whose one group is the latency; its last match counts",
    )  # fmt: skip
    add(
        "--latency-unit", metavar="UNIT",
        help=f"what the pattern finds: us, ms or s (default: {PrintedLatency.unit})",
    )  # fmt: skip
    add(
        "--command-timeout", type=float, metavar="SECONDS",
        help=f"kill the command after this time (default: {default.timeout_s:g})",
    )  # fmt: skip
    add(
        "--retries", type=int, metavar="N",
        help=f"try again so often before a network has failed (default: {default.retries})",
    )  # fmt: skip


def build_runtime(args: argparse.Namespace) -> Runtime:
    """Return the runtime that the options name; a command is tried on one network.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    ArchcostError
        If options are missing, wrong, or of another runtime, or the trial fails.
    """
    from archcost.errors import ArchcostError, UnknownNameError, check_name
    from archcost.measuring import RUNTIMES, get_runtime
    from archcost.plugins import is_reference

    if args.runtime == "command":
        return _command_runtime(args)
    try:
        runtime = get_runtime(args.runtime)
    except UnknownNameError:
        if not is_reference(args.runtime):  # the one that is only known here is a choice as well
            check_name("runtime", args.runtime, [*RUNTIMES, "command"])
        raise
    for name in OF_COMMAND:
        if getattr(args, name) is not None:
            raise ArchcostError(
                f"--{name.replace('_', '-')} must go with --runtime command, but the runtime is "
                f"{args.runtime!r}"
            )
    return runtime


def _command_runtime(args: argparse.Namespace) -> Runtime:
    from archcost.datasets.cost_key import check_device_id
    from archcost.errors import ArchcostError
    from archcost.measuring import CommandRuntime
    from archcost.measuring.measuring import reference_arch
    from archcost.measuring.printed_latency import PrintedLatency
    from archcost.spaces import get_space

    if args.command is None:
        raise ArchcostError(
            "--runtime command must go with --command, such as --command './bench.sh {model}'"
        )
    reading = {"pattern": args.latency_pattern, "unit": args.latency_unit}
    running = {
        "model_format": args.format,
        "precision": args.precision,
        "timeout_s": args.command_timeout,
        "retries": args.retries,
    }
    runtime = CommandRuntime(
        args.command, latency=PrintedLatency(**_given(reading)), **_given(running)
    )
    check_device_id(args.device or runtime.device)
    space = get_space(args.space)
    dataset = space.check_dataset(args.dataset)
    try:
        runtime.load(space, reference_arch(space, dataset), dataset, args.threads)()
    except (ArchcostError, OSError, RuntimeError) as error:
        raise ArchcostError(f"the command fails already on a trial network: {error}") from None
    return runtime


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


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
        help="device id, such as my_board; names the costs of a table that does not, chooses among "
        "those of a table of several, and names those of a table of one anew",
    )
    add_space_argument(parser)
    parser.add_argument("--metric", help="latency or energy (default: all in the table)")
    add_dataset_arguments(parser)


def read_table(arguments: argparse.Namespace) -> CostTable:
    """Return the rows that the arguments ask for.

    Raises
    ------
    ArchcostError
        If the table is missing or breaks a rule, or has no such rows.
    """
    from archcost.datasets import DEVICES, CostTable, bundled_tables, load_bundled

    asked = {"space": arguments.space, "device": arguments.device, "dataset": arguments.dataset}
    if arguments.table is None:
        table = CostTable.concat([load_bundled(name) for name in bundled_tables()])
        return table.select(metric=arguments.metric, **asked)
    try:
        table = CostTable.read(arguments.table, **asked)
    except UnknownNameError:
        table = CostTable.read(arguments.table, **{**asked, "device": None})
        keys = table.keys()
        measured = {key.device for key in keys}
        if len(measured) > 1 or arguments.device in (None, *DEVICES, *measured):
            raise
        # measured without a name of its own: one device, and the name asked for is of no other
        say(arguments, f"archcost: the costs of {measured.pop()} are named {arguments.device}")
        table = table.with_device(arguments.device)
    return table.select(metric=arguments.metric)
