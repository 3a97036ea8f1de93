"""Views that MLflow's interface offers on an experiment: which runs, and which columns.

MLflow keeps a saved view as a tag of the experiment. Versions that do not know them ignore the tag.
"""

from __future__ import annotations

import json

ROLES = "tags.archcost.role = '{}'"
VIEWS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "trainings": (
        "Trainings, with the best predictor",
        ROLES.format("experiment"),
        "attributes.start_time",
        (
            "params.`best_predictor`",
            "metrics.`best_spearman`",
            "metrics.`best_spearman_spread`",
            "metrics.`best_mape`",
            "params.`devices`",
            "params.`predictors`",
        ),
    ),
    "trials": (
        "Trials, every predictor and seed",
        ROLES.format("trial"),
        "metrics.`spearman`",
        (
            "metrics.`spearman`",
            "metrics.`validation_spearman`",
            "metrics.`mape`",
            "params.`predictor`",
            "params.`device`",
            "params.`n_train`",
            "params.`seed`",
        ),
    ),
    "chosen": (
        "Models that were kept",
        ROLES.format("chosen"),
        "metrics.`spearman`",
        (
            "metrics.`spearman`",
            "params.`predictor`",
            "params.`device`",
            "params.`metric`",
            "attributes.`Models`",
        ),
    ),
    "curves": (
        "Learning curves",
        ROLES.format("learning curve"),
        "metrics.`learning_curve/spearman`",
        ("params.`predictor`", "params.`key`", "metrics.`learning_curve/spearman`"),
    ),
}
"""Name, search, order and columns of each view, by the id that addresses carry.

In any order but that of time MLflow shows trials by themselves, instead of hidden in their parents.
"""

TAG = "mlflow.sharedViewState."
MADE = 1_700_000_000_000
"""When the views were made, in ms; a fixed date, so that a tag is the same wherever it is set."""


def view_tags() -> dict[str, str]:
    """Return the tags of an experiment by which MLflow offers `VIEWS`.

    Returns
    -------
    dict of str to str
        Each value is JSON: the view's name, and its state as JSON within.
    """
    tags = {}
    for view, (name, search, order, columns) in VIEWS.items():
        state = {
            "searchFilter": search,
            "orderByKey": order,
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
            "selectedColumns": list(columns),
        }
        envelope = {"name": name, "createdAt": MADE, "updatedAt": MADE, "state": json.dumps(state)}
        tags[TAG + view] = json.dumps(envelope)
    return tags
