"""The interface between the measuring loop and whatever runs a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from archcost.datasets.space import Ops, SearchSpace

Inference = Callable[[], float]
"""Runs a loaded network once, batch size 1, and returns how long that took in ms."""


class Runtime(ABC):
    """Something that runs networks on this machine; a new one is one file and an entry below.

    A failure to load or to run is an exception; the measuring loop records it as a status.
    """

    name: ClassVar[str]
    precision: ClassVar[str]

    @abstractmethod
    def version(self) -> str:
        """Return the version of the underlying library.

        Raises
        ------
        MissingDataError
            If the library is not installed; the message says how to get it.
        """

    @abstractmethod
    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Build the network of an architecture and make it ready to run.

        Parameters
        ----------
        space : SearchSpace
            The space of the architecture.
        ops : numpy.ndarray of int8, shape (n_positions,)
            The architecture.
        dataset : str
            Fixes the input size.
        threads : int
            How many threads one inference may use.

        Returns
        -------
        callable
            Runs the network once and returns the latency in ms.
        """
