"""Write networks as files for a device that this machine cannot reach, and what runs them there."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from archcost.errors import ArchcostError
from archcost.networks.graph import Graph
from archcost.networks.model_files import check_format, model_file
from archcost.progress import progress_bar

README = """\
{count} networks of {space} ({dataset}, {precision}) as {model_format} files, for
archcost. The weights are random, which does not matter to a latency.

1. Copy this folder to the device:
     scp -r {folder} my_board:{folder}
2. Measure there; it needs Python 3.7 or newer, numpy and {package}:
     ssh my_board python3 {folder}/run_models.py
   Interrupted, the same command goes on; python3 run_models.py --help tells more.
3. Come back with the results:
     scp my_board:{folder}/results.csv .
     archcost data import results.csv --space {space} --dataset {dataset} \\
       --device {device} --out {device}.parquet
"""

PACKAGES = {"onnx": "onnxruntime", "tflite": "ai_edge_litert (or tflite_runtime, or tensorflow)"}

UNFINISHED = ".unfinished"
"""A file in an export that was stopped, which the same call may then write anew."""


def export_models(
    archs: Sequence[str],
    graph: Callable[[str], Graph],
    folder: Path,
    *,
    space: str,
    dataset: str,
    model_format: str = "onnx",
    precision: str = "fp32",
    progress: bool = False,
) -> None:
    """Write networks, the runner that measures them anywhere, and what to do with both.

    The folder holds ``models/00000.onnx`` and so on, ``manifest.csv`` with the columns ``file``
    and ``arch``, ``run_models.py`` and ``README.txt``. The manifest lists a file once it is whole,
    so that it is valid whenever this stops; the same call then writes the folder anew.

    Parameters
    ----------
    archs : sequence of str
        What to write, by the names that the manifest shall have.
    graph : callable
        Gives the network of a name.
    folder : Path
        Where to; it must be empty, not exist yet, or hold an export that was stopped.
    space, dataset : str
        Names for the README: of the search space, and of what fixes the input size.
    model_format : {"onnx", "tflite"}, default="onnx"
        The file format.
    precision : {"fp32", "int8"}, default="fp32"
        Of weights and activations.
    progress : bool, default=False
        Show a progress bar.

    Raises
    ------
    ArchcostError
        If the folder is not empty, or the format has no files of that precision.
    MissingDataError
        If the package that writes the files is not installed.
    """
    check_format(model_format, precision)
    unfinished = folder / UNFINISHED
    if (
        folder.exists()
        and not unfinished.is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise ArchcostError(
            f"an export must go to a new or empty folder, but {str(folder)!r} is not; "
            "choose another or remove it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    shutil.rmtree(folder / "models", ignore_errors=True)
    (folder / "models").mkdir()
    runner = files("archcost.networks").joinpath("stand_alone_runner.py").read_bytes()
    (folder / "run_models.py").write_bytes(runner)
    readme = README.format(
        count=len(archs),
        space=space,
        dataset=dataset,
        model_format=model_format,
        precision=precision,
        package=PACKAGES[model_format],
        folder=folder.resolve().name,
        device="my_board" if precision == "fp32" else f"my_board_{precision}",
    )
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as manifest:
        rows = csv.writer(manifest)
        rows.writerow(["file", "arch"])
        for number, arch in enumerate(progress_bar(archs, unit="network", show=progress)):
            name = f"models/{number:05}.{model_format}"
            (folder / name).write_bytes(model_file(graph(arch), model_format, precision))
            rows.writerow([name, arch])
            manifest.flush()
    unfinished.unlink()
