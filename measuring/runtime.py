"""The interface between the measuring loop and whatever runs a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from archcost.plugins import Plugin
from archcost.spaces.space import Ops, SearchSpace

Inference = Callable[[], float]
"""Runs a loaded network once and returns how long that took in ms; the whole batch."""


class Runtime(Plugin, ABC):
    """Something that runs networks.

    One that ships is one file and an entry in ``RUNTIMES``; a user's comes from a file, an entry
    point, or ``archcost.measuring.register``. A failure to load or to run is an exception, which
    the measuring loop records as a status. Objects travel to the process that measures.

    Attributes
    ----------
    name : str
        What ``--runtime`` takes.
    precision : str
        Of weights and activations: ``"fp32"`` or ``"int8"``.
    batch_size : int
        Images a run.
    repeats_itself : bool
        Whether one call already warms up and repeats, as a benchmark program does; the measuring
        loop then calls it once a round and times no reference network.
    in_process : bool
        Whether an inference runs in this process alone and computes with the threads asked for, so
        that the CPU time of the process is what it costs, whatever else the machine does.
    """

    name: str
    precision: str
    batch_size: int = 1
    repeats_itself: bool = False
    in_process: bool = False

    @property
    def device(self) -> str:
        """The device id of a table where the user names none."""
        return f"cpu_{self.name}"

    def describe(self) -> dict[str, str]:
        """Return facts about the hardware for the provenance, beside those of the CPU."""
        return {}

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
        ops : numpy.ndarray of int, shape (n_positions,)
            The architecture.
        dataset : str
            Fixes the input size.
        threads : int
            How many threads one inference may use.

        Returns
        -------
        callable
            Runs the network once and returns the latency in ms.

        Examples
        --------
        >>> from archcost.measuring import get_runtime
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> run = get_runtime("torch").load(space, space.parse([0] * 6), "cifar10", threads=1)
        >>> run() > 0  # ms
        True
        """
