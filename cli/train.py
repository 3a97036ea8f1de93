"""The command ``archcost train``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archcost.cli.names_argument import Names
from archcost.cli.options import add_table_arguments, read_table
from archcost.cli.output import add_output_arguments, say, show

if TYPE_CHECKING:
    from archcost.tracking import Experiment, ExperimentSettings

INTERRUPTED = 130

FEW_ROWS = 30
"""Rows below which ``archcost transfer`` is recommended."""

DESCRIPTION = """\
Train cost models from a table and keep the best for `archcost predict`.

For each device (and metric and dataset) in the table, every predictor is trained with several
seeds. Each seed splits the rows anew into rows to learn from (70 %), validation rows (10 %) and
test rows (20 %). The predictor with the best Spearman correlation on validation rows is chosen;
the scores that are shown and saved are those on test rows, which had no part in the choice. The
chosen predictor then learns from all rows and is saved in the folder of your models
(ARCHCOST_MODEL_DIR, else the platform's data directory), where `archcost predict` finds it.

Every trial is logged to MLflow (MLFLOW_TRACKING_URI, else mlflow.db in the working directory); if
MLflow fails, the models are kept all the same. Ctrl-C keeps what is finished."""

EPILOG = """\
examples:
  archcost train --table my.parquet --device my_board
  archcost train --table my.csv --device my_board --predictors xgboost gp gnn --seeds 5
  archcost train --table my_cpu.parquet --device my_cpu    networks of archcost measure --space any
  archcost train --table my.parquet --dry-run    how long it would take
  archcost train                       the tables that ship with archcost

then:
  archcost predict 1462 --device my_board
  archcost show my_board
  archcost compare
  archcost ui
  archcost register --device my_board
"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "train",
        help="train cost models from a table and keep the best",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_table_arguments(parser, table_required=False)
    parser.add_argument(
        "--predictors",
        nargs="+",
        action=Names,
        metavar="NAME",
        help="which to compare, of lookup, ridge, xgboost, lightgbm, mlp, gnn, gp, and your own, "
        "as my_predictor.py:MyPredictor (default: lookup,ridge,xgboost,gp, which train in seconds, "
        "and for any networks kernels)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="train each with N seeds (default: 3)",
    )
    parser.add_argument(
        "--n-train",
        type=int,
        metavar="N",
        help="score after learning from N rows, instead of 70 %%; the rest is for testing",
    )
    parser.add_argument(
        "--split",
        help="how rows are held out: random (default); isomorphic, which keeps equal networks "
        "on one side; or family, which does so with networks whose names begin alike (default "
        "for --space any)",
    )
    parser.add_argument(
        "--in-order",
        action="store_true",
        help="the rows stand in the order of measuring: take the drift that they show off the "
        "training costs",
    )
    parser.add_argument(
        "--experiment",
        metavar="NAME",
        help="MLflow experiment (default: archcost)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be trained, and how long"
    )
    add_output_arguments(parser, csv=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, report, and return the exit status."""
    from archcost.models import user_models_folder
    from archcost.tracking import run_experiment

    settings = settings_of(arguments)
    table = read_table(arguments)
    if arguments.dry_run:
        from archcost.cli.dry_run import show_training

        return show_training(arguments, table, settings)
    experiment = run_experiment(
        table,
        settings=settings,
        models_folder=user_models_folder(),
        progress=not arguments.quiet,
    )
    show(arguments, report(experiment), records(experiment))
    if experiment.interrupted:
        print("archcost: stopped; what was finished is kept", file=sys.stderr)
        return INTERRUPTED
    if experiment.store is not None:
        say(arguments, "\nto see it all in MLflow: archcost ui")
    return 0


def records(experiment: Experiment) -> list[dict[str, Any]]:
    """Return what was chosen for each cost, for programs."""
    return [
        {
            "key": str(choice.model.key),
            "predictor": choice.model.manifest.predictor,
            "validation_spearman": choice.validation_spearman[choice.model.manifest.predictor],
            "spearman": choice.model.manifest.scores.get("spearman"),
            "n_train": choice.model.manifest.training["n_train"],
            "uri": choice.uri,
            "folder": None if choice.folder is None else str(choice.folder),
        }
        for choice in experiment.choices
    ]


def settings_of(arguments: argparse.Namespace) -> ExperimentSettings:
    """Return the settings with what the arguments say in place of the defaults."""
    from archcost.tracking import ExperimentSettings

    settings = ExperimentSettings()
    training = replace(
        settings.training,
        n_train=arguments.n_train,
        split=arguments.split,
        in_order=getattr(arguments, "in_order", False),
    )
    return replace(
        settings,
        predictors=tuple(arguments.predictors) if arguments.predictors else None,
        seeds=settings.seeds if arguments.seeds is None else arguments.seeds,
        experiment=arguments.experiment or settings.experiment,
        training=training,
    )


def _rank(value: float) -> str:
    """Return a mean rank correlation; -1 stands for costs or predictions that are all the same."""
    return "none (constant)" if value == -1.0 else f"{value:.4f}"


def report(experiment: Experiment) -> str:
    """Say how the predictors compare and which was chosen."""
    from archcost.cli.printing import comparison_table
    from archcost.errors import TrackingError
    from archcost.models.store import hiding_note
    from archcost.tracking import compare

    lines = []
    if experiment.choices and experiment.store is not None:
        try:
            lines += [comparison_table(compare(run_id=experiment.run_id)), ""]
        except TrackingError as error:
            lines += [f"no comparison: {error}", ""]
    for choice in experiment.choices:
        manifest = choice.model.manifest
        left_out = manifest.training["n_without_cost"]
        lines.append(
            f"{manifest.key}: {manifest.predictor} chosen on validation rows, not by the test "
            f"scores above, trained on {manifest.training['n_train']} rows"
            + (f", {left_out} without a cost left out" if left_out else "")
        )
        if manifest.training["n_train"] < FEW_ROWS:
            lines.append(
                "  so few rows say little: `archcost transfer` makes more of them, as it starts "
                "from known devices"
            )
        of_each = sorted(choice.validation_spearman.items(), key=lambda item: -item[1])
        ranks = ", ".join(f"{name} {_rank(value)}" for name, value in of_each)
        lines.append(f"  validation Spearman: {ranks}")
        if choice.uri is not None:
            lines.append(f"  logged as {choice.uri}")
        if choice.folder is not None:
            lines.append(f"  saved in {choice.folder}")
            if (note := hiding_note(manifest.key)) is not None:
                lines.append(f"  {note}")
    return "\n".join(lines)
