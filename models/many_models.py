"""Several costs of the same architectures at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from archcost.datasets import UnknownNameError
from archcost.datasets.space import Ops
from archcost.models.additive_form import AdditiveForm
from archcost.models.chunks import Costs, in_chunks
from archcost.models.compiled import CellTable, CompiledForm, cell_indices
from archcost.models.cost_model import CostModel
from archcost.models.pair_codes import pair_codes, sum_pairs


def predict_many(archs: object, models: Sequence[CostModel]) -> Costs:
    """Predict several costs of one architecture or of several, in one pass.

    Parameters
    ----------
    archs : architecture, sequence of architectures, or array (n_archs, n_positions)
        In any form that the space accepts.
    models : sequence of CostModel
        Of one search space; of any devices, metrics and datasets.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_models) or (n_models,)
        Costs in each model's unit, with the bits that each model alone predicts.

    Raises
    ------
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If there is no model, or the models are of different spaces.

    Notes
    -----
    The tables of additive models, and those of cells, are gathered from as one: a row of costs
    for each op instead of a number for each op and model.
    """
    spaces = {model.space.name for model in models}
    if len(spaces) != 1:
        raise UnknownNameError(
            f"predict_many needs models of one search space, but got {sorted(spaces)}"
        )
    space = models[0].space
    single = space.is_single(archs)
    ops = space.parse(archs)[None] if single else space.parse_many(archs)
    costs = np.empty((len(ops), len(models)))
    forms = [model.compile() for model in models]
    together = [place for place, form in enumerate(forms) if form is not None]
    if together:
        stack = _stack(tuple(form for form in forms if form is not None))
        costs[:, together] = in_chunks(stack, ops, len(together))
    for place, model in enumerate(models):
        if forms[place] is None:
            costs[:, place] = model.predict(ops)
    return costs[0] if single else costs


class _Stack:
    """Compiled forms that share gathers where they can; takes chunks of op ids."""

    def __init__(self, forms: Sequence[CompiledForm]) -> None:
        self.n_forms = len(forms)
        self.cells: dict[int, CellTable] = {}
        self.sums: dict[int, AdditiveForm] = {}
        self.others: dict[int, CompiledForm] = {}
        for place, form in enumerate(forms):
            if isinstance(form, CellTable):
                self.cells[place] = form
            elif isinstance(form, AdditiveForm):
                self.sums[place] = form
            else:
                self.others[place] = form
        if self.cells:
            self.means = np.stack([form.means for form in self.cells.values()], axis=1)
        if self.sums:
            self.pairs = np.stack([form.pairs for form in self.sums.values()], axis=2)
            self.intercepts = np.array([form.intercept for form in self.sums.values()])

    def __call__(self, ops: Ops) -> Costs:
        costs = np.empty((len(ops), self.n_forms))
        if self.cells:
            costs[:, list(self.cells)] = self.means.take(cell_indices(ops), axis=0)
        if self.sums:
            totals = sum_pairs(self.pairs, pair_codes(ops), self.intercepts)
            for total, (place, additive) in zip(totals.T, self.sums.items(), strict=True):
                costs[:, place] = additive.scale.costs(np.array(total))
        for place, form in self.others.items():
            costs[:, place] = form.chunk_costs(ops)
        return costs


@lru_cache(maxsize=8)
def _stack(forms: tuple[CompiledForm, ...]) -> _Stack:
    return _Stack(forms)
