"""A dataset, as far as it shapes a network: the size of its images and how many classes it has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from archcost.errors import ArchcostError, shown

NAME = re.compile(r"[A-Za-z0-9_-]+")
ID = re.compile(r"[a-z0-9_]+?_(\d{1,6})x(\d{1,6})x(\d{1,6})_(\d{1,9})")
SIZES, CLASSES = 10**6, 10**9
"""Bounds of sizes and classes, as the id has room for."""
SHAPE = re.compile(r"(\d{1,6})[x,](\d{1,6})[x,](\d{1,6})")

USED: dict[str, str] = {}
"""Short name -> id of the datasets of users that this process has met, so that the short name will
do; empty where one short name stands for two."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset fixes in the networks that are made for it.

    One of your own goes wherever a dataset's name does. Its ``id`` holds its shape, so that
    tables, models and other processes know it without being told again.

    Parameters
    ----------
    name : str
        Its name, such as ``"cifar10"``.
    input_shape : tuple of int
        Channels, height and width of an input; height and width are where a space lets the
        architecture choose the resolution, its largest.
    n_classes : int
        Outputs of the classifier.

    Raises
    ------
    ArchcostError
        If a size is no positive whole number, or the name holds other characters than letters,
        digits, ``-`` and ``_``.

    Examples
    --------
    >>> Dataset("cifar10", (3, 32, 32), 10).input_shape
    (3, 32, 32)
    >>> Dataset("darcy", input_shape=(1, 88, 88), n_classes=1).id
    'darcy_1x88x88_1'
    """

    name: str
    input_shape: tuple[int, int, int]
    n_classes: int

    def __post_init__(self) -> None:
        if isinstance(self.input_shape, list):
            object.__setattr__(self, "input_shape", tuple(self.input_shape))
        is_tuple = isinstance(self.input_shape, tuple)
        sizes = (*self.input_shape, self.n_classes) if is_tuple else ()
        if len(sizes) != 4 or any(
            type(size) is not int or not 1 <= size < below
            for size, below in zip(sizes, (SIZES, SIZES, SIZES, CLASSES), strict=True)
        ):
            raise ArchcostError(
                "a dataset must have three positive sizes (channels, height, width) and a positive "
                f"number of classes, below {SIZES} and {CLASSES}, but {shown(self.name)} has "
                f"{shown(self.input_shape)} and {shown(self.n_classes)}"
            )
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ArchcostError(
                "the name of a dataset must be made of letters, digits, - and _, such as "
                f"'my_images', but got {self.name!r}"
            )

    @property
    def id(self) -> str:
        """Name, input shape and classes as cost keys spell a dataset that no space declares."""
        name, sides = spelled(self.name), "x".join(map(str, self.input_shape))
        ending = f"_{sides}_{self.n_classes}"
        return name if name.endswith(ending) else name + ending  # it is its own id already


def spelled(name: str) -> str:
    """Return a name of a dataset as cost keys spell it: lower case, and ``_`` for ``-``."""
    return name.lower().replace("-", "_")


@lru_cache(maxsize=1024)
def dataset_of_id(text: str) -> Dataset | None:
    """Return the dataset that an id describes, None if it describes none.

    Examples
    --------
    >>> dataset_of_id("darcy_1x88x88_1").input_shape
    (1, 88, 88)
    >>> dataset_of_id("cifar10") is None
    True
    """
    found = ID.fullmatch(text)
    if found is None or "0" in found.groups():
        return None
    channels, height, width, n_classes = (int(number) for number in found.groups())
    short = text[: found.start(1) - 1]
    USED[short] = text if USED.get(short, text) == text else ""
    return Dataset(text, (channels, height, width), n_classes)


def parse_shape(text: str) -> tuple[int, int, int]:
    """Return channels, height and width of a text such as ``1x88x88``.

    Raises
    ------
    ArchcostError
        If it is none.
    """
    found = SHAPE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is None:
        raise ArchcostError(
            "an input must be given as channels, height and width, such as 1x88x88, but got "
            f"{shown(text)}"
        )
    channels, height, width = (int(number) for number in found.groups())
    return channels, height, width


def halved_twice(input_shape: tuple[int, int, int]) -> str | None:
    """Return the rule of networks whose residual reductions halve height and width twice.

    Their two branches round an odd side in opposite ways, and could not be added.
    """
    if any(side % 4 for side in input_shape[1:]):
        return "have a height and width that 4 divides"
    return None
