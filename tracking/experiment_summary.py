"""What the parent run of an experiment shows: the best predictor, its scores, the comparison."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from archcost.tracking.comparing import averaged_trials
from archcost.tracking.comparison_tables import comparison_tables
from archcost.tracking.mlflow_store import DESCRIPTION
from archcost.tracking.run_names import run_name, shortened

SHOWN = ("spearman", "kendall", "mape", "within_10_percent")
"""Figures of the chosen predictors that the parent run repeats."""

NOTE = """\
Means over seeds, with their spread (standard deviation), on test rows; validation rows, not these,
chose the predictor."""


def log_summary(
    run_id: str, predictors: Sequence[str], chosen: Mapping[str, str], labels: Mapping[str, str]
) -> None:
    """Log to the active parent run what its trials came to.

    Parameters
    ----------
    run_id : str
        The active run.
    predictors : sequence of str
        Those that were compared.
    chosen : mapping of str to str
        The best predictor of each key.
    labels : mapping of str to str
        Short names of the keys.

    Notes
    -----
    The metrics are ``best_spearman`` and so on, of the chosen predictors: their means over seeds,
    averaged over costs, and ``best_spearman_spread``, the standard deviation over seeds. With
    several costs, ``best_spearman.LABEL`` is that of each.
    """
    import mlflow

    comparison = averaged_trials(run_id=run_id)
    rows = [
        row for row in comparison.to_dict("records") if chosen.get(row["key"]) == row["predictor"]
    ]
    metrics: dict[str, float] = {}
    for name in SHOWN:
        for column, title in {name: f"best_{name}", f"{name}_std": f"best_{name}_spread"}.items():
            values = [row[column] for row in rows if not math.isnan(row[column])]
            if values:
                metrics[title] = statistics.fmean(values)
    if len(rows) > 1:
        metrics |= {
            f"best_spearman.{labels[row['key']]}": row["spearman"]
            for row in rows
            if not math.isnan(row["spearman"])
        }
    best = {labels[key]: run_name(predictor) for key, predictor in chosen.items()}
    params = {
        "best_predictor": shortened(best.values(), most=4),
        "predictors": ", ".join(map(run_name, predictors)),
        "n_costs": len(labels),
        "devices": shortened(labels.values(), most=8),
    }
    mlflow.log_params(params)
    mlflow.log_metrics(metrics)
    mlflow.set_tag(
        DESCRIPTION, _page(best, [one.to_markdown() for one in comparison_tables(comparison)])
    )


def _page(best: Mapping[str, str], tables: Sequence[str]) -> str:
    lines = [
        f"**{predictor}** predicts best on "
        f"{', '.join(label for label, one in best.items() if one == predictor)}."
        for predictor in dict.fromkeys(best.values())
    ]
    return "\n\n".join([*lines, *tables, NOTE]) + "\n"
