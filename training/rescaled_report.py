"""Report on a model of a known device on another dataset."""

from __future__ import annotations

import numpy as np

from archcost.errors import MissingDataError
from archcost.models import CostModel
from archcost.predictors import RescaledPredictor
from archcost.training.metrics import spearman

REFERENCE = 1000
"""Random architectures over which costs are compared."""


def rescaled_report(model: CostModel) -> str:
    """Return in words how the costs of a device differ between two datasets, and how sure that is.

    Parameters
    ----------
    model : CostModel
        Made by `transfer` of a device that is known on another dataset.

    Raises
    ------
    MissingDataError
        If it was made in another way.
    """
    predictor = model.predictor
    if not isinstance(predictor, RescaledPredictor):
        raise MissingDataError(
            f"this report needs a model made from another dataset, but {model.key} is of "
            f"{model.manifest.predictor}"
        )
    source = model.manifest.training["sources"][0]
    ops = model.space.sample(min(REFERENCE, model.space.n_archs), seed=0)
    known, predicted = predictor.known_(ops), model.predict(ops)
    low, middle, high = np.quantile(predicted / known, [0.1, 0.5, 0.9])
    n_measured = len(predictor.measured_cost_)
    if n_measured:
        lines = [f"Made of {n_measured} measurements and of {source}."]
    else:
        lines = [
            f"Extrapolated from {source} without any measurement: launches are taken to cost what "
            "they cost there, and work to grow with the input. The intervals are wide because "
            "nothing was checked; two or more measurements replace them by what they say."
        ]
    lines += [
        "",
        f"- costs are {middle:.3g} times those of {source} (8 in 10 architectures: {low:.3g} to "
        f"{high:.3g} times)",
        f"- Spearman correlation of the two: {spearman(known, predicted):.3f}",
    ]
    left_out = model.manifest.scores.get("left_out_spearman")
    if left_out is not None:
        lines.append(f"- each measurement predicted by the others: {left_out:.3f} (Spearman)")
    bounds = model.predict_interval(ops)
    width = float(np.median((bounds[:, 1] - bounds[:, 0]) / predicted))
    lines.append(f"- median width of the 90 % intervals: {width:.0%} of the cost")
    return "\n".join(lines) + "\n"
