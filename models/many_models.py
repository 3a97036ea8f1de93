"""Several costs of the same architectures at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from archcost.errors import UnknownNameError
from archcost.models.additive_form import AdditiveForm
from archcost.models.chunks import Costs, in_chunks
from archcost.models.compiled import CompiledForm
from archcost.models.cost_model import CostModel
from archcost.models.pair_codes import pair_codes, sum_pairs
from archcost.models.table_form import TableForm, table_rows
from archcost.models.target_scale import to_costs
from archcost.spaces.space import Ops


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
    The tables of additive models, and those of whole spaces, are gathered from as one: a row of
    costs for each op or architecture instead of a number for each and model.

    Examples
    --------
    >>> import archcost
    >>> models = [archcost.load(name, space="nasbench201") for name in ("fpga", "raspi4")]
    >>> predict_many([[0] * 6, [3] * 6], models).shape
    (2, 2)
    """
    spaces = {model.space.name for model in models}
    if len(spaces) != 1:
        raise UnknownNameError(
            f"predict_many needs models of one search space, but got {sorted(spaces)}"
        )
    space = models[0].space
    single = space.is_single(archs)
    for dataset in {model.key.dataset for model in models}:
        space.dataset_of(archs, dataset)  # a config dict may name another one
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


class _Sums:
    """Additive forms on the same scale as one: a row of numbers for each pair of ops."""

    def __init__(self, forms: Sequence[AdditiveForm]) -> None:
        self.name = forms[0].scale.name
        self.pairs = np.stack([form.pairs for form in forms], axis=2)
        self.intercepts = np.array([form.intercept for form in forms])
        self.shifts = np.array([form.scale.shift for form in forms])
        self.scales = np.array([form.scale.scale for form in forms])
        self.floors = np.array([form.scale.floor for form in forms])

    def __call__(self, ops: Ops) -> Costs:
        targets = sum_pairs(self.pairs, pair_codes(ops), self.intercepts)
        return to_costs(self.name, targets, self.shifts, self.scales, self.floors)


class _Tables:
    """Tables of a whole space as one: a row of costs for each architecture."""

    def __init__(self, tables: Sequence[TableForm]) -> None:
        self.space = tables[0].space
        self.means = np.stack([table.means for table in tables], axis=1)

    def __call__(self, ops: Ops) -> Costs:
        return self.means.take(table_rows(self.space, ops), axis=0)


class _Stack:
    """Compiled forms that share gathers where they can; takes chunks of op ids."""

    def __init__(self, forms: Sequence[CompiledForm]) -> None:
        self.n_forms = len(forms)
        self.others: dict[int, CompiledForm] = {}
        self.shared: list[tuple[list[int], _Sums | _Tables]] = []
        tables: dict[int, TableForm] = {}
        sums: dict[str, dict[int, AdditiveForm]] = {}
        for place, form in enumerate(forms):
            if isinstance(form, TableForm):
                tables[place] = form
            elif isinstance(form, AdditiveForm):
                sums.setdefault(form.scale.name, {})[place] = form
            else:
                self.others[place] = form
        if tables:
            self.shared.append((list(tables), _Tables(list(tables.values()))))
        for group in sums.values():
            self.shared.append((list(group), _Sums(list(group.values()))))

    def __call__(self, ops: Ops) -> Costs:
        costs = np.empty((len(ops), self.n_forms))
        for places, together in self.shared:
            if len(places) == self.n_forms:
                return together(ops)
            costs[:, places] = together(ops)
        for place, form in self.others.items():
            costs[:, place] = form.chunk_costs(ops)
        return costs


@lru_cache(maxsize=8)
def _stack(forms: tuple[CompiledForm, ...]) -> _Stack:
    return _Stack(forms)
