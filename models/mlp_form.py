"""Ensembles of small networks beside a linear model, the networks in single precision."""

from __future__ import annotations

from itertools import zip_longest
from operator import getitem
from typing import Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Singles = npt.NDArray[np.float32]
SINGLE = np.float32
ONE = SINGLE(1)


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
        self._linear_rows = arrays["linear"].tolist()
        n_members, *_, width = arrays["first"].shape
        self._shape = n_members, 1, width
        self._intercept = float(arrays["intercept"] + arrays["bias_3"].mean())
        # Halved, for _silu_of_twice; halving is exact.
        self._first = pair_tables(np.concatenate(list(arrays["first"] / 2), axis=-1, dtype=SINGLE))
        self._bias_1 = (arrays["bias_1"].reshape(-1) / 2).astype(SINGLE)
        self._weight_2 = (arrays["weight_2"] / 2).astype(SINGLE)
        self._bias_2 = (arrays["bias_2"].reshape(-1) / 2).astype(SINGLE)
        self._weight_3 = (arrays["weight_3"].reshape(-1) / n_members).astype(SINGLE)
        # One row of all pairs' tables for each pair and code, to gather an architecture at once.
        n_pairs, n_codes, n_units = self._first.shape
        self._flat = self._first.reshape(-1, n_units)
        self._starts = n_codes * np.arange(n_pairs)

    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture in any accepted form."""
        if self.space.dtype is not np.int8:  # no pairs
            return super().__call__(arch)
        ops = self.quick_ops(arch)
        target = self._intercept
        added = map(getitem, self._linear_rows, ops)
        for first, second in zip_longest(added, added, fillvalue=0.0):  # in pairs, as batches
            target += first + second
        if len(ops) % 2:
            ops.append(0)
        codes = np.frombuffer(bytes(ops), dtype=np.uint16)  # as pair_codes has it
        rows = np.empty((len(codes) + 1, len(self._bias_1)), dtype=SINGLE)
        rows[0] = self._bias_1
        self._flat.take(codes + self._starts, axis=0, out=rows[1:], mode="clip")
        inner = np.add.reduce(rows)  # row after row, as sum_pairs adds them
        return self._scale.cost(target + float(self._outputs(inner[None])[0]))

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        codes = pair_codes(ops)
        targets = sum_pairs(self._linear, codes, self._intercept)
        for start in range(0, len(ops), ROWS):
            some = slice(start, start + ROWS)
            targets[some] += self._outputs(sum_pairs(self._first, codes[some], self._bias_1))
        return self._scale.costs(targets)

    def _outputs(self, inner: Singles) -> Singles:
        """Return the networks' mean outputs from the halved inputs of their first layers."""
        hidden = _silu_of_twice(inner).reshape(len(inner), *self._shape)
        inner = np.matmul(hidden, self._weight_2).reshape(len(inner), -1)
        inner += self._bias_2
        hidden = _silu_of_twice(inner)
        hidden *= self._weight_3
        return np.add.reduce(hidden, axis=1)

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


def _silu_of_twice(values: Singles) -> Singles:
    """Return ``s(2 x)`` for ``s(x) = x / (1 + exp(-x))``, by tanh, which cannot overflow."""
    gate = np.tanh(values)
    gate += ONE
    gate *= values
    return gate
