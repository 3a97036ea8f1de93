"""Read the graphs of the networks in timm's tables once, by the reader that users call.

Usage: ``python benchmarks/timm_graphs.py GRAPHS [--data FOLDER] [--seconds 560]`` goes on where an
earlier call stopped and keeps each graph as ``GRAPHS/<model>@<side>.json.gz``. A network that can
merge its branches (RepVGG and its like) is read a second time with them merged, as
``<model>@<side>+merged.json.gz``. What cannot be read leaves its error as ``.txt``.
``--write FILE`` packs what is read for the source ``timm``.
"""

import argparse
import csv
import gzip
import hashlib
import json
import lzma
import re
import time
import warnings
from pathlib import Path

import torch

SIZE_OF_ERROR = 600
MERGING = ("fuse", "reparameterize", "switch_to_deploy")
"""Methods of modules that timm calls to merge branches."""


def declare_operators() -> torch.library.Library:
    """Declare the operators that torchvision asks for and a CPU build of torch can lack."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("roi_align", "ps_roi_align", "ps_roi_pool", "roi_pool", "deform_conv2d"):
        library.define(f"{name}(Tensor x) -> Tensor")
        library.define(f"_{name}_backward(Tensor x) -> Tensor")
    for name in ("nms", "qnms", "qroi_align"):
        library.define(f"{name}(Tensor x) -> Tensor")
    return library


def measured_pairs(folder: Path) -> list[tuple[str, int]]:
    """Return the models and sides of all tables; those of most tables first, in no order else."""
    count: dict[tuple[str, int], int] = {}
    for file in sorted(folder.glob("benchmark-infer-*.csv")):
        for row in csv.DictReader(file.open()):
            pair = row["model"], int(row["infer_img_size"])
            count[pair] = count.get(pair, 0) + 1
    return sorted(
        count, key=lambda pair: (-count[pair], hashlib.sha256(str(pair).encode()).hexdigest())
    )


def main() -> None:
    """Read what is not read yet, until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", type=Path)
    parser.add_argument("--data", type=Path, default=Path("shared/data/timm"))
    parser.add_argument("--seconds", type=float, default=560.0)
    parser.add_argument("--only", default="", help="a regular expression on model names")
    parser.add_argument("--write", type=Path, help="file to pack the graphs into")
    given = parser.parse_args()
    if given.write:
        pack(given.graphs, given.write)
        return
    declared = declare_operators()
    given.graphs.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + given.seconds
    done = 0
    pairs = [pair for pair in measured_pairs(given.data) if re.search(given.only, pair[0])]
    for model, side in pairs:
        if time.monotonic() > end:
            break
        target = given.graphs / f"{model}@{side}.json.gz"
        failed = given.graphs / f"{model}@{side}.txt"
        if target.exists() or failed.exists():
            continue
        try:
            read(model, side, target)
        except Exception as error:
            failed.write_text(f"{type(error).__name__}: {error}"[:SIZE_OF_ERROR])
        done += 1
    kept = len([path for path in given.graphs.glob("*.json.gz") if "+" not in path.name])
    failures = len(list(given.graphs.glob("*.txt")))
    print(f"{done} tried, {kept} read and {failures} not, of {len(pairs)}")
    del declared


def read(model: str, side: int, target: Path) -> None:
    """Read a network, and again with its branches merged where it has any to merge."""
    from timm.utils.model import reparameterize_model

    from archcost.reading.model_libraries import library_module
    from archcost.reading.module_reading import read_module

    module, shape = library_module(f"timm:{model}@{side}")
    if any(hasattr(part, method) for part in module.modules() for method in MERGING):
        plain = read_module(module, shape=shape)
        try:
            with torch.device("meta"):
                fewer = reparameterize_model(module)
            merged = read_module(fewer, shape=shape)
        except Exception as error:
            target.with_name(f"{model}@{side}+merged.txt").write_text(str(error)[:SIZE_OF_ERROR])
        else:
            if merged.digest != plain.digest:
                _write(target.with_name(f"{model}@{side}+merged.json.gz"), merged.to_json())
    else:
        plain = read_module(module, shape=shape)
    _write(target, plain.to_json())


def pack(folder: Path, target: Path) -> None:
    """Pack graphs as one file: what the space of all networks takes as definitions."""
    from archcost.networks import Graph

    texts = {}
    for path in sorted(folder.glob("*.json.gz")):
        text = gzip.decompress(path.read_bytes()).decode()
        name = f"timm:{path.name.removesuffix('.json.gz')}"
        texts.setdefault(Graph.from_json(text).digest, f"{json.dumps(name)}\n{text}")
    content = json.dumps(dict(sorted(texts.items(), key=lambda item: item[1]))).encode()
    target.write_bytes(lzma.compress(content, preset=6))
    print(f"{len(texts)} graphs, {len(content):,} bytes packed as {target.stat().st_size:,}")


def _write(path: Path, text: str) -> None:
    with gzip.open(path, "wt", compresslevel=4) as file:
        file.write(text)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
