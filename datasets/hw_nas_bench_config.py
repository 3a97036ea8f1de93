"""HW-NAS-Bench's configs of networks: what they hold, and the networks they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archcost.errors import ArchitectureError, shown
from archcost.spaces.nasbench201_layout import CELLS_PER_STAGE, STAGE_CHANNELS
from archcost.spaces.spaces import get_space

if TYPE_CHECKING:
    from torch import nn


def cell_config(arch: object, dataset: str) -> dict[str, Any]:
    """Return the config of a NAS-Bench-201 cell on a dataset."""
    return {
        "name": "infer.tiny",
        "C": STAGE_CHANNELS[0],
        "N": CELLS_PER_STAGE,
        "arch_str": get_space("nasbench201").format(arch),
        "num_classes": get_space("nasbench201").dataset(dataset).n_classes,
    }


def network_config(arch: object, dataset: str) -> dict[str, Any]:
    """Return the config of an FBNet network on a dataset."""
    space = get_space("fbnet")
    ops = space.parse(arch).tolist()
    return {
        "dataset": dataset,
        "num_classes": space.dataset(dataset).n_classes,
        "op_idx_list": ops,
        "arch_str": [space.op_names[op] for op in ops],
    }


def network_from_config(config: Mapping[str, Any]) -> nn.Module:
    """Build the network of a config of `HWNASBench.get_net_config`.

    Parameters
    ----------
    config : mapping
        Holds ``arch_str`` and ``num_classes`` (NAS-Bench-201), or ``op_idx_list`` and ``dataset``
        (FBNet).

    Returns
    -------
    torch.nn.Module
        In evaluation mode, with random weights.

    Raises
    ------
    ArchitectureError
        If the config names no network, or one that is not of the benchmark.
    """
    space = get_space("fbnet" if "op_idx_list" in config else "nasbench201")
    if not {"dataset", "num_classes"} & set(config):
        raise ArchitectureError(
            f"num_classes of a config must be one of {[data.n_classes for data in space.datasets]}"
            f", but the config has {shown(list(config))}"
        )
    ops = space.parse(config)
    return space.network(ops, space.dataset_of(config))
