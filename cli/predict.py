"""The command ``archcost predict``."""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, say, show
from archcost.datasets.architecture_file import architecture_texts, texts_of_rows
from archcost.datasets.csv_file import is_index
from archcost.errors import ArchitectureError
from archcost.prediction import load_for

EPILOG = """\
examples:
  archcost predict '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|' \\
      --device raspi4
  archcost predict 1462 15624 --device fpga --metric energy
  archcost predict --archs architectures.csv --device raspi4 > costs.csv
  archcost predict --device raspi4 < architectures.txt > costs.csv
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "predict",
        help="predict the cost of architectures on a device",
        description="Predict the cost of architectures on a device: one gives a sentence, "
        "several (or standard input) give CSV with 90 % intervals.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "archs",
        nargs="*",
        metavar="ARCH",
        help="an architecture: its string, or NAS-Bench-201's index; from standard input, "
        "one a line or as CSV with a column 'arch', if none is given",
    )
    parser.add_argument(
        "--archs",
        type=Path,
        dest="file",
        metavar="FILE",
        help="take the architectures of a CSV or Parquet file with a column 'arch'",
    )
    parser.add_argument("--device", required=True, help="device id; `archcost devices` lists them")
    parser.add_argument("--metric", default="latency", help="latency (default) or energy")
    add_space_argument(parser, "search space (default: inferred from the architectures): ")
    add_dataset_arguments(parser)
    parser.add_argument("--model", help="a saved model's folder or an MLflow URI (models:/...)")
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and print."""
    texts = arguments.archs or _listed(arguments)
    if not texts:
        raise ArchitectureError("predict needs at least one architecture, but got none")
    archs = [int(text) if is_index(text) else text for text in texts]
    model = load_for(
        archs[0],
        arguments.device,
        arguments.metric,
        arguments.space,
        arguments.dataset,
        arguments.model,
    )
    ops = np.stack([model.space.parse(arch) for arch in archs])  # a list of ints would be one
    costs = model.predict(ops)
    bounds = model.predict_interval(ops)
    unit = model.unit
    name = f"{model.key.metric}_{unit.lower()}"
    columns = ("arch", name, f"{name}_low", f"{name}_high")
    rows = list(zip(texts, costs, *bounds.T, strict=True))
    if len(archs) == 1 and arguments.archs:
        low, high = map(_digits, bounds[0])
        words = f"{_digits(costs[0])} {unit} (90 %: {low} to {high})"
    else:
        lines = [f"{text},{cost:.6g},{low:.6g},{high:.6g}" for text, cost, low, high in rows]
        words = "\n".join([",".join(columns), *lines])
    show(arguments, words, [dict(zip(columns, row, strict=True)) for row in rows])
    return 0


def _listed(arguments: argparse.Namespace) -> list[str]:
    """Return the architectures of the file that was named, or of standard input."""
    if arguments.file is not None:
        return [text for _, text in architecture_texts(arguments.file)]
    lines: Iterable[str] = sys.stdin or ()  # None where standard input is closed
    if sys.stdin is not None and sys.stdin.isatty():
        say(arguments, "archcost: reading architectures from the terminal; end with Ctrl-D")
    rows = enumerate(csv.reader(lines), 1)
    kept = [(number, [cell.strip() for cell in row]) for number, row in rows if any(row)]
    return [text for _, text in texts_of_rows(kept)]


def _digits(cost: float) -> str:
    """Return three digits or the whole number, whichever says more."""
    return f"{cost:.0f}" if cost >= 1000 else f"{cost:.3g}"
