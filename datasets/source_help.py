"""HELP: latency of NAS-Bench-201 and FBNet on 27 devices each."""

from pathlib import Path

import numpy as np

from archcost.datasets.cost_key import CostKey
from archcost.datasets.cost_table import CostTable
from archcost.datasets.pickles import load_torch_zip
from archcost.datasets.source import Source, SourceFile
from archcost.datasets.source_hashes import HELP_SHA256
from archcost.datasets.table_rows import column_rows
from archcost.errors import IntegrityError, MissingDataError

COMMIT = "45f70eb92d0d735970a33b608d1544ad3c52f285"
DATASETS = {"nasbench201": "cifar10", "fbnet": "cifar100"}
"""The dataset whose networks were run, by space."""


def parse(path: str | Path) -> CostTable:
    """Read the latency files of HELP, those of both spaces or of the one that is there.

    Parameters
    ----------
    path : str or Path
        The folder that holds ``nasbench201/`` and ``fbnet/``.

    Returns
    -------
    CostTable
        15,625 NAS-Bench-201 cells and 5,000 FBNet networks, a latency (ms) for each device.

    Raises
    ------
    MissingDataError
        If there is no latency file.
    IntegrityError
        If a file is damaged or two do not belong together.
    """
    path = Path(path)
    tables = []
    for space, dataset in DATASETS.items():
        files = sorted((path / space / "latency").glob("*.pt"))
        if not files:
            continue
        archs = _archs(path / space, space)
        columns = {}
        for file in files:
            latency_ms = np.asarray(load_torch_zip(file), dtype=np.float64)
            if latency_ms.shape != (len(archs),):
                raise IntegrityError(
                    f"{file} must hold a latency for each of {len(archs)} architectures, but "
                    f"holds shape {latency_ms.shape}"
                )
            columns[CostKey(space, file.stem, "latency", dataset)] = latency_ms
        provenance = {"source": HELP.name, "url": HELP.homepage, "commit": COMMIT}
        tables.append(CostTable(column_rows(archs, columns), provenance))
    if not tables:
        raise MissingDataError(
            f"there is no latency file of HELP in {path}; run `archcost data fetch help`"
        )
    return CostTable.concat(tables)


def _archs(folder: Path, space: str) -> list[object]:
    """Return the architectures in the order of the latency files."""
    if space == "fbnet":
        return list(load_torch_zip(folder / "arch.pt"))
    index_of = load_torch_zip(folder / "str_arch2idx.pt")
    return sorted(index_of, key=index_of.__getitem__)


HELP = Source(
    name="help",
    title="HELP: latency on 27 GPUs, CPUs, phones and accelerators",
    folder="help",
    homepage="https://github.com/HayeonLee/HELP",
    base_url=f"https://raw.githubusercontent.com/HayeonLee/HELP/{COMMIT}/",
    files=tuple(
        SourceFile(path, path if path == "LICENSE" else f"data/{path}", f"sha256:{digest}")
        for path, digest in HELP_SHA256.items()
    ),
    licence="MIT",
    citation=(
        'H. Lee, S. Lee, S. Chong, S. J. Hwang, "HELP: Hardware-Adaptive Efficient Latency '
        'Prediction for NAS via Meta-Learning", NeurIPS 2021'
    ),
    holds="nasbench201 (cifar10) and fbnet (cifar100): latency on 27 devices each",
    parse=parse,
)
