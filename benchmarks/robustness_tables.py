"""Change bytes, cells and layout of cost tables: refused, or read as what they say."""

import csv
import io
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from robustness_fault import FaultError

from archcost.datasets import CostTable
from archcost.errors import ArchcostError
from archcost.spaces import get_space

PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
CELLS = (
    "", " ", "nan", "inf", "-1", "0", "1e400", "1e-400", "7,5", "7.5 ms", "1_000", "True", "None",
    "0x10", "\u0667", "+7.5", "7.", ".5", "1e3", " 8 ", "-0.0", "ok", '"', "'7'", "7" * 400,
)  # fmt: skip
HEADS = ("Arch", "latency", "Latency (ms)", "latency_ms", "arch", "", "cost", "energy_mj", " arch ")


def attack(seed: int, folder: Path) -> str:
    """Change one table in one way and read it."""
    rng = np.random.default_rng(seed)
    kind = KINDS[rng.integers(len(KINDS))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # tables without a checksum
        return f"{kind.__name__[1:]} {kind(rng, folder)}"


def _flipped_bits(rng: np.random.Generator, folder: Path) -> str:
    content = bytearray(_parquet())
    for place in rng.integers(8 * len(content), size=rng.integers(1, 4)):
        content[place // 8] ^= 1 << place % 8
    return _unchanged(folder, bytes(content))


def _bytes_moved(rng: np.random.Generator, folder: Path) -> str:
    content = _parquet()
    place, length = rng.integers(len(content)), rng.integers(1, 40)
    more = rng.bytes(length)
    return _unchanged(
        folder,
        (
            content[:place],
            content[:place] + content[place + length :],
            content[:place] + more + content[place:],
            content[:place] + more + content[place + length :],
        )[rng.integers(4)],
    )


def _metadata(rng: np.random.Generator, folder: Path) -> str:
    rows = pq.read_table(pa.BufferReader(_parquet()))
    told = dict(rows.schema.metadata)
    values = (b"", b"{}", b"[]", b"null", b"5", b"[" * 5000, b"\xff", b'{"threads": 2}', b"\0" * 9)
    key = list(told)[rng.integers(len(told))]
    told[key] = values[rng.integers(len(values))]
    path = folder / "t.parquet"
    pq.write_table(rows.replace_schema_metadata(told), path)
    return _unchanged(folder, path.read_bytes())


def _column(rng: np.random.Generator, folder: Path) -> str:
    """Replace a column of Parquet by one of another type, without the checksum."""
    rows = pq.read_table(pa.BufferReader(_parquet())).replace_schema_metadata(None)
    n_rows = rows.num_rows
    name = rows.column_names[rng.integers(rows.num_columns)]
    odd = (
        pa.array([True] * n_rows), pa.nulls(n_rows), pa.array([0] * n_rows),
        pa.array([-1.0] * n_rows), pa.array(["x"] * n_rows), pa.array([b"\xff"] * n_rows),
        pa.array([[1.0]] * n_rows), pa.array([1] * n_rows, pa.timestamp("s")),
        pa.array([1] * n_rows, pa.duration("ms")), pa.array([2**62] * n_rows),
        pa.array([{"a": 1}] * n_rows), pa.array([np.inf] * n_rows),
    )  # fmt: skip
    column = odd[rng.integers(len(odd))]
    path = folder / "t.parquet"
    pq.write_table(rows.set_column(rows.column_names.index(name), name, column), path)
    try:
        table = CostTable.read(path)
    except ArchcostError:
        return "refused"
    optional = {"cost_min", "cost_median", "cost_std", "n_repeats"}
    is_name = name == "device" and pa.types.is_string(column.type)
    is_batch = name == "batch_size" and pa.types.is_integer(column.type)
    if name not in optional and not is_name and not is_batch:
        raise FaultError(f"{name} as {column.type} was read as {table}")
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        raise FaultError(f"{name} as {column.type} was read as numbers")
    return "read"


def _cells(rng: np.random.Generator, folder: Path) -> str:
    """Change a cell, a name, or the layout of a CSV file."""
    archs, costs = _archs(), [str(cost) for cost in _costs()]
    rows = [["arch", "latency_ms"], *([a, c] for a, c in zip(archs, costs, strict=True))]
    meant: dict[str, float] | None = dict(zip(archs, map(float, costs), strict=True))
    line = int(rng.integers(1, len(rows)))
    how, metric = rng.integers(7), "latency"
    separator, encoding = ",", "utf-8"
    if how == 0:
        cell = CELLS[rng.integers(len(CELLS))]
        rows[line][1] = cell
        number = float(cell) if PLAIN_NUMBER.fullmatch(cell.strip()) else 0.0
        meant = {**meant, archs[line - 1]: number} if 0 < number < np.inf else None
    elif how == 1:
        rows[0][rng.integers(2)] = HEADS[rng.integers(len(HEADS))]
        heads = [name.strip() for name in rows[0]]
        metric = "energy" if heads == ["arch", "energy_mj"] else "latency"
        if heads not in (["arch", "latency_ms"], ["arch", "energy_mj"]):
            meant = None
    elif how == 2:
        rows = [[row[1], "note", row[0]] for row in rows]  # in another order, with a further one
    elif how == 3:
        separator = ";\t| "[rng.integers(4)]
        meant = None
    elif how == 4:
        encoding = ("utf-16", "utf-32", "utf-8-sig", "utf-16-le")[rng.integers(4)]
        meant = meant if encoding == "utf-8-sig" else None
    elif how == 5:
        extra = [rows[line][0], str(float(rows[line][1]) + rng.integers(2))]
        rows.insert(int(rng.integers(1, len(rows))), extra)
        meant = meant if extra[1] == costs[line - 1] else None
    else:
        del rows[line][int(rng.integers(2))]
        meant = None
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows(rows)
    path = folder / "t.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    try:
        table = CostTable.read(path, device="board")
    except ArchcostError as error:
        if meant is not None:
            raise FaultError(f"{rows[:3]} was refused: {error}") from None
        return "refused"
    (key,) = table.keys()
    ops, found = table.costs(key)
    read = dict(zip(get_space(key.space).format_many(ops), found.tolist(), strict=True))
    if key.metric != metric or read != meant:
        raise FaultError(f"{rows[:3]} was read as {read}")
    return "read"


def _unchanged(folder: Path, content: bytes) -> str:
    """Check that a file is refused, or read as the table that it was."""
    path = folder / "t.parquet"
    path.write_bytes(content)
    try:
        table = CostTable.read(path)
    except ArchcostError:
        return "refused"
    if b"archcost.sha256" not in (pq.read_schema(path).metadata or {}):
        return "read with a warning that nothing could be checked"
    told = table.provenance.to_dict()
    if table.sha256 != _sha256() or told != TOLD:
        raise FaultError(f"was read as {table} with {told}")
    return "read as it was"


TOLD: dict[str, Any] = {"runtime": "litert", "runtime_version": "2.1", "threads": 1}
KINDS = (_flipped_bits, _bytes_moved, _metadata, _column, _cells)


@cache
def _archs() -> list[str]:
    space = get_space("nasbench201")
    return space.format_many(space.sample(20, seed=0))


@cache
def _costs() -> list[float]:
    return np.random.default_rng(0).lognormal(size=20).round(3).tolist()


@cache
def _parquet() -> bytes:
    import tempfile

    table = CostTable.from_costs(
        "nasbench201", _archs(), _costs(), device="board", cost_std=0.1, provenance=TOLD
    )
    with tempfile.TemporaryDirectory() as folder:
        return table.write(Path(folder) / "t.parquet").read_bytes()


@cache
def _sha256() -> str:
    table = CostTable.from_costs("nasbench201", _archs(), _costs(), device="board", cost_std=0.1)
    return table.sha256
