"""The space of all networks: its members are graphs, known by their digests."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from archcost.errors import ArchcostError, ArchitectureError, check_number, shown
from archcost.networks.graph import Graph
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.reading.read_network import is_reference, read_network
from archcost.spaces.dataset import Dataset
from archcost.spaces.known_networks import DIGEST, KNOWN, batch_size_of
from archcost.spaces.plain_forms import is_integer
from archcost.spaces.space import Ops, SearchSpace

N_PROBES = 120
"""Probes that are measured by default, beside the telling networks of the zoo."""

BATCH = re.compile(r"(.+)#([1-9]\d*)")
"""A reference and, after a ``#``, the images at a time."""


class AnyNetwork(SearchSpace):
    """All networks: torch modules, model files, models of libraries, graphs.

    An architecture of this space is a network, and its string is the digest of its graph. Every
    form is accepted that ``read_network`` reads without an example, a digest whose graph is known,
    and a graph; ``#8`` after a reference such as ``timm:resnet18#8`` reads it for 8 images at a
    time. Op ids are one number a network, which holds within the process alone.

    Examples
    --------
    >>> space = AnyNetwork()
    >>> ops = space.parse("resnet18@160")
    >>> space.graph(ops), space.names([ops])
    (<Graph of 70 nodes: 1x3x160x160 -> 1x1000>, ['resnet18@160'])
    """

    name = "any"
    slots: Mapping[str, Sequence[str]] = {"network": ()}
    datasets = (Dataset("as_given", (3, 224, 224), 1000),)
    is_open = True

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Raise an error: networks of this space are not described but given."""
        self._refuse()

    @property
    def dtype(self) -> type[np.signedinteger[Any]]:
        """The integer type of the networks' numbers."""
        return np.int32

    @property
    def size(self) -> int:
        """As many as one likes."""
        return sys.maxsize

    def parse(self, arch: object, dataset: str | Dataset | None = None) -> Ops:
        """Return the number of a network, shape ``(1,)``.

        Parameters
        ----------
        arch : Graph, str, Path, torch.nn.Module or array of int, shape (1,)
            The network, a reference to it, its digest, or its number.
        dataset : str, optional
            Of no meaning: a network has its input's shape.

        Raises
        ------
        ArchitectureError
            If it is no network, or cannot be read.
        """
        if isinstance(arch, Graph):
            return _ops(KNOWN.add(arch))
        if isinstance(arch, str | Path):
            text = str(arch).strip()
            return _ops(KNOWN.number(text) if DIGEST.fullmatch(text) else _number(text))
        if isinstance(arch, np.ndarray | list | tuple) or is_integer(arch):
            return self._checked(arch)
        return _ops(KNOWN.add(_read(arch)))

    def parse_many(self, archs: object, dataset: str | Dataset | None = None) -> Ops:
        """Return the numbers of several networks, shape ``(n_networks, 1)``."""
        if self.is_single(archs) or isinstance(archs, Mapping):
            raise ArchitectureError(
                f"networks must be a sequence of networks, but got the single {shown(archs)}; wrap "
                "it in a list"
            )
        rows = []
        for place, arch in enumerate(archs):  # type: ignore[var-annotated, arg-type]
            try:
                rows.append(self.parse(arch))
            except ArchitectureError as error:
                raise ArchitectureError(f"network {place}: {error}") from None
        return np.array(rows, dtype=self.dtype).reshape(len(rows), 1)

    def networks(self, archs: Any, dataset: str | Dataset | None = None) -> list[Graph]:
        """Return the graphs of several networks; torch modules are not kept for later."""
        if isinstance(archs, Mapping | Set) or (isinstance(archs, np.ndarray) and archs.ndim == 0):
            raise ArchitectureError(
                "networks must be a list of networks, or a single one, but got "
                f"{type(archs).__name__} {shown(archs)}"
            )
        return [
            arch
            if isinstance(arch, Graph)
            else self.graph(arch)
            if isinstance(arch, str | Path | np.ndarray | list | tuple)
            else _read(arch)
            for arch in archs
        ]

    def is_single(self, archs: object) -> bool:
        """Tell whether `archs` is one network rather than a sequence of them."""
        if isinstance(archs, np.ndarray):
            return archs.ndim == 1 and archs.dtype.kind in "iu"
        if isinstance(archs, str) or is_integer(archs) or is_network(archs):
            return True
        return not hasattr(archs, "__iter__")

    def format(self, arch: object) -> str:
        """Return the digest of a network."""
        return KNOWN[int(self.parse(arch)[0])].digest

    def format_many(self, archs: object, dataset: str | Dataset | None = None) -> list[str]:
        """Return the digests of several networks."""
        return [KNOWN[number].digest for number in self.parse_many(archs)[:, 0].tolist()]

    def names(self, archs: object) -> list[str]:
        """Return what networks were read from; the digest where that is not known."""
        known = [KNOWN[number] for number in self.parse_many(archs)[:, 0].tolist()]
        return [network.name or network.digest for network in known]

    def families(self, archs: object) -> list[str]:
        """Return the first word of each network's name; a probe and what has none by itself."""
        return [family_of(name) for name in self.names(archs)]

    def definitions(self, archs: object) -> dict[str, str]:
        """Return names and graphs by digest, as text that ``define`` reads."""
        numbers = np.unique(self.parse_many(archs)[:, 0]).tolist()
        found = {}
        for number in numbers:
            network = KNOWN[number]
            graph = network.graph
            text = graph if isinstance(graph, str) else graph.to_json()
            found[network.digest] = f"{json.dumps(network.name)}\n{text}"
        return found

    def define(self, definitions: Mapping[str, str]) -> None:
        """Make networks known that ``definitions`` gave."""
        for digest, text in definitions.items():
            name, _, graph = text.partition("\n")
            KNOWN.add_text(digest, _name_in(name), graph)

    def graph(
        self, arch: object, dataset: str | Dataset | None = None, *, batch_size: int = 1
    ) -> Graph:
        """Return the graph of a network; the batch size is in its shapes.

        Raises
        ------
        ArchitectureError
            If a batch size other than 1 is asked for that is not the network's.
        """
        graph = KNOWN.graph(int(self.parse(arch)[0]))
        own = batch_size_of(graph)
        if batch_size not in (1, own):
            raise ArchitectureError(
                f"a network must be given with the batch size in its shapes, but this one, of {own}"
                f", is asked for at {batch_size}; give it as NAME#{batch_size}"
            )
        return graph

    def batch_sizes(self, archs: object) -> list[int]:
        """Return the images at a time of each network."""
        return [KNOWN.batch_size(number) for number in self.parse_many(archs)[:, 0].tolist()]

    def sample(self, n: int, *, seed: int = 0) -> Ops:
        """Return the first `n` probes of a seed: random small networks, the same on all devices."""
        check_number("n", n, whole=True)
        check_number("seed", seed, whole=True)
        if n < 0 or seed < 0:
            raise ArchitectureError(f"n and seed must be 0 or more, but got {n} and {seed}")
        return self.parse_many([f"probe_{seed}_{number:03}" for number in range(n)])

    def usual(self, seed: int = 0) -> tuple[Ops, str]:
        """Return probes and published networks, and in words how they were chosen."""
        from archcost.zoo import TELLING

        archs = np.concatenate([self.sample(N_PROBES, seed=seed), self.parse_many(list(TELLING))])
        return archs, f"{N_PROBES} probes of seed {seed} and {len(TELLING)} networks of the zoo"

    def with_batch_size(self, archs: object, batch_size: int) -> Ops:
        """Return the same networks for another number of images at a time, read again by name.

        Parameters
        ----------
        archs : sequence of networks
            In any accepted form.
        batch_size : int
            Images at a time.

        Returns
        -------
        numpy.ndarray of int, shape (n_archs, 1)
            Their numbers in this process.

        Examples
        --------
        >>> space = AnyNetwork()
        >>> space.names(space.with_batch_size(["resnet18"], 8))
        ['resnet18#8']
        """
        numbers = []
        for name in self.names(archs):
            base = (BATCH.fullmatch(name) or (name, name))[1]
            numbers.append(_number(f"{base}#{batch_size}"))
        return np.array(numbers, dtype=self.dtype)[:, None]

    def draw(self, n: int, rng: np.random.Generator) -> Ops:
        """Raise an error: there is nothing to choose from."""
        self._refuse()

    def neighbours(self, arch: object) -> Ops:
        """Raise an error: networks have no neighbours."""
        self._refuse()

    def index(self, arch: object) -> int:
        """Raise an error: networks have no index."""
        self._refuse()

    def from_index(self, index: int) -> Ops:
        """Raise an error: networks have no index."""
        self._refuse()

    def _checked(self, arch: object) -> Ops:
        numbers = np.atleast_1d(np.asarray(arch))
        if numbers.shape != (1,) or numbers.dtype.kind not in "iu" or not (
            0 <= numbers[0] < len(KNOWN)
        ):  # fmt: skip
            raise ArchitectureError(
                "a network must be a graph, a torch module with an example, a path to an .onnx "
                f"file or a reference such as 'timm:resnet18', but got {shown(arch)}"
            )
        return numbers.astype(self.dtype)

    def _refuse(self) -> NoReturn:
        raise ArchitectureError(
            "a space to choose architectures from must have positions, but 'any' is the space of "
            "all networks, which has none; give networks, or another space"
        )


