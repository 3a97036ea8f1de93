"""The command ``archcost predict``."""

import argparse
import sys
from typing import Any

import numpy as np

from archcost.cli.options import DATASET_HELP, add_space_argument
from archcost.datasets.csv_file import is_index
from archcost.errors import ArchitectureError
from archcost.prediction import load_for

EPILOG = """\
examples:
  archcost predict '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|' \\
      --device raspi4
  archcost predict 1462 15624 --device edgegpu --metric energy
  archcost predict --device my_phone < architectures.txt > costs.csv
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
        "one a line, if none is given",
    )
    parser.add_argument("--device", required=True, help="device id; `archcost devices` lists them")
    parser.add_argument("--metric", default="latency", help="latency (default) or energy")
    add_space_argument(parser, "search space (default: inferred from the architectures): ")
    parser.add_argument("--dataset", help=DATASET_HELP)
    parser.add_argument("--model", help="a saved model's folder or an MLflow URI (models:/...)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and print."""
    lines = sys.stdin or ()  # None where standard input is closed
    texts = arguments.archs or [line.strip() for line in lines if line.strip()]
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
    if len(archs) == 1 and arguments.archs:
        print(
            f"{_digits(costs[0])} {unit} (90 %: {_digits(bounds[0][0])} to {_digits(bounds[0][1])})"
        )
        return 0
    name = f"{model.key.metric}_{unit.lower()}"
    print(f"arch,{name},{name}_low,{name}_high")
    for text, cost, (low, high) in zip(texts, costs, bounds, strict=True):
        print(f"{text},{cost:.6g},{low:.6g},{high:.6g}")
    return 0


def _digits(cost: float) -> str:
    """Return three digits or the whole number, whichever says more."""
    return f"{cost:.0f}" if cost >= 1000 else f"{cost:.3g}"
