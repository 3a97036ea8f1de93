"""What archcost writes to MLflow."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.datasets import CostKey, CostTable
from archcost.errors import MissingDataError
from archcost.models import CostModel
from archcost.training.metrics import flat
from archcost.training.plots import residual_plot, scatter_plot
from archcost.training.serving import ARCH, signature

if TYPE_CHECKING:
    from mlflow import ActiveRun
    from mlflow.data.pandas_dataset import PandasDataset
    from mlflow.models.model import ModelInfo

    from archcost.training.trainer import Trial

DEFAULT_STORE = "mlflow.db"
ROLE, KEY = "archcost.role", "archcost.key"
EXPERIMENT, TRIAL, CHOSEN = "experiment", "trial", "chosen"
SQLITE = "sqlite:///"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it would report its use over the network
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Environment for MLflow where the user does not set it otherwise."""


@contextmanager
def tracking_store(*, create: bool = False) -> Iterator[str]:
    """Use the MLflow store of the user, quietly.

    That is what ``mlflow.set_tracking_uri`` or ``MLFLOW_TRACKING_URI`` say, else ``mlflow.db`` in
    the working directory.

    Parameters
    ----------
    create : bool, default=False
        Make a SQLite store that is not there, once, so that runs may then go parallel.

    Yields
    ------
    str
        The store's URI.

    Raises
    ------
    MissingDataError
        If there is no SQLite store and none is to be made.
    """
    with _quiet():
        import mlflow

        is_set = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
        # Absolute, since MLflow keeps the stores that it has opened by their URI.
        default = f"{SQLITE}{Path(DEFAULT_STORE).absolute().as_posix()}"
        uri = mlflow.get_tracking_uri() if is_set else default
        file = _sqlite_file(uri)
        if file is not None and not file.exists() and not create:
            raise MissingDataError(
                f"there is no MLflow store {file}; run this where `archcost train` ran, or set "
                "MLFLOW_TRACKING_URI"
            )
        if not is_set:
            mlflow.set_tracking_uri(uri)
        try:
            if file is not None and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                mlflow.MlflowClient().search_experiments(max_results=1)
            yield uri
        finally:
            if not is_set:
                mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # as it was


def experiment_id(name: str) -> str:
    """Return the id of an MLflow experiment, made if it is not there.

    The artifacts of a SQLite store lie beside it, in ``mlartifacts``, wherever one works.
    """
    import mlflow

    experiment = mlflow.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    file = _sqlite_file(mlflow.get_tracking_uri())
    location = None
    if file is not None:
        # MLflow decodes what looks percent-encoded, so the name is not quoted but simplified.
        location = (file.parent / "mlartifacts" / re.sub(r"[^\w-]", "_", name)).as_uri()
    return str(mlflow.create_experiment(name, artifact_location=location))


def started_run(
    name: str, role: str, *, key: CostKey | None = None, experiment: str | None = None
) -> ActiveRun:
    """Start a run, within the active one if there is one; to be used by ``with``."""
    import mlflow

    parent = mlflow.active_run()
    tags = {ROLE: role} if key is None else {ROLE: role, KEY: str(key)}
    return mlflow.start_run(
        run_name=name,
        experiment_id=experiment if parent is None else parent.info.experiment_id,
        nested=parent is not None,
        tags=tags,
    )


def dataset(table: CostTable, key: CostKey) -> PandasDataset:
    """Return the costs of a key as MLflow tracks a dataset: with schema, size and hash."""
    from mlflow.data.pandas_dataset import from_pandas

    rows = table.select(**asdict(key))
    frame = rows.to_pandas()[[ARCH, "cost"]].dropna().astype({ARCH: str})
    # MLflow keeps 36 characters of a digest; the run's parameter table_sha256 holds all.
    return from_pandas(frame, targets="cost", name=str(key), digest=rows.sha256[:36])


