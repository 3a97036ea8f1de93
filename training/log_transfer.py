"""What a transfer writes to MLflow."""

from __future__ import annotations

from archcost.models import CostModel
from archcost.training.tracker import Tracker
from archcost.training.tracking import TRIAL, log_cost_model, run_params


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
    with Tracker(experiment) as tracker, tracker.run(f"{model.key}-transfer", TRIAL, model.key):
        return tracker.log(_write, model, report)


def _write(model: CostModel, report: str) -> str:
    import mlflow

    mlflow.log_params({**run_params(model), "n_sources": len(model.manifest.training["sources"])})
    info = log_cost_model(model)
    scores = model.manifest.scores
    metrics = {k: scores[k] for k in scores if k.startswith("left_out_")}
    if metrics:
        mlflow.log_metrics(metrics, model_id=info.model_id)
    mlflow.log_text(report, "transfer_report.md")
    return str(info.model_uri)
