"""Train, split, score, track and compare cost models."""

from importlib import import_module

from archcost.datasets.accuracies import read_accuracy
from archcost.training.comparing import compare
from archcost.training.distilling import distil
from archcost.training.experiments import Experiment, ExperimentSettings, run_experiment
from archcost.training.learning_curves import learning_curve
from archcost.training.metrics import METRICS, Score, score
from archcost.training.network_choice import suggest_networks
from archcost.training.registry import load_registered, register
from archcost.training.splits import SPLITS, Split, split_rows
from archcost.training.suggesting import suggest
from archcost.training.train_settings import TrainSettings
from archcost.training.trainer import Trial, evaluate, run_trial, train
from archcost.training.transferring import transfer

_MOVED = {
    "MeasuredChoice": "archcost.search.MeasuredChoice",
    "ReportSettings": "archcost.analysis.ReportSettings",
    "SearchResult": "archcost.search.SearchResult",
    "device_agreement": "archcost.analysis.device_agreement",
    "noise_estimates": "archcost.analysis.noise_estimates",
    "placed_fronts": "archcost.analysis.placed_fronts",
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
    "Experiment",
    "ExperimentSettings",
    "Score",
    "Split",
    "TrainSettings",
    "Trial",
    "compare",
    "distil",
    "evaluate",
    "learning_curve",
    "load_registered",
    "read_accuracy",
    "register",
    "run_experiment",
    "run_trial",
    "score",
    "split_rows",
    "suggest",
    "suggest_networks",
    "train",
    "transfer",
]
