"""Sums of kernels over blocks of features, and their marginal likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
KernelKind = Literal["linear", "rbf"]

JITTER = 1e-8
"""Added to the diagonal, as targets have variance 1: keeps Cholesky factors of ties finite."""

# Log-normal priors, in units of the targets' standard deviation. Wide; they keep weights that the
# data say nothing about from drifting, which matters at 50 rows.
LOG_AMPLITUDE = (-1.0, 2.0)
LOG_LENGTH = (0.5, 1.0)
LOG_NOISE = (-2.0, 2.0)
AMPLITUDE_BOUNDS, NOISE_BOUNDS = (-7.0, 4.0), (-6.0, 1.0)
LENGTH_BOUNDS = (0.0, 4.0)
"""Shorter than this a kernel would pass for noise."""


@dataclass(frozen=True, slots=True)
class SumKernel:
    r"""A sum of one kernel per block of features, and a constant.

    .. math:: k(x, x') = 1 + \sum_b s_b^2 \langle x_b, x'_b \rangle
              \;\text{or}\; s_b^2 \exp(-\|x_b - x'_b\|^2 / 2 l_b^2)

    Parameters
    ----------
    kinds : tuple of {"linear", "rbf"}
        The kernel of each block.
    log_amplitude, log_length : array of float, shape (n_blocks,)
        Logarithms of :math:`s_b` and :math:`l_b` (which means nothing for ``linear``).
    log_noise : float
        Logarithm of the noise's standard deviation; not part of the kernel's values.
    """

    kinds: tuple[KernelKind, ...]
    log_amplitude: Floats
    log_length: Floats
    log_noise: float

    @classmethod
    def prior(cls, kinds: tuple[KernelKind, ...]) -> SumKernel:
        """Return the kernel in the middle of the priors."""
        n_blocks = len(kinds)
        return cls.from_parameters(kinds, _prior(n_blocks)[0])

    @classmethod
    def from_parameters(cls, kinds: tuple[KernelKind, ...], parameters: Floats) -> SumKernel:
        """Make the kernel from the vector that ``parameters`` returns."""
        n = len(kinds)
        return cls(kinds, parameters[:n], parameters[n : 2 * n], float(parameters[-1]))

    @property
    def parameters(self) -> Floats:
        """Log amplitudes, log lengths and log noise in one vector."""
        return np.concatenate([self.log_amplitude, self.log_length, [self.log_noise]])

    @property
    def noise(self) -> float:
        """Variance of the noise."""
        return float(np.exp(2 * self.log_noise)) + JITTER

    def __call__(self, left: list[Floats], right: list[Floats]) -> Floats:
        """Return kernel values ``(n_left, n_right)`` between rows of two lists of blocks."""
        parts = self._parts(self.statistics(left, right))
        return np.asarray(1.0 + sum(parts), dtype=np.float64)

    def combine(self, left: list[Floats], right: list[Floats], weights: Floats) -> Floats:
        """Return ``kernel(left, right) @ weights``, shape ``(n_left,)``, without the matrix.

        A linear block needs one product. Cells have few distinct rows in a block (210 op counts),
        so that an RBF block is evaluated on distinct rows only.
        """
        total = np.full(len(left[0]), float(weights.sum()))
        for block, kind in enumerate(self.kinds):
            if kind == "linear":
                amplitude = np.exp(2 * self.log_amplitude[block])
                total += amplitude * (left[block] @ (right[block].T @ weights))
                continue
            rows, place = np.unique(left[block], axis=0, return_inverse=True)
            others, other_place = np.unique(right[block], axis=0, return_inverse=True)
            summed = np.bincount(other_place, weights, len(others))
            single = self._block(block)
            values = np.concatenate(
                [
                    single._parts(single.statistics([rows[start : start + 2000]], [others]))[0]
                    @ summed
                    for start in range(0, len(rows), 2000)
                ]
            )
            total += values[place]
        return total

    def _block(self, block: int) -> SumKernel:
        """Return the kernel of one block alone."""
        one = slice(block, block + 1)
        lengths = self.log_length[one]
        return SumKernel(self.kinds[one], self.log_amplitude[one], lengths, self.log_noise)

    def diagonal(self, blocks: list[Floats]) -> Floats:
        """Return the kernel's value of each row with itself; shape ``(n,)``."""
        total = np.ones(len(blocks[0]))
        for kind, amplitude, block in zip(
            self.kinds, np.exp(2 * self.log_amplitude), blocks, strict=True
        ):
            total += amplitude * ((block**2).sum(axis=1) if kind == "linear" else 1.0)
        return total

    def statistics(self, left: list[Floats], right: list[Floats]) -> list[Floats]:
        """Return inner products (linear) or squared distances (rbf) of each block."""
        results = []
        for kind, a, b in zip(self.kinds, left, right, strict=True):
            products = a @ b.T
            if kind == "rbf":
                norms = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
                products = np.maximum(norms - 2 * products, 0.0)
            results.append(products)
        return results

    def _parts(self, statistics: list[Floats]) -> list[Floats]:
        parts = []
        for kind, amplitude, length, values in zip(
            self.kinds, self.log_amplitude, self.log_length, statistics, strict=True
        ):
            shape = values if kind == "linear" else np.exp(-0.5 * np.exp(-2 * length) * values)
            parts.append(np.exp(2 * amplitude) * shape)
        return parts

    def loss(self, statistics: list[Floats], target: Floats) -> tuple[float, Floats]:
        """Return the negative log posterior of the parameters, and its gradient.

        Parameters
        ----------
        statistics : list of array (n, n)
            ``statistics`` of the training rows with themselves.
        target : array of float, shape (n,)
            Standardised targets.

        Returns
        -------
        loss : float
            Up to a constant; infinite where the kernel matrix is numerically singular.
        gradient : numpy.ndarray of float64, shape (2 * n_blocks + 1,)
            In the order of ``parameters``.
        """
        n_blocks, n = len(self.kinds), len(target)
        mean, precision = _prior(n_blocks)
        parts = self._parts(statistics)
        matrix = 1.0 + sum(parts) + self.noise * np.eye(n)
        try:
            factor = cho_factor(matrix, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(2 * n_blocks + 1)
        weights = cho_solve(factor, target, check_finite=False)
        inverse = cho_solve(factor, np.eye(n), check_finite=False)
        outer = inverse - np.outer(weights, weights)
        gradient = np.zeros(2 * n_blocks + 1)
        for block, (part, values) in enumerate(zip(parts, statistics, strict=True)):
            product = outer * part
            gradient[block] = product.sum()
            if self.kinds[block] == "rbf":
                scaled = np.exp(-2 * self.log_length[block])
                gradient[n_blocks + block] = 0.5 * scaled * float((product * values).sum())
        gradient[-1] = np.trace(outer) * (self.noise - JITTER)
        deviation = self.parameters - mean
        value = 0.5 * float(target @ weights) + float(np.log(np.diag(factor[0])).sum())
        value += 0.5 * float((precision * deviation**2).sum())
        return value, gradient + precision * deviation

    def fit(
        self, blocks: list[Floats], target: Floats, max_iterations: int = 60
    ) -> tuple[SumKernel, float]:
        """Return the kernel with the best weights for the data, and its loss.

        Parameters
        ----------
        blocks : list of array (n, n_features of the block)
            Standardised features.
        target : array of float, shape (n,)
            Standardised targets.
        max_iterations : int, default=60
            Steps of L-BFGS.

        Returns
        -------
        kernel : SumKernel
            The kernel at the optimum that L-BFGS finds from here.
        loss : float
            Its negative log posterior, up to a constant.
        """
        statistics = self.statistics(blocks, blocks)
        n = len(self.kinds)
        found = minimize(
            lambda p: SumKernel.from_parameters(self.kinds, p).loss(statistics, target),
            self.parameters,
            jac=True,
            method="L-BFGS-B",
            bounds=[AMPLITUDE_BOUNDS] * n + [LENGTH_BOUNDS] * n + [NOISE_BOUNDS],
            options={"maxiter": max_iterations},
        )
        return SumKernel.from_parameters(self.kinds, found.x), float(found.fun)


def _prior(n_blocks: int) -> tuple[Floats, Floats]:
    """Return mean and precision of the parameters."""
    pairs = [LOG_AMPLITUDE] * n_blocks + [LOG_LENGTH] * n_blocks + [LOG_NOISE]
    mean, spread = np.array(pairs).T
    return mean, spread**-2.0
