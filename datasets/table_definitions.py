"""What the strings of architectures leave open, such as graphs of networks, in a table's file."""

from __future__ import annotations

import json
import lzma
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

from archcost.errors import ArchcostError, IntegrityError
from archcost.spaces.spaces import get_space

Definitions = Mapping[str, Mapping[str, str]]
"""By space and string, as ``SearchSpace.definitions`` gives them."""

MOST_BYTES = 2**30
"""Size at most: a graph has some tens of kB, and a small file must not unpack without end."""


def packed(definitions: Definitions) -> bytes:
    """Return definitions as the value of a metadata entry; graphs are much alike, so it is small.

    Examples
    --------
    >>> len(packed({"any": {"00ff": "a graph" * 1000}})) < 200
    True
    """
    text = json.dumps(definitions, sort_keys=True, separators=(",", ":"))
    return b64encode(lzma.compress(text.encode()))


def define_in_spaces(content: bytes, path: Path) -> None:
    """Make known to their spaces what `packed` returned; nothing is defined by no bytes.

    Raises
    ------
    IntegrityError
        If the content is damaged, or a space does not take it.
    """
    if not content:
        return
    try:
        unpacking = lzma.LZMADecompressor(memlimit=MOST_BYTES)
        text = unpacking.decompress(b64decode(content, validate=True), MOST_BYTES)
        if not unpacking.eof:
            raise ValueError(f"it is cut off, or has more than {MOST_BYTES:,} bytes")
        definitions = json.loads(text)
        for space, found in definitions.items():
            if not isinstance(found, dict) or not all(isinstance(t, str) for t in found.values()):
                raise TypeError(f"those of {space} are no texts")
            get_space(space).define(found)
    except (
        ValueError, TypeError, AttributeError, RecursionError, EOFError, lzma.LZMAError,
        ArchcostError,
    ) as error:  # fmt: skip
        raise IntegrityError(
            f"the definitions of architectures in the metadata of {path} must be as they were "
            f"written, but cannot be read ({error}); get the file again"
        ) from None
