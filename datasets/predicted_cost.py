"""Predictions where a benchmark has no number, marked as such."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

from archcost.datasets.cost_key import METRICS
from archcost.errors import MissingDataError, UnknownNameError

Fallback = Callable[..., float | None]
"""``(arch, device, metric, dataset) -> float or None``, as ``archcost.predict``."""


class PredictedCost(float):
    """A cost in ms or mJ that a model predicted; a float in every use, marked when printed.

    Examples
    --------
    >>> cost = PredictedCost(5.25)
    >>> cost, isinstance(cost, float), cost == 5.25
    (PredictedCost(5.25), True, True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"PredictedCost({float(self)!r})"


def predict_missing(
    fallback: Fallback, arch: str, names: Iterable[str], dataset: str
) -> dict[str, PredictedCost | None]:
    """Ask `fallback` for costs that are named as HW-NAS-Bench names them.

    Parameters
    ----------
    fallback : callable
        ``(arch, device, metric, dataset) -> float or None``; may take `dataset` by keyword only.
    arch : str
        The architecture's string.
    names : iterable of str
        Such as ``"fpga_energy"``; what is no cost (``eyeriss_arithmetic_intensity``) is None.
    dataset : str
        As the search space spells it.

    Returns
    -------
    dict of str to PredictedCost or None
        None where no model covers the device, metric or dataset.
    """
    by_keyword = _takes_dataset_by_keyword(fallback)
    predicted: dict[str, PredictedCost | None] = {}
    for name in names:
        device, _, metric = name.rpartition("_")
        cost = None
        if metric in METRICS:
            try:
                if by_keyword:
                    cost = fallback(arch, device, metric, dataset=dataset)
                else:
                    cost = fallback(arch, device, metric, dataset)
            except (UnknownNameError, MissingDataError):  # how archcost.predict says: no model
                cost = None
        predicted[name] = None if cost is None else PredictedCost(cost)
    return predicted


def _takes_dataset_by_keyword(fallback: Fallback) -> bool:
    try:
        parameter = inspect.signature(fallback).parameters.get("dataset")
    except ValueError:  # a builtin that does not say
        return False
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY
