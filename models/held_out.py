"""Predictions of held-out rows that a model keeps, so that its errors can be looked at later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from archcost.datasets.array_file import read_arrays
from archcost.errors import IntegrityError
from archcost.models.chunks import Costs

HELD_OUT = "held_out.npz"
MOST_ROWS = 1000
"""Rows kept at most; more would not change what one sees."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """True and predicted costs of architectures that the model had not learned from.

    Parameters
    ----------
    archs : list of str
        The architectures.
    truth, predicted, stds : numpy.ndarray of float64, shape (n_archs,)
        True costs, predicted costs, and the standard deviations of the predictions, in ms or mJ.
    """

    archs: list[str]
    truth: Costs
    predicted: Costs
    stds: Costs

    def thinned(self) -> Self:
        """Return at most `MOST_ROWS` rows, evenly over all."""
        n_rows = len(self.archs)
        rows = np.unique(np.linspace(0, n_rows - 1, min(n_rows, MOST_ROWS)).round().astype(int))
        archs = [self.archs[row] for row in rows]
        return type(self)(archs, self.truth[rows], self.predicted[rows], self.stds[rows])

    def save(self, folder: Path) -> None:
        """Write ``held_out.npz`` into a folder."""
        kept = self.thinned()
        np.savez_compressed(
            folder / HELD_OUT,
            allow_pickle=False,
            archs=np.array(kept.archs, dtype=np.str_),
            truth=kept.truth,
            predicted=kept.predicted,
            stds=kept.stds,
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            If the file is damaged, or its columns do not fit together.
        """
        arrays = read_arrays(folder / HELD_OUT)
        try:
            columns = [
                np.asarray(arrays[name], dtype=np.float64)
                for name in ("truth", "predicted", "stds")
            ]
            archs = [str(arch) for arch in arrays["archs"]]
            if any(column.shape != (len(archs),) for column in columns):
                raise ValueError("its columns are of different lengths")
        except (KeyError, ValueError, TypeError) as error:
            raise IntegrityError(
                f"{folder / HELD_OUT} must hold archs, truth, predicted and stds, but {error}; "
                "save or install the model again"
            ) from None
        return cls(archs, *columns)
