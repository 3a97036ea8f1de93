"""What archcost writes to MLflow of trials, choices and transfers."""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.datasets import CostKey, CostTable
from archcost.models import CostModel
from archcost.tracking.mlflow_store import DESCRIPTION
from archcost.tracking.model_page import model_page
from archcost.tracking.plots import residual_plot, scatter_plot
from archcost.tracking.run_names import run_name
from archcost.tracking.serving import ARCH, signature
from archcost.tracking.tracker import Tracker, key_tags

if TYPE_CHECKING:
    from mlflow.data.pandas_dataset import PandasDataset
    from mlflow.models.model import ModelInfo

    from archcost.training.trainer import Trial

EXPERIMENT, TRIAL, CHOSEN, CURVE = "experiment", "trial", "chosen", "learning curve"
"""Roles of runs."""

OF_PREDICTOR = "predictor."
"""Begins the names of parameters that the predictor itself has."""


def dataset(table: CostTable, key: CostKey) -> PandasDataset:
    """Return the costs of a key as MLflow tracks a dataset: with schema, size and hash."""
    from mlflow.data.pandas_dataset import from_pandas

    rows = table.select(**asdict(key))
    frame = rows.to_pandas()[[ARCH, "cost"]].dropna().astype({ARCH: str})
    # MLflow keeps 36 characters of a digest; the run's parameter table_sha256 holds all.
    return from_pandas(frame, targets="cost", name=str(key), digest=rows.sha256[:36])


def log_trial(trial: Trial, table: CostTable, name: str | None = None) -> str:
    """Log a trial to the active run: parameters, scores, dataset, plots and the model.

    Parameters
    ----------
    trial : Trial
        A scored model.
    table : CostTable
        What it was trained on.
    name : str, optional
        What to call the run, now that the number of training rows is known.

    Returns
    -------
    str
        The URI of the logged model, ``models:/m-...``.
    """
    import mlflow

    if name is not None:
        mlflow.set_tag("mlflow.runName", name)
    data = dataset(table, trial.model.key)
    mlflow.log_params(run_params(trial.model))
    mlflow.log_input(data, context="training")
    info = log_cost_model(trial.model)
    metrics = {**score_values(trial), "train_seconds": trial.train_seconds}
    if trial.validation_spearman is not None:
        metrics["validation_spearman"] = trial.validation_spearman
    log_metrics(metrics, info.model_id, data)
    key = trial.model.key
    mlflow.log_figure(scatter_plot(trial.truth, trial.predicted, key), "scatter.png")
    mlflow.log_figure(residual_plot(trial.truth, trial.predicted, key), "residuals.png")
    return str(info.model_uri)


def log_choice(model: CostModel, trial: Trial, validation_spearman: float, table: CostTable) -> str:
    """Log the model that a trial led to, with the trial's scores; return the model's URI."""
    import mlflow

    data = dataset(table, model.key)
    mlflow.log_params(run_params(model))
    mlflow.log_input(data, context="training")
    info = log_cost_model(model)
    metrics = {**score_values(trial), "validation_spearman": validation_spearman}
    log_metrics(metrics, info.model_id, data)
    return str(info.model_uri)


def log_transfer(model: CostModel, report: str, experiment: str = "archcost") -> str | None:
    """Log a transferred model with its report; return the model's URI, None if that fails.

    Parameters
    ----------
    model : CostModel
        From `transfer`.
    report : str
        Markdown, kept as ``transfer_report.md``.
    experiment : str, default="archcost"
        Name of the MLflow experiment, made if it is not there.
    """
    name = run_name(
        model.manifest.predictor, model.key.device, f"n={model.manifest.training['n_train']}"
    )
    with Tracker(experiment) as tracker, tracker.run(name, TRIAL, model.key):
        return tracker.log(_write_transfer, model, report)


def log_metrics(metrics: dict[str, float], model_id: str, data: PandasDataset) -> None:
    """Log the metrics that are defined to the active run, its model and its dataset."""
    import mlflow

    defined = {name: value for name, value in metrics.items() if not math.isnan(value)}
    mlflow.log_metrics(defined, model_id=model_id, dataset=data)


def score_values(trial: Trial) -> dict[str, float]:
    """Return the scores of a trial; their intervals are in the description, out of the charts."""
    return {name: score.value for name, score in trial.scores.items()}


def log_cost_model(model: CostModel) -> ModelInfo:
    """Log a cost model to the active run as a pyfunc that ``mlflow models serve`` can serve.

    Its page describes the run and the logged model.
    """
    import mlflow
    import pandas as pd

    page = model_page(model)
    example = pd.DataFrame({ARCH: model.space.names(model.space.sample(2, seed=0))})
    with tempfile.TemporaryDirectory() as folder:
        info = mlflow.pyfunc.log_model(
            name=_model_name(model),
            loader_module="archcost.tracking.serving",
            data_path=str(model.save(Path(folder) / "cost_model")),
            signature=signature(model.key),
            input_example=example,
            # Given, because MLflow takes seconds to infer them.
            pip_requirements=[f"archcost=={model.manifest.versions['archcost']}"],
        )
    mlflow.set_tag(DESCRIPTION, page)
    mlflow.set_logged_model_tags(info.model_id, {DESCRIPTION: page, **key_tags(model.key)})
    return info


def run_params(model: CostModel) -> dict[str, Any]:
    """Return what a run is compared by: the key, the predictor, the protocol and the table."""
    manifest = model.manifest
    protocol = ("split", "n_train", "n_validation", "n_test", "seed")
    params = {
        OF_PREDICTOR + name: value
        for name, value in manifest.params.items()
        if name not in ("seed", "dataset") and value is not None
    }
    return {
        "key": str(manifest.key),
        "space": manifest.key.space,
        "device": manifest.key.device,
        "metric": manifest.key.metric,
        "unit": manifest.key.unit,
        "dataset": manifest.key.dataset,
        "predictor": manifest.predictor,
        **params,
        **{name: manifest.scores[name] for name in protocol},
        "table_sha256": manifest.training["table_sha256"],
        "n_without_cost": manifest.training["n_without_cost"],
    }


def _model_name(model: CostModel) -> str:
    """Return key and predictor without the characters that MLflow allows in no model's name."""
    predictor = model.manifest.predictor.rpartition(":")[2]  # of a file's, the class
    return re.sub(r"""[/:.%"']""", "_", f"{predictor}-{model.key}")


def _write_transfer(model: CostModel, report: str) -> str:
    import mlflow

    mlflow.log_params({**run_params(model), "n_sources": len(model.manifest.training["sources"])})
    info = log_cost_model(model)
    mlflow.set_tag(DESCRIPTION, report)
    scores = model.manifest.scores
    metrics = {k: scores[k] for k in scores if k.startswith("left_out_")}
    if metrics:
        mlflow.log_metrics(metrics, model_id=info.model_id)
    mlflow.log_text(report, "transfer_report.md")
    return str(info.model_uri)
