"""Train, split, score, track and compare cost models."""

from archcost.training.accuracies import read_accuracy
from archcost.training.agreement import device_agreement
from archcost.training.comparing import compare
from archcost.training.device_specific import placed_fronts
from archcost.training.evaluator import evaluate
from archcost.training.experiments import Experiment, ExperimentSettings, run_experiment
from archcost.training.learning_curves import learning_curve
from archcost.training.measured_searching import MeasuredChoice, search_measuring
from archcost.training.metrics import METRICS, Score, score
from archcost.training.noise import noise_estimates, status_counts
from archcost.training.registry import load_registered, register
from archcost.training.reporting import ReportSettings, write_report
from archcost.training.searching import SearchResult, search
from archcost.training.splits import SPLITS, Split, split_rows
from archcost.training.suggesting import suggest
from archcost.training.theory import theoretical_costs, theory_correlations
from archcost.training.trainer import TrainSettings, Trial, run_trial, train
from archcost.training.transferring import transfer

__all__ = [
    "METRICS",
    "SPLITS",
    "Experiment",
    "ExperimentSettings",
    "MeasuredChoice",
    "ReportSettings",
    "Score",
    "SearchResult",
    "Split",
    "TrainSettings",
    "Trial",
    "compare",
    "device_agreement",
    "evaluate",
    "learning_curve",
    "load_registered",
    "noise_estimates",
    "placed_fronts",
    "read_accuracy",
    "register",
    "run_experiment",
    "run_trial",
    "score",
    "search",
    "search_measuring",
    "split_rows",
    "status_counts",
    "suggest",
    "theoretical_costs",
    "theory_correlations",
    "train",
    "transfer",
    "write_report",
]
