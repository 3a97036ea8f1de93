"""The benchmark tables of timm: which device each is of, and what its networks were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archcost.errors import IntegrityError

LATEST = "2.9.1"


@dataclass(frozen=True, slots=True)
class TimmTable:
    """A table of throughput.

    Parameters
    ----------
    file : str
        Its name.
    device : str
        Id of the device, with torch's version, and how torch ran it.
    machine : str
        The device in words.
    torch : str
        Version of torch.
    is_compiled : bool
        Whether ``torch.compile`` made kernels of the network, rather than running op by op.
    layout : {"NCHW", "NHWC"}
        Order of the axes of images.
    most_images : int
        The largest batch of the table; each network ran at the largest that fitted.
    """

    file: str
    device: str
    machine: str
    torch: str
    is_compiled: bool
    layout: str
    most_images: int

    @property
    def is_cpu(self) -> bool:
        """Whether it is of a processor, in fp32 with one image at a time."""
        return self.most_images == 1


RTX_3090, RTX_4090 = "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4090"
I9 = "Intel Core i9-10940X"


def _table(file: str, device: str, machine: str, torch: str, most_images: int) -> TimmTable:
    layout = "NHWC" if "-nhwc-" in file else "NCHW"
    return TimmTable(
        f"benchmark-infer-{file}.csv", device, machine, torch, "dynamo" in file, layout, most_images
    )


TABLES = (
    _table("amp-nchw-pt113-cu117-rtx3090", "rtx3090_pt113_nchw", RTX_3090, "1.13", 1024),
    _table("amp-nhwc-pt113-cu117-rtx3090", "rtx3090_pt113_nhwc", RTX_3090, "1.13", 1024),
    _table("amp-nchw-pt210-cu121-rtx3090", "rtx3090_pt210_nchw", RTX_3090, "2.1.0", 1024),
    _table("amp-nhwc-pt210-cu121-rtx3090", "rtx3090_pt210_nhwc", RTX_3090, "2.1.0", 1024),
    _table("amp-nchw-pt240-cu124-rtx3090", "rtx3090_pt240_nchw", RTX_3090, "2.4.0", 1024),
    _table("amp-nhwc-pt240-cu124-rtx3090", "rtx3090_pt240_nhwc", RTX_3090, "2.4.0", 1024),
    _table("amp-nchw-pt240-cu124-rtx4090", "rtx4090_pt240_nchw", RTX_4090, "2.4.0", 1024),
    _table("amp-nhwc-pt240-cu124-rtx4090", "rtx4090_pt240_nhwc", RTX_4090, "2.4.0", 512),
    _table("amp-nchw-pt240-cu124-rtx4090-dynamo", "rtx4090_pt240_compiled", RTX_4090, "2.4.0", 256),
    _table("amp-nchw-pt291-cu128-4090", "rtx4090_pt291_nchw", RTX_4090, LATEST, 1024),
    _table("amp-nchw-pt291-cu128-4090-dynamo", "rtx4090_pt291_compiled", RTX_4090, LATEST, 1024),
    _table("fp32-nchw-pt221-cpu-i9_10940x-dynamo", "i9_10940x_pt221_compiled", I9, "2.2.1", 1),
    _table("fp32-nchw-pt240-cpu-i9_10940x-dynamo", "i9_10940x_pt240_compiled", I9, "2.4.0", 1),
)
"""All of them."""


def read_latencies(path: Path, table: TimmTable) -> dict[str, float]:
    """Return ms an image by the reference of the network.

    Parameters
    ----------
    path : Path
        The folder of the tables.
    table : TimmTable
        Which one.

    Returns
    -------
    dict of str to float
        From ``timm:<model>@<side>``, in the order of the file; networks without a throughput are
        left out.

    Raises
    ------
    IntegrityError
        If the file lacks a column, or something is no number.
    """
    import csv

    file = path / table.file
    found: dict[str, float] = {}
    with file.open(newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            try:
                images = float(row["infer_samples_per_sec"] or 0)
                reference = f"timm:{row['model']}@{int(row['infer_img_size'])}"
            except (KeyError, ValueError, TypeError) as error:
                raise IntegrityError(
                    f"{file} must have a model, an image size and samples a second in each line, "
                    f"but line {number} has not ({error}); fetch it again"
                ) from None
            if images > 0:
                found[reference] = 1000.0 / images
    return found
