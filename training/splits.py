"""Splits of a table into training, validation and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from archcost.errors import CostTableError, check_name, check_number, check_type
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Rows = npt.NDArray[np.int64]
SplitName = Literal["random", "isomorphic", "family"]
SPLITS: tuple[SplitName, ...] = ("random", "isomorphic", "family")


def usual_split(space: SearchSpace) -> SplitName:
    """Return how rows are held out where nobody says: of any networks, whole families."""
    return "family" if space.is_open else "random"


@dataclass(frozen=True, slots=True)
class Split:
    """Disjoint rows for training, for the choice of a predictor, and for the scores."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(
    space: SearchSpace,
    ops: Ops,
    *,
    n_train: int | None = None,
    test_share: float = 0.2,
    validation_share: float = 0.0,
    method: SplitName = "random",
    seed: int = 0,
) -> Split:
    """Split architectures into training, validation and test rows.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    ops : numpy.ndarray of int, shape (n_archs, n_positions)
        The architectures.
    n_train : int, optional
        Training rows; the rest, less the validation rows, is for testing.
    test_share : float, default=0.2
        Share of the rows for testing where `n_train` is not given.
    validation_share : float, default=0
        Share of all rows for validation; taken from those that would be trained on, or with
        `n_train` from the rest.
    method : {"random", "isomorphic", "family"}, default="random"
        ``"isomorphic"`` keeps architectures that are the same network on one side, in a space
        that has a canonical form; ``"family"`` does that with relatives, such as networks whose
        names begin alike. Where no group fits the last places, training and validation are that
        much smaller.
    seed : int, default=0
        Fixes the split. With the same seed, the rows of a smaller `n_train` are among those of a
        larger one (random split).

    Returns
    -------
    Split
        Row numbers, each part in random order.

    Raises
    ------
    CostTableError
        If a part would have fewer than two rows, or the space has no canonical form to split by.
    UnknownNameError
        If there is no such method.

    Examples
    --------
    >>> from archcost.spaces import NASBench201
    >>> space = NASBench201()
    >>> split = split_rows(space, space.sample(100, seed=0), n_train=60)
    >>> len(split.train), len(split.validation), len(split.test)
    (60, 0, 40)
    """
    check_name("split", method, SPLITS)
    check_type("ops", ops, (np.ndarray, Sequence), "op ids, one row an architecture")
    if n_train is not None:
        check_number("n_train", n_train, whole=True)
    check_number("seed", seed, 0, whole=True)
    n_rows = len(ops)
    n_validation = round(n_rows * validation_share)
    if n_train is None:
        n_train = n_rows - round(n_rows * test_share) - n_validation
    n_test = n_rows - n_train - n_validation
    if n_train < 2 or n_test < 2 or n_validation == 1:
        raise CostTableError(
            f"training, validation and test need at least 2 rows each, but {n_rows} rows split "
            f"into {n_train}, {n_validation} and {n_test}; use more rows or other shares, or "
            "with so few `archcost transfer`, which starts from known devices"
        )
    rng = np.random.default_rng(seed)
    if method == "isomorphic":
        return _whole_groups(isomorphism_groups(space, ops), n_train, n_validation, rng)
    if method == "family":
        families = np.unique(space.families(ops), return_inverse=True)[1].ravel()
        return _whole_groups(families, n_train, n_validation, rng)
    order = rng.permutation(n_rows)
    return Split(*np.split(order, [n_train, n_train + n_validation]))


def isomorphism_groups(space: SearchSpace, ops: Ops) -> Rows:
    """Return a group number for each architecture; equal numbers mean the same network.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    ops : numpy.ndarray of int, shape (n_archs, n_positions)
        The architectures.

    Returns
    -------
    numpy.ndarray of int64, shape (n_archs,)
        The place of each one's isomorphism class.

    Raises
    ------
    CostTableError
        If the space has no canonical form.
    """
    if space.canonical is None:
        raise CostTableError(
            "an isomorphic split needs a search space that tells which architectures are the same "
            f"network, but {space.name} has no canonical form; use the random split"
        )
    return np.unique(space.canonical(ops), axis=0, return_inverse=True)[1].ravel()


def _whole_groups(groups: Rows, n_train: int, n_validation: int, rng: np.random.Generator) -> Split:
    """Fill the parts with groups in random order, each going where it fits first."""
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    parts: list[list[Rows]] = [[], [], []]
    room = [n_train, n_validation, len(groups)]
    for group in rng.permutation(len(members)):
        rows = members[group]
        part = next(part for part in range(3) if len(rows) <= room[part])
        parts[part].append(rows)
        room[part] -= len(rows)
    nothing = np.empty(0, dtype=np.int64)
    return Split(*(rng.permutation(np.concatenate([nothing, *rows])) for rows in parts))
