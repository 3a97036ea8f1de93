"""The interface between the simulating loop and whatever computes the cost of an accelerator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter

from archcost.errors import ArchcostError
from archcost.plugins import Plugin
from archcost.simulating.accelerator import Accelerator
from archcost.spaces.space import Ops, SearchSpace

AFFORDABLE_SIZE = 20_000
"""Spaces with at most this many architectures are simulated as a whole."""

SAMPLE_SIZE = 5_000
"""Architectures to simulate of a larger space."""


class NotCompilableError(ArchcostError):
    """The accelerator cannot run this; its tables say ``did_not_compile``."""


class Simulator(Plugin, ABC):
    """Something that computes costs.

    One that ships is one file and an entry in ``SIMULATORS``; a user's comes from a file, an entry
    point, or ``archcost.simulating.register``. A network is a bag of parts: the loop simulates
    each distinct part once and adds up. A simulator of layers has a part for each distinct shape;
    one of whole networks has one part a network. Objects are stateless and travel to worker
    processes.

    Attributes
    ----------
    name : str
        What ``simulator = ...`` in a description file says.
    metrics : tuple of str
        What it computes: ``"latency"``, ``"energy"`` or both.
    """

    name: str
    metrics: tuple[str, ...]

    @abstractmethod
    def version(self) -> str:
        """Return the version of the underlying library.

        Raises
        ------
        MissingDataError
            If the library is not installed; the message says how to get it.
        """

    @abstractmethod
    def check(self, accelerator: Accelerator) -> None:
        """Check the settings of a description, before any work.

        Raises
        ------
        ArchcostError
            If a key is unknown or missing, or a value breaks a rule.
        """

    @abstractmethod
    def parts(self, space: SearchSpace, ops: Ops, dataset: str) -> Counter[str]:
        """Return the parts that are simulated separately, and how often the network has each.

        Parameters
        ----------
        space : SearchSpace
            The space of the architecture.
        ops : numpy.ndarray of int, shape (n_positions,)
            The architecture.
        dataset : str
            Fixes the input size.

        Returns
        -------
        Counter of str
            Keys of the parts, each one line of text that `simulate` understands by itself; they
            are kept in a file, so equal parts of other spaces share a cost.

        Examples
        --------
        >>> from archcost.simulating import get_simulator, load_accelerator
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> zigzag = get_simulator(load_accelerator("eyeriss_like"))
        >>> parts = zigzag.parts(space, space.parse([3] * 6), "cifar10")
        >>> len(parts), sum(parts.values())
        (15, 148)
        """

    @abstractmethod
    def simulate(self, part: str, accelerator: Accelerator) -> dict[str, float]:
        """Return the cost of one part for each of the metrics.

        Parameters
        ----------
        part : str
            A key that `parts` gave.
        accelerator : Accelerator
            What it is simulated on.

        Returns
        -------
        dict of str to float
            Latency in ms and energy in mJ, whichever `metrics` names.

        Raises
        ------
        NotCompilableError
            If the accelerator cannot run it. Any other exception is recorded as a failure.

        Examples
        --------
        >>> class Slow(Simulator):
        ...     '''A second for each part.'''
        ...     def simulate(self, part, accelerator):
        ...         return {"latency": 1000.0}
        >>> Slow.simulate(None, "a part", None)
        {'latency': 1000.0}
        """

    def default_count(self, space: SearchSpace) -> int:
        """Return how many networks of a space to simulate where the user does not say."""
        return space.n_archs if space.n_archs <= AFFORDABLE_SIZE else SAMPLE_SIZE
