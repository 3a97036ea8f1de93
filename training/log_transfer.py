"""What a transfer writes to MLflow."""

from __future__ import annotations

from archcost.models import CostModel
from archcost.training.tracking import (
    TRIAL,
    experiment_id,
    log_cost_model,
    run_params,
    started_run,
    tracking_store,
)


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
