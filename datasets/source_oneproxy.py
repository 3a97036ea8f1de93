"""OneProxy's copy of HW-NAS-Bench: six devices, 1,999 cells of NAS-Bench-201."""

from pathlib import Path

import numpy as np

from archcost.datasets.cost_key import CostKey
from archcost.datasets.cost_table import CostTable
from archcost.datasets.pickles import load_pickle
from archcost.datasets.source import Source, SourceFile
from archcost.datasets.source_hashes import ONEPROXY_SHA256
from archcost.datasets.table_rows import column_rows
from archcost.errors import IntegrityError, MissingDataError
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.space import Ops

COMMIT = "e3c9b2c65113e16f1208988287810b283674f4de"
DID_NOT_COMPILE = -1.0
"""What HW-NAS-Bench writes for a network that the Edge TPU's compiler refused."""


def parse(path: str | Path) -> CostTable:
    """Read the HW-NAS-Bench columns of OneProxy.

    Parameters
    ----------
    path : str or Path
        The folder that holds ``encode.pickle`` and ``rice_<device>.pickle``.

    Returns
    -------
    CostTable
        CIFAR-10 latency (ms); null with status ``did_not_compile`` where there is none.

    Raises
    ------
    MissingDataError
        If there is no latency file or no encoding.
    IntegrityError
        If a file is damaged or two do not belong together.
    """
    path = Path(path)
    files = sorted(path.glob("rice_*.pickle"))
    if not files:
        raise MissingDataError(
            f"there is no latency file of OneProxy in {path}; run `archcost data fetch oneproxy`"
        )
    archs = _archs(path / "encode.pickle")
    columns = {}
    for file in files:
        latency_ms = np.asarray(load_pickle(file), dtype=np.float64)
        if latency_ms.shape != (len(archs),):
            raise IntegrityError(
                f"{file} must hold a latency for each of {len(archs)} architectures, but holds "
                f"shape {latency_ms.shape}"
            )
        latency_ms[latency_ms == DID_NOT_COMPILE] = np.nan
        device = file.stem.removeprefix("rice_")
        columns[CostKey("nasbench201", device, "latency", "cifar10")] = latency_ms
    provenance = {"source": ONEPROXY.name, "url": ONEPROXY.homepage, "commit": COMMIT}
    return CostTable(column_rows(archs, columns, missing_status="did_not_compile"), provenance)


def _archs(path: Path) -> Ops:
    """Return op ids from one-hot rows: 6 edges of 5 ops, and a constant 1."""
    space = NASBench201()
    width = space.n_positions * space.n_ops
    encoded = np.asarray(load_pickle(path))
    if encoded.ndim != 2 or encoded.shape[1] != width + 1:
        raise IntegrityError(
            f"{path} must hold one-hot rows of {width} + 1 numbers, but has shape {encoded.shape}"
        )
    one_hot = encoded[:, :width].reshape(-1, space.n_positions, space.n_ops)
    if (np.sort(one_hot, axis=2) != [0, 0, 0, 0, 1]).any():
        raise IntegrityError(f"{path} must hold one-hot rows, but an edge has not just one op")
    return one_hot.argmax(axis=2).astype(np.int8)


ONEPROXY = Source(
    name="oneproxy",
    title="OneProxy: HW-NAS-Bench latency on all six devices",
    folder="oneproxy",
    homepage="https://github.com/Ren-Research/OneProxy",
    base_url=f"https://raw.githubusercontent.com/Ren-Research/OneProxy/{COMMIT}/",
    files=tuple(
        SourceFile(
            path, f"latency_data/{path}" if path.startswith("rice_") else path, f"sha256:{digest}"
        )
        for path, digest in ONEPROXY_SHA256.items()
    ),
    licence="MIT",
    citation=(
        'B. Lu, J. Yang, W. Jiang, Y. Shi, S. Ren, "One Proxy Device Is Enough for '
        'Hardware-Aware Neural Architecture Search", SIGMETRICS 2022; the costs are those of '
        'C. Li et al., "HW-NAS-Bench", ICLR 2021'
    ),
    holds="nasbench201 (cifar10): latency of 1,999 cells on edgegpu, edgetpu, eyeriss, fpga, "
    "pixel3 and raspi4",
    parse=parse,
)
