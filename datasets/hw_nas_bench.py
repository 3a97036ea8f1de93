"""HW-NAS-Bench's own interface, for programs that were written for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from archcost.datasets.fbnet_blocks import network_keys
from archcost.datasets.hw_nas_bench_config import cell_config, network_config
from archcost.datasets.pickles import load_pickle
from archcost.datasets.predicted_cost import Fallback, PredictedCost, predict_missing
from archcost.datasets.source_hwnasbench import FILE, HWNASBENCH
from archcost.datasets.sources import data_folder
from archcost.errors import (
    IntegrityError,
    MissingDataError,
    UnknownNameError,
    check_name,
    shown,
)
from archcost.spaces.plain_forms import is_integer
from archcost.spaces.spaces import get_space

CELL_METRICS = (
    "edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
    "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency",
    "fpga_energy",
)  # fmt: skip
NO_FACTOR = "eyeriss_arithmetic_intensity"
PUBLISHED_METRICS = {
    "nasbench201": CELL_METRICS,
    "fbnet": tuple(name for name in CELL_METRICS if name not in ("edgetpu_latency", NO_FACTOR)),
}
"""What is answered, in the published order."""

PRODUCT = "average_hw_metric"


class HWNASBench:
    """Answer as the ``HWNASBenchAPI`` of HW-NAS-Bench does, from its pickle or from predictions.

    Parameters
    ----------
    file_path_or_dict : str, Path or mapping, optional
        The official ``HW-NAS-Bench-v1_0.pickle``, or one of its layout, of any length, or what it
        holds; by default the one in the data folder, if there is one. Nothing in it is run.
    search_space : {"nasbench201", "fbnet"}, default="nasbench201"
        Which of the benchmark's two spaces is asked.
    fallback : callable, optional
        ``(arch, device, metric, dataset) -> float or None`` in ms or mJ, asked for costs that no
        pickle holds; ``archcost.predict`` serves.

    Attributes
    ----------
    HW_metrics : dict
        What the pickle holds; empty without one.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file is damaged, names a foreign class, or has another layout.

    Notes
    -----
    The numbers are those published: a NAS-Bench-201 network that did not compile for the edge TPU
    is -1, as in the original, and makes the product negative. Cost tables have no such rows.

    References
    ----------
    C. Li et al., "HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark", ICLR 2021.

    Examples
    --------
    >>> bench = HWNASBench(search_space="fbnet", fallback=lambda arch, device, metric, dataset: 2.0)
    >>> bench.query_by_index([0] * 22, "cifar100")["raspi4_latency"]
    PredictedCost(2.0)
    """

    def __init__(
        self,
        file_path_or_dict: str | Path | Mapping[str, Any] | None = None,
        search_space: str = "nasbench201",
        fallback: Fallback | None = None,
    ) -> None:
        self.search_space = check_name("search_space", search_space, PUBLISHED_METRICS)
        self.HW_metrics: Mapping[str, Any] = _read(file_path_or_dict)
        self._space = get_space(search_space)
        self._fallback = fallback
        self._places: dict[str, dict[str, int]] = {}

    def query_by_index(self, arch_index: object, dataname: str) -> dict[str, float | None]:
        """Return all costs of an architecture.

        Parameters
        ----------
        arch_index : int, list of int, str, or any accepted form
            NAS-Bench-201's index, or FBNet's 22 op ids; or the architecture's string.
        dataname : str
            ``"cifar10"``, ``"cifar100"`` or ``"ImageNet16-120"``; of FBNet ``"cifar100"`` or
            ``"ImageNet"``.

        Returns
        -------
        dict of str to float or None
            Latency (ms) and energy (mJ) in published order, then ``average_hw_metric``, the
            product of the costs. A `PredictedCost` comes from the fallback; None says that no
            model covers the metric, and then the product is None too.

        Raises
        ------
        MissingDataError
            If the pickle does not hold a cost and there is no fallback.
        ArchitectureError, UnknownNameError
            If there is no such architecture or dataset.

        Examples
        --------
        >>> import archcost
        >>> costs = HWNASBench(fallback=archcost.predict).query_by_index(0, "cifar10")
        >>> 10 < costs["raspi4_latency"] < 15
        True
        """
        dataset = self._space.dataset_of(arch_index, self._space.check_dataset(dataname))
        names = PUBLISHED_METRICS[self.search_space]
        published = self._cell if self.search_space == "nasbench201" else self._network
        costs = published(arch_index, dataset)
        missing = [name for name in names if name not in costs]
        predicted = self._predict(arch_index, missing, dataset) if missing else {}
        answer: dict[str, float | None] = {
            name: costs[name] if name in costs else predicted[name] for name in names
        }
        answer[PRODUCT] = _product([answer[name] for name in names if name != NO_FACTOR])
        return answer

    def get_net_config(self, arch_index: object, dataname: str) -> dict[str, Any]:
        """Return the config of a network, from which `network_from_config` builds it.

        Parameters
        ----------
        arch_index : int, list of int, str, or any accepted form
            As in `query_by_index`.
        dataname : str
            As in `query_by_index`.

        Returns
        -------
        dict
            NAS-Bench-201: name, C, N, arch_str and num_classes; FBNet: dataset, num_classes,
            op_idx_list and arch_str (the list of block names).

        Examples
        --------
        >>> import archcost
        >>> HWNASBench(fallback=archcost.predict).get_net_config(0, "cifar10")["num_classes"]
        10
        """
        dataset = self._space.dataset_of(arch_index, self._space.check_dataset(dataname))
        if self.search_space == "fbnet":
            return network_config(arch_index, dataset)
        configs = self._entries(dataset).get("config", ())
        place = self._place(arch_index, dataset)
        return dict(configs[place]) if _holds(configs, place) else cell_config(arch_index, dataset)

    def get_op_lookup_tables(self) -> dict[str, dict[str, float]]:
        """Return FBNet's costs by block: metric -> block key -> ms or mJ.

        Raises
        ------
        UnknownNameError
            If the space is not FBNet.
        MissingDataError
            If there is no pickle; predictions are of whole networks.
        """
        if self.search_space != "fbnet":
            raise UnknownNameError(
                "search_space must be 'fbnet' for lookup tables of blocks, but it is "
                f"{self.search_space!r}, whose costs are of whole networks"
            )
        tables = self.HW_metrics.get("fbnet", {})
        if not tables:
            raise MissingDataError(_how_to_get("block costs of fbnet", "nothing else has them"))
        return {name: tables[name] for name in PUBLISHED_METRICS["fbnet"] if name in tables}

    def _entries(self, dataset: str) -> Mapping[str, Any]:
        entries: Mapping[str, Any] = self.HW_metrics.get("nasbench201", {}).get(dataset, {})
        return entries

    def _place(self, arch: object, dataset: str) -> int:
        """Return the index of a cell: what the pickle's configs say, else the published one."""
        if is_integer(arch):
            self._space.from_index(int(arch))  # says what is wrong with an index out of range
            return int(arch)
        if dataset not in self._places:
            configs = self._entries(dataset).get("config", ())
            pairs = configs.items() if isinstance(configs, Mapping) else enumerate(configs)
            self._places[dataset] = {config["arch_str"]: place for place, config in pairs}
        text = self._space.format(arch)
        place = self._places[dataset].get(text)
        return self._space.index(text) if place is None else place

    def _cell(self, arch: object, dataset: str) -> dict[str, float]:
        """Return the published costs of a NAS-Bench-201 cell; those that are there."""
        place = self._place(arch, dataset)
        entries = self._entries(dataset)
        return {
            name: float(entries[name][place])
            for name in PUBLISHED_METRICS["nasbench201"]
            if _holds(entries.get(name, ()), place)
        }

    def _network(self, arch: object, dataset: str) -> dict[str, float]:
        """Return the sums of the published block costs of an FBNet network."""
        tables = self.HW_metrics.get("fbnet", {})
        keys = network_keys(self._space.parse(arch), dataset)
        return {
            # Added left to right, as published: the last digits are the same. `sum` is not that.
            name: float(reduce(add, (tables[name][key] for key in keys), 0.0))
            for name in PUBLISHED_METRICS["fbnet"]
            if name in tables and all(key in tables[name] for key in keys)
        }

    def _predict(
        self, arch: object, names: list[str], dataset: str
    ) -> dict[str, PredictedCost | None]:
        if self._fallback is None:
            raise MissingDataError(
                _how_to_get(
                    f"{', '.join(names)} of {self._space.format(arch)!r} on {dataset}",
                    "fallback=archcost.predict gives predicted values instead",
                )
            )
        return predict_missing(self._fallback, self._space.format(arch), names, dataset)


