"""Cost tables: the one form in which costs are measured, published, trained on and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import CostKey, check_device_id, dataset_id
from archcost.datasets.devices import CostKind
from archcost.datasets.provenance import Provenance
from archcost.datasets.table_card import table_card
from archcost.datasets.table_checks import check_numbers, distinct_rows
from archcost.datasets.table_columns import content_hash, decoded, normalise
from archcost.datasets.table_index import (
    canonical_archs,
    canonical_datasets,
    check_words,
    group_by_key,
)
from archcost.datasets.table_rows import cost_rows
from archcost.errors import CostTableError, MissingDataError, check_name, check_type
from archcost.spaces.dataset import USED, Dataset, spelled
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import get_space

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class CostTable:
    """Costs of architectures on devices, one row a cost, checked when made.

    The columns are ``space, device, metric, dataset, arch`` (the space's string), ``cost`` (null
    where it does not exist), ``unit`` (ms or mJ), ``status`` (``ok``, or why there is no cost),
    ``batch_size, kind`` (measured, simulated or derived), ``cost_min``, ``cost_median``,
    ``cost_std`` and ``n_repeats`` (null where unknown). Rows that repeat an architecture with the
    same cost are dropped.

    Parameters
    ----------
    rows : pyarrow.Table
        The columns above; the last four may be missing.
    provenance : Provenance or mapping, optional
        Where the costs come from; it travels in the Parquet file.
    row_numbers : sequence of int, optional
        Numbers by which errors call the rows, such as those of a spreadsheet; from 0 by default.
        Where there are fewer than rows they repeat.

    Raises
    ------
    CostTableError
        If there are no rows, a cost is NaN, infinite, zero or negative, a unit or status is
        wrong, or an architecture has two different costs.
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If a space, dataset, metric, status or kind does not exist.

    Examples
    --------
    >>> archs = [[3, 0, 1, 0, 0, 2], [3, 3, 1, 0, 0, 2]]
    >>> table = CostTable.from_costs("nasbench201", archs, [7.3, 9.1], device="my_board")
    >>> table.keys()
    [CostKey(space='nasbench201', device='my_board', metric='latency', dataset='cifar10')]
    >>> ops, latency_ms = table.costs(table.keys()[0])
    >>> ops.shape, latency_ms.tolist()
    ((2, 6), [7.3, 9.1])
    """

    def __init__(
        self,
        rows: pa.Table,
        provenance: Provenance | Mapping[str, Any] | None = None,
        *,
        row_numbers: Sequence[int] | None = None,
    ) -> None:
        def number(row: int) -> int:
            return row_numbers[row % len(row_numbers)] if row_numbers else row

        rows = normalise(rows)
        check_words(rows)
        self.provenance = Provenance.of(provenance)
        rows, self._ops = canonical_archs(canonical_datasets(rows), number)
        self._rows = rows
        self._keys, self._key_of_row = group_by_key(self._rows)
        check_numbers(self._rows, number)
        kept = distinct_rows(self._rows, self._keys, self._key_of_row, number)
        if len(kept) < len(self):
            self._rows = self._rows.take(kept)
            self._key_of_row = self._key_of_row[kept]

    @classmethod
    def from_costs(
        cls,
        space: str | SearchSpace,
        archs: object,
        cost: npt.ArrayLike,
        *,
        device: str,
        metric: str = "latency",
        dataset: str | Dataset | None = None,
        batch_size: int = 1,
        kind: CostKind = "measured",
        status: str | Sequence[str] | None = None,
        cost_min: npt.ArrayLike | None = None,
        cost_median: npt.ArrayLike | None = None,
        cost_std: npt.ArrayLike | None = None,
        n_repeats: npt.ArrayLike | None = None,
        provenance: Provenance | Mapping[str, Any] | None = None,
    ) -> CostTable:
        """Make a table for one device, metric and dataset.

        Parameters
        ----------
        space : str or SearchSpace
            The search space.
        archs : sequence of architectures or array (n_archs, n_positions)
            Any accepted form.
        cost : array-like of float, shape (n_archs,)
            Latency in ms or energy in mJ; NaN where `status` says that there is none.
        device : str
            Your device's id, from ``[a-z0-9_]``.
        metric : {"latency", "energy"}
            What the costs are.
        dataset : str or Dataset, optional
            Fixes the input size; the space's default if left out.
        batch_size : int
            Images a run, unless the architectures are networks that fix it.
        kind : {"measured", "simulated", "derived"}
            How the costs came about.
        status : str or sequence of str, optional
            ``"ok"`` for all rows if left out.
        cost_min, cost_median : array-like of float, shape (n_archs,), optional
            Minimum and median over the repeats where `cost` is another statistic; NaN where
            unknown.
        cost_std : array-like of float, shape (n_archs,), optional
            Standard deviation of each cost over its repeats; NaN where unknown.
        n_repeats : array-like of int, shape (n_archs,) or int, optional
            Repeats behind each cost.
        provenance : Provenance or mapping, optional
            Where the costs come from.

        Returns
        -------
        CostTable
            ``n_archs`` rows.

        Examples
        --------
        >>> archs = [[3, 0, 1, 0, 0, 2], [3, 3, 1, 0, 0, 2]]
        >>> CostTable.from_costs("nasbench201", archs, [7.3, 9.1], device="my_board")
        CostTable(2 rows, 1 keys, {'ok': 2})
        """
        key = CostKey(
            get_space(space).name, device, metric, dataset_id(get_space(space).name, dataset)
        )
        rows = cost_rows(
            key,
            archs,
            cost,
            batch_size=batch_size,
            kind=kind,
            status=status,
            repeats={
                "cost_min": cost_min,
                "cost_median": cost_median,
                "cost_std": cost_std,
                "n_repeats": n_repeats,
            },
        )
        return cls(rows, provenance)

    @classmethod
    def concat(cls, tables: Iterable[CostTable]) -> CostTable:
        """Return one table with the rows of all; their origins are listed under ``tables``."""
        import pyarrow as pa

        tables = list(tables)
        if not tables:
            raise CostTableError("concat must get at least one table, but got none")
        if len(tables) == 1:
            return tables[0]
        rows = pa.concat_tables([table._rows for table in tables])
        origins: list[Provenance] = []
        for table in tables:
            for origin in table.provenance.tables or (table.provenance,):
                if origin not in origins:
                    origins.append(origin)
        return cls(rows, Provenance(tables=tuple(origins)))

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        device: str | None = None,
        space: str | SearchSpace | None = None,
        dataset: str | Dataset | None = None,
        batch_size: int = 1,
        kind: CostKind = "measured",
    ) -> CostTable:
        r"""Read a table from Parquet, or from a CSV file such as ``arch,latency_ms``.

        Parameters
        ----------
        path : str or Path
            A file ending in ``.parquet`` or ``.csv``. Either may be in the long form of this
            class, or a short form with the columns ``arch`` and ``latency_ms`` or ``energy_mj``
            (further ``latency_std_ms``, ``energy_std_mj``, ``n_repeats``, ``status``).
        device, space, dataset : str, SearchSpace or Dataset, optional
            What a short form leaves out (`space` is inferred, `dataset` is the space's default);
            of a long form, which rows to keep.
        batch_size, kind
            What a short form leaves out.

        Returns
        -------
        CostTable
            The checked table.

        Raises
        ------
        MissingDataError
            If there is no such file.
        IntegrityError
            If the file is truncated, of another kind, or not as it was written.
        CostTableError
            If the costs break a rule, or a short form comes without a device.
        UnknownNameError
            If a long form has no such rows.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "mine.csv"
        ...     _ = path.write_text("arch,latency_ms\n1462,7.25\n7,2.5\n")
        ...     CostTable.read(path, device="my_board", space="nasbench201")
        CostTable(2 rows, 1 keys, {'ok': 2})
        """
        from archcost.datasets.short_form import long_form
        from archcost.datasets.table_files import read_file

        check_type("path", path, (str, PathLike), "the path of a .parquet or .csv file")
        file = read_file(Path(path))
        rows = long_form(
            file, device=device, space=space, dataset=dataset, batch_size=batch_size, kind=kind
        )
        space_name = get_space(space).name if space else None
        table = cls(rows, file.provenance, row_numbers=file.row_numbers)
        return table.select(space=space_name, device=device, dataset=dataset)

    @classmethod
    def from_frame(
        cls,
        frame: object,
        *,
        device: str | None = None,
        space: str | SearchSpace | None = None,
        dataset: str | None = None,
        batch_size: int = 1,
        kind: CostKind = "measured",
        provenance: Provenance | Mapping[str, Any] | None = None,
    ) -> CostTable:
        """Make a table of a data frame: pandas, polars, Arrow, or whatever gives Arrow its rows.

        Parameters
        ----------
        frame : data frame
            With the columns that ``read`` takes, in the long or the short form; further columns
            are left out.
        device, space, dataset, batch_size, kind
            What a short form leaves out, as for ``read``.
        provenance : Provenance or mapping, optional
            Where the costs come from.

        Returns
        -------
        CostTable
            The checked table.

        Raises
        ------
        CostTableError
            If it is no data frame, the costs break a rule, or a short form comes without a device.
        ArchitectureError
            If an architecture is malformed.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"arch": [7, 1462], "latency_ms": [2.5, 7.25]})
        >>> CostTable.from_frame(frame, device="my_board", space="nasbench201")
        CostTable(2 rows, 1 keys, {'ok': 2})
        """
        from archcost.datasets.short_form import long_form
        from archcost.datasets.table_files import TableFile, frame_rows

        file = TableFile(frame_rows(frame), Provenance.of(provenance))
        rows = long_form(
            file, device=device, space=space, dataset=dataset, batch_size=batch_size, kind=kind
        )
        return cls(rows, file.provenance)

    def write(self, path: str | Path) -> Path:
        """Write the table to Parquet with its provenance and a checksum, whole or not at all."""
        from archcost.datasets.table_files import write_parquet

        return write_parquet(self.to_arrow(), self.provenance, Path(path), self._definitions())

    def with_provenance(self, provenance: Provenance | Mapping[str, Any]) -> CostTable:
        """Return the same rows with another provenance."""
        table = self._subset(np.arange(len(self)))
        table.provenance = Provenance.of(provenance)
        return table

    def with_device(self, device: str) -> CostTable:
        """Return the same rows as those of a device of another id.

        Examples
        --------
        >>> table = CostTable.from_costs("fbnet", [[0] * 22], [9.0], device="cpu_onnxruntime")
        >>> table.with_device("my_cpu").keys()[0].device
        'my_cpu'
        """
        import pyarrow as pa

        rows = self.to_arrow()
        column = pa.array([check_device_id(device)] * len(self)).dictionary_encode()
        place = rows.schema.get_field_index("device")
        return CostTable(rows.set_column(place, "device", column), self.provenance)

    def keys(self) -> list[CostKey]:
        """Return the keys of the table in order."""
        return list(self._keys)

    def select(
        self,
        *,
        space: str | None = None,
        device: str | None = None,
        metric: str | None = None,
        dataset: str | Dataset | None = None,
    ) -> CostTable:
        """Return the rows of a space, device, metric or dataset.

        Parameters
        ----------
        space, device, metric, dataset : str, optional
            What the rows that are kept are of.

        Returns
        -------
        CostTable
            These rows, with the same provenance.

        Raises
        ------
        UnknownNameError
            If the table has none; the message lists what it has.

        Examples
        --------
        >>> from archcost.datasets import load_bundled
        >>> load_bundled("fbnet-ethos_u55").select(metric="latency").counts()
        {'ok': 500}
        """
        wanted = {"space": space, "device": device, "metric": metric}
        keys = self._keys
        for name, value in wanted.items():
            if value is not None:
                check_name(f"{name} of this table", value, {getattr(key, name) for key in keys})
                keys = tuple(key for key in keys if getattr(key, name) == value)
        if dataset is not None:
            name = dataset.id if isinstance(dataset, Dataset) else spelled(dataset)
            there = {key.dataset for key in keys}
            name = name if name in there else USED.get(name) or name
            if isinstance(dataset, Dataset) and name not in there:
                name = spelled(dataset.name)
            check_name("dataset of this table", name, there)
            keys = tuple(key for key in keys if key.dataset == name)
        chosen = np.array([key in keys for key in self._keys])
        return self._subset(np.flatnonzero(chosen[self._key_of_row]))

    def costs(self, key: CostKey | str) -> tuple[Ops, npt.NDArray[np.float64]]:
        """Return architectures and costs of a key, in the order of the rows.

        Parameters
        ----------
        key : CostKey or str
            Such as ``"nasbench201-raspi4-latency-cifar10"``.

        Returns
        -------
        ops : numpy.ndarray of int8, shape (n_archs, n_positions)
            Architectures that have a cost.
        cost : numpy.ndarray of float64, shape (n_archs,)
            Their costs in ``key.unit``.

        Raises
        ------
        MissingDataError
            If the table has no cost of this key.
        """
        key = CostKey.parse(key) if isinstance(key, str) else key
        if key not in self._keys:
            raise MissingDataError(
                f"this table has no costs for {key}; it has {[str(known) for known in self._keys]}"
            )
        cost = self._rows.column("cost").chunk(0).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero((self._key_of_row == self._keys.index(key)) & ~np.isnan(cost))
        arch, _ = decoded(self._rows, "arch")
        return self._ops[key.space][arch[rows]], cost[rows]

    def counts(self) -> dict[str, int]:
        """Return how many rows have each status that occurs."""
        status, statuses = decoded(self._rows, "status")
        rows = np.bincount(status, minlength=len(statuses)).tolist()
        return {name: n for name, n in sorted(zip(statuses, rows, strict=True)) if n}

    @cached_property
    def sha256(self) -> str:
        """Hash of the rows in their order; the provenance does not count."""
        return content_hash(self.to_arrow())

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table with dictionary-encoded text."""
        return normalise(self._rows)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame with categorical text."""
        return self.to_arrow().to_pandas()

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def __repr__(self) -> str:
        return f"CostTable({len(self)} rows, {len(self._keys)} keys, {self.counts()})"

    def _repr_html_(self) -> str:
        """Return what notebooks show: what the table holds, and the costs of each key."""
        n_rows = np.bincount(self._key_of_row, minlength=len(self._keys)).tolist()
        costs = [(key, n, self.costs(key)[1]) for key, n in zip(self._keys, n_rows, strict=True)]
        return table_card(costs, self.counts(), self.provenance, self.sha256)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the rows to any library that reads Arrow: ``polars.DataFrame(table)``."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _definitions(self) -> dict[str, dict[str, str]]:
        """Return what the file must hold beside the architectures' strings, by space."""
        rows = self.to_arrow()
        arch, values = decoded(rows, "arch")
        space, spaces = decoded(rows, "space")
        found = {}
        for code, name in enumerate(spaces):
            used = np.flatnonzero(np.bincount(arch[space == code], minlength=len(values)))
            if definitions := get_space(name).definitions([values[i] for i in used]):
                found[name] = definitions
        return found

    def _subset(self, rows: npt.NDArray[np.integer[Any]]) -> CostTable:
        """Return the table of some rows; they have been checked."""
        table = object.__new__(CostTable)
        table.provenance = self.provenance
        table._rows, table._ops = self._rows.take(rows), self._ops
        table._keys, table._key_of_row = group_by_key(table._rows)
        return table
