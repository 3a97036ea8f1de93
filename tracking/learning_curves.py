"""Learning curves: held-out scores of predictors by number of training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archcost.datasets import CostKey, CostTable
from archcost.errors import check_type
from archcost.interrupts import kept_interrupts
from archcost.progress import progress_bar
from archcost.tracking.run_names import run_name, short_labels
from archcost.tracking.tracker import Tracker
from archcost.tracking.trial_logs import CURVE
from archcost.training.metrics import flat
from archcost.training.train_settings import TrainSettings
from archcost.training.trainer import choose_key, run_trial

if TYPE_CHECKING:
    import pandas as pd

LOGGED = ("spearman", "kendall", "mape", "within_10_percent", "train_seconds")
"""Figures of a learning curve that MLflow draws over the number of training rows."""


def learning_curve(
    table: CostTable,
    key: CostKey | str | None = None,
    *,
    predictors: Sequence[str] = ("lookup", "ridge", "xgboost"),
    sizes: Sequence[int] = (50, 124, 300, 900),
    seeds: Sequence[int] = (0, 1, 2),
    settings: TrainSettings | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Train predictors on growing numbers of rows and score each on all other rows.

    Parameters
    ----------
    table : CostTable
        Costs.
    key : CostKey or str, optional
        Which costs to learn; not needed if the table has one key.
    predictors : sequence of str
        As ``archcost.predictors.get_predictor`` takes them.
    sizes : sequence of int
        Numbers of training rows. With one seed, those of a smaller size are among those of a
        larger one.
    seeds : sequence of int
        One split and one fit each.
    settings : TrainSettings, optional
        All other settings; predictor, size and seed are replaced.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        One row a size, predictor and seed: key, predictor, n_train, seed, train_seconds, then
        every metric with its ``_low`` and ``_high``.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs("nasbench201", cells, cost_ms, device="my_board")
    >>> curve = learning_curve(table, predictors=["lookup"], sizes=[20, 40], seeds=[0])
    >>> curve[["predictor", "n_train"]].to_numpy().tolist()
    [['lookup', 20], ['lookup', 40]]
    """
    import pandas as pd

    key = choose_key(table, key)
    for what, values in (("predictors", predictors), ("sizes", sizes), ("seeds", seeds)):
        check_type(what, values, Iterable, "a list, with one entry for each fit")
    base = settings or TrainSettings()
    todo = [
        replace(base, predictor=predictor, n_train=size, seed=seed)
        for size in sizes
        for predictor in predictors
        for seed in seeds
    ]
    rows = []
    with kept_interrupts() as check_interrupt:
        for trial_settings in progress_bar(todo, desc=str(key), unit="fit", show=progress):
            trial = run_trial(table, key, trial_settings)
            check_interrupt()
            rows.append(
                {
                    "key": str(key),
                    "predictor": trial_settings.predictor,
                    "n_train": trial_settings.n_train,
                    "seed": trial_settings.seed,
                    "train_seconds": trial.train_seconds,
                    **flat(trial.scores),
                }
            )
    return pd.DataFrame(rows)


def log_learning_curve(tracker: Tracker, curve: pd.DataFrame) -> None:
    """Log learning curves to MLflow, one run a predictor and cost, which share their charts.

    Parameters
    ----------
    tracker : Tracker
        Open; its active run, if there is one, becomes the parent.
    curve : pandas.DataFrame
        As `learning_curve` returns it, of one key or several.

    Notes
    -----
    Metrics are named ``learning_curve/spearman`` and so on; their step is the number of training
    rows, their value the mean over seeds.
    """
    keys = [CostKey.parse(name) for name in curve["key"].unique()]
    labels = short_labels(keys)
    for (name, predictor), rows in curve.groupby(["key", "predictor"], sort=False):
        run = run_name(predictor, labels[name], "learning curve")
        with tracker.run(run, CURVE, CostKey.parse(name)):
            tracker.log(_write_curve, rows)


def _write_curve(rows: pd.DataFrame) -> None:
    import mlflow

    key, predictor = rows["key"].iloc[0], rows["predictor"].iloc[0]
    seeds = rows["seed"].nunique()
    mlflow.log_params({"key": key, "predictor": predictor, "seeds": seeds})
    for n_train, of_size in rows.groupby("n_train"):
        means = of_size[list(LOGGED)].mean().dropna()
        metrics = {f"learning_curve/{name}": float(value) for name, value in means.items()}
        mlflow.log_metrics(metrics, step=int(n_train))
