"""Limits on quantities, kept with the probability asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, check_number, shown
from archcost.models import CostModel
from archcost.search.additive_sum import AdditiveSum
from archcost.search.contextual_sum import ContextualSum
from archcost.search.quantities import find_quantity
from archcost.search.quantity import Quantity
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """A quantity that must not exceed a value.

    Parameters
    ----------
    quantity : Quantity
        A predicted cost, or work.
    at_most : float
        The highest value allowed, in ms, mJ, operations, parameters or bytes; infinite where the
        quantity is to be low without a limit.
    level : float, optional
        Probability with which the true value keeps the limit: the limit holds for the upper bound
        of the prediction. By default it holds for the predicted mean.

    Raises
    ------
    ArchcostError
        If the limit is not positive, or the level not a probability of at least a half.
    """

    quantity: Quantity
    at_most: float = np.inf
    level: float | None = None

    def __post_init__(self) -> None:
        check_number(f"the limit of {self.quantity.name}", self.at_most)
        if not self.at_most > 0:
            raise ArchcostError(
                f"the limit of {self.quantity.name} must be above 0, but is {self.at_most}"
            )
        if self.level is not None and not 0.5 <= check_number("level", self.level) < 1:
            raise ArchcostError(
                "the level of a limit must be at least 0.5 and below 1, such as 0.95, but got "
                f"{self.level}"
            )
        object.__setattr__(self, "at_most", float(self.at_most))

    def bounded(self, ops: Ops) -> Floats:
        """Return what must not exceed the limit, shape ``(n_archs,)``."""
        if self.level is None:
            return self.quantity.values(ops)
        return self.quantity.upper(ops, self.level)

    def relaxed(self) -> tuple[AdditiveSum | ContextualSum, float] | None:
        """Return a sum, and the most that it can be within the limit; None if nothing adds up.

        The other way round it holds as well if the quantity's standard deviation is a share of it.
        """
        sums = self.quantity.sums()
        if sums is None:
            return None
        most = self.at_most
        if self.level is not None:
            most = self.quantity.most_within(most, self.level)
        return sums, sums.to_sum(most)

    def choices(self) -> npt.NDArray[np.bool_] | None:
        """Tell which ops keep the limit where they stand, if each decides alone; else None."""
        return self.quantity.choices_within(self.at_most)

    def identity(self) -> list[object]:
        """Return what tells this limit from others, for scans that go on later."""
        level = [] if self.level is None else [self.level]
        return [self.quantity.identity(), self.at_most, *level]


def find_limits(
    space: SearchSpace | str,
    limits: Mapping[str, float],
    dataset: str | None = None,
    models: Mapping[str, CostModel] | None = None,
    *,
    unlimited: Iterable[str] = (),
    level: float | None = None,
) -> tuple[Limit, ...]:
    """Return the limits that names and values say.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    limits : mapping of str to float
        Highest values by name: a device, ``"raspi4"`` (latency in ms) or ``"edgegpu:energy"``
        (mJ), or work, such as ``"flops"``, ``"params"``, ``"weight_bytes"`` or
        ``"peak_activation_bytes"``.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    models : mapping of str to CostModel, optional
        Models by such names, such as that of a new device; installed ones by default.
    unlimited : iterable of str
        Further names, without a limit.
    level : float, optional
        As for `Limit`.

    Returns
    -------
    tuple of Limit
        Those with a value first.

    Raises
    ------
    ArchcostError
        If a limit is not positive, or two names mean the same quantity.
    UnknownNameError
        If no model covers a device, or a given one is of another space.

    Examples
    --------
    >>> from archcost.spaces import FBNet
    >>> [limit.at_most for limit in find_limits(FBNet(), {"raspi4": 20, "params": 1e6})]
    [20.0, 1000000.0]
    """
    space = get_space(space)
    if not isinstance(limits, Mapping):
        raise ArchcostError(
            "limits must be a mapping from names to highest values, such as {'raspi4': 20.0}, but "
            f"got {shown(limits)}"
        )
    wanted = {**limits, **dict.fromkeys((name for name in unlimited if name not in limits), np.inf)}
    found = tuple(
        Limit(find_quantity(space, name, dataset, models), at_most, level)
        for name, at_most in wanted.items()
    )
    names = [limit.quantity.name for limit in found]
    if len(set(names)) < len(names):
        raise ArchcostError(f"each cost must be named once, but the names mean {names}")
    return found


def within_limits(limits: Iterable[Limit], ops: Ops) -> npt.NDArray[np.bool_]:
    """Tell which valid op ids ``(n_archs, n_positions)`` keep all limits, shape ``(n_archs,)``."""
    within = np.ones(len(ops), dtype=bool)
    for limit in limits:
        left = np.flatnonzero(within)
        if len(left):
            within[left] = limit.bounded(ops[left]) <= limit.at_most
    return within
