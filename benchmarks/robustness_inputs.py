"""Ask ``archcost.predict`` for odd architectures in odd containers.

Each try reads what it made by rules of its own, written without archcost: an architecture must get
the cost of the same one as a plain list, and everything else an error of archcost.
"""

import array
import collections
import itertools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from robustness_fault import FaultError

import archcost
from archcost.errors import ArchcostError


class Unreadable(list[int]):
    """A list that cannot be read."""

    def __iter__(self) -> Any:
        raise RuntimeError("no")


def containing_itself(ops: list[int]) -> list[Any]:
    """Return a list whose last entry is the list."""
    given: list[Any] = ops[:-1]
    given.append(given)
    return given


CELL_OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NET_OPS = (
    "k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip",
)  # fmt: skip
SPACES = {6: CELL_OPS, 22: NET_OPS}
"""Names of the ops, by the number of positions."""

HOLDERS: tuple[Callable[[list[Any]], Any], ...] = (
    list,
    tuple,
    collections.deque,
    np.array,
    lambda ops: np.array(ops, dtype=object),
    pd.Series,
    lambda ops: pd.Series(ops, index=range(len(ops), 0, -1)),
    pd.Index,
    lambda ops: pd.Series(ops, dtype="category"),
    lambda ops: pa.array(ops),
    lambda ops: np.ma.array(ops, mask=False),
    collections.UserList,
    lambda ops: pa.chunked_array([ops[:3], ops[3:]]),
    lambda ops: pd.DataFrame([ops]).iloc[0],
    lambda ops: np.array([ops, ops]).T[:, 0],
)
INT_HOLDERS: tuple[Callable[[list[Any]], Any], ...] = (
    *HOLDERS,
    torch.tensor,
    lambda ops: array.array("b", ops),
    lambda ops: pd.array(ops, dtype="Int64"),
    lambda ops: np.array(ops, dtype=np.uint16),
    lambda ops: [np.int32(op) for op in ops],
    lambda ops: np.array(ops, dtype=">i8"),
    lambda ops: pd.Series(ops, dtype="int64[pyarrow]"),
    lambda ops: pd.Series(pd.arrays.SparseArray(ops)),
    lambda ops: memoryview(np.array(ops, dtype=np.int8)),
)
REFUSED: tuple[Callable[[list[Any]], Any], ...] = (
    set,
    frozenset,
    iter,
    lambda ops: (op for op in ops),
    lambda ops: dict.fromkeys(ops).keys(),
    lambda ops: dict(enumerate(ops)).values(),
    lambda ops: pd.DataFrame([ops]),
    lambda ops: pd.DataFrame({"op": ops}),
    lambda ops: np.ma.array(ops, mask=[True] + [False] * (len(ops) - 1)),
    lambda ops: np.array(ops, dtype=float),
    lambda ops: np.array(ops, dtype="m8[s]"),
    lambda ops: torch.tensor(ops, dtype=torch.float32),
    lambda ops: pd.array([*ops[:-1], None], dtype="Int64"),
    lambda ops: bytes(ops),
    lambda ops: np.array(ops)[None, None],
    lambda ops: [ops, ops[:-1]],
    lambda ops: nested(ops, 2),
    lambda ops: nested(ops, 70),
    lambda ops: nested(ops, 2000),
    lambda ops: dict(enumerate(ops)),
    lambda ops: pa.table({"op": ops}),
    lambda ops: pa.array([*ops[:-1], None]),
    lambda ops: torch.tensor(ops).to_sparse(),
    lambda ops: torch.zeros(len(ops), dtype=torch.int64, device="meta"),
    lambda ops: np.array(tuple(ops), dtype=[(f"p{place}", int) for place in range(len(ops))]),
    lambda ops: np.array(ops)[:, None],
    lambda ops: [np.array(op) for op in ops],
    lambda ops: [*ops[:-1], np.ma.masked],
    lambda ops: itertools.chain(ops),
    lambda ops: bytearray(ops),
    lambda ops: collections.Counter(ops),
    lambda ops: pd.date_range("2020-01-01", periods=len(ops)),
    containing_itself,
    Unreadable,
)
ODD = (
    None, True, False, 1.0, -1, 5, 9, 128, 10**30, 10**5000, float("nan"), "none", "", "skip", b"3",
    np.timedelta64(3), np.bool_(True), np.float32(2), np.array(3), Decimal(3), Fraction(3), pd.NA,
    pd.NaT, [3], (), {}, {3}, object, 1j, Ellipsis,
)  # fmt: skip
SIGNS = "|+~-_ 0123456789abcdefgknopsvx\n\t\0\u00e4\u0661,;"
JUNK = (
    None, True, 1.5, np.nan, np.array(3), np.datetime64("2020-01-01"), "", " ", "resnet18", b"", [],
    (), {}, set(), object(), int, len, 10**5000, -1, 9**22, Ellipsis, np.zeros((0, 6)), pd.NA,
    pd.DataFrame(), torch.zeros(0), np.zeros((2, 3, 6), int), range(0), memoryview(b"abc"),
)  # fmt: skip
CLASSES = {"cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}


def attack(seed: int, folder: Path) -> str:
    """Ask for one architecture, and compare the answer with what was meant."""
    rng = np.random.default_rng(seed)
    ops = [int(op) for op in rng.integers(0, 5, size=6)]
    if rng.random() < 0.4:
        ops = [int(op) for op in rng.integers(0, 9, size=22)]
    kind = KINDS[rng.integers(len(KINDS))]
    given, meant = kind(rng, ops)
    try:
        answer = archcost.predict(given, "raspi4")
    except ArchcostError as error:
        if meant is not None:
            raise FaultError(f"{shown(given)} was refused: {error}") from None
        if len(str(error)) > 4000:
            raise FaultError(f"an error of {len(str(error))} characters") from None
        return f"{kind.__name__} refused"
    if meant is None:
        raise FaultError(f"{shown(given)} got the cost {answer!r}")
    expected = archcost.predict(meant, "raspi4")
    if not np.array_equal(answer, expected):
        raise FaultError(f"{shown(given)} got {answer!r}, not the {expected!r} of {meant}")
    return f"{kind.__name__} answered"


def held(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Put an architecture into some container, as ids or names; or several in a list of such."""
    if rng.random() < 0.5:
        make, values = pick(rng, INT_HOLDERS), ops
    else:
        make, values = pick(rng, HOLDERS), [SPACES[len(ops)][op] for op in ops]
    if rng.random() < 0.3:
        return [make(values)] * 3, [ops] * 3
    return make(values), ops


def refused(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Put it where it cannot be told what is meant."""
    return pick(rng, REFUSED)(ops), None


def replaced(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Replace, add or remove a value of a list."""
    given: list[Any] = list(ops)
    place = int(rng.integers(len(given)))
    choice = rng.random()
    if choice < 0.7:
        given[place] = pick(rng, ODD)
    elif choice < 0.85:
        given.insert(place, given[place])
    else:
        del given[place]
    n_ops = len(SPACES.get(len(given), ()))
    valid = all(type(op) is int and 0 <= op < n_ops for op in given)
    return given, given if valid else None


def text(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Change some characters of a string, or none."""
    signs = list(written(ops))
    for _ in range(rng.integers(3)):
        place = int(rng.integers(len(signs)))
        if rng.random() < 0.5:
            signs[place] = pick(rng, SIGNS)
        elif rng.random() < 0.5:
            del signs[place]
        else:
            signs.insert(place, pick(rng, SIGNS))
    given = "".join(signs)
    return given, read(given.strip())


def config(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Make a config of HW-NAS-Bench, right or wrong."""
    is_cell = len(ops) == 6
    default = "cifar10" if is_cell else "cifar100"
    n_classes = CLASSES[default]
    given: dict[str, Any] = {"arch_str": written(ops)} if is_cell else {"op_idx_list": ops}
    right = True
    for key, good, bad in (
        ("num_classes", n_classes, (120, 1000, 11, None, True, 10.0, "10", [10])),
        ("dataset", default, ("ImageNet16-120", "ImageNet", "cifar", 10, [], {})),
        *((("C", 16, (32, None, True, "16")), ("N", 5, (1, 5.5, ()))) if is_cell else ()),
    ):
        if rng.random() < 0.5:
            wrong = rng.random() < 0.2
            given[key] = pick(rng, bad) if wrong else good
            right &= not wrong
    if rng.random() < 0.1:
        given[pick(rng, ("batch_size", "resolution", "index", 5))] = 1
        right = False
    if rng.random() < 0.05:
        given = {**given, "arch_str": given, "op_idx_list": given}
        right = False
    return given, ops if right else None


def junk(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Give something that is no architecture, alone or among some."""
    given = pick(rng, JUNK)
    if rng.random() < 0.3:
        return [ops, given], None
    return given, None


def index(rng: np.random.Generator, ops: list[int]) -> tuple[Any, Any]:
    """Give an index of a cell."""
    given = int(rng.integers(-3, 15_630))
    make = pick(rng, (int, np.int64, np.int16))
    return make(given), given if 0 <= given < 15_625 else None


KINDS = (held, refused, replaced, text, config, junk, index)


def pick(rng: np.random.Generator, choices: Any) -> Any:
    """Draw one."""
    return choices[int(rng.integers(len(choices)))]


def nested(ops: list[int], depth: int) -> list[Any]:
    """Wrap a list into lists."""
    for _ in range(depth):
        ops = [ops]  # type: ignore[list-item]
    return ops


def written(ops: list[int]) -> str:
    """Write the published string."""
    if len(ops) == 22:
        return "-".join(NET_OPS[op] for op in ops)
    a, b, c, d, e, f = (CELL_OPS[op] for op in ops)
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def read(given: str) -> list[int] | None:
    """Read a published string by trying to write it again."""
    names = given.split("-")
    if len(names) == 22 and set(names) <= set(NET_OPS):
        return [NET_OPS.index(name) for name in names]
    parts = [part.partition("~")[0] for part in given.split("|") if part not in ("", "+")]
    if len(parts) == 6 and set(parts) <= set(CELL_OPS):
        ops = [CELL_OPS.index(part) for part in parts]
        return ops if written(ops) == given else None
    return None


def shown(given: Any) -> str:
    """Return what was given in few characters."""
    try:
        return f"{type(given).__name__} {given!r}"[:200]
    except Exception:
        return f"a {type(given).__name__}"
