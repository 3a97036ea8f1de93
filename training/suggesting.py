"""Choose the architectures to measure on a new device."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from archcost.errors import ArchitectureError, check_number
from archcost.predictors import TransferPredictor
from archcost.predictors.measuring_choice import choose, mean_variances
from archcost.spaces import Dataset, SearchSpace, get_space
from archcost.spaces.liveness import connected
from archcost.spaces.space import Ops
from archcost.training.measurements import read_measurements
from archcost.training.network_choice import suggest_networks
from archcost.training.suggestions import Suggestions
from archcost.training.transfer_sources import Sources, transfer_prior

CANDIDATES = 5000
"""Random candidates where the user gives none."""
LOOKED_AT, LOOKED_AT_EACH = 2000, 4
"""Random candidates that are compared at most for many kinds of devices, or for each that is to be
chosen, whichever are more: the best of as many is hardly worse than that of all."""
REFERENCE = 500
"""Random architectures over which the expected variance is averaged."""


def suggest(
    space: str | SearchSpace,
    n: int,
    *,
    sources: Sources | None = None,
    candidates: Any = None,
    measured: Any = None,
    dataset: str | Dataset | None = None,
    seed: int = 0,
) -> Suggestions:
    """Choose the architectures whose measurement is most informative about a new device.

    Greedy: each next one lowers the expected variance over the space most, given the prior from
    the sources and what is measured. Where positions are edges of a graph, devices of a kind that
    no source is of count as much, and architectures without a path from input to output are left
    out: their costs say little of others.

    Parameters
    ----------
    space : str or SearchSpace
        The search space.
    n : int
        How many.
    sources : iterable of id, CostModel or CostTable, optional
        Known devices; by default those of all installed latency models of the space. Of no meaning
        to networks of any kind, which are chosen by the work that they ask for.
    candidates : sequence of architectures, optional
        What can be measured; by default a random sample of the space, or published networks.
    measured : dict, DataFrame, path, CostTable or sequence of architectures, optional
        What is measured already; costs make the choice fit the device.
    dataset : str, optional
        Fixes the input size; the space's default otherwise.
    seed : int, default=0
        Fixes the sample of candidates.

    Returns
    -------
    list of str
        At most `n` architectures, the most informative first; with `candidates`, exactly as given.
        ``expected_gain`` says whether measuring them is worth it.

    Raises
    ------
    ArchitectureError
        If `n` is less than one, or there is no candidate.

    Examples
    --------
    >>> suggest("nasbench201", 2, sources=[], candidates=[[3] * 6, [0] * 5 + [3], [1, 0, 3] * 2])
    ... # doctest: +ELLIPSIS
    [...]
    """
    space = get_space(space)
    if check_number("n", n, whole=True) < 1:
        raise ArchitectureError(f"n must be at least 1, but got {n}")
    check_number("seed", seed, 0, whole=True)
    dataset = space.check_dataset(dataset)
    if space.is_open:
        return _of_networks(space, n, candidates, measured, dataset)
    rng = np.random.default_rng(seed)
    given, ops = _candidates(space, candidates, rng)
    prior = transfer_prior(space, sources, dataset)
    predictor = TransferPredictor(seed, dataset).with_prior(prior).bind(space)
    done, variances = None, predictor.design_variances()
    done_ops, cost = _measured(space, measured, dataset)
    if len(done_ops):
        taken = {row.tobytes() for row in done_ops}
        left = [i for i, row in enumerate(ops) if row.tobytes() not in taken]
        if not left:
            raise ArchitectureError("every candidate is measured already; give more candidates")
        given, ops = [given[i] for i in left], ops[left]
        done = predictor.features(done_ops)
        if cost is not None:
            predictor.fit(done_ops, cost, space=space)
            variances = mean_variances(predictor.updated_priors())
    few = np.arange(len(ops))
    if len(variances) > 1:
        few = np.sort(rng.permutation(few)[: max(LOOKED_AT, LOOKED_AT_EACH * n)])
    reference = predictor.features(space.sample(min(REFERENCE, space.n_archs), seed=seed))
    groups = list(predictor.groups_.values())
    with threadpool_limits(1):  # on such small matrices threads cost more than they gain
        chosen, spreads = choose(
            predictor.features(ops[few]), reference, groups, variances, n, done
        )
    return Suggestions([given[few[i]] for i in chosen], spreads)


def _of_networks(
    space: SearchSpace, n: int, candidates: Any, measured: Any, dataset: str
) -> Suggestions:
    """Choose networks; what they are called stays as it was given."""
    done_ops, _ = _measured(space, measured, dataset)
    given: Mapping[str, Any] | None = None
    if candidates is not None:
        names = [one if isinstance(one, str) else space.names([one])[0] for one in candidates]
        given = dict(zip(names, space.networks(candidates), strict=True))
    return suggest_networks(n, given, measured=space.networks(done_ops))


def _candidates(
    space: SearchSpace, candidates: Any, rng: np.random.Generator
) -> tuple[list[Any], Ops]:
    """Return candidates as given and as op ids; those without a path only if there is no other."""
    if candidates is None:
        ops = space.sample(min(CANDIDATES, space.n_archs), seed=int(rng.integers(2**31)))
        given: list[Any] = space.format_many(ops)
    else:
        given = list(candidates)
        if not given:
            raise ArchitectureError("candidates must hold at least one architecture, but is empty")
        ops = np.stack([space.parse(arch) for arch in given])
    if space.edges is not None:
        kept = np.flatnonzero(connected(space, ops))
        if len(kept):
            given, ops = [given[i] for i in kept], ops[kept]
    _, first = np.unique(ops, axis=0, return_index=True)
    first.sort()
    return [given[i] for i in first], ops[first]


def _measured(space: SearchSpace, measured: Any, dataset: str) -> tuple[Ops, Any]:
    """Return the architectures that are measured already, and their costs if they are given."""
    if measured is None or (isinstance(measured, Sized) and len(measured) == 0):
        return np.empty((0, space.n_positions), dtype=space.dtype), None
    if isinstance(measured, (list, tuple, np.ndarray)):
        return np.stack([space.parse(arch) for arch in measured]), None
    found = read_measurements(space, measured, "new", None, dataset)
    return found.ops, found.cost
