"""Train a cost model on a table, and score a model on a table."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.errors import (
    ArchcostWarning,
    CostTableError,
    MissingDataError,
    check_name,
    check_type,
)
from archcost.models import CostModel, Manifest
from archcost.models.held_out import HeldOut
from archcost.predictors import CostPredictor, get_predictor
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops
from archcost.training.drift import Rows, without_drift
from archcost.training.metrics import Costs, Score, flat, score, spearman
from archcost.training.model_card import device_card, library_versions, protocol, training_facts
from archcost.training.splits import split_rows, usual_split
from archcost.training.train_settings import TrainSettings
from archcost.training.unit_checks import check_units


@dataclass(frozen=True, slots=True)
class Trial:
    """A trained model with the held-out predictions behind its scores.

    Parameters
    ----------
    model : CostModel
        Fitted on the training rows; see `refitted`.
    settings : TrainSettings
        How it was trained.
    scores : dict of str to Score
        On the test rows.
    validation_spearman : float or None
        On the validation rows, if there are any.
    truth, predicted : numpy.ndarray of float64, shape (n_test,)
        True and predicted costs of the test rows.
    train_seconds : float
        Wall time of the fit on the training rows.
    """

    model: CostModel
    settings: TrainSettings
    scores: dict[str, Score]
    validation_spearman: float | None
    truth: Costs
    predicted: Costs
    train_seconds: float


def train(
    table: CostTable,
    key: CostKey | str | None = None,
    settings: TrainSettings | None = None,
    *,
    space: str | SearchSpace | None = None,
) -> CostModel:
    """Train a cost model on a table: hold rows out, score, then learn from all rows.

    Parameters
    ----------
    table : CostTable
        Costs; rows without one are left out and counted.
    key : CostKey or str, optional
        Which costs to learn; not needed if the table, or its part of `space`, has one key.
    settings : TrainSettings, optional
        Predictor, split and seed.
    space : str or SearchSpace, optional
        Learn costs of this search space only.

    Returns
    -------
    CostModel
        Its manifest holds the held-out scores, their protocol and the rows it learned from.

    Raises
    ------
    CostTableError
        If the table has several keys and none is given, or too few rows.
    MissingDataError
        If the table has no costs of the key.

    Examples
    --------
    >>> import numpy as np
    >>> from archcost.datasets import CostTable, NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> table = CostTable.from_costs(
    ...     "nasbench201", cells, 1.0 + (cells == 3).sum(axis=1), device="my_board"
    ... )
    >>> model = train(table, settings=TrainSettings(predictor="lookup"))
    >>> round(model.manifest.scores["spearman"], 3), model.manifest.training["n_train"]
    (1.0, 60)
    """
    settings = settings or TrainSettings()
    trial = run_trial(table, choose_key(table, key, space), settings)
    return refitted(trial, table) if settings.refit else trial.model


def run_trial(
    table: CostTable,
    key: CostKey | str | None = None,
    settings: TrainSettings | None = None,
) -> Trial:
    """Fit one predictor on the training rows and score it on the held-out ones.

    Parameters
    ----------
    table : CostTable
        Costs.
    key : CostKey or str, optional
        Which costs to learn; not needed if the table has one key.
    settings : TrainSettings, optional
        Predictor, split and seed.

    Returns
    -------
    Trial
        The fitted model and its scores; nothing is refitted.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs("nasbench201", cells, cost_ms, device="my_board")
    >>> trial = run_trial(table, settings=TrainSettings(predictor="ridge", n_train=40))
    >>> trial.model.manifest.scores["n_test"]
    20
    """
    settings = settings or TrainSettings()
    key = choose_key(table, key)
    space = get_space(key.space)
    settings = replace(settings, split=settings.split or usual_split(space))
    ops, cost, texts = _sound_rows(table, key)
    for text in texts:
        warnings.warn(f"{key}: {text}", ArchcostWarning, stacklevel=2)
    split = split_rows(
        space,
        ops,
        n_train=settings.n_train,
        test_share=settings.test_share,
        validation_share=settings.validation_share,
        method=settings.split or usual_split(space),
        seed=settings.seed,
    )
    start = time.perf_counter()
    predictor = _fitted(key, settings, ops, cost, split.train)
    seconds = time.perf_counter() - start
    truth, (predicted, stds) = cost[split.test], predictor.predict(ops[split.test], return_std=True)
    validation = None
    if len(split.validation):
        validation = spearman(cost[split.validation], predictor.predict(ops[split.validation]))
    scores = score(truth, predicted, seed=settings.seed)
    manifest = Manifest(
        key=key,
        device=device_card(table, key),
        predictor=settings.predictor,
        params=predictor.get_params(),
        training=training_facts(table, key, settings, len(split.train)),
        scores={**flat(scores), **protocol(settings, split)},
        versions=library_versions(),
    )
    archs = space.format_many(ops[split.test])
    model = CostModel(predictor, manifest, HeldOut(archs, truth, predicted, stds))
    return Trial(model, settings, scores, validation, truth, predicted, seconds)


def refitted(trial: Trial, table: CostTable) -> CostModel:
    """Train the predictor of a trial on all rows; its held-out scores stay in the manifest.

    Parameters
    ----------
    trial : Trial
        A scored model.
    table : CostTable
        The table that it was trained on.

    Returns
    -------
    CostModel
        A new model.
    """
    manifest = trial.model.manifest
    ops, cost, _ = _sound_rows(table, manifest.key)
    predictor = _fitted(manifest.key, trial.settings, ops, cost, np.arange(len(ops)))
    return CostModel(
        predictor,
        replace(
            manifest,
            training={**manifest.training, "n_train": len(ops)},
            scores={**manifest.scores, "refitted_on_all_rows": True},
        ),
        trial.model.held_out,
    )


def evaluate(
    model: CostModel, table: CostTable, key: CostKey | str | None = None, *, seed: int = 0
) -> dict[str, Score]:
    """Score a model on the costs of a table.

    Parameters
    ----------
    model : CostModel
        The model.
    table : CostTable
        True costs.
    key : CostKey or str, optional
        Which costs to compare with; those that the model predicts by default.
    seed : int, default=0
        Fixes the bootstrap.

    Returns
    -------
    dict of str to Score
        Every metric of ``archcost.training.metrics.METRICS`` with its interval.

    Raises
    ------
    CostTableError
        If the table's costs are of another space or metric.
    MissingDataError
        If the table has no such costs.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(60, seed=0)
    >>> cost_ms = 1.0 + (cells == 3).sum(axis=1)
    >>> table = CostTable.from_costs("nasbench201", cells, cost_ms, device="my_board")
    >>> model = run_trial(table, settings=TrainSettings(predictor="ridge", n_train=40)).model
    >>> evaluate(model, table)["spearman"].value > 0.9
    True
    """
    key = choose_key(table, model.key if key is None else key)
    if (key.space, key.metric) != (model.key.space, model.key.metric):
        raise CostTableError(
            f"costs must be {model.key.metric} in {model.key.space} to score this model, "
            f"but got {key}"
        )
    ops, cost = table.costs(key)
    return score(cost, model.predict(ops), seed=seed)


def choose_key(
    table: CostTable, key: CostKey | str | None, space: str | SearchSpace | None = None
) -> CostKey:
    """Return the key asked for, or the only one of the table; with `space`, one of that space."""
    keys = chosen_keys(table)
    if space is not None:
        keys = table.select(space=get_space(space).name).keys()
    if key is None:
        if len(keys) > 1:
            raise CostTableError(
                f"a key must be given for a table with several; this one has {[*map(str, keys)]}"
            )
        return keys[0]
    key = CostKey.parse(key) if isinstance(key, str) else key
    check_type("key", key, CostKey, "a cost key or its text")
    if key not in keys:
        raise MissingDataError(
            f"this table has no costs for {key}; it has {[str(known) for known in keys]}"
        )
    return key


def _sound_rows(table: CostTable, key: CostKey) -> tuple[Ops, Costs, list[str]]:
    """Return architectures and costs without outliers of another unit, and what is wrong there."""
    ops, cost = table.costs(key)
    units = check_units(get_space(key.space), ops, cost, key.unit)
    return ops[units.sound], cost[units.sound], units.warnings


def _fitted(
    key: CostKey, settings: TrainSettings, ops: Ops, cost: Costs, rows: Rows
) -> CostPredictor:
    """Return the predictor fitted on some rows of a table."""
    space, dataset = get_space(key.space), key.dataset_name
    ops, cost = ops[rows], cost[rows]
    if settings.in_order:
        cost = without_drift(space, dataset, ops, cost, rows, seed=settings.seed)
    kind = get_predictor(settings.predictor)
    taken = kind._get_param_names()  # a user's constructor need not take a seed or a dataset
    for name in settings.params:
        check_name(f"parameter of the predictor {settings.predictor}", name, taken)
    given = {"seed": settings.seed, "dataset": dataset}
    params = {name: given[name] for name in given if name in taken}
    predictor = kind(**{**params, **settings.params})
    return predictor.fit(ops, cost, space=space)
