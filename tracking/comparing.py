"""Compare predictors by what MLflow holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archcost.errors import MissingDataError
from archcost.tracking.mlflow_store import tracking_store
from archcost.tracking.tracker import ROLE
from archcost.tracking.trial_logs import OF_PREDICTOR, TRIAL

if TYPE_CHECKING:
    import pandas as pd

PROTOCOL = ("key", "unit", "n_train", "n_test", "split", "table_sha256")
"""Only trials that share these are compared with each other."""

LEAVE_ONE_OUT = "leave-one-out"
"""The split of transferred models, whose scores stand in for those on test rows."""

FIGURES = (
    "validation_spearman",
    "spearman",
    "kendall",
    "rmse",
    "mape",
    "within_10_percent",
    "train_seconds",
)


def compare(
    experiment: str | None = None,
    *,
    space: str | None = None,
    device: str | None = None,
    run_id: str | None = None,
) -> pd.DataFrame:
    """Average the finished trials of each predictor over seeds.

    Parameters
    ----------
    experiment : str, optional
        Only this MLflow experiment.
    space, device : str, optional
        Only this search space or device.
    run_id : str, optional
        Only the trials of this parent run.

    Returns
    -------
    pandas.DataFrame
        One row a key, protocol, predictor and its parameters, the best of each protocol first:
        the columns of `PROTOCOL`, ``predictor``, ``params``, ``seeds``, and for each of `FIGURES`
        its mean and, named ``_std``, its spread over the seeds (NaN for one seed). The scores are
        those of held-out test rows before any refit; ``rmse`` is in ``unit``. Of trials run
        twice, the later counts.

    Raises
    ------
    MissingDataError
        If there is no such experiment, or no finished trial in it.

    Examples
    --------
    After the example of `run_experiment`:

    >>> compare(device="my_board")["predictor"].tolist()
    ['lookup']
    """
    with tracking_store() as store:
        import mlflow

        if experiment is not None and mlflow.get_experiment_by_name(experiment) is None:
            known = [known.name for known in mlflow.search_experiments()]
            raise MissingDataError(
                f"experiment must be one of {known} in {store}, but got {experiment!r}"
            )
        found = averaged_trials(experiment, space=space, device=device, run_id=run_id)
    if len(found) == 0:
        raise MissingDataError(
            f"no finished trial of {device or space or 'any device'} was logged in {store}; "
            "train with `archcost train`"
        )
    return found


def averaged_trials(
    experiment: str | None = None,
    *,
    space: str | None = None,
    device: str | None = None,
    run_id: str | None = None,
) -> pd.DataFrame:
    """Return what `compare` does, of the store in use; without trials a frame without rows."""
    import mlflow

    wanted = {
        f"tags.`{ROLE}`": TRIAL,
        "attributes.status": "FINISHED",
        "params.space": space,
        "params.device": device,
        "tags.mlflow.parentRunId": run_id,
    }
    runs = mlflow.search_runs(
        search_all_experiments=experiment is None,
        experiment_names=None if experiment is None else [experiment],
        filter_string=" and ".join(
            f"{name} = '{value}'" for name, value in wanted.items() if value is not None
        ),
        order_by=["attributes.start_time DESC"],
    )
    return _averaged(runs) if len(runs) else runs


def _averaged(runs: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    trials = runs.rename(columns=lambda name: name.removeprefix("params.").removeprefix("metrics."))
    trials["params"] = _predictor_params(trials)
    by = [*PROTOCOL, "predictor", "params"]
    trials = trials.drop_duplicates([*by, "seed"])  # the latest comes first
    for name in ("spearman", "within_10_percent"):
        if f"left_out_{name}" in trials:  # each measurement predicted by the others
            held_out = trials[name] if name in trials else float("nan")
            trials[name] = trials[f"left_out_{name}"].fillna(held_out)
    # A metric that no trial has, such as the rank correlation of constants, has no column.
    trials = trials.reindex(columns=[*by, "seed", *FIGURES]).astype({"n_train": int, "n_test": int})
    groups = trials.groupby(by, sort=False)
    means = groups[list(FIGURES)].mean()
    spreads = groups[list(FIGURES)].std().add_suffix("_std")
    table = pd.concat([groups.size().rename("seeds"), means, spreads], axis=1).reset_index()
    ascending = [True] * len(PROTOCOL) + [False]
    ordered = table.sort_values([*PROTOCOL, "spearman"], ascending=ascending)
    return ordered.reset_index(drop=True)


def _predictor_params(trials: pd.DataFrame) -> list[str]:
    """Return the parameters of each trial's predictor as JSON, which groups and sorts."""
    names = [name for name in trials if name.startswith(OF_PREDICTOR)]
    return [
        json.dumps(
            {
                name.removeprefix(OF_PREDICTOR): value
                for name, value in zip(names, values, strict=True)
                if isinstance(value, str)
            },
            sort_keys=True,
        )
        for values in trials[names].to_numpy(dtype=object)  # a row each, even of no columns
    ]
