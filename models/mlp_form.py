"""Ensembles of small networks beside a linear model, the networks in single precision."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from archcost.datasets import SearchSpace
from archcost.datasets.space import Ops
from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.models.target_scale import TargetScale

Singles = npt.NDArray[np.float32]
HALF, ONE = np.float32(0.5), np.float32(1)


class MLPForm(CompiledForm):
    r"""A linear model plus the mean of networks with two hidden layers of SiLU.

    .. math:: t(a) = c + \sum_p L_{p, a_p} + \frac{1}{M} \sum_m
              w_m^T s(W_m s(b_m + \sum_p F_{m, p, a_p}) + d_m)

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    arrays : dict of str to numpy.ndarray
        As ``MLPPredictor.compiled`` gives them.

    Notes
    -----
    The linear part is in double precision, the networks are in single. Tests hold the cost to
    1e-5 of itself on 100,000 random architectures.

    The second layer multiplies row by row. One product of all rows would be twice as fast, but
    the linear algebra library adds in an order that depends on their number, and so do the bits.
    """

    kind = "mlp"

    def __init__(self, space: SearchSpace, arrays: Arrays) -> None:
        self.space = space
        self._arrays = arrays
        self._scale = TargetScale.from_arrays(arrays)
        self._relative_std = float(arrays["relative_std"])
        self._linear = pair_tables(arrays["linear"].astype(np.float64))
        n_members, *_, width = arrays["first"].shape
        self._intercept = float(arrays["intercept"] + arrays["bias_3"].mean())
        self._first = pair_tables(np.concatenate(list(arrays["first"]), axis=-1).astype(np.float32))
        self._bias_1 = arrays["bias_1"].reshape(-1).astype(np.float32)
        self._weight_2 = arrays["weight_2"].astype(np.float32)
        self._bias_2 = arrays["bias_2"].reshape(-1).astype(np.float32)
        self._weight_3 = (arrays["weight_3"] / n_members).reshape(-1).astype(np.float32)
        self._shape = n_members, 1, width

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        codes = pair_codes(ops)
        targets = sum_pairs(self._linear, codes, self._intercept)
        for start in range(0, len(ops), ROWS):
            targets[start : start + ROWS] += self._networks(codes[start : start + ROWS])
        return self._scale.costs(targets)

    def _networks(self, codes: npt.NDArray[np.uint16]) -> Singles:
        hidden = _silu(sum_pairs(self._first, codes, self._bias_1))
        rows = hidden.reshape(len(codes), *self._shape)
        hidden = np.matmul(rows, self._weight_2).reshape(len(codes), -1)
        hidden += self._bias_2
        hidden = _silu(hidden)
        hidden *= self._weight_3
        return hidden.sum(axis=1)

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids."""
        return self._relative_std * self.chunk_costs(ops)

    def arrays(self) -> Arrays:
        """Return what the form was made from."""
        return self._arrays

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""
        return cls(space, arrays)


ROWS = 96
"""Architectures whose hidden units are computed at once: few enough to stay in the cache."""


def _silu(values: Singles) -> Singles:
    """Return ``x / (1 + exp(-x))``, written with the hyperbolic tangent, which cannot overflow."""
    values *= HALF
    gate = np.tanh(values)
    gate += ONE
    gate *= values
    return gate
