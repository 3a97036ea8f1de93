"""Which points of a map can bear their names without hiding other names or points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

CHARACTER, LINE = 0.6, 1.2
"""Width of a character and height of a line, in font sizes; wide enough for most fonts."""
GAP = 0.8
"""Space between the middle of a point and its name, in font sizes."""
RADIUS = 0.4
"""Of a point, in font sizes."""

Place = Literal["above", "below", ""]


def label_places(
    names: Sequence[str], points: npt.NDArray[np.float64], font_size: float, first: Sequence[int]
) -> list[Place]:
    """Choose where the names of points are written so that none overlaps a name or another point.

    Names are placed greedily: those in `first`, then those of the points that lie farthest from
    all others, as nothing else says what these are.

    Parameters
    ----------
    names : sequence of str
        One a point.
    points : numpy.ndarray of float64, shape (n_points, 2)
        Where the points are drawn, upwards, in the unit of `font_size`.
    font_size : float
        Size of the font, in points or pixels.
    first : sequence of int
        Rows of the points whose names matter most; they may hide other points.

    Returns
    -------
    list of {'above', 'below', ''}
        One a point; empty for a name that finds no room.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [90.0, 0.0]])
    >>> label_places(["one", "two", "three", "far"], points, 10.0, first=[2])
    ['below', '', 'above', 'above']
    """
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    order = [*first, *(row for row in np.argsort(-apart.min(axis=1), kind="stable")
                       if row not in first)]  # fmt: skip
    places: list[Place] = [""] * len(names)
    taken: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    for row in order:
        half = np.array([CHARACTER * len(names[row]), LINE]) * font_size / 2
        tries: tuple[tuple[Place, int], ...] = (("above", 1), ("below", -1))
        for place, sign in tries:
            centre = points[row] + [0.0, sign * (GAP * font_size + half[1])]
            others = np.abs(np.delete(points, row, axis=0) - centre)
            hides = (others < half + RADIUS * font_size).all(axis=1)
            if hides.any() and row not in first:
                continue
            if all((abs(centre - at) >= half + size).any() for at, size in taken):
                places[row] = place
                taken.append((centre, half))
                break
    return places
