"""The command ``archcost predict``."""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from archcost.cli.cost_printing import show_costs
from archcost.cli.options import add_dataset_arguments, add_space_argument
from archcost.cli.output import add_output_arguments, say
from archcost.datasets.architecture_file import architecture_texts, texts_of_rows
from archcost.datasets.csv_file import is_index
from archcost.errors import ArchitectureError, shown
from archcost.prediction import load_for
from archcost.spaces.any_network import is_network

LISTS = (".csv", ".parquet", ".txt")
"""Endings of files that list architectures; none is a network's or an architecture's."""

EPILOG = """\
examples:
  archcost predict '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|' \\
      --device raspi4
  archcost predict 1462 15624 --device fpga --metric energy
  archcost predict --archs architectures.csv --device raspi4 > costs.csv
  archcost predict --device raspi4 < architectures.txt > costs.csv
  archcost predict resnet50.onnx --device cpu_litert
  archcost predict timm:mobilenetv3_large_100@224 --device cpu_onnxruntime --layers layers.csv
  archcost predict resnet18 efficientnet_b0@160 --device cpu_openvino
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "predict",
        help="predict the cost of architectures or networks on a device",
        description="Predict the cost of architectures on a device: one gives a sentence, "
        "several (or standard input) give CSV with 90 % intervals. Of any network (an .onnx file, "
        "timm:MODEL, torchvision:MODEL, a name such as resnet18@160) the dearest layers are shown "
        "as well; it is predicted as it is given: RepVGG and the like with branches unmerged, "
        "unless a file holds them merged.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "archs",
        nargs="*",
        metavar="ARCH",
        help="an architecture: its string, or NAS-Bench-201's index; or any network: an .onnx "
        "file, timm:MODEL@SIDE; from standard input, one a line or as CSV with a column 'arch', "
        "if none is given",
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
    group = parser.add_argument_group("any network")
    group.add_argument(
        "--layers",
        type=Path,
        metavar="FILE",
        help="write the cost of each executed kernel: .csv, or .png, .svg or .pdf for a bar plot",
    )
    group.add_argument("--batch", type=int, metavar="N", help="images at a time (default: 1)")
    group.add_argument(
        "--shape",
        metavar="C,H,W",
        help="of the input without the batch, where a file leaves it open",
    )
    group.add_argument(
        "--extrapolate",
        action="store_true",
        help="predict also where ops or batch size are hardly covered by measurements",
    )
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and print."""
    texts = arguments.archs or _listed(arguments)
    if not texts:
        raise ArchitectureError("predict needs at least one architecture, but got none")
    archs: list[Any] = [int(text) if is_index(text) else text for text in texts]
    if len(texts) == 1 and Path(texts[0]).suffix in LISTS and Path(texts[0]).is_file():
        raise ArchitectureError(
            f"the architectures of a file must be given by --archs, but got {texts[0]!r} as an "
            f"architecture; write --archs {texts[0]}"
        )
    if is_network(archs[0]):
        from archcost.cli.predict_networks import run_networks

        return run_networks(arguments, texts)
    for option in ("layers", "batch", "shape"):
        if getattr(arguments, option) is not None:
            raise ArchitectureError(
                f"--{option} must go with any network, such as an .onnx file or timm:resnet18, but "
                f"got {shown(archs[0])}"
            )
    model = load_for(
        archs[0],
        arguments.device,
        arguments.metric,
        arguments.space,
        arguments.dataset,
        arguments.model,
    )
    if model.manifest.training.get("extrapolated"):
        source = model.manifest.training["sources"][0]
        print(f"archcost: extrapolated from {source}, not measured", file=sys.stderr)
    ops = np.stack([model.space.parse(arch) for arch in archs])  # a list of ints would be one
    costs = model.predict(ops)
    bounds = model.predict_interval(ops)
    show_costs(arguments, model, texts, costs, bounds)
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
