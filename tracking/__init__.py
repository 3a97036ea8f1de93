"""Experiments in MLflow: run, compare and register cost models."""

from archcost.tracking.comparing import compare
from archcost.tracking.experiments import Experiment, ExperimentSettings, run_experiment
from archcost.tracking.learning_curves import learning_curve
from archcost.tracking.registry import load_registered, register

__all__ = [
    "Experiment",
    "ExperimentSettings",
    "compare",
    "learning_curve",
    "load_registered",
    "register",
    "run_experiment",
]
