"""The cost tables that ship with the package."""

from pathlib import Path

from archcost.datasets.cost_table import CostTable
from archcost.errors import check_name

FOLDER = Path(__file__).resolve().parent / "bundled"


def bundled_tables() -> dict[str, Path]:
    """Return the files of the tables that ship with the package, by name: ``space-device``."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.parquet"))}


def load_bundled(name: str) -> CostTable:
    """Read a table that ships with the package.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the message lists them.
    """
    tables = bundled_tables()
    return CostTable.read(tables[check_name("bundled table", name, tables)])
