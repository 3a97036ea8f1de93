"""The published sources of costs, and all their tables in one."""

import os
from pathlib import Path

from archcost.datasets.cost_table import CostTable
from archcost.datasets.derived import derive_fpga_energy
from archcost.datasets.source import Source
from archcost.datasets.source_help import HELP
from archcost.datasets.source_hwnasbench import HWNASBENCH
from archcost.datasets.source_oneproxy import ONEPROXY
from archcost.datasets.source_timm import TIMM_TABLES
from archcost.errors import MissingDataError
from archcost.folders import expanded

SOURCES: dict[str, Source] = {
    source.name: source for source in (HELP, HWNASBENCH, ONEPROXY, TIMM_TABLES)
}
"""Every published source; a new one is one file and one entry here."""

DATA_DIR = "ARCHCOST_DATA_DIR"
"""Environment variable that names the data folder."""


def data_folder() -> Path:
    """Return the folder of the published tables: ``ARCHCOST_DATA_DIR``, else the user's cache."""
    chosen = os.environ.get(DATA_DIR)
    if chosen:
        return expanded(chosen)
    import platformdirs

    return platformdirs.user_cache_path("archcost") / "data"


def load_published(
    folder: str | Path | None = None, *, derived: bool = True, networks: bool = False
) -> CostTable:
    """Read every published table that is in the data folder into one.

    Parameters
    ----------
    folder : str or Path, optional
        A folder laid out as ``help/``, ``oneproxy/`` and ``hw-nas-bench/``; `data_folder()` by
        default.
    derived : bool, default=True
        Whether to add costs that follow from published ones, marked by their kind.
    networks : bool, default=False
        Whether to read tables of networks of any kind too, which takes seconds.

    Returns
    -------
    CostTable
        All costs; what two sources share appears once.

    Raises
    ------
    MissingDataError
        If no source is there; the message says how to get one.

    Examples
    --------
    >>> table = load_published()  # after `archcost data fetch`  # doctest: +SKIP
    >>> load_published("an_empty_folder")
    Traceback (most recent call last):
    archcost.errors.MissingDataError: there are no published cost tables in an_empty_folder; ...
    """
    folder = data_folder() if folder is None else Path(folder)
    present = [
        source
        for source in SOURCES.values()
        if is_there(source, folder) and (networks or not source.of_networks)
    ]
    if not present:
        raise MissingDataError(
            f"there are no published cost tables in {folder}; run `archcost data fetch`, or name "
            f"the folder that has them in {DATA_DIR}"
        )
    table = CostTable.concat([source.parse(folder / source.folder) for source in present])
    if derived:
        energy = derive_fpga_energy(table)
        table = CostTable.concat([table, energy]) if energy is not None else table
    return table


def is_there(source: Source, folder: Path) -> bool:
    """Tell whether any cost file of a source is in the data folder."""
    return any(
        (folder / source.folder / file.path).is_file()
        for file in source.files
        if file.path != "LICENSE"
    )
