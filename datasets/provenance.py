"""What a cost table says about where its costs come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from archcost.errors import CostTableError, shown

NUMBER = (int, float)


def _setup(*kinds: type) -> Any:
    """Return a field that defines the measurement: another value is another measurement."""
    return field(default=None, metadata={"kinds": kinds, "defines": True})


def _fact(*kinds: type) -> Any:
    return field(default=None, metadata={"kinds": kinds})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Say how the costs of a table came about; what is not known is None.

    The fields up to `simulator_version`, and what stands in `further`, define the measurement:
    costs that differ in them are not comparable without a thought. The others say which
    architectures were chosen, what came out, and who published it.

    Parameters
    ----------
    space, dataset : str
        What was measured.
    runtime, runtime_version, precision : str
        What ran the networks, and in which numbers.
    batch_size, threads, runs_per_round, warmup_runs : int
        How a network was run.
    cost, energy : str
        What the costs are, in words: the statistic over the runs.
    clock : {"cpu", "wall"}
        Whether a latency is the CPU time of the process that ran the network, or wall time.
    reference_arch : str
        The network that tells how slow the machine was at each moment.
    energy_counter : str
        What counted the energy.
    cpu, governor, system, gpu, cuda, tf32 : str
        The machine.
    cores : int or str
        Of the machine; in words where they are not known.
    command, model_format, latency_read_from : str
        How a command of the user's was run.
    accelerator, accelerator_sha256, simulator, simulator_version : str
        What was simulated, and the hash of its whole description.
    description : mapping
        The description of the accelerator.
    architectures : str
        How the architectures were chosen, in words.
    seed, rounds, fewest_rounds, repeatability_n_archs, distinct_parts : int
        Of the choice, and how much was measured or simulated.
    shard : str
        Which part of the architectures, such as ``"2/8"``.
    repeatability_spearman, energy_repeatability_spearman : float
        How well the ranks of two halves of the rounds agree.
    reference_ms : float
        Latency of the reference network.
    wall_over_cpu : float
        Median ratio of the two clocks: how busy the machine was with other things.
    temperature_c : list of float or None
        Mean temperature of the machine in each round, in degrees Celsius.
    failures : mapping
        For each status of a failure ``n_archs`` and ``first_error``.
    source, url, commit, derived, imported_from : str
        Where published or imported costs are from.
    keys : list of str
        Of a part of a merged table, its keys.
    n_rows : int
        Of a part, its rows.
    parts : tuple of Provenance
        Of a merged table, what its parts say beside what they say alike.
    tables : tuple of Provenance
        Of tables that were put together as they are.
    further : mapping
        Whatever else a runtime or user says, as JSON data.

    Examples
    --------
    >>> told = Provenance.of({"runtime": "onnxruntime", "threads": 1, "room": "B12"})
    >>> told.threads, told.further, told.to_dict()
    (1, {'room': 'B12'}, {'runtime': 'onnxruntime', 'threads': 1, 'room': 'B12'})
    """

    space: str | None = _setup(str)
    dataset: str | None = _setup(str)
    runtime: str | None = _setup(str)
    runtime_version: str | None = _setup(str)
    precision: str | None = _setup(str)
    batch_size: int | None = _setup(int)
    threads: int | None = _setup(int)
    runs_per_round: int | None = _setup(int)
    warmup_runs: int | None = _setup(int)
    cost: str | None = _setup(str)
    energy: str | None = _setup(str)
    clock: str | None = _setup(str)
    reference_arch: str | None = _setup(str)
    energy_counter: str | None = _setup(str)
    cpu: str | None = _setup(str)
    cores: int | str | None = _setup(int, str)
    governor: str | None = _setup(str)
    system: str | None = _setup(str)
    gpu: str | None = _setup(str)
    cuda: str | None = _setup(str)
    tf32: str | None = _setup(str)
    command: str | None = _setup(str)
    model_format: str | None = _setup(str)
    latency_read_from: str | None = _setup(str)
    accelerator: str | None = _setup(str)
    accelerator_sha256: str | None = _setup(str)
    simulator: str | None = _setup(str)
    simulator_version: str | None = _setup(str)
    description: Mapping[str, Any] | None = _fact(Mapping)
    architectures: str | None = _fact(str)
    seed: int | None = _fact(int)
    shard: str | None = _fact(str)
    rounds: int | None = _fact(int)
    fewest_rounds: int | None = _fact(int)
    repeatability_spearman: float | None = _fact(*NUMBER)
    repeatability_n_archs: int | None = _fact(int)
    energy_repeatability_spearman: float | None = _fact(*NUMBER)
    reference_ms: float | None = _fact(*NUMBER)
    wall_over_cpu: float | None = _fact(*NUMBER)
    temperature_c: Sequence[float | None] | None = _fact(list, tuple)
    failures: Mapping[str, Mapping[str, Any]] | None = _fact(Mapping)
    distinct_parts: int | None = _fact(int)
    source: str | None = _fact(str)
    url: str | None = _fact(str)
    commit: str | None = _fact(str)
    derived: str | None = _fact(str)
    imported_from: str | None = _fact(str)
    keys: Sequence[str] | None = _fact(list, tuple)
    n_rows: int | None = _fact(int)
    parts: tuple[Provenance, ...] = ()
    tables: tuple[Provenance, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Self | Mapping[str, Any] | None) -> Self:
        """Return the provenance that a mapping says, as tables hold it; None says nothing.

        What a field cannot hold, such as a text where a number belongs, goes to `further`.

        Raises
        ------
        CostTableError
            If it is no mapping with names as keys.
        """
        if isinstance(told, cls):
            return told
        told = {} if told is None else told
        if not isinstance(told, Mapping) or not all(isinstance(name, str) for name in told):
            raise CostTableError(
                "provenance must be a mapping from names to JSON data, such as "
                f"{{'seed': 0}}, but got {shown(told)}"
            )
        kinds = {one.name: one.metadata["kinds"] for one in fields(cls) if one.metadata}
        known: dict[str, Any] = {}
        further = {}
        for name, value in told.items():
            if name in kinds and isinstance(value, kinds[name]) and not isinstance(value, bool):
                known[name] = value
            elif name in ("parts", "tables") and isinstance(value, (list, tuple)):
                known[name] = tuple(cls.of(part) for part in value)
            elif value is not None:
                further[name] = value
        return cls(**known, further=further)

    def to_dict(self) -> dict[str, Any]:
        """Return what is said as JSON data."""
        told: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("parts", "tables"):
                if value:
                    told[one.name] = [part.to_dict() for part in value]
            elif one.name != "further" and value is not None:
                told[one.name] = value
        return told | dict(self.further)

    def setup(self) -> dict[str, Any]:
        """Return what defines the measurement, as far as it is said."""
        named = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.metadata.get("defines") and getattr(self, one.name) is not None
        }
        return named | dict(self.further)
