"""One-hot encoding of the op at each position."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.arch_encoder import ArchEncoder
from archcost.spaces.space import Ops

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
    return encoded.reshape(n_archs, -1)


class OneHotOps(ArchEncoder):
    """One column per position and op: 1 where the architecture has that op there.

    Parameters
    ----------
    space : str or None, default=None
        Name of the search space; None takes it from the architectures given to ``fit``.
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
        return one_hot(ops, self.space_.n_ops)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the column names, ``<position>=<op>``; `input_features` is ignored."""
        space = self.space_
        names = [f"{position}={op}" for position in space.positions for op in space.op_names]
        return np.array(names, dtype=object)
