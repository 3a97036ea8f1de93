"""Teach an additive model what a slow one says, for search loops and proven optima."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from archcost.errors import ArchcostError, check_number
from archcost.features.layerwise import LayerwiseFeatures
from archcost.models import CostModel
from archcost.models.additive_form import AdditiveForm
from archcost.models.table_form import TableForm
from archcost.predictors.ridge import RidgePredictor
from archcost.training.metrics import spearman

N_TEST = 5_000
"""Architectures on which the student is compared with its teacher."""


def distil(model: CostModel, *, n_archs: int = 20_000, seed: int = 0) -> CostModel:
    """Return an additive model that answers nearly as a slower one does.

    The teacher predicts random architectures, which costs no measurement, and ridge regression
    learns from them. Its compiled form is a table of ops by position: some hundred times as fast
    as trees or a graph network, and exact search (``archcost.search.optimum``) proves its optima.

    Parameters
    ----------
    model : CostModel
        The teacher, of any predictor.
    n_archs : int, default=20000
        Random architectures that the student learns from.
    seed : int, default=0
        Draws them.

    Returns
    -------
    CostModel
        The student, under the same key. Its ``manifest.scores`` say how far it is from its teacher
        on 5,000 further architectures: ``distilled_rmse`` and ``distilled_max`` as shares of the
        cost, ``distilled_spearman``. Its standard deviations hold the teacher's and this error.

    Raises
    ------
    ArchcostError
        If the teacher is as fast already, or work does not add up over positions in the space.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.

    Examples
    --------
    >>> import archcost
    >>> distil(archcost.load("raspi4", space="fbnet"))
    Traceback (most recent call last):
    archcost.errors.ArchcostError: a teacher must be slower than its student, but the model \
fbnet-raspi4-latency-cifar100 (lookup) is compiled to a table already
    """
    if isinstance(model.compile(), AdditiveForm | TableForm):
        raise ArchcostError(
            f"a teacher must be slower than its student, but the model {model.key} "
            f"({model.manifest.predictor}) is compiled to a table already"
        )
    if check_number("n_archs", n_archs, whole=True) < 2:
        raise ArchcostError(f"n_archs must be at least 2, but got {n_archs}")
    space = model.space
    if not LayerwiseFeatures(dataset=model.key.dataset_name).bind(space).is_additive_:
        raise ArchcostError(
            "only in a space whose work adds up over positions can a model be distilled, but in "
            f"{space.name} it does not; predict in batches instead"
        )
    ops = space.sample(n_archs + N_TEST, seed=seed)
    costs, stds = model.predict(ops, return_std=True)
    student = RidgePredictor(seed=seed, dataset=model.key.dataset_name)
    student.fit(ops[:n_archs], costs[:n_archs], space=space)
    truth, predicted = costs[n_archs:], student.predict(ops[n_archs:])
    errors = predicted / truth - 1
    rmse = float(np.sqrt(np.mean(errors**2)))
    student.relative_std_ = float(np.hypot(np.median(stds / costs), rmse))
    facts = {"distilled_from": model.manifest.predictor, "distilled_archs": n_archs}
    manifest = replace(
        model.manifest,
        predictor="ridge",
        params=student.get_params(),
        training={**model.manifest.training, **facts},
        scores={
            "distilled_rmse": rmse,
            "distilled_max": float(np.abs(errors).max()),
            "distilled_spearman": spearman(truth, predicted),
        },
        compiled=None,
        files={},
        contents="",
    )
    distilled = CostModel(student, manifest)
    distilled.compile()
    return distilled
