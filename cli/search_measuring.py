"""``archcost search --measure``: the best within a limit on a device behind a command."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from archcost.cli.output import say, show

if TYPE_CHECKING:
    from archcost.spaces import SearchSpace

START = 2
"""Measurements before the first that is aimed at the limit."""

LEVEL = 0.99
"""Default probability that the cost of a choice that was not measured keeps the limit."""


def add_measuring_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--measure`` and what goes with it."""
    from pathlib import Path

    group = parser.add_argument_group(
        "a device of yours (--measure)",
        "The command measures a network, as in `archcost measure --runtime command`; each "
        "measurement goes where it decides. What was measured is kept: the same command goes on.",
    )
    add = group.add_argument
    add("--measure", metavar="COMMAND", help="what to run; {model} is the network's file")
    add("--max-latency-ms", type=float, metavar="MS", help="the limit on what it prints")
    add("--format", default="onnx", help="of the file: onnx or tflite (default: %(default)s)")
    add("--latency-pattern", metavar="REGEX", help="a regular expression that finds the latency")
    add("--latency-unit", metavar="UNIT", default="ms", help="us, ms or s (default: %(default)s)")
    add("--retries", type=int, default=2, help="of a command that fails (default: %(default)s)")
    add(
        "--measured", type=Path, default=Path("search.jsonl"), metavar="FILE",
        help="where measurements are kept (default: %(default)s)",
    )  # fmt: skip


def run_measuring(args: argparse.Namespace, space: SearchSpace) -> int:
    """Measure where it decides, print the choice, and keep what was measured."""
    from archcost.cli.limit_argument import parse_limit
    from archcost.datasets import read_accuracy
    from archcost.errors import ArchcostError
    from archcost.measuring.command_runtime import CommandRuntime
    from archcost.measuring.printed_latency import PrintedLatency
    from archcost.search import search_measuring
    from archcost.search.limits import find_limits, within_limits
    from archcost.search.measured_costs import MeasuredCosts
    from archcost.training import suggest, transfer

    if args.accuracy is None or args.max_latency_ms is None:
        raise ArchcostError(
            "--measure needs --score, a CSV file with the columns arch and accuracy, and "
            "--max-latency-ms"
        )
    dataset = space.check_dataset(args.dataset)
    latency = PrintedLatency(args.latency_pattern, args.latency_unit)
    runtime = CommandRuntime(args.measure, args.format, latency=latency, retries=args.retries)
    level = LEVEL if args.level is None else args.level
    score = read_accuracy(args.accuracy, space)
    limits = find_limits(space, dict(map(parse_limit, args.max)), dataset, level=level)
    score = score[within_limits(limits, space.parse_many(list(score.index)))]
    if len(score) == 0:
        raise ArchcostError("no architecture with a score keeps the limits of --max; raise them")

    def measure(arch: str) -> float:
        say(args, f"measuring {arch}")
        try:
            return runtime.load(space, space.parse(arch), dataset, threads=1)()
        except (RuntimeError, TimeoutError) as error:
            raise ArchcostError(
                f"{arch} could not be measured: {error}; the same command goes on from here"
            ) from None

    setup = {"space": space.name, "dataset": dataset, "command": args.measure}
    measured = MeasuredCosts(measure, args.measured, setup)
    budget = 10 if args.budget is None else args.budget
    candidates = list(score.index)
    [choice] = search_measuring(
        score,
        [args.max_latency_ms],
        measure=measured,
        fit=lambda costs: transfer(space, dict(costs), dataset=dataset, seed=args.seed),
        start=suggest(space, START, candidates=candidates, dataset=dataset, seed=args.seed),
        n_measurements=budget,
        level=level,
    )
    if choice.arch is None:
        raise ArchcostError(
            f"no architecture is within {args.max_latency_ms:g} ms as far as {len(measured.costs)} "
            "measurements tell; raise the limit, or measure more with --budget"
        )
    known = choice.arch in choice.measured
    text = f"arch,score,latency_ms\n{choice.arch},{choice.score:.6g},{choice.upper:.6g}"
    row = {"arch": choice.arch, "score": choice.score, "latency_ms": choice.upper}
    show(args, text, [row])
    say(
        args,
        f"archcost: {len(choice.measured)} measurements in {args.measured}; the latency is "
        + ("measured" if known else f"below this with probability {level:g}"),
    )
    return 0
