"""Train, split, score, track and compare cost models."""

from archcost.training.comparing import compare
from archcost.training.evaluator import evaluate
from archcost.training.experiments import Experiment, ExperimentSettings, run_experiment
from archcost.training.learning_curves import learning_curve
from archcost.training.metrics import METRICS, Score, score
from archcost.training.registry import load_registered, register
from archcost.training.splits import SPLITS, Split, split_rows
from archcost.training.trainer import TrainSettings, Trial, run_trial, train

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
    "evaluate",
    "learning_curve",
    "load_registered",
    "register",
    "run_experiment",
    "run_trial",
    "score",
    "split_rows",
    "train",
]
