"""The one way to name a cost: space, device, metric and dataset."""

import re
from dataclasses import dataclass

from archcost.errors import UnknownNameError, check_name, shown
from archcost.plugins import is_reference
from archcost.spaces.dataset import Dataset, spelled
from archcost.spaces.spaces import get_space, known_spaces

METRICS: dict[str, str] = {"latency": "ms", "energy": "mJ"}
"""Unit of each metric."""

DEVICE_ID = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, order=True, slots=True)
class CostKey:
    """Name a cost column: what a table, a model or an MLflow run holds.

    Parameters
    ----------
    space : str
        A search space, such as ``"nasbench201"``.
    device : str
        A device id from ``[a-z0-9_]``; published or your own.
    metric : {"latency", "energy"}
        What is counted; it fixes the unit.
    dataset : str
        A dataset of the space, which fixes the input size. ``"ImageNet16-120"`` is kept as
        ``"imagenet16_120"``; a ``Dataset`` of a user's own as its ``id``, such as
        ``"darcy_1x88x88_1"``.

    Raises
    ------
    UnknownNameError
        If a part does not exist or, for a device, is not spelled as an id.

    Examples
    --------
    >>> key = CostKey("nasbench201", "raspi4", "latency", "cifar10")
    >>> str(key), key.unit
    ('nasbench201-raspi4-latency-cifar10', 'ms')
    >>> CostKey.parse("nasbench201-fpga-energy-imagenet16_120").dataset_name
    'ImageNet16-120'
    """

    space: str
    device: str
    metric: str
    dataset: str

    def __post_init__(self) -> None:
        if isinstance(self.space, str) and not is_reference(self.space):
            get_space(self.space)  # an installed package may bring it
        check_name("space", self.space, known_spaces())
        check_device_id(self.device)
        check_name("metric", self.metric, METRICS)
        object.__setattr__(self, "dataset", dataset_id(self.space, self.dataset))

    @classmethod
    def parse(cls, text: str) -> "CostKey":
        """Return the key that ``str(key)`` spelled."""
        parts = text.split("-") if isinstance(text, str) else []
        if len(parts) != 4:
            raise UnknownNameError(
                "a cost key must read space-device-metric-dataset, such as "
                f"'nasbench201-raspi4-latency-cifar10', but got {shown(text)}"
            )
        return cls(*parts)

    @property
    def unit(self) -> str:
        """The unit of the metric: ms or mJ."""
        return METRICS[self.metric]

    @property
    def dataset_name(self) -> str:
        """The dataset as the search space spells it, such as ``"ImageNet16-120"``."""
        return get_space(self.space).check_dataset(self.dataset)

    def __str__(self) -> str:
        return f"{self.space}-{self.device}-{self.metric}-{self.dataset}"


def dataset_id(space: str, dataset: str | Dataset | None = None) -> str:
    """Return the spelling of a dataset in cost keys; the space's default for None.

    That of a dataset of a user's own holds its shape.

    Examples
    --------
    >>> dataset_id("nasbench201", "ImageNet16-120")
    'imagenet16_120'
    >>> dataset_id("nasbench201", Dataset("darcy", (1, 88, 88), 1))
    'darcy_1x88x88_1'
    """
    return spelled(get_space(space).check_dataset(dataset))


def check_device_id(device: object) -> str:
    """Return `device` if it is spelled as a device id: lower case letters, digits and ``_``."""
    if not isinstance(device, str) or not DEVICE_ID.fullmatch(device):
        raise UnknownNameError(
            f"a device id must be made of a-z, 0-9 and _, such as 'my_board', but got {device!r}"
        )
    return device
