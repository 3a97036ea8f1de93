r"""Which position of an architecture needs the most memory for activations.

Notation: :math:`m(a)` the peak of architecture :math:`a`, :math:`T_{p, o}` the most bytes that are
live while op :math:`o` runs at position :math:`p`, :math:`f` the same around the positions.

.. math:: m(a) \overset{?}{=} \max\left(f, \max_p T_{p, a_p}\right)

It holds where the tensors that are live at a position depend on its op alone, as in a chain of
blocks whose shapes are fixed.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from archcost.networks.memory import executed, live_bytes
from archcost.spaces.position_work import example_archs, random_archs
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PositionPeaks:
    """The most bytes of live activations while each op runs at each position.

    Parameters
    ----------
    table : array of float64, shape (n_positions, n_ops)
        By position and op; the highest of the examples where it depends on other positions.
    fixed : float
        The same for what stands around the positions.
    is_separable : bool
        Whether the highest of these is the peak of random architectures.
    """

    table: Floats
    fixed: float
    is_separable: bool


@cache
def position_peaks(space: SearchSpace, dataset: str) -> PositionPeaks:
    """Tabulate the memory that each op needs at each position.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str
        One of its datasets.
    """
    examples = example_archs(space)
    peaks = np.array([_peaks(space, tuple(row), dataset) for row in examples.tolist()])
    table = np.zeros((space.n_positions, space.n_ops))
    for place in range(space.n_positions):
        np.maximum.at(table[place], examples[:, place], peaks[:, place])
    table.setflags(write=False)
    fixed = float(peaks[:, -1].max())
    sample = random_archs(space, seed=1)
    true = [max(_peaks(space, tuple(row), dataset)) for row in sample.tolist()]
    return PositionPeaks(table, fixed, bool((_highest(table, fixed, sample) == true).all()))


def network_peaks(space: SearchSpace, ops: Ops, dataset: str) -> Floats:
    """Return the peak bytes of activations, fp32, exact in every space.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.
    dataset : str
        One of its datasets.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs,)
        As ``archcost.networks.memory.peak_activation_bytes`` counts them.
    """
    tabulated = position_peaks(space, dataset)
    if tabulated.is_separable:
        return _highest(tabulated.table, tabulated.fixed, ops)
    rows = tqdm(ops.tolist(), "peak memory", unit="network", delay=2, disable=None, leave=False)
    return np.array([max(_peaks(space, tuple(row), dataset)) for row in rows], dtype=float)


def _highest(table: Floats, fixed: float, ops: Ops) -> Floats:
    return np.maximum(table[np.arange(ops.shape[1]), ops].max(axis=1), fixed)


@lru_cache(maxsize=100_000)
def _peaks(space: SearchSpace, ops: tuple[int, ...], dataset: str) -> tuple[float, ...]:
    """Return the peaks at each position, and last the one around them."""
    graph = executed(space.graph(list(ops), dataset))
    peaks = [0.0] * (len(ops) + 1)
    for node, live in zip(graph.nodes, live_bytes(graph).tolist(), strict=True):
        place = -1 if node.position is None else node.position
        peaks[place] = max(peaks[place], live)
    return tuple(peaks)
