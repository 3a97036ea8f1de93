"""The measured networks of each machine, as kernels, for ``any_network.py``."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from archcost.datasets import CostKey, load_bundled
from archcost.datasets.source_timm import MERGED, known_digests
from archcost.datasets.timm_tables import TABLES, read_latencies
from archcost.kernels.network_kernels import NetworkKernels
from archcost.spaces import get_space
from archcost.spaces.any_network import family_of


@dataclass
class Machines:
    """Where the tables of timm are, and where kernels of their networks are kept."""

    data: Path = Path("shared/data")
    cache: Path = Path(".any_network")


MACHINES = Machines()


@dataclass(frozen=True)
class Measured:
    """Networks and their costs on one machine.

    Parameters
    ----------
    names : numpy.ndarray of str, shape (n_networks,)
        What they were read from.
    cost : numpy.ndarray of float64, shape (n_networks,)
        In ms.
    kernels : NetworkKernels
        What they execute.
    """

    names: np.ndarray
    cost: np.ndarray
    kernels: NetworkKernels

    def __len__(self) -> int:
        return len(self.cost)

    @property
    def families(self) -> np.ndarray:
        """The first word of each name."""
        return np.array([family_of(name) for name in self.names])

    @property
    def is_probe(self) -> np.ndarray:
        """Whether each is a probe."""
        return np.array([name.startswith("probe_") for name in self.names])

    @property
    def is_real(self) -> np.ndarray:
        """Whether each is a published network, no probe and no member of a search space."""
        return ~self.is_probe & np.array(["::" not in name for name in self.names])

    def take(self, rows: np.ndarray) -> "Measured":
        """Return some of the networks."""
        return Measured(self.names[rows], self.cost[rows], self.kernels.take(rows))


@cache
def load(device: str) -> Measured:
    """Return the networks that were measured on a device."""
    found = [table for table in TABLES if table.device == device]
    return _of_timm(found[0]) if found else _of_bundled(device)


def _of_bundled(device: str) -> Measured:
    _kernels()  # gives networks of several names those of timm, whatever was loaded before
    space = get_space("any")
    ops, cost = load_bundled(f"any-{device}").costs(CostKey("any", device, "latency", "as_given"))
    names = np.array(space.names(ops))
    rows = [place for place, name in enumerate(names) if "::" not in name]
    return Measured(names[rows], cost[rows], NetworkKernels.of(space.networks(ops[rows])))


def _of_timm(table) -> Measured:
    names, kernels = _kernels()
    place = {name: number for number, name in enumerate(names)}
    rows, costs, kept = [], [], []
    for name, latency_ms in read_latencies(MACHINES.data / "timm", table).items():
        merged = place.get(name + MERGED) if not table.is_cpu else None
        row = place.get(name) if merged is None else merged
        if row is not None:
            rows.append(row)
            costs.append(latency_ms)
            kept.append(name)
    return Measured(np.array(kept), np.array(costs), kernels.take(np.array(rows)))


@cache
def _kernels() -> tuple[list[str], NetworkKernels]:
    """Return the kernels of the networks that ship, from the cache where they are there."""
    kept, named = MACHINES.cache / "kernels.npz", MACHINES.cache / "names.json"
    digests = known_digests()
    if named.exists() and kept.exists():
        names = json.loads(named.read_text())
        if names == list(digests):
            return names, NetworkKernels.load(kept)
    space = get_space("any")
    kernels = NetworkKernels.of([space.graph(digest) for digest in digests.values()])
    MACHINES.cache.mkdir(parents=True, exist_ok=True)
    kernels.save(kept)
    named.write_text(json.dumps(list(digests)))
    return list(digests), kernels
