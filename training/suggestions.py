"""What to measure, and what measuring it is worth."""

from __future__ import annotations

from collections.abc import Sequence


class Suggestions(list[str]):
    """Architectures to measure, the most informative first, and the error to expect after each.

    Parameters
    ----------
    archs : sequence of str
        The architectures.
    spreads : list of float
        Expected error of a prediction in proportion to the cost, before measuring any of these
        and after each, without the noise of the measurements themselves.
    """

    def __init__(self, archs: Sequence[str], spreads: list[float]) -> None:
        super().__init__(archs)
        self.spreads = spreads

    @property
    def expected_gain(self) -> float:
        """Share of the expected error that measuring all of them removes, 0 to 1."""
        return 1 - self.spreads[-1] / self.spreads[0] if self.spreads[0] > 0 else 0.0
