"""Ctrl-C that a library swallows still ends the work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Yield a check that raises ``KeyboardInterrupt`` if Ctrl-C came since the beginning.

    Python raises ``KeyboardInterrupt`` wherever it is, and a bare ``except:`` of a library takes it
    for a failure of its own and goes on. Check after each call of such a library.

    Only the main thread receives signals: elsewhere the check does nothing.

    Examples
    --------
    >>> with kept_interrupts() as check_interrupt:
    ...     for step in range(3):
    ...         total = sum(range(step))  # or a library's work
    ...         check_interrupt()
    """
    came = False
    before = signal.getsignal(signal.SIGINT)

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield check
        return
    interrupt = before

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        interrupt(number, frame)

    signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
