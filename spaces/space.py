"""The contract of a search space: what every encoder, predictor and model builds on."""

from __future__ import annotations

import contextlib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import prod
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, ArchitectureError, check_name, check_number, shown
from archcost.networks.graph import Graph
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.networks.layers import Layer, Workload, graph_layers, workload
from archcost.notebook import card_html
from archcost.plugins import Plugin
from archcost.spaces.config_dicts import config_dataset
from archcost.spaces.dataset import USED, Dataset, dataset_of_id, spelled
from archcost.spaces.op_checks import Choices, Ops
from archcost.spaces.plain_forms import is_plain_ids, plain_form

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Ops", "SearchSpace"]

ENUMERABLE = 10**6
"""Spaces with at most this many combinations can be listed as a whole."""

MAX_REJECTED = 10_000
"""Invalid combinations in a row, for each architecture wanted, after which sampling gives up."""


class SearchSpace(Plugin, ABC):
    """A finite set of architectures: at each position, one of the ops allowed there.

    A new space is one file that subclasses this. It says ``name``, ``slots`` and ``datasets``,
    how its string splits and joins (names joined by ``-`` unless it says otherwise), what its
    network is, and, where it applies, ``edges``, ``violation``, ``canonical`` and a published
    index. Everything else follows. A space is stateless and hashable.

    Attributes
    ----------
    name : str
        Its id, of the characters ``a-z``, ``0-9`` and ``_``.
    slots : mapping from str to sequence of str
        Position -> names of the ops allowed there, in the order of the op ids.
    datasets : tuple of Dataset
        What the networks are made for; the first is the default.
    edges : tuple of (int, int), or None
        Source and target node of each position, if the positions are the edges of an acyclic
        graph whose nodes sum what enters them; node 0 is the input, the last the output, and
        edges are sorted by target. None if the positions follow each other.
    canonical : callable, or None
        ``canonical(ops)`` returns, for op ids ``(n_archs, n_positions)``, the representative of
        each architecture's isomorphism class: op ids that all architectures share which describe
        the same network.
    has_index : bool
        Whether the order of the architectures is published, so that an int names one.
    is_open : bool
        Whether architectures are any networks, told apart by their graphs alone, so that there is
        nothing to choose at positions.
    starts_with : tuple of str
        What the strings begin with, for a space whose ``split`` is its own: beginnings that tell
        its strings from those of other spaces without splitting them.
    """

    name: ClassVar[str]
    slots: Mapping[str, Sequence[str]]
    datasets: tuple[Dataset, ...]
    edges: tuple[tuple[int, int], ...] | None = None
    canonical: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None = None
    has_index: bool = False
    is_open: ClassVar[bool] = False
    starts_with: tuple[str, ...] = ()

    # What a space must say -------------------------------------------------------------------

    @abstractmethod
    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write the network of an architecture, op by op, and return its result.

        Layers, work, torch module, files and DAGs all follow from what is written here.

        Parameters
        ----------
        ops : numpy.ndarray of int, shape (n_positions,)
            A valid architecture; ``op_names`` has the names of its ops.
        dataset : Dataset
            Fixes classes and, unless the architecture chooses it, the resolution.
        builder : GraphBuilder
            An empty one. ``builder.at(position, stage=...)`` says what implements a position;
            what is outside of it is always there, such as stem and head.

        Returns
        -------
        Value
            The result of the last op.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space, builder = NASBench201(), GraphBuilder()
        >>> result = space.describe(space.parse(1462), space.dataset(), builder)
        >>> builder.graph(result)
        <Graph of 341 nodes: 1x3x32x32 -> 1x10>
        """

    # What a space may say --------------------------------------------------------------------

    def split(self, text: str) -> Sequence[str]:
        """Split the string form into op names, one a position."""
        return text.split("-")

    def join(self, names: Sequence[str]) -> str:
        """Join op names, one a position, to the string form; the inverse of ``split``."""
        return "-".join(names)

    def violation(self, ops: Ops) -> str | None:
        """Return the rule that a combination of allowed ops breaks, or None if it is valid.

        The text completes the sentence "an architecture of ... must ..." and names the remedy,
        such as ``"have no block after an absent one, but layer3 follows the absent layer2"``.
        """
        return None

    def from_config(self, config: Mapping[str, Any]) -> object:
        """Return the architecture, in any other form, that a dict of another tool names.

        Raises
        ------
        ArchitectureError
            If the space has no such form, or the dict is malformed.
        """
        raise ArchitectureError(
            f"{self.name} takes no dicts, but got one with the keys {shown(list(config))}"
        )

    def hint(self, given: object) -> str:
        """Return how to read a form that another tool writes, to end an error; else ``""``."""
        return ""

    # What follows from it --------------------------------------------------------------------

    @cached_property
    def positions(self) -> tuple[str, ...]:
        """Names of the positions."""
        return tuple(self.slots)

    @cached_property
    def op_names(self) -> tuple[str, ...]:
        """Names of all ops, whatever their positions; the place of a name is its op id."""
        return tuple(dict.fromkeys(name for names in self.slots.values() for name in names))

    @cached_property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which op may stand where, shape ``(n_positions, n_ops)``, read-only."""
        allowed = np.zeros((self.n_positions, self.n_ops), dtype=bool)
        for place, names in enumerate(self.slots.values()):
            allowed[place, [self.op_names.index(name) for name in names]] = True
        allowed.setflags(write=False)
        return allowed

    @cached_property
    def choices(self) -> tuple[npt.NDArray[np.integer[Any]], ...]:
        """Ids of the ops allowed at each position, in the order of ``slots``."""
        ids = {name: op for op, name in enumerate(self.op_names)}
        return tuple(
            np.array([ids[name] for name in names], dtype=self._choices.dtype)
            for names in self.slots.values()
        )

    @cached_property
    def _choices(self) -> Choices:
        return Choices(self.name, self.positions, self.op_names, self.allowed)

    @property
    def n_positions(self) -> int:
        """Number of positions of an architecture."""
        return len(self.positions)

    @property
    def n_ops(self) -> int:
        """Number of all ops; not all need be allowed at every position."""
        return len(self.op_names)

    @property
    def dtype(self) -> type[np.signedinteger[Any]]:
        """The integer type of op ids."""
        return self._choices.dtype

    @cached_property
    def size(self) -> int:
        """Number of combinations of allowed ops, valid or not."""
        return prod(len(names) for names in self.slots.values())

    @property
    def has_rules(self) -> bool:
        """Whether there are combinations of allowed ops that are not valid."""
        return type(self).violation is not SearchSpace.violation

    @property
    def is_enumerable(self) -> bool:
        """Whether ``all_ops`` can list the space."""
        return self.size <= ENUMERABLE

    @property
    def n_archs(self) -> int:
        """Number of architectures; of a space that cannot be listed, of all its combinations."""
        return len(self.all_ops) if self.is_enumerable else self.size

    @cached_property
    def all_ops(self) -> Ops:
        """All architectures in the order of their index, shape ``(n_archs, n_positions)``.

        Read-only. Only for spaces with ``is_enumerable``.
        """
        if not self.is_enumerable:
            raise ArchitectureError(
                f"{self.name} must have at most {ENUMERABLE} combinations to be listed, but it has "
                f"{self.size}; draw a sample"
            )
        rows = self._digits(np.arange(self.size))
        rows = rows[self.valid(rows)]
        rows.setflags(write=False)
        return rows

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the positions and their ops, which models remember."""
        text = repr([(position, list(names)) for position, names in self.slots.items()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def dataset_names(self) -> tuple[str, ...]:
        """Names of the datasets."""
        return tuple(dataset.name for dataset in self.datasets)

    @property
    def default_dataset(self) -> str:
        """Name of the dataset that is meant where none is said."""
        return self.datasets[0].name

    def dataset(self, name: str | Dataset | None = None) -> Dataset:
        """Return a dataset by its name, as ``check_dataset`` takes it."""
        checked = self.check_dataset(name)
        if checked in self.dataset_names:
            return self.datasets[self.dataset_names.index(checked)]
        known = dataset_of_id(checked)
        assert known is not None, "check_dataset returns names and ids"
        return known

    def check_dataset(self, dataset: str | Dataset | None) -> str:
        """Return the name of a dataset: the space's default for None, of a user's own its id.

        Parameters
        ----------
        dataset : str, Dataset or None
            A name of one that the space declares, whose upper and lower case and ``-`` or ``_``
            do not matter; a ``Dataset`` of the user's; its id; or its name alone once it was
            given, or a table or model of it was read.

        Raises
        ------
        UnknownNameError
            If the space has no such dataset.
        ArchcostError
            If the networks of the space cannot be made for inputs of its shape.
        """
        if dataset is None:
            return self.default_dataset
        if isinstance(dataset, str):
            name = spelled(dataset)
            for known in self.dataset_names:
                if name == spelled(known):
                    return known
            own = dataset_of_id(name) or dataset_of_id(USED.get(name, ""))
        elif isinstance(dataset, Dataset):
            if dataset in self.datasets:
                return dataset.name
            own = dataset_of_id(dataset.id)
        else:
            own = None
        if own is None:
            found = [*self.dataset_names, *filter(None, USED.values())]
            check_name(f"dataset of {self.name}", dataset, found)
            raise AssertionError("a name that is known was found before")
        if (broken := self.input_violation(own.input_shape)) is not None:
            raise ArchcostError(
                f"an input of {self.name} must {broken}, but that of {own.name} is "
                f"{'x'.join(map(str, own.input_shape))}"
            )
        return own.name

    def input_violation(self, input_shape: tuple[int, int, int]) -> str | None:
        """Return the rule that channels, height and width of an input break, or None.

        The text completes the sentence "an input of ... must ...". It is asked for datasets that
        the space does not declare.
        """
        return None

    def input_shape(self, dataset: str | Dataset | None = None) -> tuple[int, int, int]:
        """Return channels, height and width of a dataset's inputs."""
        return self.dataset(dataset).input_shape

    def valid(self, ops: Ops) -> npt.NDArray[np.bool_]:
        """Tell which combinations of allowed ops are valid.

        Parameters
        ----------
        ops : array of int, shape (n_archs, n_positions)
            Op ids, each allowed at its position.

        Returns
        -------
        numpy.ndarray of bool, shape (n_archs,)
            True where ``violation`` has nothing to say.
        """
        if not self.has_rules:
            return np.ones(len(ops), dtype=bool)
        return np.fromiter((self.violation(row) is None for row in ops), bool, count=len(ops))

    def dataset_of(self, archs: object, dataset: str | Dataset | None = None) -> str:
        """Return the dataset that is meant: what a config dict names, `dataset`, or the default.

        Parameters
        ----------
        archs : architecture or sequence of architectures
            Any accepted form; only config dicts name a dataset.
        dataset : str or Dataset, optional
            What was asked for beside them.

        Returns
        -------
        str
            Its name.

        Raises
        ------
        ArchitectureError
            If a config names another dataset than `dataset` or than another config does.
        UnknownNameError
            If the space has no such dataset.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.dataset_of(1462), space.dataset_of(1462, "CIFAR100")
        ('cifar10', 'cifar100')
        """
        asked = None if dataset is None else self.check_dataset(dataset)
        for config in _configs(archs):
            named = config_dataset(self, config, asked)
            if asked is not None and named not in (None, asked):
                raise ArchitectureError(
                    f"a config of {self.name} must be of the dataset that is asked for, {asked}, "
                    f"but {shown(config)} is of {named}; ask for each dataset by itself"
                )
            asked = named or asked
        return asked or self.default_dataset

    def parse(self, arch: object, dataset: str | Dataset | None = None) -> Ops:
        """Return the canonical form of one architecture.

        Parameters
        ----------
        arch : array of int, str, sequence of op names or ids, int, or mapping
            Any accepted form: the op ids, whatever holds them; the space's string; a list of op
            names or ids; an index; a config dict of another tool, where the space knows one.
        dataset : str or Dataset, optional
            The dataset that a config dict must not contradict.

        Returns
        -------
        numpy.ndarray of int, shape (n_positions,)
            The op ids.

        Raises
        ------
        ArchitectureError
            If the form is malformed, an op is not allowed at its position, or the combination
            is not valid.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.parse(1462).tolist()
        [3, 3, 3, 3, 3, 3]
        >>> space.parse(["none"] * 6).tolist()
        [0, 0, 0, 0, 0, 0]
        """
        try:
            return self._parsed(arch, dataset)
        except ArchitectureError as error:
            if hint := self.hint(arch):
                raise ArchitectureError(f"{error}; {hint}") from None
            raise

    def _parsed(self, arch: object, dataset: str | Dataset | None) -> Ops:
        form = plain_form(arch)
        if isinstance(form, Mapping):
            form = plain_form(self.from_config(form))
            if isinstance(form, (Mapping, int)):
                raise ArchitectureError(
                    f"a config of {self.name} must hold an architecture as a string or a list of "
                    f"ops, but got {shown(form)} in {shown(arch)}"
                )
            self.dataset_of(arch, dataset)
        if isinstance(form, int):
            ops = self.from_index(form)
        elif isinstance(form, str):
            ops = self._choices.from_names(self.split(form.strip()), arch)
        elif isinstance(form, np.ndarray):
            ops = self._choices.check(form[None], arch)[0]
        elif len(form) and all(isinstance(op, str) for op in form):
            ops = self._choices.from_names([str(op) for op in form], arch)
        else:
            ops = self._choices.from_ids(form, arch)
        self._check_rules(ops, arch)
        return ops

    def parse_many(self, archs: object, dataset: str | Dataset | None = None) -> Ops:
        """Return the canonical form of several architectures.

        Parameters
        ----------
        archs : array (n_archs, n_positions) of int, or sequence of architectures
            An array of op ids is checked as a whole; any other sequence is parsed one by one.
        dataset : str or Dataset, optional
            The dataset that config dicts must not contradict.

        Returns
        -------
        numpy.ndarray of int, shape (n_archs, n_positions)
            The op ids.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed or invalid; the message gives its place in the
            sequence.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.parse_many([[3] * 6, ["none"] * 6]).tolist()
        [[3, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0]]
        """
        form = plain_form(archs)
        if is_plain_ids(form):
            with contextlib.suppress(ValueError):  # ragged: the loop below names the place
                form = np.array(form)
        if isinstance(form, np.ndarray) and form.ndim == 2 and form.dtype.kind in "iu":
            ops = self._choices.check(form, archs)
            wrong = np.flatnonzero(~self.valid(ops))
            if len(wrong):
                self._check_rules(ops[wrong[0]], f"architecture {wrong[0]}")
            return ops
        if self.is_single(form):
            raise ArchitectureError(
                f"architectures must be a sequence of architectures of {self.name}, but got the "
                f"single architecture {shown(archs)}; wrap it in a list"
            )
        rows = []
        for place, arch in enumerate(form):
            try:
                rows.append(self.parse(arch, dataset))
            except ArchitectureError as error:
                hint = self.hint(archs)
                raise ArchitectureError(
                    f"architecture {place}: {error}{hint and f'; {hint}'}"
                ) from None
        return np.array(rows, dtype=self.dtype).reshape(len(rows), self.n_positions)

    def is_single(self, archs: object) -> bool:
        """Tell whether `archs` is one architecture rather than a sequence of them.

        A flat sequence of ints, or of op names, is one architecture; never a list of indices.

        Raises
        ------
        ArchitectureError
            If it is neither, such as a set or a table.
        """
        form = plain_form(archs)
        if isinstance(form, (str, Mapping, int)):
            return True
        if len(form) == 0:
            return False
        if isinstance(form, np.ndarray):
            return form.ndim == 1
        first = form[0]
        return first in self.op_names if isinstance(first, str) else not hasattr(first, "__len__")

    def format(self, arch: object) -> str:
        """Return the space's string form of one architecture in any accepted form."""
        return self.join([self.op_names[op] for op in self.parse(arch)])

    def format_many(self, archs: object, dataset: str | Dataset | None = None) -> list[str]:
        """Return the string forms of several architectures.

        Parameters
        ----------
        archs : array (n_archs, n_positions) of int, or sequence of architectures
            In any accepted form.
        dataset : str or Dataset, optional
            The dataset that config dicts must not contradict.

        Returns
        -------
        list of str
            The space's string of each.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed or invalid.

        Examples
        --------
        >>> from archcost.spaces import FBNet
        >>> FBNet().format_many([[0] * 22])[0][:12]
        'k3_e1-k3_e1-'
        """
        ops = self.parse_many(archs, dataset)
        return [self.join([self.op_names[op] for op in row]) for row in ops]

    def names(self, archs: object) -> list[str]:
        """Return what people call architectures: their strings, unless a space knows better."""
        return self.format_many(archs)

    def families(self, archs: object) -> list[str]:
        """Return which architectures are relatives, by a label each; here each is by itself."""
        return self.format_many(archs)

    def definitions(self, archs: object) -> dict[str, str]:
        """Return what must be kept beside the strings of architectures, by string.

        Nothing where the strings say everything.
        """
        return {}

    def define(self, definitions: Mapping[str, str]) -> None:
        """Make architectures known to this process that ``definitions`` gave in another."""
        if definitions:
            raise ArchitectureError(
                f"strings of {self.name} say everything, but got definitions of "
                f"{shown(list(definitions)[:3])}; get the file again"
            )

    def batch_sizes(self, archs: object) -> list[int] | None:
        """Return the images at a time of architectures that fix them; None where a runtime does."""
        return None

    def usual(self, seed: int = 0) -> tuple[Ops, str]:
        """Return what is measured where nobody says what, and in words how it was chosen.

        Only spaces of any networks know better than to draw.
        """
        raise ArchitectureError(
            f"architectures of {self.name} are drawn, so that their number must be given"
        )

    def with_batch_size(self, archs: object, batch_size: int) -> Ops:
        """Return the same networks for another number of images at a time, if they fix it.

        Parameters
        ----------
        archs : sequence of architectures
            In any accepted form.
        batch_size : int
            Images at a time.

        Returns
        -------
        numpy.ndarray of int, shape (n_archs, n_positions)
            The networks, in a space whose networks fix their batch size.

        Raises
        ------
        ArchitectureError
            In all other spaces, where the runtime fixes it.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> NASBench201().with_batch_size([1462], 8)  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        ...
        archcost.errors.ArchitectureError: the batch size must be that of a runtime
        """
        raise ArchitectureError(
            f"the batch size of {self.name} must be that of a runtime, but got {batch_size}; "
            "choose a runtime such as torch_cuda_64"
        )

    def from_index(self, index: int) -> Ops:
        """Return the architecture at `index`: choices read as digits, first position first."""
        index = self._check_index(index)
        return self._digits([index])[0]

    def index(self, arch: object) -> int:
        """Return the index of an architecture, the inverse of ``from_index``."""
        value = 0
        for op, ids in zip(self.parse(arch), self.choices, strict=True):
            value = value * len(ids) + int(np.flatnonzero(ids == op)[0])
        return value

    def indices(self, ops: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return the indices ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        return np.array([self.index(row) for row in ops], dtype=np.int64)

    def sample(self, n: int, *, seed: int = 0) -> Ops:
        """Draw `n` distinct valid architectures uniformly.

        Parameters
        ----------
        n : int
            How many; at most as many as there are.
        seed : int, default=0
            Fixes the draw.

        Returns
        -------
        numpy.ndarray of int, shape (n, n_positions)
            Distinct architectures in random order.

        Raises
        ------
        ArchitectureError
            If `n` or `seed` is negative, or `n` larger than the space.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.sample(100, seed=0).shape
        (100, 6)
        """
        check_number("n", n, whole=True)
        check_number("seed", seed, whole=True)
        if not 0 <= n <= self.n_archs:
            raise ArchitectureError(
                f"n must be between 0 and the {self.n_archs} architectures of {self.name}, but got "
                f"{n}"
            )
        if seed < 0:
            raise ArchitectureError(f"the seed must be 0 or more, but got {seed}")
        rng = np.random.default_rng(seed)
        if self.is_enumerable:
            return self.all_ops[rng.permutation(self.n_archs)[:n]]
        rows = np.empty((0, self.n_positions), dtype=self.dtype)
        rejected = 0
        while len(rows) < n:
            wanted = n - len(rows)
            more = self.draw(wanted, rng)
            rows = np.concatenate([rows, more[self.valid(more)]])
            _, first = np.unique(rows, axis=0, return_index=True)
            rows = rows[np.sort(first)]
            rejected = 0 if n - len(rows) < wanted else rejected + wanted
            if rejected > MAX_REJECTED:
                raise ArchitectureError(
                    f"n must be at most the valid architectures of {self.name}, of which {n} "
                    f"could not be found: after {len(rows)}, {rejected} random combinations "
                    "were invalid or known"
                )
        return rows

    def draw(self, n: int, rng: np.random.Generator) -> Ops:
        """Draw combinations of allowed ops uniformly, valid or not, with repetitions.

        Parameters
        ----------
        n : int
            How many.
        rng : numpy.random.Generator
            Where the randomness comes from.

        Returns
        -------
        numpy.ndarray of int, shape (n, n_positions)
            Op ids, each allowed at its position.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.draw(3, np.random.default_rng(0)).shape
        (3, 6)
        """
        if self.allowed.all():
            return rng.integers(self.n_ops, size=(n, self.n_positions), dtype=self.dtype)
        columns = [ids[rng.integers(len(ids), size=n)] for ids in self.choices]
        return np.stack(columns, axis=1)

    def neighbours(self, arch: object) -> Ops:
        """Return the valid architectures that differ from `arch` in exactly one position.

        Returns
        -------
        numpy.ndarray of int, shape (n_archs, n_positions)
            Ordered by position, then op id.
        """
        ops = self.parse(arch)
        rows = []
        for place, ids in enumerate(self.choices):
            others = np.sort(ids[ids != ops[place]])
            changed = np.repeat(ops[None], len(others), axis=0)
            changed[:, place] = others
            rows.append(changed)
        found = np.concatenate(rows)
        return found[self.valid(found)]

    def graph(
        self, arch: object, dataset: str | Dataset | None = None, *, batch_size: int = 1
    ) -> Graph:
        """Return the network of an architecture as a graph, nothing pruned.

        Parameters
        ----------
        arch : array of int, str, list, int or mapping
            An architecture in any accepted form.
        dataset : str or Dataset, optional
            Fixes input size and classes; for None what a config dict names, else the space's
            default.
        batch_size : int, default=1
            Images a run.

        Returns
        -------
        Graph
            All ops that the space describes, dead ones included.

        Raises
        ------
        ArchitectureError
            If the architecture is malformed or invalid.
        UnknownNameError
            If the space has no such dataset.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.graph(1462)
        <Graph of 341 nodes: 1x3x32x32 -> 1x10>
        """
        ops = self.parse(arch, dataset)
        names = [self.op_names[op] for op in ops]
        builder = GraphBuilder(batch_size, dict(zip(self.positions, names, strict=True)))
        meant = self.dataset(self.dataset_of(arch, dataset))
        return builder.graph(self.describe(ops, meant, builder))

    def networks(self, archs: Any, dataset: str | Dataset | None = None) -> list[Graph]:
        """Return the graphs of several architectures.

        Parameters
        ----------
        archs : sequence of architectures
            Each in any accepted form, or a graph.
        dataset : str or Dataset, optional
            Fixes the input size; the space's default by default.

        Returns
        -------
        list of Graph
            A graph is returned as it is.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> NASBench201().networks([1462])
        [<Graph of 341 nodes: 1x3x32x32 -> 1x10>]
        """
        return [arch if isinstance(arch, Graph) else self.graph(arch, dataset) for arch in archs]

    def layers(self, arch: object, dataset: str | Dataset | None = None) -> tuple[Layer, ...]:
        """Return the layers of the network of an architecture.

        Parameters
        ----------
        arch : architecture
            In any accepted form.
        dataset : str or Dataset, optional
            Fixes the input size and the classes; the space's default by default.

        Returns
        -------
        tuple of Layer
            In order of execution, nothing pruned.

        Raises
        ------
        ArchitectureError
            If the architecture is malformed or invalid.
        UnknownNameError
            If the space has no such dataset.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> stem = space.layers(1462)[0]
        >>> stem.kind, stem.c_out, stem.h_out
        ('conv', 16, 32)
        """
        return graph_layers(self.graph(arch, dataset))

    def network(self, arch: object, dataset: str | Dataset | None = None) -> nn.Module:
        """Build the network of an architecture as a torch module.

        Parameters
        ----------
        arch : architecture
            In any accepted form.
        dataset : str or Dataset, optional
            Fixes the input size and the classes; the space's default by default.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, with random weights.

        Raises
        ------
        ArchitectureError
            If the architecture is malformed or invalid.
        UnknownNameError
            If the space has no such dataset.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> import torch
        >>> space.network(1462)(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
        """
        from archcost.networks.torch_module import torch_module

        return torch_module(self.graph(arch, dataset))

    def workload(self, arch: object, dataset: str | Dataset | None = None) -> Workload:
        """Return the work of an architecture, without building its network.

        Parameters
        ----------
        arch : architecture
            In any accepted form.
        dataset : str or Dataset, optional
            Fixes the input size and the classes; the space's default by default.

        Returns
        -------
        Workload
            FLOPs, parameters and bytes of activations.

        Raises
        ------
        ArchitectureError
            If the architecture is malformed or invalid.
        UnknownNameError
            If the space has no such dataset.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> space = NASBench201()
        >>> space.workload(1462).params
        1531546
        """
        return workload(self.layers(arch, dataset))

    def __iter__(self) -> Iterator[Ops]:
        """Iterate over all architectures in index order."""
        if self.is_enumerable:
            return iter(self.all_ops)
        rows = (self._digits([index])[0] for index in range(self.size))
        return (row for row in rows if not self.has_rules or self.violation(row) is None)

    def __contains__(self, arch: object) -> bool:
        """Tell whether `arch` is an architecture of this space."""
        try:
            self.parse(arch)
        except ArchitectureError:
            return False
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _repr_html_(self) -> str:
        """Return what notebooks show: the size of the space, and what can be chosen where."""
        rows = [(name, ", ".join(map(str, ops))) for name, ops in self.slots.items()]
        rules = "; not every combination is valid" if self.has_rules else ""
        shapes = [f"{data.name} {data.input_shape}" for data in self.datasets]
        return card_html(
            f"{type(self).__name__}: {self.name}",
            {
                "combinations": f"{self.size:.3g}{rules}"
                if self.size > ENUMERABLE
                else f"{self.size:,}{rules}",
                "datasets": ", ".join(shapes),
                "an architecture": self.format(self.sample(1)[0]),
            },
            ("position", "may be"),
            rows,
        )

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, SearchSpace) or type(self) is not type(other):
            return False  # another class, even of the same slots, may describe other networks
        same = self.name == other.name and self.fingerprint == other.fingerprint
        try:
            return same and self._own_state() == other._own_state()
        except ValueError:  # arrays, which say element by element what is equal
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def _own_state(self) -> dict[str, Any]:
        """Return what an object of the class was given, without what it has worked out."""
        cached = {
            name
            for base in type(self).__mro__
            for name, value in vars(base).items()
            if isinstance(value, cached_property)
        }
        return {name: value for name, value in vars(self).items() if name not in cached}

    def _check_rules(self, ops: Ops, given: object) -> None:
        if self.has_rules and (broken := self.violation(ops)) is not None:
            raise ArchitectureError(
                f"an architecture of {self.name} must {broken} (in {shown(given)})"
            )

    def _digits(self, index: Any) -> Ops:
        """Return the combinations ``(n_archs, n_positions)`` at places in the enumeration."""
        rest = np.array(index, dtype=np.int64 if self.size < 2**62 else object)
        rows = np.empty((len(rest), self.n_positions), dtype=self.dtype)
        for place in reversed(range(self.n_positions)):
            ids = self.choices[place]
            rest, digit = rest // len(ids), rest % len(ids)
            rows[:, place] = ids[digit.astype(np.int64)]
        return rows

    def _check_index(self, index: int) -> int:
        if not isinstance(index, Integral) or not 0 <= index < self.size:
            raise ArchitectureError(
                f"an index of {self.name} must be between 0 and {self.size - 1}, but got "
                f"{shown(index)}"
            )
        return index


def _configs(archs: object) -> Iterator[Mapping[str, Any]]:
    """Yield the config dicts among architectures in any accepted form, whatever holds them."""
    plain = plain_form(archs)
    if isinstance(plain, Mapping):
        yield plain
    elif isinstance(plain, (list, tuple)):
        yield from (arch for arch in plain if isinstance(arch, Mapping))
