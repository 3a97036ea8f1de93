"""Make tests run against the installed package and find the real tables."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The checkout's own datasets/, models/ ... must not be importable as top-level packages.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """Return the folder of the published cost tables; in CI they must be there."""
    path = Path(os.environ.get("ARCHCOST_REAL_TABLES", ROOT.parent / "shared" / "data"))
    if not (path / "help").is_dir():
        message = f"the published cost tables are missing: {path}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
