"""A dataset, as far as it shapes a network: the size of its images and how many classes it has."""

from dataclasses import dataclass

from archcost.errors import ArchcostError


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset fixes in the networks that are made for it.

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
        If a size is no positive whole number.

    Examples
    --------
    >>> Dataset("cifar10", (3, 32, 32), 10).input_shape
    (3, 32, 32)
    """

    name: str
    input_shape: tuple[int, int, int]
    n_classes: int

    def __post_init__(self) -> None:
        sizes = (*self.input_shape, self.n_classes)
        if len(sizes) != 4 or any(type(size) is not int or size < 1 for size in sizes):
            raise ArchcostError(
                "a dataset must have three positive sizes (channels, height, width) and a positive "
                f"number of classes, but {self.name!r} has {self.input_shape} and {self.n_classes}"
            )
