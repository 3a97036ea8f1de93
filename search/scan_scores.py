"""What a scan ranks architectures by: work, weights of one's own, or another cost."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, MissingDataError, check_name, shown
from archcost.interrupts import kept_interrupts
from archcost.models.chunks import in_chunks
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.search.additive_sum import AdditiveSum
from archcost.search.contextual_sum import ContextualSum
from archcost.search.known_quantities import Work
from archcost.search.quantity import Quantity
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Scores = npt.NDArray[np.float64]

WORK = ("flops", "params")
"""Work that can be a score."""

MILLION = 1e6
"""The unit in which work is a score."""

INT8_OPS = 128
"""Op ids up to this number are int8, of which pairs are looked up at once."""


class ScanScore(Protocol):
    """Scores of architectures, the higher the better."""

    @property
    def name(self) -> str:
        """Name of the column in the result."""

    @property
    def sign(self) -> int:
        """-1 if the column is a cost, whose negative is the score; else 1."""

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the sum that the scores are a function of; None if there is none."""

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
        self._pairs = pair_tables(table) if table.shape[1] <= INT8_OPS else None

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""
        if self._pairs is None:
            return self.sums()(ops)
        pairs = self._pairs
        return in_chunks(lambda some: sum_pairs(pairs, pair_codes(some), self.constant), ops)

    def sums(self) -> AdditiveSum:
        """Return the score itself."""
        return AdditiveSum(self.table, self.constant)

    def identity(self) -> str:
        """Return the name and a hash of the table."""
        content = self.table.tobytes() + np.float64(self.constant).tobytes()
        return f"{self.name} {hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class LowCost:
    """The negative of a cost: the cheaper, the better.

    Parameters
    ----------
    cost : Quantity
        A predicted cost, or work.
    """

    cost: Quantity
    sign = -1

    @property
    def name(self) -> str:
        """Name of the column in the result."""
        return self.cost.name

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""
        return -self.cost.values(ops)

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the negative of the sum behind the cost, or None."""
        sums = self.cost.sums()
        return None if sums is None else sums.scaled(-1.0)

    def identity(self) -> str:
        """Return what tells the cost from others."""
        return self.cost.identity()


@dataclass(frozen=True)
class WorkScore:
    """The work of the whole network, in millions, of a space whose work does not add up.

    Parameters
    ----------
    work : Work
        What is counted.
    """

    work: Work
    sign = 1

    @property
    def name(self) -> str:
        """Name of the column in the result."""
        return f"{self.work.name}_m"

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)``, from each network's own layers."""
        return self.work.values(ops) / MILLION

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the work as a sum whose terms some positions decide, or None."""
        sums = self.work.sums()
        return None if sums is None else sums.scaled(1 / MILLION)

    def identity(self) -> str:
        """Return what tells the work from other work."""
        return self.work.identity()


def work_score(name: str, space: SearchSpace, dataset: str | None = None) -> SumScore | WorkScore:
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
    SumScore or WorkScore
        The score, by a table where work adds up over positions.

    Examples
    --------
    >>> from archcost.spaces import get_space
    >>> score = work_score("params", get_space("nasbench201"))
    >>> score(get_space("nasbench201").parse_many([[3] * 6])).round(3)
    array([1.532])
    """
    work = Work(check_name("work", name, WORK), space, dataset)
    sums = work.sums()
    if not isinstance(sums, AdditiveSum):
        return WorkScore(work)
    return SumScore(f"{name}_m", sums.table / MILLION, sums.constant / MILLION)


@dataclass(frozen=True)
class ObjectiveScore:
    """A score that a function of the space's strings gives.

    Parameters
    ----------
    function : callable
        Scores an architecture's string; the higher, the better.
    space : SearchSpace
        The search space.
    """

    function: Callable[[str], float]
    space: SearchSpace
    name = "score"
    sign = 1

    def __call__(self, ops: Ops) -> Scores:
        """Return the scores ``(n_archs,)``, asked for one by one."""
        return given_scores(self.function, self.space.format_many(ops))

    def sums(self) -> None:
        """Return None: nothing is known of the function."""

    def identity(self) -> str:
        """Return the name of the function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


def given_scores(objective: Callable[[str], object], archs: Iterable[str]) -> Scores:
    """Return what a function of the user's gives for architectures, ``(n_archs,)``.

    Raises
    ------
    ArchcostError
        If that is no number.
    KeyboardInterrupt
        After Ctrl-C, also where the function took it for a failure of its own.
    """
    scores = []
    with kept_interrupts() as check_interrupt:
        for arch in archs:
            value = objective(arch)
            check_interrupt()
            scores.append(_number(value, arch))
    return np.array(scores, dtype=np.float64)


def _number(value: object, arch: str) -> float:
    try:
        score = math.nan if isinstance(value, (str, bytes)) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if math.isnan(score):
        raise ArchcostError(
            f"an objective must return a number, but returned {shown(value)} for {arch!r}"
        )
    return score


def as_score(maximize: Any, space: SearchSpace, dataset: str | None = None) -> ScanScore:
    """Return the score that is meant.

    Parameters
    ----------
    maximize : score, array (n_positions, n_ops), str, path, or callable
        A score; a table of what each op at each position adds; what `read_score` takes; or a
        function from the space's string to a number.
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.

    Raises
    ------
    ArchcostError
        If a table has another shape, or holds what is no number where an op is allowed.
    """
    if isinstance(maximize, str | Path):
        return read_score(str(maximize), space, dataset)
    if hasattr(maximize, "sums"):
        return cast(ScanScore, maximize)
    if callable(maximize):
        return ObjectiveScore(maximize, space)
    try:
        table = np.asarray(maximize, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArchcostError(
            "a score must be flops, params, a CSV file, a function or a table of numbers, but got "
            f"{shown(maximize)}"
        ) from None
    if table.shape != space.allowed.shape or not np.isfinite(table[space.allowed]).all():
        raise ArchcostError(
            f"a score of {space.name} must be a table of numbers of shape {space.allowed.shape}, "
            f"but got shape {table.shape} with {np.isfinite(table).sum()} numbers"
        )
    return SumScore("score", np.where(space.allowed, table, 0.0))


def read_score(text: str, space: SearchSpace, dataset: str | None = None) -> ScanScore:
    """Return the score that a command line names.

    Parameters
    ----------
    text : str
        Work, ``"flops"`` or ``"params"``, or a CSV file of weights, as `read_weights` takes it.
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.

    Raises
    ------
    MissingDataError
        If it is neither.
    """
    if text in WORK:
        return work_score(text, space, dataset)
    path = Path(text)
    if not path.is_file():
        raise MissingDataError(
            f"--maximize must be one of {list(WORK)} or a CSV file, but got {text!r}; "
            "a device's cost goes to --minimize"
        )
    return read_weights(path, space)


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
        If a column is missing, a name unknown, an op not allowed at its position, a weight no
        number, or a pair listed twice.
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
            where = "" if space.allowed.all() else f" at {position}"
            op = check_name(f"{path}:{line}: op{where}", row["op"], space.slots[position])
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
