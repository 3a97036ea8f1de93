"""The command ``archcost evaluate``."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.cli.options import add_table_arguments, read_table
from archcost.cli.output import add_output_arguments, say, show
from archcost.cli.printing import text_table

if TYPE_CHECKING:
    from archcost.datasets import CostKey
    from archcost.training import Score

EPILOG = """\
examples:
  archcost evaluate --table new_measurements.csv --device my_board
  archcost evaluate --table t.parquet --device raspi4 --model runs/raspi4_model
  archcost evaluate --table t.parquet --device my_board \\
      --model models:/nasbench201-my_board-latency-cifar10@champion
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on a cost table",
        description="Score a model on a cost table, each figure with its 95 % bootstrap interval. "
        "Use costs that the model has not learned from: its held-out scores from training are in "
        "`archcost devices` and its manifest.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_table_arguments(parser, table_required=True)
    parser.add_argument(
        "--model",
        metavar="FOLDER|URI",
        help="a saved model's folder or an MLflow URI (models:/...); by default your own model of "
        "the device, else the pretrained one",
    )
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score and print."""
    from archcost.prediction import load
    from archcost.training import evaluate

    table = read_table(arguments)
    keys = table.keys()
    lines, records = [], []
    for key in keys:
        if arguments.model is None:
            model = load(key.device, key.metric, space=key.space, dataset=key.dataset)
        else:  # a folder, even if its name looks like a device
            model = load(arguments.model if ":/" in arguments.model else Path(arguments.model))
        scores = evaluate(model, table, key)
        rows = table.select(**asdict(key))
        n_archs = rows.counts().get("ok", 0)
        lines.append(
            f"{model.key} ({model.manifest.predictor}) on {n_archs} architectures of {key}"
        )
        lines.append(_table(scores, key))
        records += [
            {"model": str(model.key), "costs": str(key), "figure": name, **asdict(score)}
            for name, score in scores.items()
        ]
        if model.manifest.training.get("table_sha256") == rows.sha256:
            note = "note: the model has learned from this very table; these scores flatter it"
            say(arguments, note)
    show(arguments, "\n".join(lines), records)
    return 0


def _table(scores: dict[str, Score], key: CostKey) -> str:
    names = {"rmse": f"rmse ({key.unit})"}
    cells = [
        [names.get(name, name.replace("_", " ")), *map(_number, (s.value, s.low, s.high))]
        for name, s in scores.items()
    ]
    return text_table(["figure", "value", "low", "high"], cells)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
