"""The options of a command line that say what runs the networks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcost.measuring.runtime import Runtime

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


def add_runtime_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime`` and what goes with it."""
    from archcost.measuring.command_runtime import CommandRuntime
    from archcost.measuring.printed_latency import PrintedLatency
    from archcost.measuring.runtimes import RUNTIMES

    parser.add_argument(
        "--runtime",
        default="onnxruntime",
        metavar="NAME",
        help=f"what runs the networks: {', '.join(RUNTIMES)}; or command, which is any device of "
        "yours (default: %(default)s)",
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
    from archcost.errors import ArchcostError, check_name
    from archcost.measuring.runtimes import RUNTIMES

    check_name("runtime", args.runtime, [*RUNTIMES, "command"])
    if args.runtime == "command":
        return _command_runtime(args)
    for name in OF_COMMAND:
        if getattr(args, name) is not None:
            raise ArchcostError(
                f"--{name.replace('_', '-')} must go with --runtime command, but the runtime is "
                f"{args.runtime!r}"
            )
    return RUNTIMES[args.runtime]


def _command_runtime(args: argparse.Namespace) -> Runtime:
    from archcost.datasets.cost_key import check_device_id
    from archcost.errors import ArchcostError
    from archcost.measuring.command_runtime import CommandRuntime
    from archcost.measuring.measuring import reference_arch
    from archcost.measuring.printed_latency import PrintedLatency
    from archcost.spaces.spaces import get_space

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
