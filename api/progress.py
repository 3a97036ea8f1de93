"""How far a long job is: a bar where somebody watches, a line every minute in logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

LOG_EVERY_S = 60.0
"""Seconds between two lines in a log or pipe."""


def progress_bar(
    iterable: Iterable[Any] | None = None, *, show: bool = True, **options: Any
) -> Any:
    """Return a tqdm bar; one that prints a line every minute where standard error is no terminal.

    Parameters
    ----------
    iterable : iterable, optional
        What to go through, as of ``tqdm``.
    show : bool, default=True
        Whether to show anything.
    **options
        As of ``tqdm``: ``total``, ``desc``, ``unit``, ...

    Returns
    -------
    tqdm.tqdm
        The bar, also a context manager.

    Examples
    --------
    >>> list(progress_bar(range(3), show=False))
    [0, 1, 2]
    """
    watched = sys.stderr is not None and sys.stderr.isatty()
    if not show or watched or "ipykernel" in sys.modules:
        from tqdm.auto import tqdm

        return tqdm(iterable, disable=not show, **options)
    from tqdm import tqdm as plain

    class Lines(plain):  # type: ignore[misc]
        """A bar for logs: whole lines, the first after a minute."""

        last = time.monotonic()

        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            now = time.monotonic()
            if now - self.last < LOG_EVERY_S:
                return False
            self.last = now
            print(msg or str(self), file=self.fp, flush=True)
            return True

        def moveto(self, n: int) -> None:
            """Leave the cursor: lines go down."""

        def close(self) -> None:
            self.leave = False  # tqdm would end the bar's line
            self.disable = True

    return Lines(iterable, ascii=True, ncols=100, mininterval=LOG_EVERY_S, miniters=1, **options)
