"""The command ``archcost export``: networks as files, for a device without a network."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from archcost.cli.options import add_architecture_arguments, chosen_architectures
from archcost.cli.output import add_output_arguments, show

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

DESCRIPTION = """\
Write the networks of architectures as .onnx or .tflite files, for a device that this machine
cannot reach, with a script that measures them there.

The folder holds models/, manifest.csv (which file is which architecture), run_models.py, which
needs Python, numpy and the device's runtime but not archcost, and README.txt with the commands to
copy it over, to measure and to come back."""

EXAMPLES = """\
examples:
  archcost export --space nasbench201 --count 500 --out cells
  archcost export --space any --networks networks.txt --out networks
  archcost export --space fbnet --archs wanted.csv --format tflite --precision int8 --out nets

then on the device:
  python3 run_models.py                        measure all, in rounds, into results.csv
  python3 run_models.py models/00000.onnx      one: prints {"latency_ms": ...}

and back here:
  archcost data import results.csv --device my_board --out my_board.parquet
  archcost train --table my_board.parquet --device my_board

A device that a command reaches, such as ssh, needs no export: archcost measure --runtime command.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``export`` to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write model files and a script that measures them on another device",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_architecture_arguments(parser, count_help="")
    add("--format", default="onnx", help="onnx or tflite (default: %(default)s)")
    add("--precision", default="fp32", help="fp32, or for tflite int8 (default: %(default)s)")
    add("--out", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the folder; return the exit status."""
    from archcost.errors import ArchcostError
    from archcost.networks.exporting import export_models
    from archcost.spaces.spaces import get_space

    space = get_space(args.space)
    if args.count is None and args.archs is None and not space.is_open:
        raise ArchcostError(f"--count or --archs must say which architectures of {space.name}")
    archs, _ = chosen_architectures(args, space)
    dataset = space.check_dataset(args.dataset)
    try:
        export_models(
            space.names(archs),
            partial(space.graph, dataset=dataset),
            args.out,
            space=space.name,
            dataset=dataset,
            model_format=args.format,
            precision=args.precision,
            progress=not args.quiet,
        )
    except KeyboardInterrupt:
        print(f"interrupted; manifest.csv in {args.out} lists what is there", file=sys.stderr)
        return INTERRUPTED
    size_mb = sum(path.stat().st_size for path in args.out.rglob("*")) / 1e6
    show(
        args,
        f"{args.out}: {len(archs)} networks, {size_mb:.1f} MB; README.txt says how to go on",
        {"folder": args.out, "networks": len(archs), "size_mb": size_mb},
    )
    return 0