def _read(given: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if given is None:
        given = data_folder() / HWNASBENCH.folder / FILE
        if not given.is_file():
            return {}
    if not isinstance(given, (str, Path, Mapping)):
        raise UnknownNameError(
            "file_path_or_dict must be a path, or the dict that the pickle holds, but got "
            f"{shown(given)}"
        )
    data = given if isinstance(given, Mapping) else load_pickle(given)
    if not isinstance(data, Mapping) or not PUBLISHED_METRICS.keys() & set(data):
        what = "the dict" if isinstance(given, Mapping) else given
        raise IntegrityError(
            f"{what} must hold a dict with 'nasbench201' or 'fbnet', as HW-NAS-Bench lays it out; "
            "get it from its publisher"
        )
    for space in PUBLISHED_METRICS.keys() & set(data):
        if not isinstance(data[space], Mapping):
            raise IntegrityError(
                f"{space!r} of HW-NAS-Bench's pickle must be a dict, but is {shown(data[space])}"
            )
    return data


def _holds(entries: Any, place: int) -> bool:
    return place in entries if isinstance(entries, Mapping) else place < len(entries)


def _product(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    product = math.prod(known)
    predicted = any(isinstance(cost, PredictedCost) for cost in known)
    return PredictedCost(product) if predicted else product


def _how_to_get(what: str, otherwise: str) -> str:
    return (
        f"{what}: HW-NAS-Bench's official pickle {FILE} must hold this, but it is not in "
        f"{data_folder() / HWNASBENCH.folder} nor in the file given; run "
        "`archcost data fetch hw-nas-bench`, or give the path of a download "
        f"({HWNASBENCH.homepage}); {otherwise}"
    )
