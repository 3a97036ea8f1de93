"""Train, split and score cost models; suggest and transfer."""

from importlib import import_module

from archcost.datasets.accuracies import read_accuracy
from archcost.training.distilling import distil
from archcost.training.metrics import METRICS, Score, score
from archcost.training.network_choice import suggest_networks
from archcost.training.splits import SPLITS, Split, split_rows
from archcost.training.suggesting import suggest
from archcost.training.train_settings import TrainSettings
from archcost.training.trainer import Trial, evaluate, run_trial, train
from archcost.training.transferring import transfer

_MOVED = {
    "Experiment": "archcost.tracking.Experiment",
    "ExperimentSettings": "archcost.tracking.ExperimentSettings",
    "MeasuredChoice": "archcost.search.MeasuredChoice",
    "ReportSettings": "archcost.analysis.ReportSettings",
    "SearchResult": "archcost.search.SearchResult",
    "compare": "archcost.tracking.compare",
    "device_agreement": "archcost.analysis.device_agreement",
    "learning_curve": "archcost.tracking.learning_curve",
    "load_registered": "archcost.tracking.load_registered",
    "noise_estimates": "archcost.analysis.noise_estimates",
    "placed_fronts": "archcost.analysis.placed_fronts",
    "register": "archcost.tracking.register",
    "run_experiment": "archcost.tracking.run_experiment",
    "search": "archcost.search.search",
    "search_measuring": "archcost.search.search_measuring",
    "status_counts": "archcost.analysis.status_counts",
    "theory_correlations": "archcost.analysis.proxy_correlations",
    "write_report": "archcost.analysis.write_report",
}
"""Present places of documented names that have moved to the folders above."""


def __getattr__(name: str) -> object:
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    folder, _, moved = _MOVED[name].rpartition(".")
    return getattr(import_module(folder), moved)


__all__ = [
    "METRICS",
    "SPLITS",
    "Score",
    "Split",
    "TrainSettings",
    "Trial",
    "distil",
    "evaluate",
    "read_accuracy",
    "run_trial",
    "score",
    "split_rows",
    "suggest",
    "suggest_networks",
    "train",
    "transfer",
]
