"""One-hot encoding of the op at each position."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]


def one_hot(ops: npt.NDArray[Any], n_ops: int) -> Floats:
    """Return indicators of the op at each position.

    Parameters
    ----------
    ops : array of int, shape (n_archs, n_positions)
        Op ids.
    n_ops : int
        Number of ops to choose from.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_positions * n_ops)
        Position by position.
    """
    n_archs, n_positions = ops.shape
    encoded = np.zeros((n_archs, n_positions, n_ops))
    encoded[np.arange(n_archs)[:, None], np.arange(n_positions), ops] = 1.0
    return encoded.reshape(n_archs, n_positions * n_ops)


def one_hot_names(space: SearchSpace) -> list[str]:
    """Return ``<position>=<op>`` of each op that is allowed at each position, by op id."""
    places, ops = np.nonzero(space.allowed)
    return [
        f"{space.positions[place]}={space.op_names[op]}"
        for place, op in zip(places, ops, strict=True)
    ]


class OneHotOps(ArchEncoder):
    """One column per position and op allowed there: 1 where the architecture has that op.

    Parameters
    ----------
    space : str, SearchSpace or None, default=None
        The search space, as ``get_space`` takes it; None takes the only one that the
        architectures given to ``fit`` belong to.
    dataset : str or None, default=None
        Checked, and without effect: the encoding does not depend on the input size.

    Examples
    --------
    >>> encoder = OneHotOps().fit([[3, 0, 1, 0, 0, 2]])
    >>> encoder.transform([[3, 0, 1, 0, 0, 2]]).sum()
    np.float64(6.0)
    >>> encoder.get_feature_names_out()[3]
    '0->1=nor_conv_3x3'
    """

    def _encode(self, ops: Ops) -> Floats:
        allowed = np.flatnonzero(self.space_.allowed)
        return one_hot(ops, self.space_.n_ops).take(allowed, axis=1)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the column names, ``<position>=<op>``; `input_features` is ignored."""
        return np.array(one_hot_names(self.space_), dtype=object)