def is_network(given: object) -> bool:
    """Tell whether something is a network, or a reference to one, rather than op ids or a string.

    Examples
    --------
    >>> is_network("timm:resnet18"), is_network(Path("net.onnx")), is_network([3, 0, 1, 0, 0, 2])
    (True, True, False)
    """
    if isinstance(given, str):
        return is_reference((BATCH.fullmatch(given) or (given, given))[1])
    if isinstance(given, Graph | Path):
        return True
    torch = sys.modules.get("torch")  # whoever has a module has imported it
    return torch is not None and (
        isinstance(given, torch.nn.Module) or type(given).__name__ == "ExportedProgram"
    )


def read_networks(
    networks: Any, *, example: Any = None, shape: Sequence[int] | None = None,
    batch_size: int | None = None,
) -> Graph | list[Graph]:  # fmt: skip
    """Return the graph of a network, or the graphs of several in a list or tuple.

    Parameters and errors are those of ``archcost.reading.read_network``.
    """
    options = {"example": example, "shape": shape, "batch_size": batch_size}
    if isinstance(networks, list | tuple):
        return [_read(network, **options) for network in networks]
    return _read(networks, **options)


def family_of(name: str) -> str:
    """Return the first word of a network's name, by which relatives are held out together.

    Examples
    --------
    >>> [family_of(name) for name in ("timm:regnety_002@224", "resnet18#8", "models/mine.onnx")]
    ['regnety', 'resnet', 'mine']
    """
    if name.startswith("probe_") or DIGEST.fullmatch(name):
        return name
    if "::" in name:
        return "::".join(name.split("::")[:2])
    word = re.split(r"[@#]", name.rpartition(":")[2])[0]
    word = Path(word).stem if word.lower().endswith(".onnx") else word
    return re.split(r"[\d_.-]", word.lower())[0] or word


def _ops(number: int) -> Ops:
    return np.array([number], dtype=np.int32)


def _read(network: Any, **options: Any) -> Graph:
    """Return the graph of what is given, with errors as of other malformed architectures."""
    if isinstance(network, str) and (found := BATCH.fullmatch(network)):
        own, asked = int(found[2]), options.get("batch_size")
        if asked not in (None, own):
            raise ArchitectureError(
                f"{network!r} has the batch size {own} in its name and cannot be read at "
                f"{shown(asked)}; give one of them"
            )
        network, options["batch_size"] = found[1], own
    try:
        return read_network(network, **options)
    except ArchcostError as error:
        if type(error) is ArchcostError:
            raise ArchitectureError(str(error)) from error
        raise


def _number(reference: str) -> int:
    if reference.partition("#")[0].lower().endswith(".onnx"):
        return _read_number(reference)  # the file may have changed
    return _remembered_number(reference)


def _read_number(reference: str) -> int:
    return KNOWN.add(_read(reference), reference)


_remembered_number = lru_cache(maxsize=4096)(_read_number)


def _name_in(text: str) -> str:
    try:
        name = json.loads(text)
    except (ValueError, RecursionError):
        name = None
    return name if isinstance(name, str) else ""
