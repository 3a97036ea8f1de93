"""The settings of a description file with ``simulator = "zigzag"``, checked value by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from archcost.errors import ArchcostError
from archcost.simulating.accelerator import Accelerator
from archcost.simulating.toml_section import TomlSection

OPERANDS = ("inputs", "weights", "outputs")
LOOPS = {
    "groups": "G",
    "input_channels": "C",
    "output_channels": "K",
    "output_height": "OY",
    "output_width": "OX",
    "filter_height": "FY",
    "filter_width": "FX",
}
"""The loops of a layer as a description names them, and ZigZag's letters for them."""

MOST_DIMENSIONS = 4
EXECUTIONS = ("convolution", "depthwise", "free")
CHOICES = ("latency", "energy", "product")
KEYS = (
    "clock_mhz", "power_w", "array", "depthwise_array", "bits", "memories", "execution", "search",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory, or one of many copies where it is not shared by the whole array.

    Parameters
    ----------
    name : str
        Any word.
    holds : tuple of str
        Which of ``inputs``, ``weights`` and ``outputs`` pass through it.
    size_bytes : int
        Capacity of a copy.
    access_bits : int
        Width of one access; less than that moves at the price of a whole one.
    bits_per_cycle : int
        What a port moves in a cycle, maybe by several accesses.
    ports : {1, 2, 4}
        One for all, one for reads and one for writes, or one for each of reads and writes towards
        the array and away from it.
    read_pj, write_pj : float
        Energy of one access, in pJ.
    shared_by : tuple of str
        The dimensions of the array along which all units use the same copy.
    """

    name: str
    holds: tuple[str, ...]
    size_bytes: int
    access_bits: int
    bits_per_cycle: int
    ports: int
    read_pj: float
    write_pj: float
    shared_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Units that each do one multiply-accumulate operation a cycle.

    Parameters
    ----------
    sizes : mapping of str to int
        Units along each dimension.
    mac_pj : float
        Energy of one operation, in pJ.
    mappings : tuple of mapping of str to tuple of str
        Mappings to choose from: for each dimension the loops spread along it, in the order in
        which they take room.
    """

    sizes: Mapping[str, int]
    mac_pj: float
    mappings: tuple[Mapping[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class ZigZagDescription:
    """An accelerator as ZigZag is to simulate it.

    Parameters
    ----------
    clock_mhz : float
        Cycles a microsecond.
    power_w : float or None
        If given, energy is this power times the latency and no access is counted.
    array, depthwise_array : Array
        What computes layers, and layers that keep channels apart; may be the same.
    bits : mapping of str to int
        Width of ``inputs``, ``weights``, ``sums`` (partial sums) and ``outputs``.
    memories : tuple of Memory
        From the array outwards.
    average_pooling, global_pooling, additions : {"convolution", "depthwise", "free"}
        How averages over windows and over whole channels are taken, and how tensors are added.
    divisors_only : bool
        Whether a loop is spread over the array only in equal shares.
    loop_splits : int
        Into how many loops ZigZag splits those left over to try their orders.
    choose : {"latency", "energy", "product"}
        What the mapping of a layer minimises; the product of both balances them.
    """

    clock_mhz: float
    power_w: float | None
    array: Array
    depthwise_array: Array
    bits: Mapping[str, int]
    memories: tuple[Memory, ...]
    average_pooling: str
    global_pooling: str
    additions: str
    divisors_only: bool
    loop_splits: int
    choose: str


def zigzag_description(accelerator: Accelerator) -> ZigZagDescription:
    """Read the settings of an accelerator.

    Raises
    ------
    ArchcostError
        If a key is missing or unknown, or a value breaks a rule; the message names it.
    """
    file = f"{accelerator.id}.toml"
    top = TomlSection(accelerator.settings, file, KEYS)
    power_w = top.number("power_w", above=0) if "power_w" in top else None
    # With a fixed power, what an access takes is of no account and may be left out.
    default_pj = None if power_w is None else 0.0
    array = _array(top.raw("array"), f"[array] of {file}", default_pj)
    dimensions = tuple(array.sizes)
    depthwise_array = array
    if "depthwise_array" in top:
        where = f"[depthwise_array] of {file}"
        depthwise_array = _array(top.raw("depthwise_array"), where, default_pj)
        if tuple(depthwise_array.sizes) != dimensions:
            raise ArchcostError(
                f"sizes in {where} must name the dimensions of [array], {list(dimensions)}, but "
                f"got {list(depthwise_array.sizes)}"
            )
    bits = TomlSection(top.raw("bits"), f"[bits] of {file}", (*OPERANDS, "sums"))
    executed = ("average_pooling", "global_pooling", "additions")
    execution = TomlSection(top.raw("execution"), f"[execution] of {file}", executed)
    search = TomlSection(
        top.raw("search"), f"[search] of {file}", ("unroll", "loop_splits", "choose")
    )
    choose = search.text("choose", choices=CHOICES)
    if power_w is not None and choose != "latency":
        raise ArchcostError(
            f"choose in [search] of {file} must be 'latency' where power_w is given, because the "
            f"fastest mapping then takes the least energy, but got {choose!r}"
        )
    return ZigZagDescription(
        clock_mhz=top.number("clock_mhz", above=0),
        power_w=power_w,
        array=array,
        depthwise_array=depthwise_array,
        bits={key: bits.integer(key) for key in (*OPERANDS, "sums")},
        memories=_memories(top.raw("memories"), file, dimensions, default_pj),
        average_pooling=execution.text("average_pooling", choices=EXECUTIONS),
        global_pooling=execution.text("global_pooling", choices=EXECUTIONS),
        additions=execution.text("additions", choices=EXECUTIONS),
        divisors_only=search.text("unroll", choices=("divisors", "any")) == "divisors",
        loop_splits=search.integer("loop_splits"),
        choose=choose,
    )


def _array(value: object, where: str, default_pj: float | None) -> Array:
    settings = TomlSection(value, where, ("sizes", "mac_pj", "mappings"))
    sizes = _sizes(settings.raw("sizes"), f"sizes in {where}")
    mappings = []
    for number, section in enumerate(_list(settings.raw("mappings"), "mappings", where), 1):
        way = TomlSection(section, f"mappings number {number} in {where}", sizes)
        mappings.append({name: way.words(name, LOOPS, empty=True) for name in sizes})
    return Array(sizes, settings.number("mac_pj", default_pj), tuple(mappings))


def _sizes(value: object, where: str) -> dict[str, int]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= MOST_DIMENSIONS:
        raise ArchcostError(
            f"{where} must name 1 to {MOST_DIMENSIONS} dimensions of the array, such as "
            f"{{ rows = 12, columns = 14 }}, but got {value!r}"
        )
    names = tuple(value)
    wrong = [name for name in names if not re.fullmatch(r"[a-z_]+", name)]
    if wrong:
        raise ArchcostError(f"{where} must have names made of a-z and _, but got {wrong[0]!r}")
    settings = TomlSection(value, where, names)
    return {name: settings.integer(name) for name in names}


def _list(value: object, what: str, where: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise ArchcostError(
            f"{what} in {where} must be a list of at least one section, but got {value!r}"
        )
    return value


def _memories(
    value: object, file: str, dimensions: tuple[str, ...], default_pj: float | None
) -> tuple[Memory, ...]:
    keys = tuple(Memory.__dataclass_fields__)
    keys = tuple("bytes" if key == "size_bytes" else key for key in keys)
    memories: list[Memory] = []
    for number, section in enumerate(_list(value, "memories", file), 1):
        settings = TomlSection(section, f"[[memories]] number {number} of {file}", keys)
        ports = settings.integer("ports")
        if ports not in (1, 2, 4):
            raise ArchcostError(f"ports in {settings.where} must be 1, 2 or 4, but got {ports}")
        access_bits = settings.integer("access_bits")
        memory = Memory(
            name=settings.text("name"),
            holds=settings.words("holds", OPERANDS),
            size_bytes=settings.integer("bytes"),
            access_bits=access_bits,
            bits_per_cycle=settings.integer("bits_per_cycle", least=access_bits),
            ports=ports,
            read_pj=settings.number("read_pj", default_pj),
            write_pj=settings.number("write_pj", default_pj),
            shared_by=settings.words("shared_by", dimensions, empty=True),
        )
        for inner in memories:
            _check_nesting(inner, memory, settings.where)
        memories.append(memory)
    for operand in OPERANDS:
        outermost = [memory for memory in memories if operand in memory.holds][-1:]
        if not outermost or set(outermost[0].shared_by) != set(dimensions):
            raise ArchcostError(
                f"the last of [[memories]] in {file} that holds {operand!r} must be shared by "
                f"{list(dimensions)}, as a DRAM is, but it is {outermost}"
            )
    return tuple(memories)


def _check_nesting(inner: Memory, outer: Memory, where: str) -> None:
    if inner.name == outer.name:
        raise ArchcostError(
            f"name in {where} must be one that no other memory has, but got {outer.name!r}"
        )
    if set(inner.holds) & set(outer.holds) and not set(inner.shared_by) <= set(outer.shared_by):
        raise ArchcostError(
            f"shared_by in {where} must name all that {inner.name!r} inside it is shared by, "
            f"{list(inner.shared_by)}, but got {list(outer.shared_by)}"
        )