def log_trial(trial: Trial, data: PandasDataset) -> str:
    """Log a trial to the active run: parameters, scores, dataset, plots and the model.

    Parameters
    ----------
    trial : Trial
        A scored model.
    data : PandasDataset
        What it was trained on; see `dataset`.

    Returns
    -------
    str
        The URI of the logged model, ``models:/m-...``.
    """
    import mlflow

    mlflow.log_params(run_params(trial.model))
    mlflow.log_input(data, context="training")
    info = log_cost_model(trial.model)
    metrics = {**flat(trial.scores), "train_seconds": trial.train_seconds}
    if trial.validation_spearman is not None:
        metrics["validation_spearman"] = trial.validation_spearman
    log_metrics(metrics, info.model_id, data)
    key = trial.model.key
    mlflow.log_figure(scatter_plot(trial.truth, trial.predicted, key), "scatter.png")
    mlflow.log_figure(residual_plot(trial.truth, trial.predicted, key), "residuals.png")
    return str(info.model_uri)


def log_choice(
    model: CostModel, trial: Trial, validation_spearman: float, data: PandasDataset
) -> str:
    """Log the model that a trial led to, with the trial's scores; return the model's URI."""
    import mlflow

    mlflow.log_params(run_params(model))
    mlflow.log_input(data, context="training")
    info = log_cost_model(model)
    metrics = {**flat(trial.scores), "validation_spearman": validation_spearman}
    log_metrics(metrics, info.model_id, data)
    return str(info.model_uri)


def log_transfer(model: CostModel, report: str, experiment: str = "archcost") -> str:
    """Log a transferred model with its report; return the model's URI.

    Parameters
    ----------
    model : CostModel
        From `transfer`.
    report : str
        Markdown, kept as ``transfer_report.md``.
    experiment : str, default="archcost"
        Name of the MLflow experiment, made if it is not there.
    """
    with tracking_store(create=True):
        import mlflow

        name = f"{model.key}-transfer"
        number = experiment_id(experiment)
        with started_run(name, TRIAL, key=model.key, experiment=number):
            mlflow.log_params(
                {**run_params(model), "n_sources": len(model.manifest.training["sources"])}
            )
            info = log_cost_model(model)
            scores = model.manifest.scores
            metrics = {k: scores[k] for k in scores if k.startswith("left_out_")}
            if metrics:
                mlflow.log_metrics(metrics, model_id=info.model_id)
            mlflow.log_text(report, "transfer_report.md")
            return str(info.model_uri)


def log_metrics(metrics: dict[str, float], model_id: str, data: PandasDataset) -> None:
    """Log the metrics that are defined to the active run, its model and its dataset."""
    import mlflow

    defined = {name: value for name, value in metrics.items() if not math.isnan(value)}
    mlflow.log_metrics(defined, model_id=model_id, dataset=data)


def log_cost_model(model: CostModel) -> ModelInfo:
    """Log a cost model to the active run as a pyfunc that ``mlflow models serve`` can serve."""
    import mlflow
    import pandas as pd

    example = pd.DataFrame({ARCH: model.space.format_many(model.space.sample(2, seed=0))})
    with tempfile.TemporaryDirectory() as folder:
        return mlflow.pyfunc.log_model(
            name=f"{model.key}-{model.manifest.predictor}",
            loader_module="archcost.training.serving",
            data_path=str(model.save(Path(folder) / "cost_model")),
            signature=signature(model.key),
            input_example=example,
            # Given, because MLflow takes seconds to infer them.
            pip_requirements=[f"archcost=={model.manifest.versions['archcost']}"],
        )


def run_params(model: CostModel) -> dict[str, Any]:
    """Return what a run is compared by: the key, the predictor, the protocol and the table."""
    manifest = model.manifest
    protocol = ("split", "n_train", "n_validation", "n_test", "seed")
    params = {name: value for name, value in manifest.params.items() if name != "seed"}
    return {
        "key": str(manifest.key),
        "space": manifest.key.space,
        "device": manifest.key.device,
        "metric": manifest.key.metric,
        "unit": manifest.key.unit,
        "dataset": manifest.key.dataset,
        "predictor": manifest.predictor,
        "params": json.dumps(params, sort_keys=True),
        **{name: manifest.scores[name] for name in protocol},
        "table_sha256": manifest.training["table_sha256"],
        "n_without_cost": manifest.training["n_without_cost"],
    }


def _sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other store."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence MLflow's reports and the warnings that its own code causes, for a while."""
    added = {name: value for name, value in QUIET.items() if name not in os.environ}
    os.environ.update(added)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"mlflow\b")
        import mlflow  # noqa: F401  it sets its loggers' levels when imported

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            for name in added:
                os.environ.pop(name, None)
