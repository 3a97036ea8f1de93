"""What a scan ranks architectures by: work, weights of one's own, or another cost."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, check_name
from archcost.models import CostModel
from archcost.models.chunks import in_chunks
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Scores = npt.NDArray[np.float64]

WORK = {"flops": 1e6, "params": 1e6}
"""Work that can be a score, and the unit it is given in."""


class ScanScore(Protocol):
    """Scores of architectures, the higher the better."""

    @property
    def name(self) -> str:
        """Name of the column in the result."""

    @property
    def sign(self) -> int:
        """1 if the column is the score, -1 if it is what the score is the negative of."""

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""

    def identity(self) -> str:
        """Return what tells this score from others, for scans that go on later."""


class SumScore:
    """A score that is a sum over positions.

    Parameters
    ----------
    name : str
        Name of the column in the result.
    table : array of float, shape (n_positions, n_ops)
        What each op at each position adds.
    constant : float
        What everything else adds.
    """

    sign = 1

    def __init__(self, name: str, table: Scores, constant: float = 0.0) -> None:
        self.name = name
        self.table = table
        self.constant = constant
        self._pairs = pair_tables(table)

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""
        return in_chunks(lambda some: sum_pairs(self._pairs, pair_codes(some), self.constant), ops)

    def identity(self) -> str:
        """Return the name and a hash of the table."""
        content = self.table.tobytes() + np.float64(self.constant).tobytes()
        return f"{self.name} {hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class LowCost:
    """The negative of a cost: the cheaper, the better.

    Parameters
    ----------
    model : CostModel
        What predicts the cost.
    """

    model: CostModel
    sign = -1

    @property
    def name(self) -> str:
        """Name of the column in the result."""
        return cost_column(self.model)

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""
        return -predicted(self.model, ops)

    def identity(self) -> str:
        """Return the manifest of the model, which holds the hashes of its files."""
        return self.model.manifest.to_json()


def predicted(model: CostModel, ops: Ops) -> Scores:
    """Return costs ``(n_archs,)`` of valid op ids, without checking them again."""
    form = model.compile()
    return model.predict(ops) if form is None else form.predict(ops)


def cost_column(model: CostModel) -> str:
    """Return the name of a cost's column, such as ``raspi4_latency_ms``."""
    return f"{model.key.device}_{model.key.metric}_{model.unit.lower()}"


def work_score(name: str, space: SearchSpace, dataset: str | None = None) -> SumScore:
    """Return the score that prefers large networks.

    Parameters
    ----------
    name : {"flops", "params"}
        What is counted, in millions: floating-point operations (two a multiply-accumulate) or
        parameters of the whole network.
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.

    Returns
    -------
    SumScore
        The score.

    Examples
    --------
    >>> from archcost.datasets import get_space
    >>> score = work_score("params", get_space("nasbench201"))
    >>> score(get_space("nasbench201").parse_many([[3] * 6])).round(3)
    array([1.532])
    """
    unit = WORK[check_name("work", name, WORK)]
    table = np.zeros((space.n_positions, space.n_ops))
    constant = 0.0
    for op in range(space.n_ops):
        for layer in space.layers([op] * space.n_positions, dataset):
            if layer.position is not None:
                table[layer.position, op] += getattr(layer, name) / unit
            elif op == 0:  # the stem, the reductions and the head are those of all architectures
                constant += getattr(layer, name) / unit
    return SumScore(f"{name}_m", table, constant)


def read_weights(path: Path, space: SearchSpace) -> SumScore:
    """Read a score from a CSV file with the columns position, op and weight.

    Parameters
    ----------
    path : pathlib.Path
        Weights of ops at positions, by their names; what is not listed weighs 0.
    space : SearchSpace
        The search space.

    Returns
    -------
    SumScore
        The sum of the weights, named after the file.

    Raises
    ------
    ArchcostError
        If a column is missing, a name unknown, a weight no number, or a pair listed twice.
    """
    table = np.full((space.n_positions, space.n_ops), np.nan)
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if not {"position", "op", "weight"} <= set(reader.fieldnames or ()):
            raise ArchcostError(
                f"{path} must have the columns position, op and weight, but has {reader.fieldnames}"
            )
        for line, row in enumerate(reader, start=2):
            position = check_name(f"{path}:{line}: position", row["position"], space.positions)
            op = check_name(f"{path}:{line}: op", row["op"], space.op_names)
            place = space.positions.index(position), space.op_names.index(op)
            try:
                weight = float(row["weight"])
            except (TypeError, ValueError):
                weight = np.nan
            if not np.isfinite(weight):
                raise ArchcostError(
                    f"{path}:{line}: weight must be a number, but got {row['weight']!r}"
                )
            if not np.isnan(table[place]):
                raise ArchcostError(f"{path}:{line}: {position}, {op} is listed twice")
            table[place] = weight
    return SumScore(path.stem, np.nan_to_num(table))
