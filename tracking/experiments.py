"""Compare predictors on devices over several seeds, log them to MLflow, and keep the best."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.errors import ArchcostError
from archcost.interrupts import kept_interrupts
from archcost.models import CostModel
from archcost.predictors import get_predictor
from archcost.progress import progress_bar
from archcost.spaces import get_space
from archcost.tracking import trial_logs
from archcost.tracking.experiment_summary import log_summary
from archcost.tracking.run_names import run_name, short_labels, shortened
from archcost.tracking.tracker import Tracker
from archcost.training.train_settings import TrainSettings
from archcost.training.trainer import Trial, refitted, run_trial

QUICK = ("lookup", "ridge", "xgboost", "gp")
"""Predictors that train in seconds."""

OF_NETWORKS = ("kernels",)
"""Those that take any network."""


@dataclass(frozen=True, slots=True)
class ExperimentSettings:
    """Predictors, seeds and protocol of an experiment.

    Parameters
    ----------
    predictors : tuple of str, optional
        As ``archcost.predictors.get_predictor`` takes them; by default those that train in
        seconds, and for any networks the one that takes them.
    seeds : int, default=3
        Each predictor is trained with the seeds 0, 1, ...: another split and another fit.
    experiment : str, default="archcost"
        Name of the MLflow experiment.
    training : TrainSettings
        The protocol of each trial; predictor and seed are replaced. Its validation rows choose
        the predictor, its test rows only score it.
    """

    predictors: tuple[str, ...] | None = None
    seeds: int = 3
    experiment: str = "archcost"
    training: TrainSettings = field(default_factory=lambda: TrainSettings(validation_share=0.1))

    def __post_init__(self) -> None:
        for name in self.predictors or ():
            get_predictor(name)
        if self.predictors == () or self.seeds < 1:
            raise ArchcostError(
                "an experiment needs at least one predictor and one seed, but got "
                f"predictors={self.predictors} and seeds={self.seeds}"
            )
        if not self.training.validation_share > 0:
            raise ArchcostError(
                "validation_share must be above 0, because validation rows choose the predictor"
            )

    def predictors_for(self, key: CostKey) -> tuple[str, ...]:
        """Return the predictors to compare for a cost."""
        return self.predictors or (OF_NETWORKS if get_space(key.space).is_open else QUICK)


@dataclass(frozen=True, slots=True)
class Choice:
    """The best predictor of one key.

    Parameters
    ----------
    model : CostModel
        Trained on all rows, or after an interruption on those of its first trial.
    uri : str or None
        The logged model, ``models:/m-...``; None if MLflow failed.
    folder : Path or None
        Where it was saved.
    validation_spearman : dict of str to float
        Criterion of the choice: each predictor's mean Spearman correlation over seeds.
    """

    model: CostModel
    uri: str | None
    folder: Path | None
    validation_spearman: dict[str, float]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Result of an experiment.

    Parameters
    ----------
    choices : list of Choice
        The best predictor of each key.
    run_id : str or None
        The parent run; ``compare(run_id=...)`` shows its trials.
    store : str or None
        The MLflow store that holds it, None if not all of it could be logged.
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    choices: list[Choice]
    run_id: str | None
    store: str | None
    interrupted: bool


def run_experiment(
    table: CostTable,
    keys: Sequence[CostKey] | None = None,
    settings: ExperimentSettings | None = None,
    *,
    models_folder: Path | None = None,
    progress: bool = False,
) -> Experiment:
    """Train every predictor on every key with every seed, log it all, and keep the best.

    MLflow gets one parent run, a child run for each trial, and a child for each chosen model. If it
    fails, a warning says so, and all else goes on.

    Parameters
    ----------
    table : CostTable
        Costs.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default.
    settings : ExperimentSettings, optional
        Predictors, seeds, protocol.
    models_folder : Path, optional
        Where the chosen models are saved, each under its key.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    Experiment
        After Ctrl-C, the finished part: all logged trials, and the best of them for each key.

    Examples
    --------
    Everything is logged to ``mlflow.db`` in the working directory, or where ``MLFLOW_TRACKING_URI``
    says:

    >>> from archcost.spaces import get_space
    >>> space = get_space("nasbench201")
    >>> cells = space.sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs(space, cells, cost_ms, device="my_board")
    >>> settings = ExperimentSettings(predictors=("lookup",), seeds=1)
    >>> experiment = run_experiment(table, settings=settings)
    >>> experiment.choices[0].model
    CostModel(nasbench201-my_board-latency-cifar10, lookup)
    """
    settings = settings or ExperimentSettings()
    keys = chosen_keys(table, keys)
    compared = tuple(dict.fromkeys(one for key in keys for one in settings.predictors_for(key)))
    choices: list[Choice] = []
    interrupted = False
    with (
        progress_bar(
            desc="opening MLflow",
            total=sum(len(settings.predictors_for(key)) for key in keys) * settings.seeds,
            unit="fit",
            show=progress,
        ) as bar,
        Tracker(settings.experiment) as tracker,
        kept_interrupts() as check_interrupt,
    ):
        labels = short_labels(keys)
        with tracker.run(_name(labels, settings, compared), trial_logs.EXPERIMENT) as run_id:
            for key in keys:
                trials: list[Trial] = []
                try:
                    for plan in _plan(settings, key):
                        bar.set_description(f"{key} {plan.predictor}")
                        trials.append(_tracked_trial(tracker, table, key, plan, labels))
                        check_interrupt()
                        bar.update()
                    choices.append(_kept(tracker, trials, table, models_folder, labels))
                except KeyboardInterrupt:
                    interrupted = True
                    if trials:
                        choices.append(
                            _kept(tracker, trials, table, models_folder, labels, refit=False)
                        )
                    break
            if choices and run_id is not None:
                chosen = {str(one.model.key): one.model.manifest.predictor for one in choices}
                tracker.log(log_summary, run_id, compared, chosen, labels)
        if interrupted:
            tracker.end_as_killed(run_id)
    store = None if tracker.failed else tracker.uri
    return Experiment(choices, run_id, store, interrupted)


def _plan(settings: ExperimentSettings, key: CostKey) -> list[TrainSettings]:
    return [
        replace(settings.training, predictor=predictor, seed=seed)
        for predictor in settings.predictors_for(key)
        for seed in range(settings.seeds)
    ]


def _name(labels: dict[str, str], settings: ExperimentSettings, compared: Sequence[str]) -> str:
    predictors = shortened(map(run_name, compared), most=4)
    n_train = "" if settings.training.n_train is None else f"n={settings.training.n_train}"
    return run_name(shortened(labels.values(), most=1), n_train, predictors)


def _tracked_trial(
    tracker: Tracker,
    table: CostTable,
    key: CostKey,
    settings: TrainSettings,
    labels: dict[str, str],
) -> Trial:
    what, seed = (settings.predictor, labels[str(key)]), f"seed {settings.seed}"
    with tracker.run(run_name(*what, seed), trial_logs.TRIAL, key):
        trial = run_trial(table, key, settings)
        n_train = f"n={trial.model.manifest.training['n_train']}"
        tracker.log(trial_logs.log_trial, trial, table, run_name(*what, n_train, seed))
    return trial


def _kept(
    tracker: Tracker,
    trials: list[Trial],
    table: CostTable,
    folder: Path | None,
    labels: dict[str, str],
    *,
    refit: bool = True,
) -> Choice:
    """Choose the predictor, train it on all rows, save it, and then log it."""
    means = mean_validation(trials)
    best = max(means, key=lambda name: means[name])
    trial = next(trial for trial in trials if trial.settings.predictor == best)
    model = refitted(trial, table) if refit else trial.model
    saved = None if folder is None else model.save(folder / str(model.key))
    name = run_name(best, labels[str(model.key)], f"n={model.manifest.training['n_train']}")
    with tracker.run(f"{name} · chosen", trial_logs.CHOSEN, model.key):
        uri = tracker.log(trial_logs.log_choice, model, trial, means[best], table)
    return Choice(model, uri, saved, means)


def mean_validation(trials: Sequence[Trial]) -> dict[str, float]:
    """Return each predictor's mean Spearman correlation on validation rows, over its seeds.

    Constant predictions, which have no rank correlation, count as -1: they lose against any
    other.
    """
    by_predictor: dict[str, list[float]] = {}
    for trial in trials:
        assert trial.validation_spearman is not None, "the settings ask for validation rows"
        value = -1.0 if math.isnan(trial.validation_spearman) else trial.validation_spearman
        by_predictor.setdefault(trial.settings.predictor, []).append(value)
    return {name: statistics.fmean(values) for name, values in by_predictor.items()}
