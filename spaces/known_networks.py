"""The networks that this process has met, each by a number."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from archcost.errors import ArchitectureError, IntegrityError
from archcost.networks.graph import Graph

DIGEST = re.compile(r"[0-9a-f]{64}")
FIRST_INPUT = re.compile(
    r"""^\{"fields":\["op","inputs","shape",[^\]]*\],"nodes":\[\["input",\[\],\[(\d+)"""
)
"""The beginning of a graph's JSON as ``Graph.to_json`` writes it; its number is the batch size."""


@dataclass(slots=True)
class KnownNetwork:
    """A network by the digest of its graph.

    Parameters
    ----------
    digest : str
        Of its graph.
    name : str
        What it was read from, such as ``"timm:resnet18"``; empty if that is not known.
    graph : Graph or str
        The graph, or its JSON, which is read when it is first asked for.
    """

    digest: str
    name: str
    graph: Graph | str


class KnownNetworks:
    """Networks by number and by digest; safe to share between threads.

    A number holds within the process alone: what is kept or sent elsewhere is the digest, with the
    graph beside it. Networks are never forgotten, because tables refer to them by number.
    """

    def __init__(self) -> None:
        self._networks: list[KnownNetwork] = []
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._networks)

    def add(self, graph: Graph, name: str = "") -> int:
        """Return the number of a graph; its name is the one that was given last."""
        number = self._added(KnownNetwork(graph.digest, name, graph))
        if name:  # several names can be of one graph, and this one can be read again
            self._networks[number].name = name
        return number

    def add_text(self, digest: str, name: str, text: str) -> int:
        """Return the number of a graph that is given as JSON; it is checked when it is read."""
        if not DIGEST.fullmatch(digest):
            raise IntegrityError(
                f"a digest must be 64 hexadecimal digits, but got {digest[:80]!r}; get the file "
                "of these networks again"
            )
        return self._added(KnownNetwork(digest, name, text))

    def number(self, digest: str) -> int:
        """Return the number of a digest.

        Raises
        ------
        ArchitectureError
            If no graph of that digest is known.
        """
        if digest not in self._numbers:
            raise ArchitectureError(
                f"the digest of a network must come with its graph, but that of {digest} is not "
                "known; read the table or folder that holds it, or give the network itself"
            )
        return self._numbers[digest]

    def __getitem__(self, number: int) -> KnownNetwork:
        return self._networks[number]

    def graph(self, number: int) -> Graph:
        """Return the graph of a number.

        Raises
        ------
        IntegrityError
            If its JSON is damaged or is that of another graph.
        """
        network = self._networks[number]
        if isinstance(network.graph, str):
            graph = Graph.from_json(network.graph)
            if graph.digest != network.digest:
                raise IntegrityError(
                    f"the graph of {network.name or 'a network'} must have the digest "
                    f"{network.digest}, but has {graph.digest}; get its file again"
                )
            network.graph = graph
        return network.graph

    def batch_size(self, number: int) -> int:
        """Return the images at a time of a number: the first axis of its first input."""
        network = self._networks[number]
        if isinstance(network.graph, str):  # thousands would take a minute to read
            found = FIRST_INPUT.search(network.graph)
            if found:
                return int(found[1])
        return batch_size_of(self.graph(number))

    def _added(self, network: KnownNetwork) -> int:
        with self._lock:
            number = self._numbers.setdefault(network.digest, len(self._networks))
            if number == len(self._networks):
                self._networks.append(network)
            elif not self._networks[number].name:
                self._networks[number].name = network.name
        return number


def batch_size_of(graph: Graph) -> int:
    """Return the images at a time of a network: the first axis of its first input."""
    shape = graph.input_shapes[0] if graph.input_shapes else ()
    return int(shape[0]) if shape else 1


KNOWN = KnownNetworks()
"""Those of this process."""
