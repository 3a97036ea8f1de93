"""Gaussian processes on additive features: their mean, without their library."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.pair_codes import Codes, pair_codes, pair_tables, sum_pairs
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

BLOCK = re.compile(r"(features|start|centres|weights)_\d+$")
"""Names of the arrays of a block of features; if one of the four is missing, so is the model."""

ROWS = 64
"""Architectures compared with the centres at once."""


class Bumps(NamedTuple):
    """A weighted sum of bumps ``exp(-|z - c|^2)`` around centres.

    Parameters
    ----------
    pairs : array of float64, shape (n_pairs, n_codes, n_features)
        What pairs of ops add to the features ``z``.
    start : array of float64, shape (n_features,)
        What ``z`` starts from.
    centres : array of float64, shape (n_features, n_centres)
        Columns.
    norms, weights : array of float64, shape (n_centres,)
        Squared norms of the centres, and the heights of the bumps.
    """

    pairs: Floats
    start: Floats
    centres: Floats
    norms: Floats
    weights: Floats

    def __call__(self, codes: Codes) -> Floats:
        """Return the sums ``(n_archs,)`` at the architectures of codes ``(n_archs, n_pairs)``."""
        features = sum_pairs(self.pairs, codes, self.start)
        # Row by row, for the bits: see MLPForm.
        near: Floats = np.matmul(features[:, None], self.centres)[:, 0]
        near *= 2
        near -= self.norms
        near -= np.square(features).sum(axis=1)[:, None]
        np.exp(np.minimum(near, 0.0, out=near), out=near)
        near *= self.weights
        return near.sum(axis=1)


class GPForm(CompiledForm):
    r"""The mean of a Gaussian process whose kernel is a sum of linear and RBF kernels.

    .. math:: t(a) = c + \sum_p L_{p, a_p} + \sum_b \sum_j w_{bj} \exp(-\|z_b(a) - z_{bj}\|^2),
              \quad z_b(a) = o_b + \sum_p Z_{b, p, a_p}

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    arrays : dict of str to numpy.ndarray
        As ``GPPredictor.compiled`` gives them.

    Notes
    -----
    In double precision; tests hold the cost to 1e-9 of itself on 100,000 random architectures.
    The standard deviation needs the whole covariance, so that the process itself answers it.
    """

    kind = "gp"
    has_std = False

    def __init__(self, space: SearchSpace, arrays: Arrays) -> None:
        self.space = space
        self._arrays = arrays
        self._scale = TargetScale.from_arrays(arrays)
        self._linear = pair_tables(arrays["table"])
        self._intercept = float(arrays["intercept"])
        self._bumps = [
            Bumps(
                pair_tables(arrays[f"features_{block}"]),
                arrays[f"start_{block}"],
                np.ascontiguousarray(arrays[f"centres_{block}"].T),
                np.square(arrays[f"centres_{block}"]).sum(axis=1),
                arrays[f"weights_{block}"],
            )
            for block in sorted({name.rpartition("_")[2] for name in arrays if BLOCK.match(name)})
        ]

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        codes = pair_codes(ops)
        targets = sum_pairs(self._linear, codes, self._intercept)
        for start in range(0, len(ops), ROWS):
            some = slice(start, start + ROWS)
            for bumps in self._bumps:
                targets[some] += bumps(codes[some])
        return self._scale.costs(targets)

    def chunk_stds(self, ops: Ops) -> Costs:
        """Raise: the compiled form knows no standard deviations."""
        raise NotImplementedError("a compiled Gaussian process has no standard deviations")

    def arrays(self) -> Arrays:
        """Return what the form was made from."""
        return self._arrays

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""
        return cls(space, arrays)
