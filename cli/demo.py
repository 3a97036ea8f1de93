"""The command ``archcost demo``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from archcost.cli.names_argument import Names
from archcost.cli.output import add_output_arguments, say, show

DESCRIPTION = """\
Show the main job on tables that ship with archcost: latency measured with ONNX Runtime on a CPU,
latency and energy simulated for an accelerator like Eyeriss. Train every predictor on 900
architectures of each search space, log it all to MLflow, compare them on all others, register the
best, and predict architectures with it. Takes a few minutes."""

EPILOG = """\
examples:
  archcost demo
  archcost demo --devices cpu_litert,edge_tpu_like --predictors ridge,xgboost

Your own models are left alone; what is trained is in MLflow (MLFLOW_TRACKING_URI, else mlflow.db
in the working directory)."""

DEVICES = ("cpu_onnxruntime", "eyeriss_like")
N_TRAIN = 900
"""Or half of the smallest table, where that is less."""
EXPERIMENT = "archcost demo"


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "demo",
        help="train, compare and predict on the tables that ship with archcost",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--devices",
        nargs="+",
        action=Names,
        default=DEVICES,
        metavar="ID",
        help="of which tables; `archcost data list` shows those that ship (default: "
        f"{', '.join(DEVICES)})",
    )
    parser.add_argument(
        "--predictors",
        nargs="+",
        action=Names,
        metavar="NAME",
        help="which to compare (default: all there are)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train each with N seeds (default: %(default)s)",
    )
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, compare, register and predict; return the exit status."""
    from archcost.cli.train import INTERRUPTED, records, report
    from archcost.datasets import CostTable, bundled_tables, load_bundled
    from archcost.errors import check_name
    from archcost.prediction import predict
    from archcost.predictors import PREDICTORS
    from archcost.spaces import get_space
    from archcost.tracking import ExperimentSettings, register, run_experiment
    from archcost.tracking.experiments import OF_NETWORKS

    devices = {}
    for name in bundled_tables():
        space_name, _, device = name.partition("-")
        space = get_space(space_name)
        # The networks of spaces with rules take minutes to encode; train is the command for them.
        if not (space.is_open or space.has_rules):
            devices[name] = device
    wanted = {check_name("device", name, set(devices.values())) for name in arguments.devices}
    names_by_space: dict[str, list[str]] = {}
    for name in devices:
        if devices[name] in wanted:
            names_by_space.setdefault(name.partition("-")[0], []).append(name)
    # A space in which only some of the devices were measured says less, and takes as long.
    most = max(map(len, names_by_space.values()))
    chosen = [name for names in names_by_space.values() if len(names) == most for name in names]
    tables = {name: load_bundled(name) for name in chosen}
    for name, table in tables.items():
        say(arguments, f"{name}: {len(table)} costs")
    smallest = min(len(table) // len(table.keys()) for table in tables.values())
    names = arguments.predictors or [name for name in PREDICTORS if name not in OF_NETWORKS]
    settings = ExperimentSettings(
        predictors=tuple(names),
        seeds=arguments.seeds,
        experiment=EXPERIMENT,
        training=replace(ExperimentSettings().training, n_train=min(N_TRAIN, smallest // 2)),
    )
    experiment = run_experiment(
        CostTable.concat(tables.values()), settings=settings, progress=not arguments.quiet
    )
    lines, predictions = [report(experiment)], []
    for choice in experiment.choices:
        model = choice.model
        uri = model if choice.uri is None else register(model.key, uri=choice.uri)
        arch = model.space.format(model.space.sample(1, seed=1)[0])
        cost, std = predict(arch, model.key.device, model.key.metric, model=uri, return_std=True)
        lines.append(
            f"\narchcost.predict({arch!r},\n    {model.key.device!r}, model={uri!r})\n"
            f"  {cost:.3g} {model.unit} (standard deviation {std:.2g} {model.unit})"
        )
        predictions.append({"arch": arch, "model": str(uri), "cost": cost, "unit": model.unit})
    show(arguments, "\n".join(lines), {"models": records(experiment), "predictions": predictions})
    return INTERRUPTED if experiment.interrupted else 0
