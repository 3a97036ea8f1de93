"""What a published source of costs is: an object that tells all of it, and how to read it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archcost.datasets.cost_table import CostTable


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source.

    Parameters
    ----------
    path : str
        Where it lies in the source's folder.
    remote : str
        Its path below the source's `base_url`.
    digest : str
        ``"sha256:..."``, or ``"gitblob:..."``, the SHA-1 by which git names the content.
    """

    path: str
    remote: str
    digest: str


@dataclass(frozen=True, slots=True)
class Source:
    """A published set of costs.

    Parameters
    ----------
    name : str
        How the command line calls it.
    title : str
        What it is, in one line.
    folder : str
        Its folder in the data folder.
    homepage : str
        Where it was published.
    base_url : str
        Where its files are downloaded from, at a fixed commit.
    files : tuple of SourceFile
        What is downloaded.
    licence : str
        SPDX id.
    citation : str
        What to cite.
    holds : str
        Spaces, devices, metrics and datasets, in words.
    parse : callable
        Reads the source's folder into a table.
    of_networks : bool
        Whether its architectures are networks of any kind, which take seconds to read.
    """

    name: str
    title: str
    folder: str
    homepage: str
    base_url: str
    files: tuple[SourceFile, ...]
    licence: str
    citation: str
    holds: str
    parse: Callable[[Path], CostTable]
    of_networks: bool = False
