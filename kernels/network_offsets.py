"""What the costs of known networks are beyond the sums of their kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NetworkOffsets:
    """Logarithms of cost over predicted cost, of networks known by their signatures.

    Parameters
    ----------
    signatures : numpy.ndarray of uint64, shape (n_networks,)
        Of ``NetworkKernels.signatures``, sorted, each once.
    offsets : numpy.ndarray of float64, shape (n_networks,)
        The logarithms.
    """

    signatures: npt.NDArray[np.uint64]
    offsets: Floats

    @classmethod
    def none(cls) -> Self:
        """Return those of no networks."""
        return cls(np.empty(0, dtype=np.uint64), np.empty(0))

    @classmethod
    def of(cls, signatures: npt.NDArray[np.uint64], offsets: Floats) -> Self:
        """Return those of networks in any order; of one that is there twice the mean."""
        distinct, place, count = np.unique(signatures, return_inverse=True, return_counts=True)
        return cls(distinct, np.bincount(place.reshape(-1), offsets, len(distinct)) / count)

    @classmethod
    def mixed(cls, parts: Sequence[tuple[float, NetworkOffsets]]) -> Self:
        """Return the weighted sum of several, where an unknown network has an offset of 0."""
        if not parts:
            return cls.none()
        signatures = np.unique(np.concatenate([part.signatures for _, part in parts]))
        offsets = np.zeros(len(signatures))
        for weight, part in parts:
            offsets += weight * part(signatures)
        return cls(signatures, offsets)

    def __len__(self) -> int:
        return len(self.signatures)

    def __call__(self, signatures: npt.NDArray[np.uint64]) -> Floats:
        """Return the offset of each network, 0 where it is not known."""
        known, place = self._find(signatures)
        found = np.zeros(len(signatures))
        found[known] = self.offsets[place[known]]
        return found

    def knows(self, signatures: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return which networks are known."""
        return self._find(signatures)[0]

    def _find(
        self, signatures: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.integer[Any]]]:
        if not len(self):
            return np.zeros(len(signatures), dtype=np.bool_), np.zeros(len(signatures), dtype=int)
        place = np.minimum(np.searchsorted(self.signatures, signatures), len(self) - 1)
        return self.signatures[place] == signatures, place
