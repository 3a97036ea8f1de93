"""Check that a search space keeps its contract, and say what is wrong where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from archcost.errors import ArchcostError
from archcost.spaces.architecture_checks import ARCHITECTURE_CHECKS, CannotCheckError
from archcost.spaces.declaration_checks import DECLARATION_CHECKS
from archcost.spaces.space import SearchSpace

N_SAMPLES = 100
"""Random architectures that the checks look at."""


@dataclass(frozen=True, slots=True)
class SpaceCheck:
    """The result of one check.

    Parameters
    ----------
    name : str
        What was checked.
    status : {"ok", "problem", "skipped"}
        Whether the space keeps this part of the contract.
    detail : str
        What was found, or the rule that is broken and how to mend it.
    """

    name: str
    status: Literal["ok", "problem", "skipped"]
    detail: str


def check_space(space: SearchSpace, *, seed: int = 0) -> list[SpaceCheck]:
    """Check declarations, strings, indices, canonical forms and networks of a space.

    Parameters
    ----------
    space : SearchSpace
        The space.
    seed : int, default=0
        Fixes the random architectures that are looked at.

    Returns
    -------
    list of SpaceCheck
        One a check, in the order in which they were made. Architectures are only looked at where
        the declarations are without a problem.
    """
    results = [_result(name, check, space) for name, check in DECLARATION_CHECKS.items()]
    if any(result.status == "problem" for result in results):
        return results
    try:
        sample = space.sample(min(N_SAMPLES, space.n_archs), seed=seed)
    except Exception as error:
        return [*results, SpaceCheck("samples", "problem", _words(error))]
    return results + [
        _result(name, check, space, sample) for name, check in ARCHITECTURE_CHECKS.items()
    ]


def _result(name: str, check: Callable[..., str], *arguments: object) -> SpaceCheck:
    try:
        return SpaceCheck(name, "ok", check(*arguments))
    except CannotCheckError as reason:
        return SpaceCheck(name, "skipped", str(reason))
    except Exception as error:  # whatever a user's code raises is a finding, and the others go on
        return SpaceCheck(name, "problem", _words(error))


def _words(error: Exception) -> str:
    if isinstance(error, ArchcostError):
        return str(error)
    return f"it raised {type(error).__name__}: {error}"
