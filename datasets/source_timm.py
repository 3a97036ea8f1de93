"""timm's own benchmarks: a thousand real networks on two GPUs and a processor."""

import json
import lzma
from functools import cache
from pathlib import Path

from archcost.datasets.cost_table import CostTable
from archcost.datasets.source import Source, SourceFile
from archcost.datasets.source_hashes import TIMM_SHA256
from archcost.datasets.timm_tables import TABLES, read_latencies
from archcost.errors import MissingDataError
from archcost.spaces import get_space

COMMIT = "aa4b5850c1543fa488abf260f18390eda46cf85d"
GRAPHS = Path(__file__).resolve().parent / "bundled" / "timm_networks.xz"
MERGED = "+merged"
"""Ends the name of a network whose parallel branches are merged for inference."""
MEASURED_AS = {"timm:ecaresnext50t_32x4d@224": "timm:ecaresnext26t_32x4d@224"}
"""What tables measured under a name that has come to mean another network: both names have 15.41 M
parameters and the same costs there, but today's timm builds one of 50 layers under the first."""


def parse(path: str | Path) -> CostTable:
    """Read the tables of timm.

    The tables give throughput: a cost is 1000 / images a second, ms an image. The graphs of the
    networks ship with the package, read once from timm's modules; a network without one is left
    out, and the provenance says how many. On GPUs, networks that can merge their branches for
    inference, such as RepVGG, are those with branches merged, as they were measured.

    Parameters
    ----------
    path : str or Path
        The folder that holds ``benchmark-infer-*.csv``.

    Returns
    -------
    CostTable
        Latency (ms) of the space `any`.

    Raises
    ------
    MissingDataError
        If none of the files is there.
    IntegrityError
        If a file is damaged.
    """
    path = Path(path)
    digests = known_digests()
    space = get_space("any")
    parts, left_out = [], {}
    for table in TABLES:
        if not (path / table.file).is_file():
            continue
        costs: dict[str, float] = {}
        latencies = read_latencies(path, table)
        for name, latency_ms in latencies.items():
            network = MEASURED_AS.get(name, name)
            measured = network if table.is_cpu else network + MERGED
            digest = digests.get(measured, digests.get(network))
            if digest is not None:
                costs.setdefault(digest, latency_ms)
        left_out[table.device] = len(latencies) - len(costs)
        if costs:
            parts.append(
                CostTable.from_costs(space, list(costs), list(costs.values()), device=table.device)
            )
    if not parts:
        raise MissingDataError(
            f"there is no table of timm in {path}; run `archcost data fetch timm`"
        )
    provenance = {
        "source": TIMM_TABLES.name,
        "url": TIMM_TABLES.homepage,
        "commit": COMMIT,
        "networks_left_out": left_out,
    }
    return CostTable.concat(parts).with_provenance(provenance)


@cache
def known_digests() -> dict[str, str]:
    """Return the digests of the graphs that ship, by the name of the network."""
    texts = json.loads(lzma.decompress(GRAPHS.read_bytes()))
    get_space("any").define(texts)
    return {json.loads(text.partition("\n")[0]): digest for digest, text in texts.items()}


TIMM_TABLES = Source(
    name="timm",
    title="timm's benchmarks: real networks on RTX 3090, RTX 4090 and i9-10940X",
    folder="timm",
    homepage="https://github.com/huggingface/pytorch-image-models",
    base_url=f"https://raw.githubusercontent.com/huggingface/pytorch-image-models/{COMMIT}/",
    files=tuple(
        SourceFile(path, path if path == "LICENSE" else f"results/{path}", f"sha256:{digest}")
        for path, digest in TIMM_SHA256.items()
    ),
    licence="Apache-2.0",
    citation='R. Wightman, "PyTorch Image Models", 2019, doi:10.5281/zenodo.4414861',
    holds="any: throughput of real networks on RTX 3090 and 4090 (mixed precision; torch 1.13 to "
    "2.9, eager and compiled) and a processor (fp32, batch 1, compiled)",
    parse=parse,
    of_networks=True,
)
